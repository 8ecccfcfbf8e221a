//! Attacks in numbers (T34, T35).

use chrono::TimeDelta;
use hotline_platform::access::Role;

use super::{DESK, Office, PASSWORD, by, forged, from, is_refused, is_too_many, name, password};
use crate::app::sign_in::SignIn;
use crate::domain::key::KeyText;
use crate::domain::token::Opens;
use crate::store::accounts;

const ACCOUNTS: usize = 100;
const ADDRESSES: usize = 1_000;
const GUESSES: usize = 100_000;

/// 100,000 guesses from 1,000 addresses on 100 accounts, spread over an hour and as fast as they can be.
#[tokio::test]
async fn a_hundred_thousand_guesses_are_ten_evaluated_ones_an_account_and_hour() {
    for (index, office) in Office::all().await.into_iter().enumerate() {
        // The second arrangement has the same code before it; a fifth of the guesses shows that it counts too.
        let guesses = if index == 0 { GUESSES } else { GUESSES / 5 };
        let mut names = Vec::new();
        for number in 0..ACCOUNTS {
            let who = format!("clerk{number}");
            let wanted = crate::app::keeping::NewAccount {
                name: name(&who),
                roles: vec![Role::Operator.word().to_owned()],
                unit_code: String::new(),
                outsourced: false,
                oidc_subject: None,
                reason: "begins today".to_owned(),
            };
            let context = super::keeping(super::machine());
            office
                .accounts
                .add_account(context, wanted)
                .await
                .expect("added");
            names.push(who);
        }
        let begun = office.now();
        let (mut evaluated, mut rejected) = (vec![0_usize; ACCOUNTS], 0);
        for guess in 0..guesses {
            let account = guess % ACCOUNTS;
            let address = (guess / ACCOUNTS * 7 + account) % ADDRESSES;
            let asked = SignIn {
                name: names[account].clone(),
                password: password("a-guess-of-1234"),
                code: "000000".to_owned(),
                device: None,
                new_password: None,
                agent: String::new(),
            };
            let from_addr = format!("10.9.{}.{}", address / 250, address % 250 + 1);
            let answer = office.accounts.sign_in(from(&from_addr), asked).await;
            if is_refused(&answer) {
                evaluated[account] += 1;
            } else {
                assert!(is_too_many(&answer), "{}", office.label);
                rejected += 1;
            }
            // Just under an hour in all.
            office
                .clock
                .set(begun + TimeDelta::milliseconds(i64::try_from(guess).unwrap() * 3_599 / 100));
        }
        let most = evaluated.iter().max().copied().unwrap_or_default();
        println!(
            "{}: at most {most} evaluated, {rejected} rejected",
            office.label
        );
        assert!(most <= 10, "{}: {most}", office.label);
        assert!(rejected >= guesses - 10 * ACCOUNTS, "{}", office.label);
    }
}

#[tokio::test]
async fn an_address_is_closed_after_thirty_failures_whatever_names_it_tries() {
    for office in Office::all().await {
        let mut evaluated = 0;
        for number in 0..200 {
            let asked = SignIn {
                name: format!("nobody{number}"),
                password: password("a-guess-of-1234"),
                code: String::new(),
                device: None,
                new_password: None,
                agent: String::new(),
            };
            let answer = office.accounts.sign_in(from("10.9.9.9"), asked).await;
            evaluated += usize::from(is_refused(&answer));
            office.seconds_pass(1);
        }
        assert!(evaluated <= 30, "{}: {evaluated}", office.label);
        // Names that no account has take no room of their own.
        let counters = crate::store::failures::count(office.core.db().read())
            .await
            .unwrap();
        assert!(counters <= 31, "{}: {counters}", office.label);
    }
}

#[tokio::test]
async fn a_name_that_no_account_has_is_slowed_down_like_one() {
    for office in Office::all().await {
        office.person("li", Role::Operator).await;
        let mut answers = [Vec::new(), Vec::new()];
        for number in 0..30 {
            for (which, who) in ["li", "nobody"].into_iter().enumerate() {
                // However it is spelled.
                let name = match number % 3 {
                    0 => who.to_owned(),
                    1 => who.to_uppercase(),
                    _ => format!(" {who} "),
                };
                let asked = SignIn {
                    name,
                    password: password("a-guess-of-1234"),
                    code: String::new(),
                    device: None,
                    new_password: None,
                    agent: String::new(),
                };
                let from_addr = format!("10.9.{number}.{which}");
                let answer = office.accounts.sign_in(from(&from_addr), asked).await;
                answers[which].push(answer.err().map(|error| error.to_string()));
            }
            office.seconds_pass(3);
        }
        assert_eq!(answers[0], answers[1], "{}", office.label);
    }
}

#[tokio::test]
async fn a_used_code_opens_nothing_in_a_thousand_tries() {
    for office in Office::all().await {
        let mut person = office.person("li", Role::Operator).await;
        person.device = office.signs_in(&person).await.device;
        let used = office.asked(&person, PASSWORD);
        let signed_in = office
            .accounts
            .sign_in(from(DESK), used.clone())
            .await
            .unwrap();
        let mut came_in = 0;
        for number in 0..1_000 {
            // By turns with and without the device, from many addresses, within the code's life and after it.
            let mut asked = used.clone();
            if number % 2 == 0 {
                asked.device = None;
            }
            let from_addr = format!("10.9.{}.{}", number / 250, number % 250);
            came_in += usize::from(
                office
                    .accounts
                    .sign_in(from(&from_addr), asked)
                    .await
                    .is_ok(),
            );
            let stepped_up = office
                .accounts
                .step_up(by(&signed_in), used.code.clone())
                .await;
            came_in += usize::from(stepped_up.is_ok());
            if number % 20 == 0 {
                office.seconds_pass(1);
            }
        }
        assert_eq!(came_in, 0, "{}", office.label);
    }
}

#[tokio::test]
async fn ten_thousand_forged_sessions_and_keys_are_nobody() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let real = office.signs_in(&person).await;
        let wanted = crate::app::keys::NewKey {
            owner: "app".to_owned(),
            channel_code: "app".to_owned(),
            verbs: vec!["register".to_owned()],
            networks: Vec::new(),
            days: 1,
            per_minute: 1_000_000,
            per_day: 1_000_000,
        };
        let context = super::keeping(super::machine());
        let key = office.accounts.create_key(context, wanted).await.unwrap();
        let (mut accepted, text) = (0, key.text.unwrap());
        for number in 0..10_000_u64 {
            let token = forged(Opens::Session, number);
            accepted += usize::from(office.is_known(&token).await);
            // One digit of a real one changed.
            let mut near: Vec<u8> = real.token.reveal().bytes().collect();
            let place = 3 + usize::try_from(number % 64).unwrap();
            near[place] = if near[place] == b'0' { b'1' } else { b'0' };
            let near = String::from_utf8(near).unwrap();
            accepted += usize::from(office.knows(&near).await.is_some());
            // A key with the right form, check and id, and another secret.
            let mut secret = [7; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            let forged = KeyText::new("city", &[0; 12], &secret).reveal();
            accepted += usize::from(office.knows(&forged).await.is_some());
            let mut of_the_id = KeyText::new("city", &[0; 12], &secret);
            of_the_id.id.clone_from(&key.key.id);
            accepted += usize::from(office.knows(&of_the_id.reveal()).await.is_some());
        }
        assert_eq!(accepted, 0, "{}", office.label);
        assert!(office.is_known(&real.token).await, "{}", office.label);
        assert!(office.knows(&text).await.is_some(), "{}", office.label);
        let account = accounts::by_name(office.core.db().read(), &name("li"))
            .await
            .unwrap();
        assert!(account.is_some());
    }
}
