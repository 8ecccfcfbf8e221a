//! Matters that come and go: merge, refusal, absorption, reopening, withdrawal, instructions.

use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, MatterMove};
use hotline_proto::shared;

use super::callers::scope_of;
use super::city::{City, at, matter, own_ticket};
use crate::convert::timestamp;

/// The same matter, now on the ticket of `target`.
fn on_ticket_of(moved: &pb::Matter, target: &pb::Matter) -> pb::Matter {
    pb::Matter {
        ticket_id: target.reserved_ticket_id.clone(),
        ..moved.clone()
    }
}

#[tokio::test]
async fn a_merge_absorbs_the_source_and_an_unmerge_reopens_it() {
    for city in City::all().await {
        let (first, second) = (matter(1, "有人摆摊"), matter(2, "占道"));
        let target = city.opens(&first).await;
        let source = city.opens(&second).await;
        let merged = on_ticket_of(&second, &first);
        // The two streams have no common order: the arrival may be heard first.
        city.attaches(&merged, 3, MatterMove::Merged).await;
        city.detaches(&merged, source, 2, MatterMove::Merged).await;
        assert_eq!(
            city.ticket(source).await.state.name(),
            "absorbed",
            "{}",
            city.label
        );
        assert_eq!(city.ticket(target).await.matters.len(), 2, "{}", city.label);

        city.detaches(&second, target, 4, MatterMove::Unmerged)
            .await;
        city.attaches(&second, 5, MatterMove::Unmerged).await;
        let back = city.ticket(source).await;
        assert_eq!(
            (back.state.name(), back.matters.len()),
            ("awaiting_dispatch", 1),
            "{}",
            city.label
        );
        assert_eq!(
            back.citizen_due.unwrap().at,
            at("2026-09-30 00:00"),
            "{}: its own receipt",
            city.label
        );
        assert_eq!(
            city.story(source).await,
            ["OPENED", "ABSORBED", "REOPENED"],
            "{}",
            city.label
        );
        assert_eq!(
            city.story(target).await,
            ["OPENED", "MATTER_ATTACHED", "MATTER_DETACHED"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn an_earlier_receipt_moves_the_citizens_clock_and_takes_it_along() {
    for city in City::all().await {
        let first = matter(1, "有人摆摊");
        let mut earlier = matter(2, "占道");
        earlier.received_at = Some(timestamp(at("2026-09-16 09:00")));
        let target = city.opens(&first).await;
        city.attaches(&on_ticket_of(&earlier, &first), 2, MatterMove::Merged)
            .await;
        assert_eq!(
            city.ticket(target).await.citizen_due.unwrap().at,
            at("2026-09-25 00:00"),
            "{}",
            city.label
        );
        city.detaches(&earlier, target, 3, MatterMove::Unmerged)
            .await;
        assert_eq!(
            city.ticket(target).await.citizen_due.unwrap().at,
            at("2026-09-30 00:00"),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn an_event_that_is_heard_twice_counts_once() {
    for city in City::all().await {
        let (first, second) = (matter(1, "有人摆摊"), matter(2, "占道"));
        let target = city.opens(&first).await;
        city.opens(&first).await;
        let merged = on_ticket_of(&second, &first);
        city.attaches(&merged, 3, MatterMove::Merged).await;
        city.attaches(&merged, 3, MatterMove::Merged).await;
        city.detaches(&second, target, 4, MatterMove::Unmerged)
            .await;
        city.attaches(&merged, 3, MatterMove::Merged).await;
        assert_eq!(
            city.story(target).await,
            ["OPENED", "MATTER_ATTACHED", "MATTER_DETACHED"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_concluded_ticket_refuses_matters_and_says_so() {
    for city in City::all().await {
        let (first, second) = (matter(1, "路灯不亮"), matter(2, "占道"));
        let target = city.opens(&first).await;
        city.concludes(target, "LAMPS").await;
        city.attaches(&on_ticket_of(&second, &first), 3, MatterMove::Merged)
            .await;
        let told = city.story(target).await;
        assert_eq!(told.last(), Some(&"ATTACH_REFUSED"), "{}", city.label);
        assert_eq!(city.ticket(target).await.matters.len(), 1, "{}", city.label);
        let log = hotline_platform::testing::log(&city.core).await;
        let Some(Event::AttachRefused(refused)) = &log.last().unwrap().1.event else {
            panic!("{}", city.label)
        };
        assert_eq!(refused.matter_id, second.id, "{}", city.label);
        assert_eq!(
            refused.ticket_state(),
            shared::TicketState::Concluded,
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_units_ticket_refuses_a_complaint_against_that_unit() {
    for city in City::all().await {
        let (first, mut second) = (matter(1, "路灯不亮"), matter(2, "照明中心不作为"));
        second.confidentiality = Some(shared::Confidentiality {
            complained_unit_codes: vec!["UMB".to_owned()],
            ..shared::Confidentiality::default()
        });
        let target = city.opens(&first).await;
        city.attaches(&on_ticket_of(&second, &first), 3, MatterMove::Merged)
            .await;
        assert_eq!(
            city.story(target).await,
            ["OPENED", "DISPATCHED", "ATTACH_REFUSED"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_matter_is_never_turned_away_by_its_own_ticket() {
    for city in City::all().await {
        let (first, second) = (matter(1, "路灯不亮"), matter(2, "路灯又不亮"));
        let target = city.opens(&first).await;
        city.attaches(&on_ticket_of(&second, &first), 3, MatterMove::Merged)
            .await;
        // The own matter leaves, the ticket goes on with the other one and concludes.
        city.detaches(&first, target, 2, MatterMove::Merged).await;
        city.concludes(target, "LAMPS").await;
        city.attaches(&first, 4, MatterMove::Unmerged).await;
        let held = city.ticket(target).await;
        assert_eq!(
            (held.state.name(), held.round),
            ("awaiting_dispatch", 2),
            "{}",
            city.label
        );
        assert_eq!(held.matters.len(), 2, "{}", city.label);
    }
}

#[tokio::test]
async fn a_withdrawn_ticket_is_archived() {
    for city in City::all().await {
        let only = matter(1, "路灯不亮");
        let ticket = city.opens(&only).await;
        city.detaches(&only, ticket, 2, MatterMove::Withdrawn).await;
        assert_eq!(
            city.ticket(ticket).await.state.name(),
            "archived",
            "{}",
            city.label
        );
        assert_eq!(
            city.clock_strikes("2026-12-01 00:00").await,
            0,
            "{}: its timers are void",
            city.label
        );
        let page = hotline_platform::page::Page {
            size: 20,
            after: None,
        };
        let everybodys = scope_of("");
        let (steps, _) = city
            .routing
            .history(&everybodys, ticket, &page)
            .await
            .unwrap();
        assert_eq!(steps.last().unwrap().note, "withdrawn", "{}", city.label);
        assert_eq!(
            steps.last().unwrap().unit_code,
            "LAMPS",
            "{}: whose it was",
            city.label
        );
    }
}

#[tokio::test]
async fn an_instruction_is_noted_wherever_the_ticket_stands() {
    for city in City::all().await {
        let only = matter(1, "路灯不亮");
        let ticket = city.opens(&only).await;
        city.concludes(ticket, "LAMPS").await;
        let given = pb::InstructionGiven {
            instruction_id: only.appeal_id.clone(),
            ticket_id: ticket.to_string(),
            leader: "市长".to_owned(),
            text: "请尽快办理".to_owned(),
        };
        city.hears(
            &ticket.to_string(),
            &only.appeal_id,
            1,
            Event::InstructionGiven(given),
        )
        .await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            (held.instructions, held.state.name()),
            (1, "concluded"),
            "{}",
            city.label
        );
        assert_eq!(own_ticket(&only), ticket, "{}", city.label);
        assert_eq!(
            city.story(ticket).await.last(),
            Some(&"INSTRUCTED"),
            "{}",
            city.label
        );
    }
}
