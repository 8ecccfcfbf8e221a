//! Registration: each appeal once for ever, nothing dropped, nothing in clear.

use super::city::{appeal, appeal_of, cities, everybodys, submission};
use crate::app::register::Registered;
use crate::domain::appeal::Filter;
use crate::domain::registration::{Identity, Imported, ImportedReply, NewMatter};
use crate::domain::terms::{AppealState, Nature};
use crate::error::IntakeError;
use hotline_platform::page::Page;

#[tokio::test]
async fn a_key_registers_for_its_own_channel_only() {
    for city in cities().await {
        let handed_in =
            |key_channel: &str| submission(appeal("k", "路灯不亮")).by_key_of(key_channel);
        let refused = city.intake.register(handed_in("another")).await;
        assert!(
            matches!(refused, Err(IntakeError::ChannelNotYours(_))),
            "{}: {refused:?}",
            city.label
        );
        assert!(
            city.assert_conserved()
                .await
                .get("all")
                .is_none_or(|all| *all == 0)
        );
        let taken = city.intake.register(handed_in("tel12345")).await;
        assert!(taken.is_ok(), "{}: {taken:?}", city.label);
    }
}

#[tokio::test]
async fn another_text_under_the_same_id_is_set_aside_and_told() {
    for city in cities().await {
        let with_id = |text: &str| {
            let mut told = appeal("k", text);
            told.identity = Identity::SourceId("LY-7".to_owned());
            told
        };
        let first = city
            .register(with_id("路灯不亮"))
            .await
            .expect("registered");
        for _ in 0..2 {
            let refused = city.register(with_id("水管漏水")).await;
            let Err(IntakeError::ContentDiffers { first_number }) = refused else {
                panic!("{}: {refused:?}", city.label);
            };
            assert_eq!(first_number, first.number);
        }
        city.register(with_id("井盖缺失"))
            .await
            .expect_err("a third text");
        assert_eq!(
            city.register(with_id("路灯不亮")).await.expect("present"),
            first
        );
        let sums = city.assert_conserved().await;
        assert_eq!((sums["all"], sums["quarantined"]), (3, 2), "{}", city.label);
        let filter = Filter {
            state: Some(AppealState::Quarantined),
            ..Filter::default()
        };
        let page = Page {
            size: 10,
            after: None,
        };
        let (aside, _) = city
            .intake
            .appeals(&everybodys(), &filter, &page)
            .await
            .expect("listed");
        let reasons: Vec<_> = aside
            .iter()
            .map(|view| view.appeal.outcome.reason.clone())
            .collect();
        assert_eq!(
            reasons,
            vec![format!("content_differs:{}", first.number); 2]
        );
    }
}

#[tokio::test]
async fn sixty_four_who_say_the_same_at_once_get_one_appeal() {
    for city in cities().await {
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..256 {
            let intake = city.intake.clone();
            let key = format!("k{}", turn % 4);
            tasks.spawn(async move { intake.register(submission(appeal(&key, "路灯不亮"))).await });
        }
        let mut receipts = std::collections::BTreeSet::new();
        while let Some(done) = tasks.join_next().await {
            let receipt = done.expect("ran").expect("registered");
            receipts.insert((receipt.number, receipt.query_code, receipt.appeal_id));
        }
        assert_eq!(receipts.len(), 4, "{}", city.label);
        assert_eq!(city.assert_conserved().await["all"], 4, "{}", city.label);
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn two_processes_that_register_the_same_at_once_make_one_appeal() {
    for city in cities().await {
        // A second writer on the same database, as another process would be.
        let other = crate::app::Intake::new(
            city.core.clone(),
            crate::app::register::Settings {
                keys: city.intake.settings.keys.clone(),
                vault: city.intake.settings.vault.clone(),
                zone: city.intake.settings.zone,
                masker: city.intake.settings.masker.clone(),
                batch_max: city.intake.settings.batch_max,
            },
        );
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..64 {
            let intake = if turn % 2 == 0 {
                city.intake.clone()
            } else {
                other.clone()
            };
            let key = format!("k{}", turn / 2 % 8);
            tasks.spawn(async move { intake.register(submission(appeal(&key, "路灯不亮"))).await });
        }
        let mut numbers = std::collections::BTreeSet::new();
        while let Some(done) = tasks.join_next().await {
            numbers.insert(done.expect("ran").expect("registered").number);
        }
        assert_eq!(numbers.len(), 8, "{}", city.label);
        assert_eq!(city.assert_conserved().await["all"], 8, "{}", city.label);
    }
}

#[tokio::test]
async fn a_bad_row_fails_alone() {
    for city in cities().await {
        let mut no_channel = appeal("c", "没有渠道");
        no_channel.channel_code = "fax".to_owned();
        let mut no_line = appeal("l", "没有热线");
        no_line.line_number = "99999".to_owned();
        let mut nul_key = appeal("n", "路灯");
        nul_key.identity = Identity::SourceId("a\0b".to_owned());
        let mut nul_channel = appeal("m", "路灯");
        nul_channel.channel_code = "a\0".to_owned();
        let batch = vec![
            appeal("1", "第一"),
            appeal("2", "有\0空字符"),
            no_channel,
            no_line,
            nul_key,
            nul_channel,
            appeal("3", &"长".repeat(20_001)),
            appeal("4", "第四"),
        ];
        let results = city.apply(batch).await;
        let reasons: Vec<_> = results
            .iter()
            .map(|result| result.as_ref().map_or_else(IntakeError::reason, |_| ""))
            .collect();
        let expected = [
            "",
            "INVALID_FIELD",
            "CHANNEL_UNKNOWN",
            "LINE_UNKNOWN",
            "INVALID_FIELD",
            "INVALID_FIELD",
            "INVALID_FIELD",
            "",
        ];
        assert_eq!(reasons, expected, "{}", city.label);
        assert_eq!(city.assert_conserved().await["all"], 2, "{}", city.label);
    }
}

#[tokio::test]
async fn the_batch_itself_is_looked_through_for_repetitions() {
    for city in cities().await {
        let batch = vec![
            appeal("a", "路灯"),
            appeal("a", "路灯"),
            appeal("a", "水管"),
            appeal("a", "水管"),
        ];
        let results: Vec<_> = city
            .apply(batch)
            .await
            .into_iter()
            .map(|result| result.expect("told"))
            .collect();
        let Registered::New {
            receipt,
            is_attached: false,
        } = &results[0]
        else {
            panic!("{results:?}")
        };
        assert_eq!(
            results[1],
            Registered::Present {
                receipt: receipt.clone()
            }
        );
        assert_eq!(
            results[2],
            Registered::Differs {
                first: receipt.clone(),
                is_new: true
            }
        );
        assert_eq!(
            results[3],
            Registered::Differs {
                first: receipt.clone(),
                is_new: false
            }
        );
        assert_eq!(city.assert_conserved().await["all"], 2, "{}", city.label);
    }
}

#[tokio::test]
async fn what_is_said_to_an_exempt_line_is_not_stored() {
    for city in cities().await {
        let mut call = appeal_of("19900000001", "k", "有人打架, 在样例路");
        call.line_number = "110".to_owned();
        let receipt = city.register(call.clone()).await.expect("registered");
        assert_eq!(city.register(call).await.expect("present"), receipt);
        let view = city
            .intake
            .appeal(&everybodys(), receipt.appeal_id)
            .await
            .expect("found");
        assert_eq!(view.appeal.state, AppealState::Diverted, "{}", city.label);
        assert_eq!(view.appeal.outcome.diverted_to, "110");
        assert!(view.appeal.text.is_empty() && view.matters[0].matter.text.is_empty());
        assert!(view.appeal.contact.is_none() && view.appeal.citizen.is_empty());
        assert_eq!(city.story().await, ["appeal diverted 1"]);
        assert!(
            !format!("{:?}", city.log().await).contains("打架"),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn no_event_holds_a_phone_a_name_or_an_address_in_clear() {
    for city in cities().await {
        let mut told = appeal_of(
            "199-0000-0001",
            "k",
            "我是样小明, 电话19900000001, 也可发 yang@example.com",
        );
        told.subject = "样小明求助 19900000001".to_owned();
        told.matters = vec![
            NewMatter::default(),
            NewMatter {
                text: "回电 19900000002".to_owned(),
                ..NewMatter::default()
            },
        ];
        let receipt = city.register(told).await.expect("registered");
        city.accept(&receipt).await;
        let bytes: Vec<u8> = city
            .log()
            .await
            .into_iter()
            .flat_map(|(envelope, _)| envelope.body)
            .collect();
        let text = String::from_utf8_lossy(&bytes);
        for clear in [
            "19900000001",
            "19900000002",
            "199-0000-0001",
            "样小明",
            "yang@example.com",
        ] {
            assert!(!text.contains(clear), "{} tells {clear}", city.label);
        }
        assert!(text.contains("求助"), "what it is about stays readable");
    }
}

#[tokio::test]
async fn imports_that_are_not_new_are_accepted_at_once() {
    for city in cities().await {
        let received = city.clock_now() - chrono::Duration::days(700);
        let due = city.clock_now() + chrono::Duration::days(3);
        let imported = |key: &str, nature| {
            let mut told = appeal_of("19900000001", key, "去年的路灯");
            told.nature = nature;
            told.imported = Some(Imported {
                batch_id: super::city::uuid(9).into(),
                old_number: format!("OLD-{key}"),
                received_at: Some(received),
                due_at: Some(due),
                reply: Some(ImportedReply {
                    text: "已修, 回电19900000003".to_owned(),
                    replied_at: Some(received),
                }),
            });
            told
        };
        let batch = vec![
            imported("1", Nature::Historical),
            imported("2", Nature::Historical),
            imported("3", Nature::InHand),
            imported("4", Nature::InHand),
        ];
        let results = city.apply(batch).await;
        let attached: Vec<_> = results
            .iter()
            .map(|result| {
                matches!(
                    result,
                    Ok(Registered::New {
                        is_attached: true,
                        ..
                    })
                )
            })
            .collect();
        assert_eq!(attached, [false, false, false, true], "{}", city.label);
        let story = city.story().await;
        let expected = [
            "appeal accepted 1",
            "attached opened 1",
            "appeal accepted 1",
            "attached opened 1",
            "appeal accepted 1",
            "attached opened 1",
            "appeal accepted 1",
            "attached same_text 1",
        ];
        assert_eq!(story, expected, "{}", city.label);
        let view = city
            .intake
            .appeal_by_number(&everybodys(), "OLD-3")
            .await
            .expect("found by its old number");
        assert_eq!(view.appeal.received_at, received);
        let matter = &view.matters[0].matter;
        assert_eq!(matter.imported_due_at, Some(due));
        let over = city
            .intake
            .appeal_by_number(&everybodys(), "OLD-1")
            .await
            .expect("found");
        assert_eq!(
            over.matters[0].matter.imported_due_at, None,
            "{}: history has no deadline",
            city.label
        );
        let reply = matter.imported_reply.as_ref().expect("kept");
        assert!(reply.text.starts_with("已修") && !reply.text.contains("19900000003"));
    }
}

#[tokio::test]
async fn numbers_of_a_large_batch_are_all_different() {
    for city in cities().await {
        let batch: Vec<_> = (0..600)
            .map(|turn| appeal(&format!("k{turn}"), "路灯"))
            .collect();
        let results = city.apply(batch).await;
        let numbers: std::collections::HashSet<_> = results
            .into_iter()
            .map(|result| match result.expect("registered") {
                Registered::New { receipt, .. } => receipt.number,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(numbers.len(), 600, "{}", city.label);
    }
}
