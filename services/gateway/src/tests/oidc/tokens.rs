//! Tokens that a real provider signed, and what is left of them when somebody bends them.

use std::str::FromStr as _;

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use hotline_platform::clock::machine_time;
use openidconnect::core::{CoreIdToken, CoreJsonWebKeySet};
use openidconnect::{Nonce, PkceCodeChallenge, PkceCodeVerifier};

use super::certified::{Certified, Guest, SECRET, back_at, http, of};
use crate::config::OidcConfig;
use crate::provider::{Asked, Proof, Provider};
use crate::tests::PAGES;

const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop";

/// A code for `client`, as the provider gives it.
async fn code(provider: &Certified, client: &str, subject: &str) -> String {
    let verifier = PkceCodeVerifier::new(VERIFIER.to_owned());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", client),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", &back_at()),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let url = format!("{}/auth?{query}", provider.here);
    let form = format!("login={subject}&second=yes");
    of(
        &Guest::default().visits(provider, &url, &form).await,
        "code",
    )
}

/// What the provider answers who wants a token for a code.
async fn redeemed(
    provider: &Certified,
    client: &str,
    code: &str,
    more: &[(&str, &str)],
) -> serde_json::Value {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("redirect_uri", &back_at()),
            ("code", code),
        ])
        .extend_pairs(more)
        .finish();
    let request = http()
        .post(format!("{}/token", provider.here))
        .basic_auth(client, Some(SECRET))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = request.send().await.expect("it answers");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

async fn token(provider: &Certified, client: &str, subject: &str) -> String {
    let code = code(provider, client, subject).await;
    let answer = redeemed(provider, client, &code, &[("code_verifier", VERIFIER)]).await;
    answer["id_token"].as_str().expect("a token").to_owned()
}

async fn keys(provider: &Certified) -> CoreJsonWebKeySet {
    let answer = http().get(format!("{}/jwks", provider.here)).send().await;
    let text = answer.expect("it answers").bytes().await.expect("a body");
    serde_json::from_slice(&text).expect("keys")
}

/// What we take a token for.
fn proof(
    provider: &Certified,
    keys: &CoreJsonWebKeySet,
    token: &str,
    (nonce, now): (&str, Timestamp),
) -> Result<Proof, String> {
    let config = OidcConfig {
        second_factor_amr: vec!["otp".to_owned()],
        ..provider.oidc()
    };
    let ours = Provider::new(&config, PAGES).expect("settings that fit");
    let asked = Asked {
        nonce: Nonce::new(nonce.to_owned()),
        proven_since: None,
        now,
    };
    let token = CoreIdToken::from_str(token).map_err(|error| error.to_string())?;
    let proven = ours.proof(keys, &token, &asked);
    proven.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_token_is_good_as_it_was_signed_for_us_now_and_in_no_other_way() {
    let Some(provider) = Certified::start() else {
        return;
    };
    let impostor = Certified::start_as(0, Some(&provider.issuer)).expect("as before");
    let (keys, now) = (keys(&provider).await, machine_time());
    let own = token(&provider, "hotline", "sub-li").await;
    let parts: Vec<&str> = own.split('.').collect();
    let wangs = token(&provider, "hotline", "sub-wang").await;
    let wangs: Vec<&str> = wangs.split('.').collect();

    let proven = proof(&provider, &keys, &own, ("n", now)).expect("a good token");
    assert_eq!(proven.subject, "sub-li");
    assert!(proven.has_second_factor);

    let flipped = own.replacen(
        &parts[1][20..21],
        if &parts[1][20..21] == "A" { "B" } else { "A" },
        1,
    );
    let cases = [
        (
            "another person's claims",
            [parts[0], wangs[1], parts[2]].join("."),
        ),
        ("a flipped letter", flipped),
        ("no signature", [parts[0], parts[1], ""].join(".")),
        // {"alg":"none"}
        (
            "an unsigned one",
            ["eyJhbGciOiJub25lIn0", parts[1], ""].join("."),
        ),
        (
            "one for another client",
            token(&provider, "another", "sub-li").await,
        ),
        // Signed with a secret that somebody else knows, too; and for another client.
        (
            "one of a shared secret",
            token(&provider, "symmetric", "sub-li").await,
        ),
        ("an impostor's", token(&impostor, "hotline", "sub-li").await),
        ("nonsense", "a.b.c".to_owned()),
    ];
    for (what, token) in cases {
        let found = proof(&provider, &keys, &token, ("n", now));
        assert!(found.is_err(), "{what}: {found:?}");
    }
    let seconds = TimeDelta::seconds;
    for (what, nonce, at, expected) in [
        ("another question's", "m", now, false),
        ("within the skew", "n", now + seconds(330), true),
        ("expired", "n", now + seconds(370), false),
        ("from the future", "n", now - seconds(70), false),
    ] {
        let found = proof(&provider, &keys, &own, (nonce, at));
        assert_eq!(found.is_ok(), expected, "{what}: {found:?}");
    }
    // The same shared secret, if it were agreed on as the client's: still no signature that we take.
    let shared = token(&provider, "symmetric", "sub-li").await;
    let config = OidcConfig {
        client_id: "symmetric".to_owned(),
        ..provider.oidc()
    };
    let ours = Provider::new(&config, PAGES).expect("settings that fit");
    let asked = Asked {
        nonce: Nonce::new("n".to_owned()),
        proven_since: None,
        now,
    };
    let shared = CoreIdToken::from_str(&shared).expect("a token");
    let error = ours.proof(&keys, &shared, &asked).unwrap_err();
    assert!(format!("{error:?}").contains("DisallowedAlg"), "{error:?}");
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_only_with_the_verifier_of_its_question() {
    let Some(provider) = Certified::start() else {
        return;
    };
    let code = code(&provider, "hotline", "sub-li").await;
    let without = redeemed(&provider, "hotline", &code, &[]).await;
    assert_eq!(without["error"], "invalid_grant", "{without}");
    let other = VERIFIER.replace('a', "z");
    let wrong = redeemed(&provider, "hotline", &code, &[("code_verifier", &other)]).await;
    assert_eq!(wrong["error"], "invalid_grant", "{wrong}");
}
