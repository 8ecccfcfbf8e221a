//! Query codes and who guesses at them: what is looked at, what is told, and who gets in all the same (T37).

use std::collections::BTreeSet;

use hotline_kernel::number::TicketNumber;
use hotline_kernel::time::{Clock, Zone};
use hotline_platform::access::Role;
use hotline_platform::core::CommandContext;
use hotline_platform::grpc::Principal;
use hotline_platform::testing;
use hotline_proto::intake as pb;
use hotline_proto::intake::intake_service_server::IntakeService;
use sea_orm::{ConnectionTrait, Statement};
use tonic::Request;

use super::city::{City, appeal, cities, command};
use crate::app::progress::Question;
use crate::app::register::Receipt;
use crate::app::reveals::{Named, Wish};
use crate::app::{Care, Intake};
use crate::domain::guess::GuessLimits;
use crate::domain::origin::Origin;
use crate::domain::reveal::{ContactField, Purpose};
use crate::error::IntakeError;
use crate::grpc::IntakeGrpc;

fn asks() -> CommandContext {
    let channel = Principal::new("channel:web", Role::Channel);
    CommandContext {
        scope: testing::scope(&channel, "QueryProgress"),
        ..command()
    }
}

fn question(number: &str, code: &str, address: &str) -> Question {
    Question {
        key_channel: String::new(),
        number: number.to_owned(),
        code: code.to_owned(),
        origin: Origin::parse(address).expect("an address"),
    }
}

/// Whether the code opened the receipt.
async fn opens(intake: &Intake, number: &str, code: &str, address: &str) -> bool {
    match intake
        .progress(asks(), question(number, code, address))
        .await
    {
        Ok(_) => true,
        Err(IntakeError::ReceiptNotFound) => false,
        Err(other) => panic!("{other}"),
    }
}

async fn said(city: &City, key: &str) -> Receipt {
    city.register(appeal(key, key)).await.expect("registered")
}

async fn sum(city: &City, text: &str) -> i64 {
    let db = city.core.db().read();
    let asked = Statement::from_sql_and_values(db.get_database_backend(), text, []);
    let row = db.query_one_raw(asked).await.expect("asked");
    row.expect("a row").try_get("", "n").expect("a number")
}

#[tokio::test]
async fn a_citizen_gets_in_while_somebody_guesses_at_his_number() {
    for city in cities().await {
        let receipt = said(&city, "路灯不亮").await;
        let (number, code) = (receipt.number.as_str(), receipt.query_code.as_str());
        assert!(
            opens(&city.intake, number, code, "192.0.2.1").await,
            "{}",
            city.label
        );
        for guesser in 0..60 {
            let address = format!("198.51.100.{guesser}");
            assert!(!opens(&city.intake, number, "22222222", &address).await);
        }
        let tried = "SELECT SUM(wrong) AS n FROM query_guess WHERE key = 'all'";
        assert_eq!(
            sum(&city, tried).await,
            25,
            "{}: five, and twenty in reserve",
            city.label
        );
        let is_open = opens(&city.intake, number, code, "192.0.2.1").await;
        assert!(is_open, "{}: his address was right before", city.label);
        let is_open = opens(&city.intake, number, code, "203.0.113.9").await;
        assert!(!is_open, "{}: another one waits", city.label);
        city.clock.advance(std::time::Duration::from_hours(24));
        let is_open = opens(&city.intake, number, code, "203.0.113.9").await;
        assert!(is_open, "{}: until the day is over", city.label);
    }
}

#[tokio::test]
async fn tries_side_by_side_are_not_more_than_one_after_the_other() {
    for city in cities().await {
        let receipt = said(&city, "路灯不亮").await;
        let rush = (0..64).map(|_| opens(&city.intake, &receipt.number, "22222222", "192.0.2.1"));
        futures::future::join_all(rush).await;
        let tried = "SELECT SUM(wrong) AS n FROM query_guess WHERE key = 'all'";
        assert_eq!(sum(&city, tried).await, 5, "{}", city.label);
    }
}

/// T37, through the real door: ten thousand guesses, half of them at numbers that exist, from five hundred addresses.
#[tokio::test]
async fn ten_thousand_guesses_hit_nothing_and_few_are_looked_at() {
    const GUESSES: u32 = 10_000;
    for city in cities().await {
        let mut numbers = Vec::new();
        for number in 0..50 {
            numbers.push(said(&city, &format!("第{number}件")).await.number);
        }
        let ids = city.core.ids();
        let alphabet = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
        let mut hits = 0;
        for guess in 0..GUESSES {
            let code: String = (0..8)
                .map(|_| char::from(alphabet[usize::try_from(ids.draw(31)).expect("small")]))
                .collect();
            let number = if guess % 2 == 0 {
                numbers[usize::try_from(ids.draw(50)).expect("small")].clone()
            } else {
                let day = Zone::SHANGHAI.day(city.clock.now());
                TicketNumber::mint(day, &mut |bound| ids.draw(bound)).to_string()
            };
            let address = format!("198.51.{}.{}", ids.draw(2), ids.draw(250));
            hits += u32::from(opens(&city.intake, &number, &code, &address).await);
        }
        assert_eq!(hits, 0, "{}", city.label);
        // The clock stands still: everything is of one minute.
        let evaluated = "SELECT SUM(wrong) AS n FROM query_guess WHERE key = 'all'";
        let most = i64::from(Care::default().guesses.all);
        assert_eq!(sum(&city, evaluated).await, most, "{}", city.label);
        let rows = sum(&city, "SELECT COUNT(*) AS n FROM query_guess").await;
        assert!(rows <= 3 * most + 3, "{}: {rows} rows are kept", city.label);
    }
}

/// Through the real door: when the whole city is guessed at, who was not wrong himself still gets in.
#[tokio::test]
async fn a_first_question_is_answered_while_the_whole_city_is_guessed_at() {
    for city in cities().await {
        let receipt = said(&city, "路灯不亮").await;
        let limits = GuessLimits {
            all: 10,
            ..Care::default().guesses
        };
        let intake = city.intake.clone().with_care(Care {
            guesses: limits,
            ..Care::default()
        });
        for guesser in 0..30 {
            let address = format!("2001:db8:{guesser:x}::7");
            let number = said(&city, &format!("第{guesser}件")).await.number;
            for _ in 0..2 {
                assert!(!opens(&intake, &number, "22222222", &address).await);
            }
        }
        let wrong = "SELECT SUM(wrong) AS n FROM query_guess WHERE key = 'all'";
        assert_eq!(
            sum(&city, wrong).await,
            35,
            "{}: five had two tries, then each had one",
            city.label
        );
        let (number, code) = (receipt.number.as_str(), receipt.query_code.as_str());
        let is_open = opens(&intake, number, code, "203.0.113.9").await;
        assert!(is_open, "{}: he was not wrong", city.label);
        let is_open = opens(&intake, number, code, "2001:db8:1::8").await;
        assert!(
            !is_open,
            "{}: the guesser has other addresses in his network",
            city.label
        );
    }
}

#[tokio::test]
async fn every_way_of_being_wrong_is_answered_in_the_same_bytes() {
    for city in cities().await {
        let receipt = said(&city, "路灯不亮").await;
        let service = IntakeGrpc(city.intake.clone());
        let channel = Principal::new("channel:web", Role::Channel);
        let mut told = BTreeSet::new();
        let mut asked = 0;
        for address in 0..40 {
            for (number, code) in [
                (receipt.number.as_str(), "22222222"),
                (receipt.number.as_str(), ""),
                ("261122-22222-2", receipt.query_code.as_str()),
                ("nonsense", "22222222"),
            ] {
                let mut request = Request::new(pb::QueryProgressRequest {
                    number: number.to_owned(),
                    query_code: code.to_owned(),
                    client_address: format!("192.0.2.{address}"),
                });
                request.extensions_mut().insert(channel.clone());
                let scope = testing::scope(&channel, "QueryProgress");
                request.extensions_mut().insert(scope);
                let refused = service.query_progress(request).await.expect_err("wrong");
                told.insert(format!("{refused:?}"));
                asked += 1;
            }
        }
        assert_eq!((told.len(), asked), (1, 160), "{}: {told:?}", city.label);
    }
}

#[tokio::test]
async fn counters_are_forgotten_when_they_count_no_more() {
    for city in cities().await {
        let receipt = said(&city, "路灯不亮").await;
        for address in 0..20 {
            let address = format!("192.0.2.{address}");
            opens(&city.intake, &receipt.number, "22222222", &address).await;
        }
        let rows = "SELECT COUNT(*) AS n FROM query_guess";
        assert!(sum(&city, rows).await > 30, "{}", city.label);
        city.clock.advance(std::time::Duration::from_hours(49));
        opens(&city.intake, &receipt.number, "22222222", "192.0.2.99").await;
        assert_eq!(sum(&city, rows).await, 5, "{}", city.label);
    }
}

#[tokio::test]
async fn the_citizen_is_told_who_looked_where_the_city_tells() {
    for city in cities().await {
        let mut told = super::city::appeal_of("199-0000-0001", "k", "路灯不亮");
        told.subject = "路灯".to_owned();
        let receipt = city.register(told).await.expect("registered");
        let wish = Wish {
            appeal: Named::Id(receipt.appeal_id),
            fields: vec![ContactField::Phone],
            purpose: Purpose::CallBack,
            reason: "地址不清, 回电核实".to_owned(),
        };
        city.intake
            .reveal(command(), wish, None)
            .await
            .expect("shown");
        let open = city.intake.clone().with_care(Care {
            tells_who_looked: true,
            ..Care::default()
        });
        for (intake, count) in [(&city.intake, 0), (&open, 1)] {
            let asked = question(&receipt.number, &receipt.query_code, "192.0.2.1");
            let progress = intake.progress(asks(), asked).await.expect("right");
            assert_eq!(progress.looks.len(), count, "{}", city.label);
            for look in progress.looks {
                assert_eq!(
                    (look.unit_code.as_str(), look.purpose),
                    ("", Purpose::CallBack)
                );
            }
        }
    }
}
