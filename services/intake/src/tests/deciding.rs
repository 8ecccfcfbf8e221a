//! Triage: where each decision leads, and what is refused.

use hotline_platform::core::{CommandContext, CoreError};

use hotline_proto::event::body::Event;

use super::city::{City, appeal, appeal_of, cities, command, everybodys};
use crate::app::triage::Decision;
use crate::domain::registration::NewMatter;
use crate::domain::terms::{AppealState, GuideReason, Kind, Nature};
use crate::error::IntakeError;

#[tokio::test]
async fn triage_leads_where_it_says() {
    for city in cities().await {
        let told = |reason: &str| reason.to_owned();
        let decisions = [
            (
                Decision::Answer {
                    answer: told("请拨19900000001"),
                },
                AppealState::Answered,
                "answered",
            ),
            (guide(), AppealState::Guided, "guided"),
            (
                Decision::Divert { to: told("12319") },
                AppealState::Diverted,
                "diverted",
            ),
            (
                Decision::Quarantine {
                    reason: told("看不懂"),
                },
                AppealState::Quarantined,
                "quarantined",
            ),
        ];
        for (decision, state, word) in decisions {
            let receipt = city
                .register(appeal(word, "样例路的事"))
                .await
                .expect("registered");
            let view = city.decide(&receipt, decision).await.expect(word);
            assert_eq!(
                (view.appeal.state, view.appeal.version),
                (state, 2),
                "{} {word}",
                city.label
            );
            assert_eq!(
                view.appeal.text.is_empty(),
                state == AppealState::Diverted,
                "{word}"
            );
            assert!(
                !view.appeal.outcome.answer.contains("19900000001"),
                "answers are masked"
            );
            assert_eq!(city.story().await.last(), Some(&format!("appeal {word} 2")));
        }
        let receipt = city.register(appeal("x", "x")).await.expect("registered");
        let unknown = city
            .decide(&receipt, Decision::Divert { to: told("4321") })
            .await
            .expect_err("no such line");
        assert_eq!(unknown.reason(), "LINE_UNKNOWN");
        let blank = city
            .decide(&receipt, Decision::Quarantine { reason: told(" ") })
            .await
            .expect_err("no reason");
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
        let receipt = city
            .register(appeal("k", "乱码?"))
            .await
            .expect("registered");
        city.decide(
            &receipt,
            Decision::Quarantine {
                reason: "看不懂".to_owned(),
            },
        )
        .await
        .expect("set aside");
        let refused = city
            .decide(
                &receipt,
                Decision::Accept {
                    corrections: Vec::new(),
                },
            )
            .await
            .expect_err("set aside");
        assert_eq!(refused.reason(), "APPEAL_STATE_CONFLICT", "{}", city.label);
        city.decide(
            &receipt,
            Decision::Release {
                reason: "看懂了, 问过19900000001".to_owned(),
            },
        )
        .await
        .expect("released");
        let mut told = city
            .log()
            .await
            .into_iter()
            .filter_map(|(_, body)| match body.event {
                Some(Event::AppealChanged(changed)) => changed.appeal,
                _ => None,
            });
        let told = told.next_back().expect("the release is told").reason;
        let audited = city.audited_reason(receipt.appeal_id).await;
        for reason in [told, audited] {
            assert!(
                reason.starts_with("看懂了") && !reason.contains("19900000001"),
                "{}: {reason}",
                city.label
            );
        }
        let correction = NewMatter {
            text: "路灯不亮, 电话19900000001".to_owned(),
            kind: Some(Kind::Help),
            ..NewMatter::default()
        };
        let view = city
            .decide(
                &receipt,
                Decision::Accept {
                    corrections: vec![correction],
                },
            )
            .await
            .expect("accepted");
        let matter = &view.matters[0].matter;
        assert_eq!(
            (matter.kind, view.appeal.version),
            (Kind::Help, 4),
            "{}",
            city.label
        );
        assert!(matter.text.starts_with("路灯不亮") && !matter.text.contains("19900000001"));
        let reread = city
            .intake
            .appeal(&everybodys(), receipt.appeal_id)
            .await
            .expect("found");
        assert_eq!(
            reread, view,
            "what was answered is what is stored, {}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_stale_version_is_refused_and_a_repeated_key_answers_the_same() {
    for city in cities().await {
        let receipt = city
            .register(appeal("k", "路灯不亮"))
            .await
            .expect("registered");
        let with = |expected_version, key: &str| CommandContext {
            expected_version,
            idempotency_key: key.to_owned(),
            ..command()
        };
        let accept = |context| {
            let decision = Decision::Accept {
                corrections: Vec::new(),
            };
            city.intake.triage(context, receipt.appeal_id, decision)
        };
        let stale = accept(with(7, "")).await.expect_err("stale");
        assert!(
            matches!(stale, IntakeError::Core(CoreError::Stale { current: 1 })),
            "{stale:?}"
        );
        let first = accept(with(1, "once")).await.expect("accepted");
        let again = accept(with(1, "once")).await.expect("the same answer");
        assert_eq!(first, again, "{}", city.label);
        assert_eq!(opened(&city).await, 1, "{}", city.label);
    }
}

async fn opened(city: &City) -> usize {
    city.story()
        .await
        .iter()
        .filter(|line| line.starts_with("attached opened"))
        .count()
}

#[tokio::test]
async fn a_historical_record_stays_as_it_is() {
    for city in cities().await {
        let mut told = appeal_of("19900000001", "h", "去年的路灯");
        told.nature = Nature::Historical;
        let receipt = city.register(told).await.expect("registered");
        let (_, _, open) = city.opens("今年的路灯").await;
        let matter = city
            .intake
            .appeal(&everybodys(), receipt.appeal_id)
            .await
            .expect("found")
            .matters[0]
            .matter
            .clone();
        let before = city.log().await.len();
        let withdraw = Decision::Withdraw {
            reason: "不要了".to_owned(),
        };
        let split = NewMatter {
            text: "还有".to_owned(),
            ..NewMatter::default()
        };
        let refusals = [
            city.decide(&receipt, withdraw).await.expect_err("withdraw"),
            city.merge(matter.id, open).await.expect_err("merge"),
            city.intake
                .split(command(), receipt.appeal_id, split)
                .await
                .expect_err("split"),
        ];
        assert!(
            refusals
                .iter()
                .all(|refused| refused.reason() == "APPEAL_HISTORICAL"),
            "{refusals:?}"
        );
        let (_, other, _) = city.opens("别的事").await;
        let onto = city
            .merge(other, matter.reserved_ticket)
            .await
            .expect_err("onto a record");
        assert_eq!(onto.reason(), "TICKET_OVER", "{}", city.label);
        assert_eq!(
            city.log().await.len(),
            before + 3,
            "only the last appeal told something"
        );
        let again = city
            .register(appeal_of("19900000001", "n", "去年的路灯"))
            .await
            .expect("registered");
        let again = city
            .intake
            .appeal(&everybodys(), again.appeal_id)
            .await
            .expect("found");
        assert_eq!(
            again.appeal.state,
            AppealState::Registered,
            "nothing attaches to a record, {}",
            city.label
        );
    }
}
