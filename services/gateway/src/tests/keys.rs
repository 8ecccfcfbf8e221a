//! API keys.

use super::{Office, is_refused, is_too_many, keeping, machine};
use crate::app::keys::NewKey;
use crate::app::knowing::Known;
use crate::domain::key::Verb;
use crate::error::GatewayError;

fn wanted() -> NewKey {
    NewKey {
        owner: "12345 app".to_owned(),
        channel_code: "app".to_owned(),
        verbs: vec!["register".to_owned()],
        networks: vec!["10.1.0.0/16".to_owned()],
        days: 90,
        per_minute: 100,
        per_day: 150,
    }
}

#[tokio::test]
async fn a_key_opens_its_channel_from_its_network_until_it_ends() {
    for office in Office::all().await {
        let made = office
            .accounts
            .create_key(keeping(machine()), wanted())
            .await
            .unwrap();
        let text = made.text.unwrap();
        let Ok(Known::Program { key }) = office.accounts.know(&text, "10.1.9.9").await else {
            panic!("{}: the key opens nothing", office.label);
        };
        assert_eq!(
            (key.channel_code.as_str(), &*key.verbs),
            ("app", &[Verb::Register][..])
        );
        for elsewhere in ["10.2.0.1", "::1", "in-process", ""] {
            let answer = office.accounts.know(&text, elsewhere).await;
            assert!(is_refused(&answer), "{}: {elsewhere}", office.label);
        }
        office.seconds_pass(90 * 24 * 3600);
        assert!(
            is_refused(&office.accounts.know(&text, "10.1.9.9").await),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn two_keys_are_active_while_their_owner_changes_over() {
    for office in Office::all().await {
        let context = || keeping(machine());
        let old = office
            .accounts
            .create_key(context(), wanted())
            .await
            .unwrap();
        let new = office
            .accounts
            .rotate_key(context(), &old.key.id)
            .await
            .unwrap();
        let third = office.accounts.rotate_key(context(), &old.key.id).await;
        assert!(
            matches!(third, Err(GatewayError::KeysMax)),
            "{}",
            office.label
        );
        let (old_text, new_text) = (old.text.unwrap(), new.text.unwrap());
        assert!(
            office.accounts.know(&old_text, "10.1.0.1").await.is_ok(),
            "{}",
            office.label
        );
        assert!(
            office.accounts.know(&new_text, "10.1.0.1").await.is_ok(),
            "{}",
            office.label
        );
        office
            .accounts
            .revoke_key(context(), old.key.id.clone())
            .await
            .unwrap();
        assert!(is_refused(
            &office.accounts.know(&old_text, "10.1.0.1").await
        ));
        assert!(
            office.accounts.know(&new_text, "10.1.0.1").await.is_ok(),
            "{}",
            office.label
        );
        assert!(
            office
                .accounts
                .rotate_key(context(), &new.key.id)
                .await
                .is_ok()
        );
        let actor = "security_administrator:cli";
        assert!(
            office.has_told(actor, &old.key.id, "revoked").await,
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_quota_holds_in_several_processes_together() {
    for office in Office::all().await {
        let made = office
            .accounts
            .create_key(keeping(machine()), wanted())
            .await
            .unwrap();
        let text = made.text.unwrap();
        let other =
            crate::app::Accounts::new(office.core.clone(), super::key_of, &super::config(), None)
                .unwrap();
        let mut minutes = Vec::new();
        for _ in 0..3 {
            let mut served = 0;
            for number in 0..250 {
                let process = if number % 2 == 0 {
                    &office.accounts
                } else {
                    &other
                };
                let answer = process.know(&text, "10.1.0.1").await;
                served += usize::from(answer.is_ok());
                assert!(answer.is_ok() || is_too_many(&answer), "{}", office.label);
            }
            minutes.push(served);
            office.seconds_pass(60);
        }
        assert_eq!(minutes, [100, 50, 0], "{}", office.label);
    }
}

#[tokio::test]
async fn a_repeated_command_makes_no_second_key_and_does_not_tell_the_first_again() {
    for office in Office::all().await {
        let context = || hotline_platform::core::CommandContext {
            idempotency_key: "once".to_owned(),
            ..keeping(machine())
        };
        let made = office
            .accounts
            .create_key(context(), wanted())
            .await
            .unwrap();
        let again = office
            .accounts
            .create_key(context(), wanted())
            .await
            .unwrap();
        assert_eq!(made.key.id, again.key.id, "{}", office.label);
        assert!(
            made.text.is_some() && again.text.is_none(),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn what_a_key_may_be_is_said_where_it_is_not() {
    let office = Office::all().await.swap_remove(0);
    let cases = [
        (
            "owner",
            NewKey {
                owner: String::new(),
                ..wanted()
            },
        ),
        (
            "channel_code",
            NewKey {
                channel_code: String::new(),
                ..wanted()
            },
        ),
        (
            "verbs",
            NewKey {
                verbs: Vec::new(),
                ..wanted()
            },
        ),
        (
            "verbs",
            NewKey {
                verbs: vec!["dispatch".to_owned()],
                ..wanted()
            },
        ),
        (
            "networks",
            NewKey {
                networks: vec!["10.1".to_owned()],
                ..wanted()
            },
        ),
        (
            "days",
            NewKey {
                days: 0,
                ..wanted()
            },
        ),
        (
            "days",
            NewKey {
                days: 731,
                ..wanted()
            },
        ),
        (
            "per_day",
            NewKey {
                per_minute: 0,
                ..wanted()
            },
        ),
    ];
    for (expected, wanted) in cases {
        let answer = office.accounts.create_key(keeping(machine()), wanted).await;
        let Err(GatewayError::Invalid { field, .. }) = answer else {
            panic!("{expected} was taken");
        };
        assert_eq!(field, expected);
    }
}
