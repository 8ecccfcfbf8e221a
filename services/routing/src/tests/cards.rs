//! Cards and reminders by durable timers: once, never early, void when the ticket has moved on.

use hotline_proto::event as pb;
use hotline_proto::shared;

use super::city::{City, at, handle, matter};
use crate::app::order::Order;
use crate::domain::word::Card;

#[tokio::test]
async fn cards_fall_once_and_never_early() {
    for city in City::all().await {
        // Due at 24:00 of Tuesday 29 September.
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        // (the clock, timers that fire, the card then)
        let cases = [
            ("2026-09-27 23:59", 0, Card::None),
            ("2026-09-28 00:00", 1, Card::Yellow),
            ("2026-09-29 23:59", 0, Card::Yellow),
            ("2026-09-30 00:00", 1, Card::Red),
            ("2026-09-30 23:59", 0, Card::Red),
            ("2026-10-01 00:00", 1, Card::Red),
            ("2026-12-01 00:00", 0, Card::Red),
        ];
        for (clock, fired, card) in cases {
            let label = format!("{}: {clock}", city.label);
            assert_eq!(city.clock_strikes(clock).await, fired, "{label}");
            assert_eq!(city.ticket(ticket).await.card, card, "{label}");
        }
        let told = [
            "OPENED",
            "DISPATCHED",
            "YELLOW_CARD",
            "RED_CARD",
            "REMINDED",
        ];
        assert_eq!(city.story(ticket).await, told, "{}", city.label);
        assert_eq!(city.ticket(ticket).await.reminders, 1, "{}", city.label);
    }
}

#[tokio::test]
async fn what_was_handed_in_shows_no_card_until_it_is_sent_back() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        city.orders("LAMPS", ticket, Order::Sign).await.unwrap();
        city.orders("LAMPS", ticket, handle()).await.unwrap();
        city.clock_strikes("2026-09-28 12:00").await;
        assert_eq!(city.ticket(ticket).await.card, Card::None, "{}", city.label);
        let back = city
            .orders(
                "",
                ticket,
                Order::SendBack {
                    reason: "不清楚".to_owned(),
                },
            )
            .await
            .unwrap();
        assert_eq!(
            back.card,
            Card::Yellow,
            "{}: its time had passed",
            city.label
        );
        city.clock_strikes("2026-09-30 00:00").await;
        assert_eq!(city.ticket(ticket).await.card, Card::Red, "{}", city.label);
        let told = [
            "OPENED",
            "DISPATCHED",
            "SIGNED",
            "HANDLED",
            "SENT_BACK",
            "YELLOW_CARD",
            "RED_CARD",
        ];
        assert_eq!(city.story(ticket).await, told, "{}", city.label);
    }
}

#[tokio::test]
async fn a_concluded_ticket_is_left_alone_and_a_rework_counts_anew() {
    for city in City::all().await {
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        city.concludes(ticket, "LAMPS").await;
        city.clock_strikes("2026-10-15 12:00").await;
        let before = ["OPENED", "DISPATCHED", "SIGNED", "HANDLED", "CONCLUDED"];
        assert_eq!(city.story(ticket).await, before, "{}", city.label);
        city.judges(ticket, 1, pb::Verdict::Rework).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            held.state.assignment().unwrap().due.at,
            at("2026-10-27 00:00"),
            "{}",
            city.label
        );
        assert_eq!(
            held.citizen_due.unwrap().at,
            at("2026-09-30 00:00"),
            "{}: never reset",
            city.label
        );
        city.clock_strikes("2026-10-26 00:00").await;
        assert_eq!(
            city.ticket(ticket).await.card,
            Card::Yellow,
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_late_dispatch_shows_its_card_at_once() {
    for city in City::all().await {
        let mut in_hand = matter(1, "路灯不亮");
        in_hand.nature = shared::Nature::InHand.into();
        in_hand.imported_due_at = Some(crate::convert::timestamp(at("2026-09-19 00:00")));
        let ticket = city.opens(&in_hand).await;
        assert_eq!(
            city.story(ticket).await,
            ["OPENED", "DISPATCHED", "YELLOW_CARD"],
            "{}",
            city.label
        );
        let mut late = matter(2, "路灯不亮");
        late.nature = shared::Nature::InHand.into();
        late.imported_due_at = Some(crate::convert::timestamp(at("2026-09-10 00:00")));
        let ticket = city.opens(&late).await;
        assert_eq!(
            city.story(ticket).await,
            ["OPENED", "DISPATCHED", "RED_CARD"],
            "{}",
            city.label
        );
        assert!(
            city.routing.is_overdue(&city.ticket(ticket).await),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn urgent_tickets_count_hours_through_the_night() {
    for city in City::all().await {
        city.clock.set(at("2026-09-18 22:00"));
        let mut outage = matter(1, "路灯漏电");
        outage.urgency = shared::Urgency::Urgent.into();
        outage.received_at = Some(crate::convert::timestamp(at("2026-09-18 21:50")));
        let ticket = city.opens(&outage).await;
        let held = city.ticket(ticket).await;
        // The category's four hours, not the profile's two.
        assert_eq!(
            held.citizen_due.unwrap().at,
            at("2026-09-19 01:50"),
            "{}",
            city.label
        );
        assert_eq!(
            held.state.assignment().unwrap().due.at,
            at("2026-09-19 02:00"),
            "{}",
            city.label
        );
        assert_eq!(
            city.clock_strikes("2026-09-18 23:59").await,
            0,
            "{}",
            city.label
        );
        assert_eq!(
            city.clock_strikes("2026-09-19 00:00").await,
            1,
            "{}: half time",
            city.label
        );
        assert_eq!(
            city.clock_strikes("2026-09-19 02:00").await,
            1,
            "{}: expiry",
            city.label
        );
        assert_eq!(city.ticket(ticket).await.card, Card::Red, "{}", city.label);
    }
}

#[tokio::test]
async fn an_imported_deadline_holds_for_one_round_and_the_next_counts_hours() {
    for city in City::all().await {
        let mut in_hand = matter(1, "路灯漏电");
        in_hand.nature = shared::Nature::InHand.into();
        in_hand.urgency = shared::Urgency::Urgent.into();
        in_hand.imported_due_at = Some(crate::convert::timestamp(at("2026-09-24 17:30")));
        let ticket = city.opens(&in_hand).await;
        city.concludes(ticket, "LAMPS").await;
        city.clock.set(at("2026-09-21 09:00"));
        city.judges(ticket, 1, pb::Verdict::Rework).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            held.state.assignment().unwrap().due.at,
            at("2026-09-21 13:00"),
            "{}",
            city.label
        );
        // (the clock, timers that fire, the card then)
        let cases = [
            ("2026-09-21 10:59", 0, Card::None),
            ("2026-09-21 11:00", 1, Card::Yellow),
            ("2026-09-21 12:59", 0, Card::Yellow),
            ("2026-09-21 13:00", 1, Card::Red),
        ];
        for (clock, fired, card) in cases {
            let label = format!("{}: {clock}", city.label);
            assert_eq!(city.clock_strikes(clock).await, fired, "{label}");
            assert_eq!(city.ticket(ticket).await.card, card, "{label}");
        }
    }
}
