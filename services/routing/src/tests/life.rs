//! The whole life of a ticket, by commands and verdicts.

use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_proto::event as pb;

use super::callers::context;
use super::city::{City, at, dispatch, handle, matter};
use crate::app::order::Order;
use crate::domain::ticket::Ticket;
use crate::domain::unit::Tree;
use crate::domain::word::{DispatchSource, Nature};
use crate::error::RoutingError;
use crate::store;

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
        // Help: 7 working days after the Friday; the make-up Sunday counts, the Friday holiday does not.
        assert_eq!(assignment.due.at, at("2026-09-30 00:00"), "{}", city.label);
        assert_eq!(
            held.citizen_due.unwrap().at,
            at("2026-09-30 00:00"),
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

#[tokio::test]
async fn of_two_dispatchers_who_saw_the_same_version_one_wins() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        let seen = || CommandContext {
            expected_version: 1,
            ..context("")
        };
        let (left, right) = tokio::join!(
            city.routing.carry_out(seen(), ticket, dispatch("UMB")),
            city.routing.carry_out(seen(), ticket, dispatch("HOUSING")),
        );
        let refused: Vec<_> = [left, right].into_iter().filter_map(Result::err).collect();
        let [RoutingError::Core(CoreError::Stale { current: 2 })] = refused.as_slice() else {
            panic!("{}: one is stale, but {refused:?}", city.label)
        };
        assert_eq!(
            city.story(ticket).await,
            ["OPENED", "DISPATCHED"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_ticket_is_saved_over_the_version_that_was_loaded_and_no_other() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "有人摆摊")).await;
        let save = city
            .core
            .execute::<(), RoutingError, _>(context(""), move |work| {
                Box::pin(async move {
                    let (own, units) = (Scope::own_work(), Tree::default());
                    let found = store::tickets::load(work.txn(), &own, &units, ticket).await?;
                    let loaded = found.unwrap();
                    let next = Ticket {
                        version: loaded.version + 1,
                        ..loaded.clone()
                    };
                    store::tickets::update(work.txn(), &loaded, &next).await?;
                    // Somebody else, who had loaded it before.
                    Ok(store::tickets::update(work.txn(), &loaded, &next).await?)
                })
            });
        let saved = save.await;
        assert!(
            matches!(
                saved,
                Err(RoutingError::Core(CoreError::Stale { current: 2 }))
            ),
            "{}: saved {saved:?}",
            city.label
        );
    }
}
