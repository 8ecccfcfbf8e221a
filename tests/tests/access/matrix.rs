//! Every method, called by everybody. The requests are empty: whoever gets past the decision is told what is
//! missing in his request, or gets an empty answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_proto::access::{RULES, Rule};
use hotline_proto::shared::{Permission, PiiLevel, ScopeKind};
use hotline_tests::city::City;
use tonic::Code;

use crate::{is_as_read, somebody};

const SERVICES: [&str; 5] = ["intake", "routing", "feedback", "reporting", "gateway"];

/// What became of a call: `may`, or the reason of its denial.
async fn outcome(city: &City, path: &str, principal: &Principal) -> String {
    let outcome = city.calls(path, principal, &()).await;
    match outcome.code {
        Code::PermissionDenied => outcome.reason,
        Code::Unauthenticated => panic!("{path}: {}: {}", principal.id, outcome.message),
        Code::Ok | Code::InvalidArgument | Code::NotFound | Code::Unavailable => "may".to_owned(),
        code => panic!("{path}: {}: {code:?} {}", principal.id, outcome.message),
    }
}

fn declared(rule: &Rule) -> String {
    let permission = Permission::try_from(rule.permission).expect("a permission");
    let scope = ScopeKind::try_from(rule.scope).expect("a scope");
    let pii = PiiLevel::try_from(rule.pii).expect("a level");
    let bare = |word: &'static str, prefix: &str| word.trim_start_matches(prefix).to_owned();
    [
        bare(permission.as_str_name(), "PERMISSION_"),
        bare(scope.as_str_name(), "SCOPE_KIND_"),
        bare(pii.as_str_name(), "PII_LEVEL_"),
    ]
    .join(", ")
}

/// Of many callers: who may, and who is denied why.
async fn told(city: &City, path: &str, callers: &[(String, Principal)]) -> Vec<(String, String)> {
    let mut by_outcome: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, principal) in callers {
        let outcome = outcome(city, path, principal).await;
        by_outcome.entry(outcome).or_default().push(name);
    }
    let lines = by_outcome
        .into_iter()
        .map(|(outcome, names)| (outcome, names.join(" ")));
    lines.collect()
}

async fn matrix(city: &City) -> String {
    let all = |dress: fn(Principal) -> Principal| -> Vec<(String, Principal)> {
        let named = |role: Role| (role.word().to_owned(), dress(somebody(role)));
        Role::ALL.into_iter().map(named).collect()
    };
    let mut staff = all(|principal| principal);
    staff.push(("(no role)".to_owned(), Principal::nobody("nobody")));
    let outsourced = all(Principal::outsourced);
    let services = SERVICES.map(|name| (name.to_owned(), Principal::of_service(name)));

    let mut text = String::from(
        "# Who may call what: found by calling everything in everybody's name. Who is in no line is denied\n\
         # because no role of his has the permission (or, of services, because it is not named).\n",
    );
    for (path, rule) in RULES {
        let name = path.trim_start_matches("/hotline.");
        writeln!(text, "\n{name}: {}", declared(rule)).expect("text");
        let groups = [
            ("", staff.as_slice(), "ROLE_NOT_ALLOWED"),
            ("outsourced ", &outsourced, "ROLE_NOT_ALLOWED"),
            ("services ", &services, "SERVICE_NOT_ALLOWED"),
        ];
        for (label, callers, unsaid) in groups {
            for (outcome, names) in told(city, path, callers).await {
                if outcome != unsaid {
                    writeln!(text, "    {label}{outcome}: {names}").expect("text");
                }
            }
        }
    }
    text
}

#[tokio::test]
async fn everybody_may_call_what_was_reviewed_and_nothing_else() {
    for city in City::all().await {
        let found = matrix(&city).await;
        is_as_read("access.txt", &found, city.label);
        city.ends().await;
    }
}

#[tokio::test]
async fn powers_that_are_kept_apart_are_refused_together() {
    let city = City::all().await.swap_remove(0);
    let path = "/hotline.routing.v1.RoutingService/ListUnits";
    let with = |roles: &[Role], unit: &str| {
        Principal::with_roles("two:hats", roles.to_vec()).of_unit(unit)
    };
    let mut cases = vec![
        (with(&[Role::UnitClerk], ""), "UNIT_MISSING"),
        (with(&[Role::Operator], "MID"), "UNIT_UNEXPECTED"),
        (
            with(&[Role::UnitClerk, Role::Operator], "MID"),
            "UNIT_UNEXPECTED",
        ),
        (with(&[Role::UnitClerk, Role::UnitLead], "MID"), "may"),
        (with(&[Role::Operator, Role::Dispatcher], ""), "may"),
    ];
    for alone in [
        Role::Administrator,
        Role::SecurityAdministrator,
        Role::Auditor,
    ] {
        for other in Role::ALL.into_iter().filter(|other| *other != alone) {
            cases.push((with(&[alone, other], ""), "ROLES_EXCLUDE_EACH_OTHER"));
            cases.push((with(&[other, alone], ""), "ROLES_EXCLUDE_EACH_OTHER"));
        }
    }
    for (principal, expected) in cases {
        let found = outcome(&city, path, &principal).await;
        assert_eq!(
            found, expected,
            "{:?} {}",
            principal.roles, principal.unit_code
        );
    }
    city.ends().await;
}
