//! Returns, consultations, and units that are complained against.

use hotline_kernel::id::TicketId;

use super::city::{City, at, dispatch, give_back, matter};
use crate::app::order::Order;
use crate::domain::state::TicketState;
use crate::domain::word::{DispatchSource, ReturnReason};
use crate::error::RoutingError;

#[tokio::test]
async fn two_counted_returns_end_in_a_binding_consultation() {
    for city in City::all().await {
        let label = city.label;
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        assert_eq!(
            city.ticket(ticket).await.state,
            TicketState::AwaitingDispatch,
            "{label}"
        );
        city.dispatches(ticket, "HOUSING").await;

        let first = give_back(ReturnReason::NotDuty, "UMB");
        let asked = city.orders("HOUSING", ticket, first).await.unwrap();
        assert_eq!(
            (asked.state.name(), asked.counted_returns),
            ("return_review", 1),
            "{label}"
        );
        assert_eq!(
            asked.state.assignment().unwrap().lead_unit_code,
            "HOUSING",
            "{label}"
        );
        let granted = city.orders("", ticket, decide(true, "")).await.unwrap();
        let held = granted.state.assignment().unwrap();
        assert_eq!(held.lead_unit_code, "UMB", "{label}: the proposed unit");
        assert_eq!(held.source, DispatchSource::Arbitration, "{label}");

        city.orders("UMB", ticket, Order::Sign).await.unwrap();
        let second = give_back(ReturnReason::NotArea, "WATER");
        let again = city.orders("UMB", ticket, second).await.unwrap();
        assert_eq!(
            (again.state.name(), again.counted_returns),
            ("consultation", 2),
            "{label}"
        );
        let refused = city.orders("", ticket, decide(true, "")).await.unwrap_err();
        assert!(
            matches!(refused, RoutingError::Refused(_)),
            "{label}: {refused}"
        );
        consultation_binds(&city, ticket).await;
        catalogue_change_is_proposed(&city).await;
        let told = [
            "OPENED",
            "DISPATCHED",
            "RETURN_ASKED",
            "RETURN_GRANTED",
            "SIGNED",
            "CONSULTATION_OPENED",
            "CONSULTATION_DECIDED",
        ];
        assert_eq!(city.story(ticket).await, told, "{label}");
    }
}

/// What the consultation decides cannot be returned.
async fn consultation_binds(city: &City, ticket: TicketId) {
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
        "{}: no lead assists itself",
        city.label
    );
    let third = give_back(ReturnReason::NotDuty, "WATER");
    let bound = city.orders("UMB", ticket, third).await.unwrap_err();
    assert!(
        bound.to_string().contains("binding"),
        "{}: {bound}",
        city.label
    );
}

/// The consultation left one proposal.
async fn catalogue_change_is_proposed(city: &City) {
    let page = hotline_platform::page::Page {
        size: 20,
        after: None,
    };
    let (proposals, next) = city.routing.catalogue_proposals(&page).await.unwrap();
    assert_eq!((proposals.len(), next.as_str()), (1, ""), "{}", city.label);
    assert_eq!(proposals[0].lead_unit_code, "UMB", "{}", city.label);
    assert_eq!(proposals[0].decision, "由城管执法局负责", "{}", city.label);
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
