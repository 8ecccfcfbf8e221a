//! Who calls: a principal in the metadata, a service by its name, or a credential that somebody knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use tokio::time::timeout;
use tonic::{Code, Status};

use super::access::{self, Origin};
use crate::access::{Role, permission_of, word_of};
use crate::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem, retry_later};
use crate::identity::{Authenticate, Credential, Unauthenticated};

const PRINCIPAL_MAX_BYTES: usize = 4096;
/// How long it may take to find out whose a credential is.
const AUTHENTICATE_MAX: Duration = Duration::from_secs(3);
/// When to come back if that cannot be found out.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Who calls a method that is served to callers whom nobody knows.
const ANONYMOUS: &str = "anonymous";

/// Whom a process believes beside what its layers can tell themselves.
#[derive(Clone, Default)]
pub struct Callers {
    /// Who knows whose a credential is; `None`: this process takes none.
    pub authenticate: Option<Arc<dyn Authenticate>>,
}

pub(super) async fn identify(
    State(callers): State<Callers>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = Origin::of(request.extensions());
    let is_anonymous = access::method(&request).is_some_and(|method| method.rule.anonymous);
    let named = match claim(request.headers(), is_anonymous) {
        Ok(Claim::Named) => named(request.headers(), origin),
        Ok(Claim::Shown(credential)) => callers.look_up(&credential, origin).await,
        Ok(Claim::Nobody) => Ok(Principal::nobody(ANONYMOUS)),
        Err(status) => Err(status),
    };
    match named {
        Ok(principal) => {
            // Whoever handles the call needs to know who it was, not by what secret.
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(status) => status.into_http(),
    }
}

/// What a caller says of himself.
enum Claim {
    /// A principal or a service stands in the metadata.
    Named,
    /// A credential stands there.
    Shown(Credential),
    /// Nothing, and the method does not ask.
    Nobody,
}

fn claim(headers: &HeaderMap, is_anonymous: bool) -> Result<Claim, Status> {
    let is_named =
        headers.contains_key(PRINCIPAL_METADATA) || headers.contains_key(SERVICE_METADATA);
    match headers.get(AUTHORIZATION) {
        Some(_) if is_named => Err(refused(
            "PRINCIPAL_AMBIGUOUS",
            "expected a principal or a credential, found both",
        )),
        Some(value) => Credential::of_header(value.as_bytes())
            .map(Claim::Shown)
            .ok_or_else(|| {
                refused(
                    "CREDENTIAL_MALFORMED",
                    "expected `authorization: Bearer …` with a session's or a key's secret",
                )
            }),
        None if is_named || !is_anonymous => Ok(Claim::Named),
        None => Ok(Claim::Nobody),
    }
}

impl Callers {
    async fn look_up(&self, credential: &Credential, origin: Origin) -> Result<Principal, Status> {
        let Some(authenticate) = &self.authenticate else {
            return Err(refused(
                "CREDENTIAL_NOT_TAKEN",
                "this process takes no credentials; call the one that serves the gateway",
            ));
        };
        let from_addr = origin.address();
        let found = authenticate.authenticate(credential, &from_addr);
        let found = timeout(AUTHENTICATE_MAX, found).await;
        found
            .unwrap_or(Err(Unauthenticated::Unavailable))
            .map_err(unauthenticated)
    }
}

fn unauthenticated(why: Unauthenticated) -> Status {
    let later = |code, reason, after| retry_later("platform", code, reason, why.to_string(), after);
    match why {
        Unauthenticated::Refused => refused("CREDENTIAL_REFUSED", &why.to_string()),
        Unauthenticated::TooMany { after } => {
            later(Code::ResourceExhausted, "CREDENTIAL_LIMIT", after)
        }
        Unauthenticated::Unavailable => {
            later(Code::Unavailable, "CREDENTIAL_UNCHECKED", RETRY_AFTER)
        }
    }
}

fn named(headers: &HeaderMap, origin: Origin) -> Result<Principal, Status> {
    if !origin.is_trusted() {
        return Err(refused(
            "ORIGIN_NOT_TRUSTED",
            "principals are taken from loopback addresses only",
        ));
    }
    if let Some(value) = headers.get(PRINCIPAL_METADATA) {
        return parse(value.as_bytes());
    }
    let Some(service) = headers
        .get(SERVICE_METADATA)
        .and_then(|value| value.to_str().ok())
    else {
        return Err(refused(
            "PRINCIPAL_MISSING",
            "expected metadata `hotline-principal` or `authorization`",
        ));
    };
    Ok(Principal::of_service(service))
}

/// As it travels; roles and permissions are words here, so that an unknown one can be named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    id: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    unit_code: String,
    #[serde(default)]
    outsourced: bool,
    #[serde(default)]
    session: String,
    #[serde(default)]
    stepped_up_at: Option<i64>,
    #[serde(default)]
    channel_code: String,
    #[serde(default)]
    permissions: Vec<String>,
}

fn parse(value: &[u8]) -> Result<Principal, Status> {
    let expected = || {
        refused(
            "PRINCIPAL_MALFORMED",
            "expected `hotline-principal` as JSON {id, roles, unit_code, outsourced, session, \
             stepped_up_at, channel_code, permissions}",
        )
    };
    if value.len() > PRINCIPAL_MAX_BYTES {
        return Err(expected());
    }
    let claimed: Claimed = serde_json::from_slice(value).map_err(|_| expected())?;
    let texts = [
        &claimed.id,
        &claimed.unit_code,
        &claimed.session,
        &claimed.channel_code,
    ];
    if claimed.id.is_empty() || texts.iter().any(|text| text.contains(char::is_control)) {
        return Err(expected());
    }
    let roles = claimed.roles.iter().map(|word| role(word));
    let permissions = claimed.permissions.iter().map(|word| {
        permission_of(word).ok_or_else(|| {
            let example = word_of(hotline_proto::shared::Permission::AppealRegister);
            let message = format!("unknown permission {word:?}; expected one such as {example}");
            refused("PERMISSION_UNKNOWN", &message)
        })
    });
    let mut principal = Principal::with_roles(&claimed.id, roles.collect::<Result<_, _>>()?);
    principal.unit_code = claimed.unit_code;
    principal.outsourced = claimed.outsourced;
    principal.session = claimed.session;
    principal.stepped_up_at = claimed.stepped_up_at;
    principal.channel_code = claimed.channel_code;
    principal.permissions = permissions.collect::<Result<_, _>>()?;
    Ok(principal)
}

fn role(word: &str) -> Result<Role, Status> {
    Role::of(word).ok_or_else(|| {
        let known = Role::ALL.map(Role::word).join(", ");
        let message = format!("unknown role {word:?}; expected one of {known}");
        refused("ROLE_UNKNOWN", &message)
    })
}

fn refused(reason: &'static str, message: &str) -> Status {
    problem(
        "platform",
        Code::Unauthenticated,
        reason,
        message.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tonic_types::StatusExt;

    use super::*;

    /// Who is believed, or why nobody is.
    fn read(origin: Origin, name: &'static str, value: &str) -> Result<Principal, String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let reason = |status: Status| status.get_details_error_info().unwrap().reason;
        named(&headers, origin).map_err(reason)
    }

    #[test]
    fn a_principal_is_believed_only_in_process_and_on_loopback() {
        let li = r#"{"id":"operator:li","roles":["operator"]}"#;
        let network = |address: &str| Origin::Network(address.parse().unwrap());
        let near = [
            Origin::InProcess,
            network("127.0.0.1:9"),
            network("[::1]:9"),
            network("[::ffff:127.0.0.1]:9"),
        ];
        for origin in near {
            let found = read(origin, PRINCIPAL_METADATA, li);
            assert_eq!(
                found,
                Ok(Principal::new("operator:li", Role::Operator)),
                "{origin:?}"
            );
            // Who it is; whether the method is for it is decided behind this layer.
            let found = read(origin, SERVICE_METADATA, "gateway");
            assert_eq!(found, Ok(Principal::of_service("gateway")), "{origin:?}");
            let found = read(origin, "other", "x");
            assert_eq!(found, Err("PRINCIPAL_MISSING".to_owned()), "{origin:?}");
        }
        for origin in [network("192.0.2.7:9"), Origin::Unknown] {
            for (name, value) in [(PRINCIPAL_METADATA, li), (SERVICE_METADATA, "routing")] {
                let found = read(origin, name, value);
                assert_eq!(found, Err("ORIGIN_NOT_TRUSTED".to_owned()), "{origin:?}");
            }
        }
    }

    #[test]
    fn a_principal_that_is_not_understood_is_refused_whole() {
        let cases = [
            ("li", "PRINCIPAL_MALFORMED"),
            (r#"{"id":""}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","admin":true}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a\u0000"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","unit_code":"M\n"}"#, "PRINCIPAL_MALFORMED"),
            // Nobody makes himself a service.
            (r#"{"id":"a","service":"routing"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","roles":["operator","king"]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","roles":["Operator"]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","roles":[""]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","session":"s\n"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","stepped_up_at":"now"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","permissions":["fly"]}"#, "PERMISSION_UNKNOWN"),
            (r#"{"id":"a","permissions":[""]}"#, "PERMISSION_UNKNOWN"),
        ];
        for (value, expected) in cases {
            let found = read(Origin::InProcess, PRINCIPAL_METADATA, value);
            assert_eq!(found, Err(expected.to_owned()), "{value}");
        }
    }

    #[test]
    fn everything_a_principal_says_of_itself_is_taken_over() {
        let told =
            r#"{"id":"u","roles":["unit_clerk","unit_lead"],"unit_code":"MID","outsourced":true,
            "session":"s7","stepped_up_at":1780000000000000,"channel_code":"app",
            "permissions":["appeal_register"]}"#
                .replace(['\n', ' '], "");
        let roles = vec![Role::UnitClerk, Role::UnitLead];
        let mut expected = Principal::with_roles("u", roles)
            .of_unit("MID")
            .outsourced();
        expected.session = "s7".to_owned();
        expected.stepped_up_at = Some(1_780_000_000_000_000);
        expected.channel_code = "app".to_owned();
        expected.permissions = vec![hotline_proto::shared::Permission::AppealRegister];
        let found = read(Origin::InProcess, PRINCIPAL_METADATA, &told);
        assert_eq!(found, Ok(expected.clone()));
        let again = read(
            Origin::InProcess,
            PRINCIPAL_METADATA,
            &expected.to_metadata(),
        );
        assert_eq!(again, Ok(expected));
    }
}
