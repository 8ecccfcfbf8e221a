//! How the first account comes into being, and the others.

use super::{DESK, Office, PASSWORD, alone, base32, forged, from, is_refused, name, password};
use crate::app::set_up::SetUp;
use crate::app::sign_in::SignIn;
use crate::domain::second_factor::SharedSecret;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;

async fn chosen(office: &Office, link: &Token, who: Option<&str>, text: &str) -> SetUp {
    let offer = office
        .accounts
        .begin_set_up(from(DESK), &alone(link))
        .await
        .expect("a good link");
    let secret = SharedSecret::new(base32(&offer.secret));
    SetUp {
        proof: alone(link),
        name: who.map(name),
        password: password(text),
        code: secret.code_at(office.now()),
    }
}

#[tokio::test]
async fn nobody_can_sign_in_on_a_fresh_installation() {
    for office in Office::all().await {
        for (who, text) in [
            ("admin", "admin"),
            ("administrator", "password"),
            ("root", ""),
            ("first", PASSWORD),
            ("security_administrator", "security_administrator"),
            ("hotline", "hotline"),
        ] {
            let asked = SignIn {
                name: who.to_owned(),
                password: password(text),
                code: "000000".to_owned(),
                device: None,
                new_password: None,
                agent: String::new(),
            };
            let answer = office.accounts.sign_in(from(DESK), asked).await;
            assert!(is_refused(&answer), "{}: {who}", office.label);
        }
        let forged = forged(Opens::SetUp, 1);
        let answer = office
            .accounts
            .begin_set_up(from(DESK), &alone(&forged))
            .await;
        assert!(
            matches!(answer, Err(GatewayError::LinkNotFound)),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn the_first_link_makes_one_security_administrator_and_is_used_up() {
    for office in Office::all().await {
        let old = office.accounts.first_link().await.unwrap().unwrap();
        let link = office.accounts.first_link().await.unwrap().unwrap();
        let answer = office.accounts.begin_set_up(from(DESK), &alone(&old)).await;
        assert!(
            matches!(answer, Err(GatewayError::LinkNotFound)),
            "replaced: {}",
            office.label
        );

        let wanted = chosen(&office, &link, None, PASSWORD).await;
        let answer = office.accounts.complete_set_up(from(DESK), wanted).await;
        assert!(matches!(
            answer,
            Err(GatewayError::Invalid { field: "name", .. })
        ));
        let weak = chosen(&office, &link, Some("wangli"), "wangli123456").await;
        let answer = office.accounts.complete_set_up(from(DESK), weak).await;
        assert!(
            matches!(answer, Err(GatewayError::Weak(_))),
            "{}",
            office.label
        );
        let mut unpaired = chosen(&office, &link, Some("wangli"), PASSWORD).await;
        unpaired.code = "12".to_owned();
        let answer = office.accounts.complete_set_up(from(DESK), unpaired).await;
        assert!(
            matches!(answer, Err(GatewayError::CodeWrong)),
            "{}",
            office.label
        );

        let first = office.sets_up(&link, Some("wangli")).await;
        assert_eq!(first.recovery_codes.len(), 10);
        let signed_in = office.signs_in(&first).await;
        assert_eq!(signed_in.account.roles, ["security_administrator"]);
        let answer = office
            .accounts
            .begin_set_up(from(DESK), &alone(&link))
            .await;
        assert!(
            matches!(answer, Err(GatewayError::LinkNotFound)),
            "used: {}",
            office.label
        );
        assert!(
            office.accounts.first_link().await.unwrap().is_none(),
            "{}",
            office.label
        );
        assert!(
            office.has_told("user:wangli", "wangli", "set up").await,
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_link_is_good_for_a_day() {
    for office in Office::all().await {
        let link = office.accounts.first_link().await.unwrap().unwrap();
        let wanted = chosen(&office, &link, Some("late"), PASSWORD).await;
        office.seconds_pass(24 * 3600);
        let answer = office.accounts.complete_set_up(from(DESK), wanted).await;
        assert!(
            matches!(answer, Err(GatewayError::LinkNotFound)),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn of_two_who_use_one_link_at_the_same_moment_one_comes_in() {
    for office in Office::all().await {
        let link = office.accounts.first_link().await.unwrap().unwrap();
        let one = chosen(&office, &link, Some("one"), PASSWORD).await;
        let two = chosen(&office, &link, Some("two"), PASSWORD).await;
        let (one, two) = tokio::join!(
            office.accounts.complete_set_up(from(DESK), one),
            office.accounts.complete_set_up(from(DESK), two),
        );
        assert!(one.is_ok() != two.is_ok(), "{}", office.label);
    }
}

#[tokio::test]
async fn two_who_begin_at_the_same_moment_are_shown_one_secret() {
    for office in Office::all().await {
        let link = alone(&office.accounts.first_link().await.unwrap().unwrap());
        let begin = || office.accounts.begin_set_up(from(DESK), &link);
        let (one, two, three) = tokio::join!(begin(), begin(), begin());
        let shown = [one, two, three].map(|offer| offer.unwrap().secret.to_string());
        let later = begin().await.unwrap().secret.to_string();
        assert!(
            shown.iter().all(|secret| *secret == later),
            "{}",
            office.label
        );
    }
}
