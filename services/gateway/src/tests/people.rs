//! Signing in.

use hotline_platform::access::Role;

use super::{DESK, Office, PASSWORD, config, from, is_refused, is_too_many, password};
use crate::config::Config;
use crate::domain::password::Weak;
use crate::error::GatewayError;

#[tokio::test]
async fn whatever_is_wrong_is_answered_alike() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let right = office.asked(&person, PASSWORD);
        let cases = [
            (
                "password",
                crate::app::sign_in::SignIn {
                    password: password("another-one-99"),
                    ..right.clone()
                },
            ),
            (
                "code",
                crate::app::sign_in::SignIn {
                    code: "000000".to_owned(),
                    ..right.clone()
                },
            ),
            (
                "no code",
                crate::app::sign_in::SignIn {
                    code: String::new(),
                    ..right.clone()
                },
            ),
            (
                "name",
                crate::app::sign_in::SignIn {
                    name: "nobody".to_owned(),
                    ..right.clone()
                },
            ),
            (
                "no name at all",
                crate::app::sign_in::SignIn {
                    name: "李; --".to_owned(),
                    ..right.clone()
                },
            ),
        ];
        for (what, asked) in cases {
            let answer = office.accounts.sign_in(from(DESK), asked).await;
            assert!(is_refused(&answer), "{}: {what}", office.label);
        }
        assert!(
            office.accounts.sign_in(from(DESK), right).await.is_ok(),
            "{}",
            office.label
        );
        assert!(
            office.has_told("user:li", "li", "signed in").await,
            "{}",
            office.label
        );
        // That somebody knew the password and not the code is worth a row of its own.
        assert!(
            office.has_told("user:li", "li", "sign-in refused").await,
            "{}",
            office.label
        );
        let trail = office.trail().await;
        assert!(
            trail
                .iter()
                .all(|row| row.iter().all(|text| !text.contains("nobody")))
        );
    }
}

#[tokio::test]
async fn a_code_is_accepted_once_also_at_the_same_moment() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let sign_in = || {
            office
                .accounts
                .sign_in(from(DESK), office.asked(&person, PASSWORD))
        };
        let answers = tokio::join!(sign_in(), sign_in());
        let came_in = [answers.0.is_ok(), answers.1.is_ok()];
        assert_eq!(
            came_in.iter().filter(|is_in| **is_in).count(),
            1,
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_recovery_code_opens_once() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        for (code, is_good) in [
            (&person.recovery_codes[0], true),
            (&person.recovery_codes[0], false),
            (&person.recovery_codes[1].to_uppercase(), true),
        ] {
            let mut asked = office.asked(&person, PASSWORD);
            asked.code.clone_from(code);
            let answer = office.accounts.sign_in(from(DESK), asked).await;
            assert_eq!(answer.is_ok(), is_good, "{}", office.label);
        }
    }
}

#[tokio::test]
async fn an_old_password_is_changed_on_the_way_in() {
    let month = Config {
        password_days: 30,
        ..config()
    };
    for office in Office::all_with(month).await {
        let person = office.person("li", Role::Operator).await;
        let early = office.signs_in(&person).await;
        office.seconds_pass(31 * 24 * 3600);
        let answer = office.try_sign_in(&person, DESK, PASSWORD).await;
        assert!(
            matches!(answer, Err(GatewayError::PasswordExpired)),
            "{}",
            office.label
        );
        let wrong = office.try_sign_in(&person, DESK, "another-one-99").await;
        assert!(
            is_refused(&wrong),
            "who does not know it is not told: {}",
            office.label
        );

        let mut asked = office.asked(&person, PASSWORD);
        asked.new_password = Some(password(PASSWORD));
        let answer = office.accounts.sign_in(from(DESK), asked.clone()).await;
        assert!(
            matches!(answer, Err(GatewayError::Weak(Weak::Unchanged))),
            "{}",
            office.label
        );
        asked.new_password = Some(password("gravel-ferry-2291"));
        let answer = office.accounts.sign_in(from(DESK), asked.clone()).await;
        assert!(
            is_refused(&answer),
            "the code was used when the password was too old: {}",
            office.label
        );
        office.seconds_pass(60);
        asked.code = person.secret.code_at(office.now());
        assert!(
            office.accounts.sign_in(from(DESK), asked).await.is_ok(),
            "{}",
            office.label
        );
        assert!(!office.is_known(&early.token).await, "{}", office.label);
        office.seconds_pass(60);
        assert!(is_refused(
            &office.try_sign_in(&person, DESK, PASSWORD).await
        ));
        let answer = office.try_sign_in(&person, DESK, "gravel-ferry-2291").await;
        assert!(answer.is_ok(), "{}", office.label);
    }
}

#[tokio::test]
async fn a_password_is_hashed_again_when_the_parameters_changed() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let hash_of = async |office: &Office| {
            let db = office.core.db().read();
            let account = crate::store::accounts::by_name(db, &super::name("li"))
                .await
                .unwrap();
            let found = crate::store::credentials::find(db, account.unwrap().id)
                .await
                .unwrap();
            found.unwrap().password_hash
        };
        assert!(
            hash_of(&office).await.contains("m=19456,t=2"),
            "{}",
            office.label
        );
        let dearer = Config {
            password_passes: 3,
            ..config()
        };
        let accounts =
            crate::app::Accounts::new(office.core.clone(), super::key_of, &dearer, None).unwrap();
        let asked = office.asked(&person, PASSWORD);
        assert!(
            accounts.sign_in(from(DESK), asked).await.is_ok(),
            "{}",
            office.label
        );
        assert!(
            hash_of(&office).await.contains("m=19456,t=3"),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn an_account_that_lay_idle_is_disabled() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        office.seconds_pass(61 * 24 * 3600);
        for _ in 0..2 {
            assert!(is_refused(
                &office.try_sign_in(&person, DESK, PASSWORD).await
            ));
        }
        assert!(
            office.has_told("user:li", "li", "disabled").await,
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn strangers_cannot_lock_somebody_out_of_a_device_that_he_uses() {
    for office in Office::all().await {
        let mut person = office.person("li", Role::Operator).await;
        person.device = office.signs_in(&person).await.device;
        let stranger = super::Person {
            name: "li".to_owned(),
            secret: person.secret.clone(),
            recovery_codes: Vec::new(),
            device: None,
        };
        // From the clerk's own address, too.
        for _ in 0..40 {
            let answer = office.try_sign_in(&stranger, DESK, "a-guess-of-1234").await;
            assert!(answer.is_err());
            office.seconds_pass(31);
        }
        let answer = office.try_sign_in(&stranger, DESK, PASSWORD).await;
        assert!(is_too_many(&answer), "even the right one: {}", office.label);
        let again = office.signs_in(&person).await;
        assert!(
            again.device.is_none(),
            "the device is known: {}",
            office.label
        );
        let answer = office.try_sign_in(&stranger, DESK, PASSWORD).await;
        assert!(
            is_too_many(&answer),
            "a success elsewhere sets nothing back: {}",
            office.label
        );
    }
}
