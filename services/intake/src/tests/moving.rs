//! Matters on tickets: what attaches by itself, merges, comes back, splits and leaves.

use hotline_proto::shared::TicketState;

use super::city::{City, appeal, appeal_of, cities, command, uuid};
use crate::app::register::Registered;
use crate::app::triage::Decision;
use crate::domain::matter::Place;
use crate::domain::registration::NewMatter;
use crate::domain::terms::{AppealState, GuideReason, Kind};
use crate::error::IntakeError;
use hotline_platform::core::{CommandContext, CoreError};

const LAMP: &str = "样例路12号路灯不亮, 已经三天";
const LAMP_AGAIN: &str = "样例路１２号路灯不亮，已经三天！！";

#[tokio::test]
async fn the_same_text_of_a_known_citizen_attaches_by_itself() {
    for city in cities().await {
        let first = city.register(appeal_of("19900000001", "a", LAMP)).await.expect("registered");
        let view = city.accept(&first).await;
        let mut elsewhere = appeal_of("+86 199-0000-0001", "b", LAMP_AGAIN);
        elsewhere.channel_code = "mailbox".to_owned();
        let second = city.register(elsewhere).await.expect("registered");
        assert_ne!(first.number, second.number, "every citizen keeps a receipt of his own");
        let attached = city.intake.appeal(second.appeal_id).await.expect("found");
        assert_eq!(attached.appeal.state, AppealState::Accepted, "{}", city.label);
        assert_eq!(attached.matters[0].matter.ticket(), Some(view.matters[0].matter.reserved_ticket));
        let expected =
            ["appeal registered 1", "appeal accepted 2", "attached opened 1", "appeal accepted 1", "attached same_text 1"];
        assert_eq!(city.story().await, expected, "{}", city.label);
        let sums = city.assert_conserved().await;
        assert_eq!((sums["accepted"], sums["merged"]), (1, 1), "{}", city.label);
    }
}

#[tokio::test]
async fn others_do_not_attach_by_themselves() {
    for city in cities().await {
        let first = city.register(appeal_of("19900000001", "a", LAMP)).await.expect("registered");
        city.accept(&first).await;
        let mut anonymous = appeal_of("19900000001", "b", LAMP);
        anonymous.confidentiality.is_anonymous = true;
        let cases = [
            ("somebody else", appeal_of("19900000002", "c", LAMP)),
            ("nobody known", appeal("d", LAMP)),
            ("anonymous", anonymous),
            ("another text", appeal_of("19900000001", "e", "样例路13号路灯不亮, 已经三天")),
        ];
        for (label, told) in cases {
            let receipt = city.register(told).await.expect("registered");
            let view = city.intake.appeal(receipt.appeal_id).await.expect("found");
            assert_eq!(view.appeal.state, AppealState::Registered, "{} {label}", city.label);
        }
    }
}

#[tokio::test]
async fn of_two_in_one_batch_the_second_attaches_when_it_is_accepted() {
    for city in cities().await {
        let batch = vec![appeal_of("19900000001", "a", LAMP), appeal_of("19900000001", "b", LAMP)];
        let receipts: Vec<_> = city
            .apply(batch)
            .await
            .into_iter()
            .map(|result| match result.expect("registered") {
                Registered::New { receipt, is_attached: false } => receipt,
                other => panic!("{other:?}"),
            })
            .collect();
        let first = city.accept(&receipts[0]).await;
        let second = city.accept(&receipts[1]).await;
        let (first, second) = (&first.matters[0].matter, &second.matters[0].matter);
        assert_eq!(second.ticket(), Some(first.reserved_ticket), "{}", city.label);
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn two_accepted_at_once_open_one_ticket() {
    for city in cities().await {
        let mut receipts = Vec::new();
        for turn in 0..8 {
            let told = appeal_of("19900000001", &format!("k{turn}"), LAMP);
            receipts.push(city.register(told).await.expect("registered"));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for receipt in receipts {
            let intake = city.intake.clone();
            let decision = Decision::Accept { corrections: Vec::new() };
            tasks.spawn(async move { intake.triage(command(), receipt.appeal_id, decision).await });
        }
        let mut tickets = std::collections::HashSet::new();
        while let Some(done) = tasks.join_next().await {
            let view = done.expect("ran").expect("accepted");
            tickets.insert(view.matters[0].matter.ticket());
        }
        assert_eq!(tickets.len(), 1, "{}", city.label);
    }
}

#[tokio::test]
async fn a_text_said_again_after_its_ticket_concluded_is_a_new_matter() {
    for city in cities().await {
        let first = city.register(appeal_of("19900000001", "a", LAMP)).await.expect("registered");
        let ticket = city.accept(&first).await.matters[0].matter.reserved_ticket;
        city.hears(ticket, TicketState::Concluded, 5).await;
        let state_of = async |key: &str| {
            let receipt = city.register(appeal_of("19900000001", key, LAMP)).await.expect("registered");
            city.intake.appeal(receipt.appeal_id).await.expect("found").appeal.state
        };
        assert_eq!(state_of("b").await, AppealState::Registered, "{}", city.label);
        city.hears(ticket, TicketState::Dispatched, 6).await;
        assert_eq!(state_of("c").await, AppealState::Accepted, "reworked: open again, {}", city.label);
        city.hears(ticket, TicketState::Concluded, 5).await;
        assert_eq!(state_of("d").await, AppealState::Accepted, "old news changes nothing, {}", city.label);
    }
}

#[tokio::test]
async fn a_matter_merges_and_comes_back_with_events_for_both_tickets() {
    for city in cities().await {
        let (_, moving, own) = city.opens("路灯不亮").await;
        let (_, _, target) = city.opens("整条路的路灯不亮").await;
        let before = city.story().await.len();
        let merged = city.intake.merge(command(), moving, target).await.expect("merged");
        assert_eq!((merged.matter.version, merged.matter.ticket()), (3, Some(target)));
        city.intake.unmerge(command(), moving, "不是同一件事".to_owned()).await.expect("unmerged");
        let story = city.story().await;
        let expected = ["detached merged 2", "attached merged 3", "detached unmerged 4", "attached unmerged 5"];
        assert_eq!(story[before..], expected, "{}", city.label);
        let streams: Vec<_> = city.log().await.into_iter().rev().take(4).map(|(envelope, _)| envelope.stream_id).collect();
        let (own, target) = (own.to_string(), target.to_string());
        assert_eq!(streams, [&own, &target, &target, &own].map(Clone::clone), "{}", city.label);
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
        let waiting = city.intake.appeal(waiting.appeal_id).await.expect("found").matters[0].matter.clone();
        city.merge(left, open).await.expect("merged");
        city.hears(concluded, TicketState::Concluded, 4).await;
        let cases = [
            ("its own ticket", moving, own, "MATTER_PLACE_CONFLICT"),
            ("left empty", moving, absorbed, "TICKET_OVER"),
            ("concluded", moving, concluded, "TICKET_OVER"),
            ("never opened", moving, waiting.reserved_ticket, "TICKET_NOT_FOUND"),
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
        assert_eq!(city.story().await[before..], ["attached refused 4"], "{}", city.label);
        let refused = city.merge(moving, target).await.expect_err("it concluded");
        assert_eq!(refused.reason(), "TICKET_OVER", "{}", city.label);
        city.hears_refusal(own, moving, 9).await.expect("its own ticket's refusal moves nothing");
        city.hears_refusal(own, uuid(5).into(), 9).await.expect_err("not ours");
        assert_eq!(city.story().await.len(), before + 1);
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn a_split_adds_a_matter_with_a_ticket_of_its_own() {
    for city in cities().await {
        let (receipt, ..) = city.opens("路灯不亮, 垃圾也没人收").await;
        let told = NewMatter { text: "垃圾没人收".to_owned(), kind: Some(Kind::Complaint), ..NewMatter::default() };
        let view = city.intake.split(command(), receipt.appeal_id, told.clone()).await.expect("split");
        assert_eq!((view.appeal.version, view.matters.len()), (3, 2), "{}", city.label);
        let (first, second) = (&view.matters[0].matter, &view.matters[1].matter);
        assert_eq!((second.ordinal, second.version, second.kind), (2, 1, Kind::Complaint));
        assert_ne!(first.number, second.number);
        assert_eq!(second.place, Place::On(second.reserved_ticket));
        let story = city.story().await;
        assert_eq!(story[story.len() - 2..], ["appeal split 3", "attached split 1"], "{}", city.label);
        let found = city.intake.appeal_by_number(&second.number).await.expect("found by its matter's number");
        assert_eq!(found.appeal.number, receipt.number);
        let waiting = city.register(appeal("w", "等待")).await.expect("registered");
        let refused = city.intake.split(command(), waiting.appeal_id, told).await.expect_err("not accepted");
        assert_eq!(refused.reason(), "APPEAL_STATE_CONFLICT");
    }
}

#[tokio::test]
async fn a_withdrawn_appeal_leaves_its_tickets() {
    for city in cities().await {
        let (receipt, ..) = city.opens("路灯不亮").await;
        let withdraw = || Decision::Withdraw { reason: "已自行解决, 电话19900000001".to_owned() };
        let view = city.decide(&receipt, withdraw()).await.expect("withdrawn");
        assert_eq!(view.matters[0].matter.place, Place::Withdrawn, "{}", city.label);
        assert!(!view.appeal.outcome.reason.contains("19900000001"));
        let story = city.story().await;
        assert_eq!(story[story.len() - 2..], ["appeal withdrawn 3", "detached withdrawn 2"], "{}", city.label);
        let waiting = city.register(appeal("w", "等待")).await.expect("registered");
        city.decide(&waiting, withdraw()).await.expect("withdrawn before acceptance");
        let (over, _, ticket) = city.opens("已办结").await;
        city.hears(ticket, TicketState::Concluded, 3).await;
        let refused = city.decide(&over, withdraw()).await.expect_err("concluded");
        assert_eq!(refused.reason(), "TICKET_OVER", "{}", city.label);
        assert_eq!(city.intake.appeal(over.appeal_id).await.expect("found").appeal.state, AppealState::Accepted);
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn triage_leads_where_it_says() {
    for city in cities().await {
        let told = |reason: &str| reason.to_owned();
        let decisions = [
            (Decision::Answer { answer: told("请拨19900000001") }, AppealState::Answered, "answered"),
            (guide(), AppealState::Guided, "guided"),
            (Decision::Divert { to: told("12319") }, AppealState::Diverted, "diverted"),
            (Decision::Quarantine { reason: told("看不懂") }, AppealState::Quarantined, "quarantined"),
        ];
        for (decision, state, word) in decisions {
            let receipt = city.register(appeal(word, "样例路的事")).await.expect("registered");
            let view = city.decide(&receipt, decision).await.expect(word);
            assert_eq!((view.appeal.state, view.appeal.version), (state, 2), "{} {word}", city.label);
            assert_eq!(view.appeal.text.is_empty(), state == AppealState::Diverted, "{word}");
            assert!(!view.appeal.outcome.answer.contains("19900000001"), "answers are masked");
            assert_eq!(city.story().await.last(), Some(&format!("appeal {word} 2")));
        }
        let receipt = city.register(appeal("x", "x")).await.expect("registered");
        let unknown = city.decide(&receipt, Decision::Divert { to: told("4321") }).await.expect_err("no such line");
        assert_eq!(unknown.reason(), "LINE_UNKNOWN");
        let blank = city.decide(&receipt, Decision::Quarantine { reason: told(" ") }).await.expect_err("no reason");
        assert_eq!(blank.reason(), "INVALID_FIELD");
    }
}

fn guide() -> Decision {
    Decision::Guide {
        reason: GuideReason::Litigation,
        legal_route: "向人民法院起诉".to_owned(),
        competent_body: "样例区人民法院".to_owned(),
        answer: String::new(),
    }
}

#[tokio::test]
async fn a_quarantined_appeal_is_released_to_triage_and_accepted() {
    for city in cities().await {
        let receipt = city.register(appeal("k", "乱码?")).await.expect("registered");
        city.decide(&receipt, Decision::Quarantine { reason: "看不懂".to_owned() }).await.expect("set aside");
        let refused = city.decide(&receipt, Decision::Accept { corrections: Vec::new() }).await.expect_err("set aside");
        assert_eq!(refused.reason(), "APPEAL_STATE_CONFLICT", "{}", city.label);
        city.decide(&receipt, Decision::Release { reason: "看懂了".to_owned() }).await.expect("released");
        let correction = NewMatter { text: "路灯不亮, 电话19900000001".to_owned(), kind: Some(Kind::Help), ..NewMatter::default() };
        let view = city.decide(&receipt, Decision::Accept { corrections: vec![correction] }).await.expect("accepted");
        let matter = &view.matters[0].matter;
        assert_eq!((matter.kind, view.appeal.version), (Kind::Help, 4), "{}", city.label);
        assert!(matter.text.starts_with("路灯不亮") && !matter.text.contains("19900000001"));
        let reread = city.intake.appeal(receipt.appeal_id).await.expect("found");
        assert_eq!(reread, view, "what was answered is what is stored, {}", city.label);
    }
}

#[tokio::test]
async fn a_stale_version_is_refused_and_a_repeated_key_answers_the_same() {
    for city in cities().await {
        let receipt = city.register(appeal("k", "路灯不亮")).await.expect("registered");
        let with = |expected_version, key: &str| CommandContext {
            expected_version,
            idempotency_key: key.to_owned(),
            ..command()
        };
        let accept = |context| {
            let decision = Decision::Accept { corrections: Vec::new() };
            city.intake.triage(context, receipt.appeal_id, decision)
        };
        let stale = accept(with(7, "")).await.expect_err("stale");
        assert!(matches!(stale, IntakeError::Core(CoreError::Stale { current: 1 })), "{stale:?}");
        let first = accept(with(1, "once")).await.expect("accepted");
        let again = accept(with(1, "once")).await.expect("the same answer");
        assert_eq!(first, again, "{}", city.label);
        assert_eq!(opened(&city).await, 1, "{}", city.label);
    }
}

async fn opened(city: &City) -> usize {
    city.story().await.iter().filter(|line| line.starts_with("attached opened")).count()
}
