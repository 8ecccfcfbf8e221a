//! Every method, called over a socket by somebody who may, in every state that his proof and his account can be in.
//! What `decide` says of a state is compared with a second hand elsewhere; here is seen that it is asked, of whom the
//! proof names, and that nobody is asked about without one.

use std::time::Duration;

use hotline_platform::access::{Denied, Role, decide};
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_platform::identity::{SignKey, Signer, TOKEN_LIFE_MS};
use hotline_proto::access::{RULES, Rule};
use hotline_proto::shared::Permission;
use hotline_tests::city::City;
use tonic::Code;

use crate::denied::dumps;
use crate::somebody;

/// Somebody who may make calls with `rule`, were all asked for that a rule can ask; else an operator.
pub fn who_may(rule: &Rule, city: &City) -> Principal {
    let mut able = Role::ALL.into_iter().map(|role| {
        let mut principal = somebody(role);
        principal.stepped_up_at = Some(city.now().timestamp_micros());
        principal
    });
    let found = able.find(|principal| decide(principal, rule, city.now()).is_ok());
    found.unwrap_or_else(|| somebody(Role::Operator))
}

/// Which permission a rule is not about.
fn another(rule: &Rule) -> Permission {
    if rule.permission == Permission::ReportRead as i32 {
        return Permission::TicketRead;
    }
    Permission::ReportRead
}

/// What a caller sends to prove who he is: the name of the metadata, its value, and how he is refused.
type Proof = (&'static str, String, &'static str);

/// Proofs that are none, by what is wrong with them.
fn refused(city: &City, principal: &Principal) -> Vec<(&'static str, Proof)> {
    let (signer, now) = (city.signer(), machine_now());
    let life = Duration::from_millis(TOKEN_LIFE_MS.unsigned_abs());
    let with = |token: String, reason| (PRINCIPAL_METADATA, token, reason);
    let stranger = Signer::new(SignKey::new(&[9; 32].into()), "another city");
    let cut = |token: String| token[..token.len() - 1].to_owned();
    let (yesterday, tomorrow) = (now - 1440 * life, now + 1440 * life);
    vec![
        (
            "an unknown credential",
            ("authorization", "Bearer unknown".to_owned(), "CREDENTIAL_"),
        ),
        (
            "a credential of another kind",
            (
                "authorization",
                "Basic unknown".to_owned(),
                "CREDENTIAL_MALFORMED",
            ),
        ),
        (
            "plain words",
            with(principal.to_metadata(), "TOKEN_REFUSED"),
        ),
        (
            "just over",
            with(signer.sign_at(principal, now - life), "TOKEN_UNTIMELY"),
        ),
        (
            "of yesterday",
            with(signer.sign_at(principal, yesterday), "TOKEN_UNTIMELY"),
        ),
        (
            "of tomorrow",
            with(signer.sign_at(principal, tomorrow), "TOKEN_UNTIMELY"),
        ),
        (
            "another city's",
            with(stranger.sign(principal), "TOKEN_REFUSED"),
        ),
        ("cut", with(cut(signer.sign(principal)), "TOKEN_REFUSED")),
        (
            "a service's name",
            (
                "hotline-service",
                "routing".to_owned(),
                "SERVICE_NOT_PROVEN",
            ),
        ),
    ]
}

/// The same person's accounts and keys in their states.
fn states(city: &City, principal: &Principal, rule: &Rule) -> Vec<(&'static str, Principal)> {
    let with = |change: &dyn Fn(&mut Principal)| {
        let mut changed = principal.clone();
        change(&mut changed);
        changed
    };
    let this = Permission::try_from(rule.permission).expect("a permission");
    let minutes_ago = |minutes: i64| Some(city.now().timestamp_micros() - minutes * 60_000_000);
    vec![
        ("active", with(&|_| {})),
        ("outsourced", with(&|changed| changed.outsourced = true)),
        ("without roles", with(&|changed| changed.roles.clear())),
        (
            "by a key for this",
            with(&|changed| changed.permissions = vec![this]),
        ),
        (
            "by a key for something else",
            with(&|changed| changed.permissions = vec![another(rule)]),
        ),
        (
            "second factor 6 minutes ago",
            with(&|changed| changed.stepped_up_at = minutes_ago(6)),
        ),
        (
            "no second factor",
            with(&|changed| changed.stepped_up_at = None),
        ),
    ]
}

/// Tokens are timed by the machine's clock, whatever time it is in the city.
#[expect(
    clippy::disallowed_methods,
    reason = "a token's minute is the machine's"
)]
fn machine_now() -> hotline_kernel::time::Timestamp {
    std::time::SystemTime::now().into()
}

/// Reasons that the decision has, as opposed to those of handlers.
const DECIDED: [&str; 10] = [
    "ROLE_NOT_ALLOWED",
    "SCOPE_NOT_ALLOWED",
    "PERSONAL_DATA_NOT_ALLOWED",
    "OUTSOURCED_NOT_ALLOWED",
    "SERVICE_NOT_ALLOWED",
    "ROLES_EXCLUDE_EACH_OTHER",
    "UNIT_MISSING",
    "UNIT_UNEXPECTED",
    "KEY_NOT_ALLOWED",
    "STEP_UP_NEEDED",
];

#[tokio::test]
async fn nobody_gets_to_a_method_without_proof_and_nothing_changes() {
    for city in City::all().await {
        let before = dumps(&city).await;
        for (path, rule) in RULES {
            if !rule.anonymous {
                let outcome = city.calls_as_it_stands(path, "", "").await;
                assert_eq!(
                    outcome.reason, "PRINCIPAL_MISSING",
                    "{}: {path}",
                    city.label
                );
            }
            for (label, (name, value, reason)) in refused(&city, &who_may(rule, &city)) {
                let outcome = city.calls_as_it_stands(path, name, &value).await;
                // Whoever knows credentials may have heard too many wrong ones by now.
                let is_refused = matches!(
                    outcome.code,
                    Code::Unauthenticated | Code::ResourceExhausted
                );
                assert!(
                    is_refused && outcome.reason.starts_with(reason),
                    "{}: {path}: {label}: {outcome:?}",
                    city.label
                );
            }
        }
        assert!(
            dumps(&city).await == before,
            "{}: something changed",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test]
async fn every_method_goes_by_the_state_of_the_account_that_a_token_names() {
    for city in City::all().await {
        let signer = city.signer();
        for (path, rule) in RULES {
            for (label, principal) in states(&city, &who_may(rule, &city), rule) {
                let token = signer.sign(&principal);
                let outcome = city
                    .calls_as_it_stands(path, PRINCIPAL_METADATA, &token)
                    .await;
                let decided = decide(&principal, rule, city.now());
                let expected = decided.err().map(Denied::reason);
                let found = DECIDED.contains(&outcome.reason.as_str());
                let found = found.then_some(outcome.reason.as_str());
                assert_eq!(found, expected, "{}: {path}: {label}", city.label);
            }
        }
        city.ends().await;
    }
}
