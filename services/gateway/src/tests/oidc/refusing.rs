//! Answers that are not meant for this browser and this trip; and a provider that is away.

use chrono::TimeDelta;
use hotline_platform::access::Role;
use hotline_platform::clock::machine_time;
use http::StatusCode;

use super::certified::{Certified, Guest, of, with};
use super::{LI_WITH_TWO, comes_back, is_in, joins, offices, reasons, sent};
use crate::tests::pages::Browser;
use crate::tests::{Office, PASSWORD};

async fn is_refused(browser: &mut Browser, place: &str, what: &str) {
    let shown = browser.gets(place).await;
    assert_eq!(
        shown.status,
        StatusCode::FORBIDDEN,
        "{what}: {}",
        shown.text
    );
    assert!(!is_in(browser), "{what}");
}

/// A browser on a trip, and where the provider sends it back.
async fn on_a_trip(office: &Office, provider: &Certified) -> (Browser, String) {
    let mut browser = Browser::at(office);
    let url = sent(&mut browser, "/oidc/start").await;
    assert_eq!(of(&url, "code_challenge_method"), "S256");
    let back = Guest::default().visits(provider, &url, LI_WITH_TWO).await;
    (browser, back)
}

#[tokio::test]
async fn an_answer_is_good_for_one_browser_and_one_trip_once() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, _) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        let (mut browser, back) = on_a_trip(&office, &provider).await;
        is_refused(&mut Browser::at(&office), &back, "a stolen address").await;
        let (mut another, _) = on_a_trip(&office, &provider).await;
        is_refused(&mut another, &back, "another browser on a trip").await;

        let kept = browser.cookie("__Host-trip").unwrap().to_owned();
        let spoiled = [
            ("state", Some("wrong"), "another state"),
            ("state", None, "no state"),
            ("iss", Some("https://id.example"), "a mix-up"),
            ("iss", None, "no issuer, though the provider tells it"),
        ];
        for (name, value, what) in spoiled {
            browser.keeps("__Host-trip", &kept);
            is_refused(&mut browser, &with(&back, name, value), what).await;
        }
        let mut bent = kept.clone();
        let last = if bent.pop() == Some('0') { '1' } else { '0' };
        bent.push(last);
        browser.keeps("__Host-trip", &bent);
        is_refused(&mut browser, &back, "a cookie of our own making").await;

        // None of that has used the trip up.
        browser.keeps("__Host-trip", &kept);
        assert_eq!(browser.gets(&back).await.status, StatusCode::OK);
        assert!(is_in(&browser));
        // Neither browser nor thief comes in a second time.
        let mut thief = Browser::at(&office);
        thief.keeps("__Host-trip", &kept);
        is_refused(&mut thief, &back, "the whole answer again").await;
        // Who was on no trip of ours left no row: two mix-ups and one replay did.
        let told = reasons(&office, "sign-in refused").await;
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter().any(|why| why == "the trip was over"),
            "{told:?}"
        );
        assert_eq!(reasons(&office, "signed in").await.len(), 1);
    }
}

#[tokio::test]
async fn a_code_that_belongs_to_another_question_is_worth_nothing() {
    let Some(provider) = Certified::start() else {
        return;
    };
    for (office, _) in offices(provider.trusted()).await {
        office.clock.set(machine_time());
        // A code that somebody else was given, put into one's own answer: the verifiers differ (RFC 7636).
        let (_, theirs) = on_a_trip(&office, &provider).await;
        let (mut browser, own) = on_a_trip(&office, &provider).await;
        let injected = with(&own, "code", Some(&of(&theirs, "code")));
        is_refused(&mut browser, &injected, "an injected code").await;

        // A code that was redeemed.
        let (mut first, back) = on_a_trip(&office, &provider).await;
        assert_eq!(first.gets(&back).await.status, StatusCode::OK);
        let (mut browser, own) = on_a_trip(&office, &provider).await;
        let replayed = with(&own, "code", Some(&of(&back, "code")));
        is_refused(&mut browser, &replayed, "a used code").await;
        let (mut browser, own) = on_a_trip(&office, &provider).await;
        is_refused(&mut browser, &with(&own, "code", Some("guess")), "no code").await;

        // Somebody changed the question on the way: the answer is not to what we asked.
        for (name, value) in [("nonce", "changed"), ("code_challenge", &"A".repeat(43))] {
            let mut browser = Browser::at(&office);
            let url = sent(&mut browser, "/oidc/start").await;
            let changed = with(&url, name, Some(value));
            let back = Guest::default()
                .visits(&provider, &changed, LI_WITH_TWO)
                .await;
            is_refused(&mut browser, &back, name).await;
        }
        // He said no, or took too long.
        let mut browser = Browser::at(&office);
        let url = sent(&mut browser, "/oidc/start").await;
        let back = Guest::default().visits(&provider, &url, "refuse=yes").await;
        assert_eq!(of(&back, "error"), "access_denied");
        is_refused(&mut browser, &back, "a refusal").await;
        let (mut browser, back) = on_a_trip(&office, &provider).await;
        office.seconds_pass(601);
        is_refused(&mut browser, &back, "a long trip").await;
    }
}

#[tokio::test]
async fn who_sends_answers_without_end_is_not_looked_at_and_others_are() {
    let Some(provider) = Certified::start() else {
        return;
    };
    let offices = Office::all_with(provider.trusted()).await;
    let office = offices.first().expect("the embedded one");
    office.clock.set(machine_time() - TimeDelta::minutes(11));
    joins(office, "li", "sub-li", Role::Operator).await;
    // Any page can send a browser of this address here; that uses up nobody's tries.
    let mut browser = Browser::at(office);
    for _ in 0..31 {
        is_refused(&mut browser, "/oidc/callback?code=a&state=b", "no trip").await;
    }
    assert!(reasons(office, "sign-in refused").await.is_empty());
    for _ in 0..30 {
        let url = sent(&mut browser, "/oidc/start").await;
        let guess = format!("/oidc/callback?code=a&state={}", of(&url, "state"));
        is_refused(&mut browser, &guess, "a guess").await;
    }
    let url = sent(&mut browser, "/oidc/start").await;
    let guess = format!("/oidc/callback?code=a&state={}", of(&url, "state"));
    let shown = browser.gets(&guess).await;
    assert_eq!(shown.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reasons(office, "sign-in refused").await.len(), 30);
    // Guesses at passwords have counters of their own.
    let page = browser.gets("/sign-in").await;
    let fields = [("name", "li"), ("password", PASSWORD), ("code", "000000")];
    let answer = browser.posts("/sign-in", &page, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    office.clock.set(machine_time());
    let shown = comes_back(&mut browser, &provider, LI_WITH_TWO).await;
    assert!(is_in(&browser), "{}", shown.text);
}

#[tokio::test]
async fn without_the_provider_people_with_passwords_go_on_and_it_is_asked_again() {
    let Some(provider) = Certified::start() else {
        return;
    };
    let (port, config) = (provider.port(), provider.half_trusted());
    drop(provider);
    for (office, li) in offices(config).await {
        office.clock.set(machine_time());
        let li = li.expect("a second factor of ours");
        let mut browser = Browser::at(&office);
        let away = browser.gets("/oidc/start").await;
        assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(away.text.contains("does not answer"), "{}", away.text);
        let code = li.secret.code_at(office.now());
        let fields = [("name", "li"), ("password", PASSWORD), ("code", &code)];
        browser.posts("/sign-in", &away, &fields).await.goes_to("/");

        // It is back, with another key than ever before.
        let provider = Certified::start_as(port, None).expect("as before");
        let still = Browser::at(&office).gets("/oidc/start").await;
        assert_eq!(still.status, StatusCode::SERVICE_UNAVAILABLE, "not at once");
        office.seconds_pass(11);
        let mut browser = Browser::at(&office);
        let page = comes_back(&mut browser, &provider, LI_WITH_TWO).await;
        assert!(page.text.contains("/oidc/code"), "{}", page.text);
    }
}

#[tokio::test]
async fn a_provider_may_renew_its_keys() {
    let Some(provider) = Certified::start() else {
        return;
    };
    let port = provider.port();
    let (office, _) = offices(provider.trusted()).await.swap_remove(0);
    let (_, back) = on_a_trip(&office, &provider).await;
    assert!(!back.is_empty(), "its keys are known now");
    drop(provider);
    let renewed = Certified::start_as(port, None).expect("as before");
    office.seconds_pass(11);
    let mut browser = Browser::at(&office);
    comes_back(&mut browser, &renewed, LI_WITH_TWO).await;
    assert!(is_in(&browser));
}
