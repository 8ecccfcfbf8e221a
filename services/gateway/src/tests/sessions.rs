//! Sessions: how they end, and that they end.

use hotline_platform::access::Role;

use super::{DESK, Office, PASSWORD, by, is_refused, keeping, machine, name, password};
use crate::domain::token::Opens;
use crate::error::GatewayError;

#[tokio::test]
async fn a_session_ends_by_silence_by_age_and_by_signing_out() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let silent = office.signs_in(&person).await;
        assert!(office.is_known(&silent.token).await, "{}", office.label);
        office.seconds_pass(16 * 60);
        assert!(
            !office.is_known(&silent.token).await,
            "idle: {}",
            office.label
        );

        let busy = office.signs_in(&person).await;
        let mut minutes = 0;
        while office.is_known(&busy.token).await {
            office.seconds_pass(10 * 60);
            minutes += 10;
            assert!(minutes <= 8 * 60, "{}", office.label);
        }
        assert!(minutes > 7 * 60, "{}: {minutes}", office.label);

        let left = office.signs_in(&person).await;
        office.accounts.sign_out(by(&left)).await.unwrap();
        assert!(
            !office.is_known(&left.token).await,
            "a stolen token too: {}",
            office.label
        );
        let again = office.accounts.sign_out(by(&left)).await;
        assert!(
            matches!(again, Err(GatewayError::SessionNotFound)),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_second_factor_gives_the_session_another_token() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let signed_in = office.signs_in(&person).await;
        let cause = by(&signed_in);
        let wrong = office
            .accounts
            .step_up(cause.clone(), "000000".to_owned())
            .await;
        assert!(
            matches!(wrong, Err(GatewayError::CodeWrong)),
            "{}",
            office.label
        );
        let code = person.secret.code_at(office.now());
        let token = office
            .accounts
            .step_up(cause.clone(), code.clone())
            .await
            .unwrap();
        assert!(!office.is_known(&signed_in.token).await, "{}", office.label);
        let Some(crate::app::knowing::Known::Person { session, .. }) =
            office.knows(token.reveal()).await
        else {
            panic!("{}: the new token opens nothing", office.label);
        };
        assert_eq!(
            session.stepped_up_at,
            Some(office.now()),
            "{}",
            office.label
        );
        let replayed = office.accounts.step_up(cause, code).await;
        assert!(
            matches!(replayed, Err(GatewayError::CodeWrong)),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_thief_of_a_session_cannot_guess_codes_for_long() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let signed_in = office.signs_in(&person).await;
        let mut evaluated = 0;
        for number in 0..1000 {
            let guess = format!("{number:06}");
            match office.accounts.step_up(by(&signed_in), guess).await {
                Err(GatewayError::CodeWrong) => evaluated += 1,
                Err(GatewayError::TooMany { .. }) => {}
                other => panic!("{}: {:?}", office.label, other.err()),
            }
        }
        assert!(evaluated <= 10, "{}: {evaluated}", office.label);
    }
}

#[tokio::test]
async fn a_token_that_somebody_brings_along_is_not_the_sessions() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let planted = super::forged(Opens::Session, 7);
        let mut asked = office.asked(&person, PASSWORD);
        asked.device = Some(super::forged(Opens::Device, 7));
        let signed_in = office
            .accounts
            .sign_in(super::from(DESK), asked)
            .await
            .unwrap();
        assert!(signed_in.token.hash() != planted.hash());
        assert!(!office.is_known(&planted).await, "{}", office.label);
        assert!(
            signed_in
                .device
                .is_some_and(|given| given.hash() != super::forged(Opens::Device, 7).hash())
        );
    }
}

#[tokio::test]
async fn sessions_end_at_once_when_somebody_is_disabled_reset_or_gets_other_roles() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let reason = || "a reason".to_owned();
        let context = || keeping(machine());

        let signed_in = office.signs_in(&person).await;
        let wanted = (
            vec!["operator".to_owned(), "dispatcher".to_owned()],
            String::new(),
        );
        office
            .accounts
            .request_roles(context(), name("li"), wanted, reason())
            .await
            .unwrap();
        assert!(
            !office.is_known(&signed_in.token).await,
            "roles given: {}",
            office.label
        );

        let signed_in = office.signs_in(&person).await;
        let taken = vec!["dispatcher".to_owned()];
        office
            .accounts
            .take_roles(context(), name("li"), taken, reason())
            .await
            .unwrap();
        assert!(
            !office.is_known(&signed_in.token).await,
            "roles taken: {}",
            office.label
        );

        let signed_in = office.signs_in(&person).await;
        let kept = office
            .accounts
            .request_reset(context(), name("li"), reason())
            .await
            .unwrap();
        assert!(
            !office.is_known(&signed_in.token).await,
            "reset: {}",
            office.label
        );
        assert!(is_refused(
            &office.try_sign_in(&person, DESK, PASSWORD).await
        ));
        let person = office.sets_up(&kept.link.unwrap(), None).await;

        let signed_in = office.signs_in(&person).await;
        office
            .accounts
            .disable_account(context(), name("li"), reason())
            .await
            .unwrap();
        assert!(
            !office.is_known(&signed_in.token).await,
            "disabled: {}",
            office.label
        );
        assert!(is_refused(
            &office.try_sign_in(&person, DESK, PASSWORD).await
        ));
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    for office in Office::all().await {
        let person = office.person("li", Role::Operator).await;
        let (one, two) = (
            office.signs_in(&person).await,
            office.signs_in(&person).await,
        );
        let listed = office.accounts.own_sessions(&by(&one)).await.unwrap();
        assert_eq!(listed.len(), 2, "{}", office.label);
        let new = || password("gravel-ferry-2291");
        let wrong = office
            .accounts
            .change_password(by(&one), password("not-mine-1234"), new())
            .await;
        assert!(is_refused(&wrong), "{}", office.label);
        office
            .accounts
            .change_password(by(&one), password(PASSWORD), new())
            .await
            .unwrap();
        assert!(office.is_known(&one.token).await, "{}", office.label);
        assert!(!office.is_known(&two.token).await, "{}", office.label);
        assert!(
            office
                .try_sign_in(&person, DESK, "gravel-ferry-2291")
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn nobody_ends_or_sees_anothers_session_but_who_keeps_accounts() {
    for office in Office::all().await {
        let (li, wang) = (
            office.person("li", Role::Operator).await,
            office.person("wang", Role::Operator).await,
        );
        let (li, wang) = (office.signs_in(&li).await, office.signs_in(&wang).await);
        let answer = office
            .accounts
            .end_own_session(by(&wang), li.session.id)
            .await;
        assert!(
            matches!(answer, Err(GatewayError::SessionNotFound)),
            "{}",
            office.label
        );
        let listed = office.accounts.own_sessions(&by(&wang)).await.unwrap();
        assert!(
            listed
                .iter()
                .all(|found| found.account_id == wang.account.id)
        );
        let context = hotline_platform::core::CommandContext {
            scope: hotline_platform::access::Scope::nothing(),
            ..keeping(by(&wang))
        };
        let answer = office.accounts.sessions_of(&context, &name("li")).await;
        assert!(
            matches!(answer, Err(GatewayError::AccountNotFound)),
            "{}",
            office.label
        );
        office
            .accounts
            .end_session_of(keeping(machine()), &name("li"), li.session.id)
            .await
            .unwrap();
        assert!(!office.is_known(&li.token).await, "{}", office.label);
        assert!(office.is_known(&wang.token).await, "{}", office.label);
    }
}
