//! The whole life of a ticket, by commands and verdicts.

use hotline_platform::core::{CommandContext, CoreError};
use hotline_proto::event as pb;

use super::city::{City, at, context, dispatch, give_back, handle, matter};
use crate::app::order::Order;
use crate::domain::state::TicketState;
use crate::domain::word::{DispatchSource, Nature, ReturnReason};
use crate::error::RoutingError;

#[tokio::test]
async fn an_unambiguous_ticket_is_dispatched_by_itself_and_lives_to_its_archive() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "样例路的路灯不亮")).await;
        let held = city.ticket(ticket).await;
        let assignment = held.state.assignment().unwrap().clone();
        assert_eq!(assignment.lead_unit_code, "LAMPS", "{}", city.label);
        assert_eq!(assignment.assisting_unit_codes, ["WATER"], "{}", city.label);
        assert_eq!(
            assignment.source,
            DispatchSource::Catalogue,
            "{}",
            city.label
        );
        assert_eq!(held.demand.category_code, "0201", "{}", city.label);
        // Help: 7 working days after the Friday, the make-up Sunday counted, the Friday holiday not.
        assert_eq!(assignment.due.at, at("2026-09-29 00:00"), "{}", city.label);
        assert_eq!(
            held.citizen_due.unwrap().at,
            at("2026-09-29 00:00"),
            "{}",
            city.label
        );
        assert_eq!(
            assignment.sign_due.unwrap().at,
            at("2026-09-21 00:00"),
            "{}",
            city.label
        );

        let concluded = city.concludes(ticket, "LAMPS").await;
        let report = concluded.state.report().unwrap();
        assert!(
            !report.handling_report.contains("13900000000"),
            "{}: reports are masked",
            city.label
        );
        city.judges(ticket, 1, pb::Verdict::Pending).await;
        city.judges(ticket, 1, pb::Verdict::Archive).await;
        assert_eq!(
            city.ticket(ticket).await.state.name(),
            "concluded",
            "{}: the same version twice",
            city.label
        );
        city.judges(ticket, 2, pb::Verdict::Archive).await;
        assert_eq!(
            city.ticket(ticket).await.state.name(),
            "concluded",
            "{}: another round",
            city.label
        );
        city.orders("", ticket, Order::Archive).await.unwrap();
        let told = [
            "OPENED",
            "DISPATCHED",
            "SIGNED",
            "HANDLED",
            "CONCLUDED",
            "ARCHIVED",
        ];
        assert_eq!(city.story(ticket).await, told, "{}", city.label);
    }
}

#[tokio::test]
async fn a_verdict_to_archive_archives() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        city.concludes(ticket, "LAMPS").await;
        city.judges(ticket, 1, pb::Verdict::Archive).await;
        assert_eq!(
            city.ticket(ticket).await.state.name(),
            "archived",
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn two_counted_returns_end_in_a_binding_consultation() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        assert_eq!(
            city.ticket(ticket).await.state,
            TicketState::AwaitingDispatch,
            "{}",
            city.label
        );
        city.dispatches(ticket, "HOUSING").await;

        let asked = city
            .orders("HOUSING", ticket, give_back(ReturnReason::NotDuty, "UMB"))
            .await
            .unwrap();
        assert_eq!(
            (asked.state.name(), asked.counted_returns),
            ("return_review", 1),
            "{}",
            city.label
        );
        assert_eq!(
            asked.state.assignment().unwrap().lead_unit_code,
            "HOUSING",
            "{}",
            city.label
        );
        let granted = city.orders("", ticket, decide(true, "")).await.unwrap();
        let held = granted.state.assignment().unwrap();
        assert_eq!(
            (held.lead_unit_code.as_str(), held.source),
            ("UMB", DispatchSource::Arbitration),
            "{}",
            city.label
        );

        city.orders("UMB", ticket, Order::Sign).await.unwrap();
        let again = city
            .orders("UMB", ticket, give_back(ReturnReason::NotArea, "WATER"))
            .await
            .unwrap();
        assert_eq!(
            (again.state.name(), again.counted_returns),
            ("consultation", 2),
            "{}",
            city.label
        );
        let refused = city.orders("", ticket, decide(true, "")).await.unwrap_err();
        assert!(
            matches!(refused, RoutingError::Refused(_)),
            "{}: {refused}",
            city.label
        );
        let consulted = Order::DecideConsultation {
            lead: "UMB".to_owned(),
            assisting: vec!["WATER".to_owned(), "UMB".to_owned()],
            decision: "由城管执法局负责".to_owned(),
        };
        let decided = city.orders("", ticket, consulted).await.unwrap();
        let held = decided.state.assignment().unwrap();
        assert!(held.is_binding, "{}", city.label);
        assert_eq!(
            held.assisting_unit_codes,
            ["WATER"],
            "{}: the lead does not assist itself",
            city.label
        );
        let bound = city
            .orders("UMB", ticket, give_back(ReturnReason::NotDuty, "WATER"))
            .await
            .unwrap_err();
        assert!(
            bound.to_string().contains("binding"),
            "{}: {bound}",
            city.label
        );

        let page = hotline_platform::page::Page {
            size: 20,
            after: None,
        };
        let (proposals, next) = city.routing.catalogue_proposals(&page).await.unwrap();
        assert_eq!((proposals.len(), next.as_str()), (1, ""), "{}", city.label);
        assert_eq!(proposals[0].lead_unit_code, "UMB", "{}", city.label);
        assert_eq!(proposals[0].decision, "由城管执法局负责", "{}", city.label);
        let told = [
            "OPENED",
            "DISPATCHED",
            "RETURN_ASKED",
            "RETURN_GRANTED",
            "SIGNED",
            "CONSULTATION_OPENED",
            "CONSULTATION_DECIDED",
        ];
        assert_eq!(city.story(ticket).await, told, "{}", city.label);
    }
}

fn decide(grant: bool, lead: &str) -> Order {
    Order::DecideReturn {
        grant,
        lead: lead.to_owned(),
        note: "同意".to_owned(),
    }
}

#[tokio::test]
async fn a_return_without_a_unit_waits_for_a_dispatcher_and_a_refused_one_goes_on() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        city.dispatches(ticket, "UMB").await;
        let counted = city
            .orders("UMB", ticket, give_back(ReturnReason::NotDuty, ""))
            .await
            .unwrap_err();
        assert!(
            matches!(
                counted,
                RoutingError::Invalid {
                    field: "proposed_unit_code",
                    ..
                }
            ),
            "{}",
            city.label
        );
        city.orders("UMB", ticket, give_back(ReturnReason::MissingInfo, ""))
            .await
            .unwrap();
        let waiting = city.orders("", ticket, decide(true, "")).await.unwrap();
        assert_eq!(
            (waiting.state.name(), waiting.counted_returns),
            ("awaiting_dispatch", 0),
            "{}",
            city.label
        );
        city.dispatches(ticket, "UMB").await;
        city.orders("UMB", ticket, give_back(ReturnReason::NotDuty, "HOUSING"))
            .await
            .unwrap();
        let kept = city.orders("", ticket, decide(false, "")).await.unwrap();
        assert_eq!(kept.state.name(), "dispatched", "{}", city.label);
    }
}

#[tokio::test]
async fn the_window_for_returns_closes_a_working_day_after_signing() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        city.dispatches(ticket, "UMB").await;
        city.orders("UMB", ticket, Order::Sign).await.unwrap();
        // Signed on Friday; the Sunday is a working day, its 24:00 closes the window.
        city.clock.set(at("2026-09-21 00:00"));
        let late = city
            .orders("UMB", ticket, give_back(ReturnReason::NotDuty, "HOUSING"))
            .await
            .unwrap_err();
        assert!(
            late.to_string().contains("after signing"),
            "{}: {late}",
            city.label
        );
    }
}

#[tokio::test]
async fn three_failures_rework_supervise_and_escalate() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        for round in 1..=3 {
            city.concludes(ticket, "LAMPS").await;
            city.judges(ticket, round, pb::Verdict::Rework).await;
            city.judges(ticket, round, pb::Verdict::Rework).await;
        }
        let held = city.ticket(ticket).await;
        assert_eq!(
            (held.state.name(), held.round),
            ("concluded", 3),
            "{}",
            city.label
        );
        assert_eq!(
            (held.supervision_orders, held.is_escalated),
            (1, true),
            "{}",
            city.label
        );
        let told = city.story(ticket).await;
        let rounds = [
            "REWORKED",
            "SIGNED",
            "HANDLED",
            "CONCLUDED",
            "REWORKED",
            "SUPERVISED",
            "SIGNED",
        ];
        assert_eq!(told[5..12], rounds, "{}", city.label);
        assert_eq!(told.last(), Some(&"ESCALATED"), "{}", city.label);
        let again = Order::Rework {
            reason: "值班长要求重办".to_owned(),
        };
        let reworked = city.orders("", ticket, again).await.unwrap();
        assert_eq!(
            (reworked.round, reworked.is_escalated),
            (4, false),
            "{}",
            city.label
        );
        assert_eq!(
            reworked.state.assignment().unwrap().source,
            DispatchSource::Rework,
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_stale_version_is_refused_and_a_repeated_command_is_done_once() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        let seen = |version| CommandContext {
            expected_version: version,
            ..context("")
        };
        let stale = city
            .routing
            .carry_out(seen(7), ticket, dispatch("UMB"))
            .await
            .unwrap_err();
        assert!(
            matches!(stale, RoutingError::Core(CoreError::Stale { current: 1 })),
            "{}: {stale}",
            city.label
        );

        let keyed = CommandContext {
            idempotency_key: "k1".to_owned(),
            ..seen(1)
        };
        let first = city
            .routing
            .carry_out(keyed.clone(), ticket, dispatch("UMB"))
            .await
            .unwrap();
        let second = city
            .routing
            .carry_out(keyed.clone(), ticket, dispatch("UMB"))
            .await
            .unwrap();
        assert_eq!(first, second, "{}", city.label);
        let other = CommandContext {
            request_hash: [1; 32],
            ..keyed
        };
        let reused = city
            .routing
            .carry_out(other, ticket, dispatch("HOUSING"))
            .await
            .unwrap_err();
        assert!(
            matches!(reused, RoutingError::Core(CoreError::KeyReused)),
            "{}: {reused}",
            city.label
        );
        assert_eq!(
            city.story(ticket).await,
            ["OPENED", "DISPATCHED"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_unit_acts_only_on_what_it_leads() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        for stranger in ["UMB", "WATER", "HOUSING"] {
            let refused = city
                .orders(stranger, ticket, Order::Sign)
                .await
                .unwrap_err();
            assert!(
                matches!(refused, RoutingError::TicketNotFound(_)),
                "{}: {stranger}",
                city.label
            );
        }
        city.orders("LAMPS", ticket, Order::Sign).await.unwrap();
        city.orders("LAMPS", ticket, handle()).await.unwrap();
        let back = Order::SendBack {
            reason: "没有联系群众".to_owned(),
        };
        assert_eq!(
            city.orders("", ticket, back).await.unwrap().state.name(),
            "signed",
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_complained_unit_and_its_children_never_get_the_ticket() {
    for city in City::all().await {
        let mut complaint = matter(1, "路灯不亮");
        let against = hotline_proto::shared::Confidentiality {
            tip_off: true,
            complained_unit_codes: vec!["UMB".to_owned()],
            ..hotline_proto::shared::Confidentiality::default()
        };
        complaint.confidentiality = Some(against);
        let ticket = city.opens(&complaint).await;
        assert_eq!(
            city.ticket(ticket).await.state.name(),
            "awaiting_dispatch",
            "{}: not by itself",
            city.label
        );
        for unit in ["UMB", "LAMPS"] {
            let refused = city.orders("", ticket, dispatch(unit)).await.unwrap_err();
            assert!(
                matches!(refused, RoutingError::ComplainedAgainst { .. }),
                "{}: {unit}",
                city.label
            );
        }
        let Order::Dispatch(mut assisted) = dispatch("HOUSING") else {
            panic!("a dispatch")
        };
        assisted.assisting = vec!["LAMPS".to_owned()];
        let refused = city
            .orders("", ticket, Order::Dispatch(assisted))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, RoutingError::ComplainedAgainst { .. }),
            "{}: assisting",
            city.label
        );

        city.dispatches(ticket, "HOUSING").await;
        city.orders("HOUSING", ticket, give_back(ReturnReason::NotDuty, "LAMPS"))
            .await
            .unwrap();
        let refused = city.orders("", ticket, decide(true, "")).await.unwrap_err();
        assert!(
            matches!(refused, RoutingError::ComplainedAgainst { .. }),
            "{}: by arbitration",
            city.label
        );
        city.orders("", ticket, decide(true, "WATER"))
            .await
            .unwrap();
        city.orders("WATER", ticket, give_back(ReturnReason::NotDuty, "UMB"))
            .await
            .unwrap();
        let consulted = Order::DecideConsultation {
            lead: "UMB".to_owned(),
            assisting: vec![],
            decision: "城管".to_owned(),
        };
        let refused = city.orders("", ticket, consulted).await.unwrap_err();
        assert!(
            matches!(refused, RoutingError::ComplainedAgainst { .. }),
            "{}: by consultation",
            city.label
        );
    }
}

#[tokio::test]
async fn imports_keep_their_deadline_or_stay_closed() {
    for city in City::all().await {
        let mut in_hand = matter(1, "路灯不亮");
        in_hand.nature = hotline_proto::shared::Nature::InHand.into();
        in_hand.imported_due_at = Some(crate::convert::timestamp(at("2026-09-24 17:30")));
        let ticket = city.opens(&in_hand).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            held.citizen_due.unwrap().at,
            at("2026-09-24 17:30"),
            "{}",
            city.label
        );
        assert_eq!(
            held.state.assignment().unwrap().due.at,
            at("2026-09-24 17:30"),
            "{}",
            city.label
        );

        let mut record = matter(2, "路灯不亮");
        record.nature = hotline_proto::shared::Nature::Historical.into();
        let ticket = city.opens(&record).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            (held.state.name(), held.demand.nature),
            ("archived", Nature::Historical),
            "{}",
            city.label
        );
        assert_eq!(
            (held.citizen_due, held.demand.category_code.as_str()),
            (None, "0201"),
            "{}",
            city.label
        );
        assert_eq!(city.story(ticket).await, ["OPENED"], "{}", city.label);
    }
}
