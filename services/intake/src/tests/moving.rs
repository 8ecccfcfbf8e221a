//! Matters on tickets: what merges, comes back, splits and leaves.

use hotline_proto::shared::TicketState;

use super::city::{appeal, cities, command, everybodys, uuid};
use crate::app::triage::Decision;
use crate::domain::matter::Place;
use crate::domain::registration::NewMatter;
use crate::domain::terms::{AppealState, Kind};

#[tokio::test]
async fn a_matter_merges_and_comes_back_with_events_for_both_tickets() {
    for city in cities().await {
        let (_, moving, own) = city.opens("路灯不亮").await;
        let (_, _, target) = city.opens("整条路的路灯不亮").await;
        let before = city.story().await.len();
        let merged = city
            .intake
            .merge(command(), moving, target)
            .await
            .expect("merged");
        assert_eq!(
            (merged.matter.version, merged.matter.ticket()),
            (3, Some(target))
        );
        city.intake
            .unmerge(command(), moving, "不是同一件事, 见19900000001".to_owned())
            .await
            .expect("unmerged");
        let reason = city.audited_reason(moving).await;
        assert!(
            reason.starts_with("不是同一件事") && !reason.contains("19900000001"),
            "{}: {reason}",
            city.label
        );
        let story = city.story().await;
        let expected = [
            "detached merged 2",
            "attached merged 3",
            "detached unmerged 4",
            "attached unmerged 5",
        ];
        assert_eq!(story[before..], expected, "{}", city.label);
        let streams: Vec<_> = city
            .log()
            .await
            .into_iter()
            .rev()
            .take(4)
            .map(|(envelope, _)| envelope.stream_id)
            .collect();
        let (own, target) = (own.to_string(), target.to_string());
        assert_eq!(
            streams,
            [&own, &target, &target, &own].map(Clone::clone),
            "{}",
            city.label
        );
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn a_merge_that_makes_no_sense_is_refused_by_name() {
    for city in cities().await {
        let (_, moving, own) = city.opens("一").await;
        let (_, _, open) = city.opens("二").await;
        let (_, left, absorbed) = city.opens("三").await;
        let (_, _, concluded) = city.opens("四").await;
        let waiting = city.register(appeal("五", "五")).await.expect("registered");
        let waiting = city
            .intake
            .appeal(&everybodys(), waiting.appeal_id)
            .await
            .expect("found")
            .matters[0]
            .matter
            .clone();
        city.merge(left, open).await.expect("merged");
        city.hears(concluded, TicketState::Concluded, 4).await;
        let cases = [
            ("its own ticket", moving, own, "MATTER_PLACE_CONFLICT"),
            ("left empty", moving, absorbed, "TICKET_OVER"),
            ("concluded", moving, concluded, "TICKET_OVER"),
            (
                "never opened",
                moving,
                waiting.reserved_ticket,
                "TICKET_NOT_FOUND",
            ),
            ("unknown", moving, uuid(1).into(), "TICKET_NOT_FOUND"),
            ("there already", left, open, "MATTER_PLACE_CONFLICT"),
            ("not accepted", waiting.id, open, "MATTER_PLACE_CONFLICT"),
            ("unknown matter", uuid(2).into(), open, "MATTER_NOT_FOUND"),
        ];
        let before = city.log().await.len();
        for (label, matter, ticket, reason) in cases {
            let refused = city.merge(matter, ticket).await.expect_err(label);
            assert_eq!(refused.reason(), reason, "{} {label}", city.label);
        }
        assert_eq!(city.log().await.len(), before, "a refusal writes nothing");
    }
}

#[tokio::test]
async fn a_refused_matter_goes_back_to_its_own_ticket_once() {
    for city in cities().await {
        let (_, moving, own) = city.opens("路灯不亮").await;
        let (_, _, target) = city.opens("整条路的路灯不亮").await;
        city.hears(target, TicketState::Dispatched, 1).await;
        city.merge(moving, target).await.expect("merged");
        let before = city.story().await.len();
        for _ in 0..2 {
            city.hears_refusal(target, moving, 3).await.expect("heard");
        }
        assert_eq!(
            city.story().await[before..],
            ["attached refused 4"],
            "{}",
            city.label
        );
        let refused = city.merge(moving, target).await.expect_err("it concluded");
        assert_eq!(refused.reason(), "TICKET_OVER", "{}", city.label);
        city.hears_refusal(own, moving, 9)
            .await
            .expect("its own ticket's refusal moves nothing");
        city.hears_refusal(own, uuid(5).into(), 9)
            .await
            .expect_err("not ours");
        assert_eq!(city.story().await.len(), before + 1);
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn a_split_adds_a_matter_with_a_ticket_of_its_own() {
    for city in cities().await {
        let (receipt, ..) = city.opens("路灯不亮, 垃圾也没人收").await;
        let told = NewMatter {
            text: "垃圾没人收".to_owned(),
            kind: Some(Kind::Complaint),
            ..NewMatter::default()
        };
        let view = city
            .intake
            .split(command(), receipt.appeal_id, told.clone())
            .await
            .expect("split");
        assert_eq!(
            (view.appeal.version, view.matters.len()),
            (3, 2),
            "{}",
            city.label
        );
        let (first, second) = (&view.matters[0].matter, &view.matters[1].matter);
        assert_eq!(
            (second.ordinal, second.version, second.kind),
            (2, 1, Kind::Complaint)
        );
        assert_ne!(first.number, second.number);
        assert_eq!(second.place, Place::On(second.reserved_ticket));
        let story = city.story().await;
        assert_eq!(
            story[story.len() - 2..],
            ["appeal split 3", "attached split 1"],
            "{}",
            city.label
        );
        let found = city
            .intake
            .appeal_by_number(&everybodys(), &second.number)
            .await
            .expect("found by its matter's number");
        assert_eq!(found.appeal.number, receipt.number);
        let waiting = city
            .register(appeal("w", "等待"))
            .await
            .expect("registered");
        let refused = city
            .intake
            .split(command(), waiting.appeal_id, told)
            .await
            .expect_err("not accepted");
        assert_eq!(refused.reason(), "APPEAL_STATE_CONFLICT");
    }
}

#[tokio::test]
async fn a_withdrawn_appeal_leaves_its_tickets() {
    for city in cities().await {
        let (receipt, ..) = city.opens("路灯不亮").await;
        let withdraw = || Decision::Withdraw {
            reason: "已自行解决, 电话19900000001".to_owned(),
        };
        let view = city.decide(&receipt, withdraw()).await.expect("withdrawn");
        assert_eq!(
            view.matters[0].matter.place,
            Place::Withdrawn,
            "{}",
            city.label
        );
        assert!(!view.appeal.outcome.reason.contains("19900000001"));
        let story = city.story().await;
        assert_eq!(
            story[story.len() - 2..],
            ["appeal withdrawn 3", "detached withdrawn 2"],
            "{}",
            city.label
        );
        let waiting = city
            .register(appeal("w", "等待"))
            .await
            .expect("registered");
        city.decide(&waiting, withdraw())
            .await
            .expect("withdrawn before acceptance");
        let (over, _, ticket) = city.opens("已办结").await;
        city.hears(ticket, TicketState::Concluded, 3).await;
        let refused = city.decide(&over, withdraw()).await.expect_err("concluded");
        assert_eq!(refused.reason(), "TICKET_OVER", "{}", city.label);
        assert_eq!(
            city.intake
                .appeal(&everybodys(), over.appeal_id)
                .await
                .expect("found")
                .appeal
                .state,
            AppealState::Accepted
        );
        city.assert_versions_are_dense().await;
    }
}
