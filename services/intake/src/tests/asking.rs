//! Questions: progress for who knows the code, contacts with an audit, lists in pages, the registry.

use hotline_platform::page::Page;
use hotline_proto::event::body::Event;
use hotline_proto::shared::TicketState as Wire;
use sea_orm::{ConnectionTrait, Statement};

use super::city::{appeal, appeal_of, cities, command, everybodys, uuid};
use crate::app::progress::Question;
use crate::domain::appeal::Filter;
use crate::domain::origin::Origin;
use crate::domain::terms::{AppealState, TicketState};
use crate::error::IntakeError;

fn question(number: &str, code: &str) -> Question {
    Question {
        key_channel: String::new(),
        number: number.to_owned(),
        code: code.to_owned(),
        origin: Origin::parse("192.0.2.1").expect("an address"),
    }
}

#[tokio::test]
async fn a_channels_key_opens_appeals_of_its_own_channel_only() {
    for city in cities().await {
        let (receipt, ..) = city.opens("路灯不亮").await;
        for (key_channel, is_told) in [("", true), ("tel12345", true), ("mayor_mailbox", false)] {
            let asked = Question {
                key_channel: key_channel.to_owned(),
                ..question(&receipt.number, &receipt.query_code)
            };
            let told = city.intake.progress(command(), asked).await.is_ok();
            assert_eq!(told, is_told, "{}: {key_channel}", city.label);
        }
    }
}

#[tokio::test]
async fn number_and_code_tell_what_became_of_it_and_nothing_else_does() {
    for city in cities().await {
        let (receipt, moving, _) = city.opens("路灯不亮").await;
        let (other, _, target) = city.opens("整条路的路灯不亮").await;
        city.merge(moving, target).await.expect("merged");
        city.hears(target, Wire::Signed, 3).await;
        let typed = receipt.number.to_lowercase().replace('-', "");
        let progress = city
            .intake
            .progress(
                command(),
                question(&typed, &receipt.query_code.to_lowercase()),
            )
            .await
            .expect("known");
        assert_eq!(progress.state, AppealState::Accepted, "{}", city.label);
        let matter = &progress.matters[0];
        assert_eq!(
            (&matter.number, &matter.ticket_number),
            (&receipt.number, &other.number),
            "{}",
            city.label
        );
        assert_eq!(matter.ticket_state, Some(TicketState::Signed));
        let wrong = [
            (receipt.number.as_str(), "22222222"),
            (receipt.number.as_str(), ""),
            (receipt.number.as_str(), other.query_code.as_str()),
            ("261122-22222-2", receipt.query_code.as_str()),
            ("no number", receipt.query_code.as_str()),
        ];
        let mut told = std::collections::BTreeSet::new();
        for (number, code) in wrong {
            let refused = city
                .intake
                .progress(command(), question(number, code))
                .await
                .expect_err(number);
            assert!(
                matches!(refused, IntakeError::ReceiptNotFound),
                "{} {number}",
                city.label
            );
            told.insert(refused.to_string());
        }
        assert_eq!(told.len(), 1, "every refusal reads the same");
    }
}

#[tokio::test]
async fn a_contact_is_read_only_with_a_purpose_and_an_audit_row() {
    for city in cities().await {
        let receipt = city
            .register(appeal_of("199-0000-0001", "k", "路灯不亮"))
            .await
            .expect("registered");
        let view = city
            .intake
            .appeal(&everybodys(), receipt.appeal_id)
            .await
            .expect("found");
        let id = view.appeal.contact.expect("there is one");
        let read = |id, purpose: &str| city.intake.contact(command(), id, purpose.to_owned());
        assert_eq!(
            read(id, " ").await.expect_err("no purpose").reason(),
            "INVALID_FIELD"
        );
        assert_eq!(audited(&city).await, 0, "{}", city.label);
        let contact = read(id, "reply").await.expect("read");
        assert_eq!(contact.phone, "199-0000-0001");
        read(id, "reply").await.expect("read");
        read(uuid(3).into(), "reply")
            .await
            .expect_err("no such contact");
        assert_eq!(
            audited(&city).await,
            3,
            "each reading leaves a row, the failed one too, {}",
            city.label
        );
    }
}

async fn audited(city: &super::city::City) -> i64 {
    let db = city.core.db().read();
    let sql = "SELECT COUNT(*) AS n FROM audit WHERE resource = 'contact' AND action = 'read'";
    let backend = db.get_database_backend();
    let row = db
        .query_one_raw(Statement::from_sql_and_values(backend, sql, []))
        .await
        .expect("counted");
    row.expect("one row").try_get("", "n").expect("a number")
}

#[tokio::test]
async fn lists_go_page_by_page_newest_first_and_lose_nobody() {
    for city in cities().await {
        let mut expected = Vec::new();
        for turn in 0..7 {
            // Several in the same instant: the id breaks the tie.
            if turn % 3 == 0 {
                city.clock.advance(std::time::Duration::from_secs(1));
            }
            let told = appeal(&format!("k{turn}"), "路灯");
            expected.push(city.register(told).await.expect("registered").number);
        }
        let mut page = Page {
            size: 3,
            after: None,
        };
        let mut found = Vec::new();
        let mut pages = 0;
        loop {
            let (views, next) = city
                .intake
                .appeals(&everybodys(), &Filter::default(), &page)
                .await
                .expect("listed");
            found.extend(
                views
                    .into_iter()
                    .map(|view| (view.appeal.received_at, view.appeal.number)),
            );
            pages += 1;
            let Some(cursor) = next else { break };
            page.after = Some(cursor);
        }
        assert_eq!((pages, found.len()), (3, 7), "{}", city.label);
        assert!(
            found.windows(2).all(|pair| pair[0].0 >= pair[1].0),
            "newest first, {}",
            city.label
        );
        let mut numbers: Vec<_> = found.into_iter().map(|(_, number)| number).collect();
        numbers.sort();
        expected.sort();
        assert_eq!(numbers, expected, "{}", city.label);
    }
}

#[tokio::test]
async fn a_list_holds_what_was_asked_for() {
    for city in cities().await {
        let known = city
            .register(appeal_of("19900000001", "a", "路灯"))
            .await
            .expect("registered");
        let mut mail = appeal("b", "水管");
        mail.channel_code = "mailbox".to_owned();
        city.register(mail).await.expect("registered");
        let citizen = city
            .intake
            .appeal(&everybodys(), known.appeal_id)
            .await
            .expect("found")
            .appeal
            .citizen;
        let count = async |filter: Filter| {
            let page = Page {
                size: 10,
                after: None,
            };
            city.intake
                .appeals(&everybodys(), &filter, &page)
                .await
                .expect("listed")
                .0
                .len()
        };
        let by = Filter::default;
        assert_eq!(count(Filter { citizen, ..by() }).await, 1, "{}", city.label);
        assert_eq!(
            count(Filter {
                channel_code: "mailbox".to_owned(),
                ..by()
            })
            .await,
            1
        );
        assert_eq!(
            count(Filter {
                state: Some(AppealState::Registered),
                ..by()
            })
            .await,
            2
        );
        assert_eq!(
            count(Filter {
                state: Some(AppealState::Guided),
                ..by()
            })
            .await,
            0
        );
    }
}

#[tokio::test]
async fn a_registry_is_loaded_whole_or_not_at_all_and_told() {
    for city in cities().await {
        let wrong = "code,name,kind\nnew,新,phone\nnew,旧,\n";
        let refused = city.load("channels", wrong).await.expect_err("wrong rows");
        let IntakeError::RegistryRows { rows, .. } = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!(rows.len(), 2, "{rows:?}");
        let page = Page {
            size: 10,
            after: None,
        };
        let (channels, _) = city.intake.channels(&page).await.expect("listed");
        let codes: Vec<_> = channels
            .iter()
            .map(|channel| channel.code.as_str())
            .collect();
        assert_eq!(
            codes,
            ["mailbox", "tel12345"],
            "nothing was loaded, {}",
            city.label
        );
        assert_eq!(
            city.load("channels", "code,name,kind\nnew,新,phone\n")
                .await
                .expect("loaded"),
            1
        );
        let log = city.log().await;
        let loads: Vec<_> = log
            .iter()
            .filter_map(|(envelope, body)| match &body.event {
                Some(Event::RegistryLoaded(loaded)) => {
                    Some((loaded.table.clone(), envelope.version, loaded.rows.len()))
                }
                _ => None,
            })
            .collect();
        let expected = [("channels", 1, 2), ("lines", 1, 2), ("channels", 2, 1)];
        assert_eq!(
            loads,
            expected.map(|(table, version, rows)| (table.to_owned(), version, rows)),
            "{}",
            city.label
        );
        let unknown = city.load("units", "code\n").await.expect_err("not ours");
        assert_eq!(unknown.reason(), "INVALID_FIELD");
        let (lines, next) = city
            .intake
            .lines(&Page {
                size: 1,
                after: None,
            })
            .await
            .expect("listed");
        assert_eq!(
            (
                lines[0].number.as_str(),
                lines[0].is_exempt,
                next.as_deref()
            ),
            ("110", true, Some("110"))
        );
    }
}
