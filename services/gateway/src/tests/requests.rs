//! Roles and new ways in take two people.

use futures::future::BoxFuture;
use hotline_platform::access::Role;
use hotline_platform::core::CoreError;
use hotline_platform::page::Page;

use super::{DESK, Office, PASSWORD, alone, by, forged, from, keeping, machine, name};
use crate::app::keeping::{Kept, NewAccount};
use crate::convert;
use crate::domain::account::Unfit;
use crate::domain::request::{Refused, RequestState};
use crate::domain::token::{Opens, SetUpProof, Token};
use crate::error::GatewayError;

fn wanted(who: &str, roles: &[&str]) -> NewAccount {
    NewAccount {
        name: name(who),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        unit_code: String::new(),
        outsourced: false,
        oidc_subject: None,
        reason: "begins today".to_owned(),
    }
}

/// What the account's person has of both.
fn both(asked: &Kept, approved: &Kept) -> SetUpProof {
    let part = |token: &Option<Token>| token.clone().expect("a part");
    SetUpProof {
        link: part(&approved.link),
        asker_part: Some(part(&asked.asker_part)),
    }
}

fn reason() -> String {
    "a reason".to_owned()
}

#[tokio::test]
async fn roles_wait_for_a_second_person_who_is_another_one_in_any_session() {
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        let (a, a_again, b) = (
            office.signs_in(&a).await,
            office.signs_in(&a).await,
            office.signs_in(&b).await,
        );
        let added = office
            .accounts
            .add_account(keeping(by(&a)), wanted("li", &["operator"]))
            .await
            .unwrap();
        assert!(
            added.link.is_none() && added.account.roles.is_empty(),
            "{}",
            office.label
        );
        let request = added.request.clone().unwrap();
        assert_eq!(request.state, RequestState::Open);

        for same in [&a, &a_again] {
            let answer = office.accounts.approve(keeping(by(same)), request.id).await;
            assert!(
                matches!(answer, Err(GatewayError::Request(Refused::SamePerson))),
                "{}",
                office.label
            );
        }
        let kept = office
            .accounts
            .approve(keeping(by(&b)), request.id)
            .await
            .unwrap();
        assert_eq!(kept.account.roles, ["operator"], "{}", office.label);
        let li = office.sets_up_by(&both(&added, &kept), None).await;
        office.signs_in(&li).await;
        let again = office.accounts.approve(keeping(by(&b)), request.id).await;
        assert!(
            matches!(again, Err(GatewayError::Request(Refused::Over))),
            "{}",
            office.label
        );
        assert!(
            office.has_told("user:bo", "li", "roles approved").await,
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn nobody_gives_himself_anything() {
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        let (a, b) = (office.signs_in(&a).await, office.signs_in(&b).await);
        let wish = || (vec!["auditor".to_owned()], String::new());
        let context = || keeping(by(&a));
        let answer = office
            .accounts
            .request_roles(context(), name("first"), wish(), reason())
            .await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::ForOneself))),
            "{}",
            office.label
        );
        let answer = office
            .accounts
            .request_reset(context(), name("first"), reason())
            .await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::ForOneself))),
            "{}",
            office.label
        );

        // Nor does he approve what another one asked for him.
        let asked = office
            .accounts
            .request_roles(keeping(by(&b)), name("first"), wish(), reason())
            .await
            .unwrap();
        let answer = office
            .accounts
            .approve(context(), asked.request.unwrap().id)
            .await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::ForOneself))),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn a_reset_by_one_person_opens_nothing() {
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        let li = office.person("li", Role::Operator).await;
        let (a, b) = (office.signs_in(&a).await, office.signs_in(&b).await);
        let asked = office
            .accounts
            .request_reset(keeping(by(&a)), name("li"), reason())
            .await
            .unwrap();
        assert!(asked.link.is_none(), "{}", office.label);
        office.signs_in(&li).await;
        let kept = office
            .accounts
            .approve(keeping(by(&b)), asked.request.clone().unwrap().id)
            .await
            .unwrap();
        assert!(
            office.try_sign_in(&li, DESK, PASSWORD).await.is_err(),
            "{}",
            office.label
        );
        let li = office.sets_up_by(&both(&asked, &kept), None).await;
        office.signs_in(&li).await;
    }
}

#[tokio::test]
async fn neither_who_asked_nor_who_approved_comes_in_alone() {
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        office.person("li", Role::Operator).await;
        let (a, b) = (office.signs_in(&a).await, office.signs_in(&b).await);
        let label = office.label;
        let keeper = &office.accounts;
        let added = keeper.add_account(keeping(by(&a)), wanted("wu", &["operator"]));
        let reset = keeper.request_reset(keeping(by(&a)), name("li"), reason());
        for (asked, other) in [
            (added.await.unwrap(), forged(Opens::SetUpPart, 1)),
            (reset.await.unwrap(), forged(Opens::SetUpPart, 2)),
        ] {
            let id = asked.request.clone().unwrap().id;
            let approved = keeper.approve(keeping(by(&b)), id).await.unwrap();
            assert!(
                asked.link.is_none() && approved.asker_part.is_none(),
                "{label}"
            );
            let whole = both(&asked, &approved);
            let part = whole.asker_part.clone().unwrap();
            let part_as_link = part.reveal().replace("hp_", "hl_");
            let part_as_link = Token::parse(Opens::SetUp, &part_as_link).unwrap();
            let link_as_part = whole.link.reveal().replace("hl_", "hp_");
            let link_as_part = Token::parse(Opens::SetUpPart, &link_as_part).unwrap();
            let attempts = [
                alone(&whole.link),
                alone(&part_as_link),
                SetUpProof {
                    asker_part: Some(link_as_part),
                    ..whole.clone()
                },
                SetUpProof {
                    asker_part: Some(other),
                    ..whole.clone()
                },
                SetUpProof {
                    link: part_as_link,
                    ..whole.clone()
                },
            ];
            for (number, attempt) in attempts.iter().enumerate() {
                let answer = keeper.begin_set_up(from(DESK), attempt).await;
                assert!(
                    matches!(answer, Err(GatewayError::LinkNotFound)),
                    "{label}: {number}"
                );
            }
            let person = office.sets_up_by(&whole, None).await;
            office.signs_in(&person).await;
        }
    }
}

#[tokio::test]
async fn a_request_from_before_links_had_two_parts_makes_none() {
    use sea_orm::ConnectionTrait as _;
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        let (a, b) = (office.signs_in(&a).await, office.signs_in(&b).await);
        let asked = office
            .accounts
            .add_account(keeping(by(&a)), wanted("wu", &["operator"]))
            .await
            .unwrap();
        office
            .core
            .execute(
                keeping(machine()),
                |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        let text = "UPDATE requests SET asker_part_hash = NULL";
                        let done = work.txn().execute_unprepared(text).await;
                        done.map(drop)
                            .map_err(|error| CoreError::from(error).into())
                    })
                },
            )
            .await
            .unwrap();
        let id = asked.request.unwrap().id;
        let answer = office.accounts.approve(keeping(by(&b)), id).await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::AskedInOnePart))),
            "{}",
            office.label
        );
        // On the machine one is enough.
        let kept = office
            .accounts
            .approve(keeping(machine()), id)
            .await
            .unwrap();
        office.sets_up(&kept.link.unwrap(), None).await;
    }
}

#[tokio::test]
async fn what_was_asked_for_another_state_of_the_account_is_not_granted() {
    for office in Office::all().await {
        let (a, b) = (
            office.first().await,
            office.person("bo", Role::SecurityAdministrator).await,
        );
        office.person("li", Role::Operator).await;
        let (a, b) = (office.signs_in(&a).await, office.signs_in(&b).await);
        let wish = (
            vec!["operator".to_owned(), "dispatcher".to_owned()],
            String::new(),
        );
        let asked = office
            .accounts
            .request_roles(keeping(by(&a)), name("li"), wish.clone(), reason())
            .await
            .unwrap();
        office
            .accounts
            .take_roles(
                keeping(by(&b)),
                name("li"),
                vec!["operator".to_owned()],
                reason(),
            )
            .await
            .unwrap();
        let answer = office
            .accounts
            .approve(keeping(by(&b)), asked.request.unwrap().id)
            .await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::AccountChanged))),
            "{}",
            office.label
        );
        let asked = office
            .accounts
            .request_roles(keeping(by(&a)), name("li"), wish, reason())
            .await
            .unwrap();
        let id = asked.request.unwrap().id;
        let refused = office.accounts.refuse(keeping(by(&b)), id).await.unwrap();
        assert_eq!(refused.request.unwrap().state, RequestState::Refused);
        let answer = office.accounts.approve(keeping(by(&b)), id).await;
        assert!(
            matches!(answer, Err(GatewayError::Request(Refused::Over))),
            "{}",
            office.label
        );
    }
}

#[tokio::test]
async fn powers_that_are_kept_apart_are_refused_by_rule_and_by_database() {
    use sea_orm::ConnectionTrait as _;
    for office in Office::all().await {
        for roles in [
            &["auditor", "operator"][..],
            &["administrator", "security_administrator"],
            &["channel"],
            &["king"],
        ] {
            let answer = office
                .accounts
                .add_account(keeping(machine()), wanted("li", roles))
                .await;
            let is_unfit = matches!(
                answer,
                Err(GatewayError::Unfit(Unfit::RolesExclude | Unfit::NotOfStaff)
                    | GatewayError::Invalid { field: "roles", .. })
            );
            assert!(is_unfit, "{}: {roles:?}", office.label);
        }
        office.person("li", Role::Operator).await;
        let txn = office.core.db().begin_write().await.unwrap();
        for (roles, is_taken) in [
            ("auditor operator", false),
            ("administrator security_administrator", false),
            ("administrator operator", false),
            ("operator security_administrator", false),
            ("auditor", true),
            ("dispatcher operator", true),
        ] {
            let text = format!("UPDATE accounts SET roles = '{roles}' WHERE name = 'li'");
            let nested = format!("SAVEPOINT a; {text}; RELEASE a");
            let done = txn.execute_unprepared(&nested).await;
            assert_eq!(done.is_ok(), is_taken, "{}: {roles}", office.label);
            if !is_taken {
                txn.execute_unprepared("ROLLBACK TO a").await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn who_approves_is_shown_to_whom_the_account_opens() {
    for office in Office::all().await {
        let a = office.first().await;
        let a = office.signs_in(&a).await;
        let li = NewAccount {
            oidc_subject: Some("sub-li".to_owned()),
            ..wanted("li", &["operator"])
        };
        let added = office.accounts.add_account(keeping(by(&a)), li).await;
        let asked = added.unwrap().request.unwrap();
        let page = Page {
            size: 10,
            after: None,
        };
        let open = Some(RequestState::Open);
        let context = keeping(by(&a));
        let listed = office.accounts.requests(&context, open, &page).await;
        let told = listed.unwrap();
        let told = told.iter().find(|(request, _)| request.id == asked.id);
        let (request, account) = told.expect("it waits");
        let told = convert::request(request, account);
        assert_eq!(told.oidc_subject, "sub-li", "{}", office.label);
    }
}
