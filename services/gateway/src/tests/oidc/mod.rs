//! Signing in at an identity provider, through the pages, against a certified one.

pub(super) mod certified;
mod refusing;
mod tokens;

use chrono::TimeDelta;
use hotline_platform::access::Role;
use hotline_platform::clock::machine_time;
use http::StatusCode;
use http::header::LOCATION;

use self::certified::{Certified, Guest};
use super::pages::{Browser, Shown};
use super::{Office, Person, keeping, machine, name};
use crate::app::keeping::NewAccount;
use crate::config::Config;
use crate::domain::token::{Opens, Token};
use crate::tests::forged;

/// What somebody types at the provider: one factor, or two.
const LI: &str = "login=sub-li";
const LI_WITH_TWO: &str = "login=sub-li&second=yes";

/// Offices that agreed with the provider, in each an operator `li` whom it calls `sub-li`; whoever has to set up a
/// second factor here has done so.
async fn offices(config: Config) -> Vec<(Office, Option<Person>)> {
    let mut found = Vec::new();
    for office in Office::all_with(config).await {
        // The provider's clock is the machine's. A minute passes while somebody sets up.
        office.clock.set(machine_time() - TimeDelta::minutes(1));
        let li = joins(&office, "li", "sub-li", Role::Operator).await;
        office.clock.set(machine_time());
        found.push((office, li));
    }
    found
}

pub(super) async fn joins(office: &Office, who: &str, subject: &str, role: Role) -> Option<Person> {
    let wanted = NewAccount {
        name: name(who),
        roles: vec![role.word().to_owned()],
        unit_code: String::new(),
        outsourced: false,
        oidc_subject: Some(subject.to_owned()),
        reason: "begins today".to_owned(),
    };
    let added = office
        .accounts
        .add_account(keeping(machine()), wanted)
        .await;
    match added.expect("added").link {
        Some(link) => Some(office.sets_up(&link, None).await),
        None => None,
    }
}

/// Where our page sends somebody.
async fn sent(browser: &mut Browser, from: &str) -> String {
    let away = browser.gets(from).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.text);
    away.head[LOCATION].to_str().unwrap().to_owned()
}

/// Signs in at the provider; what our page then shows.
async fn comes_back(browser: &mut Browser, provider: &Certified, form: &str) -> Shown {
    let url = sent(browser, "/oidc/start").await;
    let back = Guest::default().visits(provider, &url, form).await;
    browser.gets(&back).await
}

async fn reasons(office: &Office, action: &str) -> Vec<String> {
    let trail = office.trail().await.into_iter();
    trail
        .filter(|row| row[2] == action)
        .map(|row| row[3].clone())
        .collect()
}

fn is_in(browser: &Browser) -> bool {
    browser.cookie("__Host-sid").is_some()
}

#[tokio::test]
async fn whom_the_provider_proves_comes_in_with_the_roles_of_our_tables() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, link) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        assert!(link.is_none(), "{}: no password", office.label);
        let mut browser = Browser::at(&office);
        let page = browser.gets("/sign-in").await;
        assert!(page.text.contains("/oidc/start"), "a button");
        let planted = forged(Opens::Session, 1);
        browser.keeps("__Host-sid", planted.reveal());

        let shown = comes_back(&mut browser, &provider, LI_WITH_TWO).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
        assert!(
            shown
                .text
                .contains("http-equiv=\"refresh\" content=\"0;url=/\"")
        );
        assert!(browser.cookie("__Host-trip").is_none(), "used up");
        assert_ne!(browser.cookie("__Host-sid"), Some(planted.reveal()));
        assert!(!office.is_known(&planted).await);

        let home = browser.gets("/").await;
        assert!(home.text.contains(">operator<"), "{}", home.text);
        for lie in ["administrator", "auditor", "MAYOR"] {
            assert!(!home.text.contains(lie), "{lie}");
        }
        assert!(!home.text.contains("/password"), "he has none");
        assert!(office.has_told("user:li", "li", "signed in").await);
        browser
            .posts("/sign-out", &home, &[])
            .await
            .goes_to("/sign-in");
        assert!(!is_in(&browser));
        assert!(office.has_told("user:li", "li", "signed out").await);
    }
}

#[tokio::test]
async fn whom_the_provider_proves_with_one_factor_owes_the_code_of_our_authenticator() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, li) in offices(provider.half_trusted()).await {
        office.clock.set(machine_time());
        let li = li.expect("a link to set a second factor up");
        // A second factor there counts for nothing, for nobody agreed on its words.
        for form in [LI, LI_WITH_TWO] {
            let mut browser = Browser::at(&office);
            let page = comes_back(&mut browser, &provider, form).await;
            assert!(page.text.contains("action=\"/oidc/code\""), "{}", page.text);
            assert!(!is_in(&browser));
            let wrong = browser
                .posts("/oidc/code", &page, &[("code", "000000")])
                .await;
            assert_eq!(wrong.status, StatusCode::FORBIDDEN);
            assert!(!is_in(&browser));
            let code = li.secret.code_at(office.now());
            let done = browser.posts("/oidc/code", &page, &[("code", &code)]).await;
            done.goes_to("/");
            assert!(browser.gets("/").await.text.contains(">operator<"));

            // Another browser has not been at the provider, whatever codes it has.
            office.seconds_pass(30);
            let mut other = Browser::at(&office);
            let page = other.gets("/sign-in").await;
            let code = li.secret.code_at(office.now());
            let answer = other.posts("/oidc/code", &page, &[("code", &code)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert!(!is_in(&other));
        }
        let told = reasons(&office, "signed in").await;
        assert_eq!(told, ["identity provider and authenticator"; 2]);
    }
}

#[tokio::test]
async fn who_takes_too_long_to_give_his_code_begins_again() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, li) in offices(provider.half_trusted()).await {
        office.clock.set(machine_time());
        let li = li.expect("a link to set a second factor up");
        let mut browser = Browser::at(&office);
        let page = comes_back(&mut browser, &provider, LI).await;
        assert!(page.text.contains("action=\"/oidc/code\""), "{}", page.text);
        office.seconds_pass(301);
        let code = li.secret.code_at(office.now());
        let late = browser.posts("/oidc/code", &page, &[("code", &code)]).await;
        assert_eq!(late.status, StatusCode::FORBIDDEN);
        assert!(!is_in(&browser));
    }
}

#[tokio::test]
async fn a_provider_that_gave_no_second_factor_lets_nobody_in_who_has_none_here() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, _) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        let mut browser = Browser::at(&office);
        let shown = comes_back(&mut browser, &provider, LI).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN);
        assert!(!is_in(&browser));
        let told = reasons(&office, "sign-in refused").await;
        assert!(told[0].contains("no second factor"), "{told:?}");
    }
}

#[tokio::test]
async fn strangers_and_the_disabled_are_refused_with_one_page() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, _) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        let mut pages = Vec::new();
        for form in [LI_WITH_TWO, "login=sub-stranger&second=yes"] {
            let reason = "left".to_owned();
            let left = office
                .accounts
                .disable_account(keeping(machine()), name("li"), reason);
            left.await.expect("disabled");
            let mut browser = Browser::at(&office);
            let shown = comes_back(&mut browser, &provider, form).await;
            assert_eq!(shown.status, StatusCode::FORBIDDEN);
            assert!(!is_in(&browser));
            let (_, form) = shown.text.split_once("role=\"alert\">").expect("a message");
            pages.push(form.split("</p>").next().unwrap().to_owned());
        }
        assert_eq!(pages[0], pages[1], "{}", office.label);
        let told = reasons(&office, "sign-in refused").await;
        assert_eq!(told.len(), 2, "{told:?}");
        for row in office.trail().await {
            assert!(!row.concat().contains("sub-"), "who he is there: {row:?}");
        }
    }
}

#[tokio::test]
async fn somebody_proves_himself_again_at_the_provider_and_his_session_has_another_token() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, _) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        joins(&office, "wang", "sub-wang", Role::Operator).await;
        let mut browser = Browser::at(&office);
        let mut guest = Guest::default();
        let url = sent(&mut browser, "/oidc/start").await;
        let back = guest.visits(&provider, &url, LI_WITH_TWO).await;
        browser.gets(&back).await;
        let home = browser.gets("/").await;
        assert!(home.text.contains("/oidc/step-up"), "{}", home.text);
        let before = browser.cookie("__Host-sid").unwrap().to_owned();

        let wang = "login=sub-wang&second=yes";
        for (what, form) in [("another person", wang), ("one factor", LI)] {
            let url = sent(&mut browser, "/oidc/step-up").await;
            let back = Guest::default().visits(&provider, &url, form).await;
            let shown = browser.gets(&back).await;
            assert_eq!(shown.status, StatusCode::FORBIDDEN, "{what}");
            assert_eq!(browser.cookie("__Host-sid"), Some(&*before), "{what}");
        }
        // The provider knows his browser, and is not told to ask him again.
        let url = sent(&mut browser, "/oidc/step-up").await;
        let (prompt, age) = (
            certified::of(&url, "prompt"),
            certified::of(&url, "max_age"),
        );
        assert_eq!((prompt.as_str(), age.as_str()), ("login", "0"));
        let tampered = certified::with(&certified::with(&url, "prompt", None), "max_age", None);
        let back = guest.visits(&provider, &tampered, "").await;
        assert_eq!(browser.gets(&back).await.status, StatusCode::FORBIDDEN);

        let url = sent(&mut browser, "/oidc/step-up").await;
        let back = guest.visits(&provider, &url, LI_WITH_TWO).await;
        assert_eq!(browser.gets(&back).await.status, StatusCode::OK);
        assert_ne!(browser.cookie("__Host-sid"), Some(&*before));
        let old = Token::parse(Opens::Session, &before).unwrap();
        assert!(!office.is_known(&old).await, "the old token opens nothing");
        assert!(browser.gets("/").await.text.contains("Last: "));
        assert!(office.has_told("user:li", "li", "stepped up").await);
    }
}
