//! Who calls. Until there are accounts, metadata is believed on loopback and in-process only.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use tonic::{Code, Status};

use super::access::Origin;
use crate::access::Role;
use crate::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem};

const PRINCIPAL_MAX_BYTES: usize = 4096;

pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    match named(request.headers(), Origin::of(request.extensions())) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(status) => status.into_http(),
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
            "expected metadata `hotline-principal`",
        ));
    };
    Ok(Principal::of_service(service))
}

/// As it travels; roles are words here, so that an unknown one can be named.
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
}

fn parse(value: &[u8]) -> Result<Principal, Status> {
    let expected = || {
        refused(
            "PRINCIPAL_MALFORMED",
            "expected `hotline-principal` as JSON {id, roles, unit_code, outsourced}",
        )
    };
    if value.len() > PRINCIPAL_MAX_BYTES {
        return Err(expected());
    }
    let claimed: Claimed = serde_json::from_slice(value).map_err(|_| expected())?;
    let is_fit = |text: &str| !text.contains(char::is_control);
    if claimed.id.is_empty() || !is_fit(&claimed.id) || !is_fit(&claimed.unit_code) {
        return Err(expected());
    }
    let roles = claimed.roles.iter().map(|word| role(word));
    let mut principal = Principal::with_roles(&claimed.id, roles.collect::<Result<_, _>>()?);
    principal.unit_code = claimed.unit_code;
    principal.outsourced = claimed.outsourced;
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
        ];
        for (value, expected) in cases {
            let found = read(Origin::InProcess, PRINCIPAL_METADATA, value);
            assert_eq!(found, Err(expected.to_owned()), "{value}");
        }
    }

    #[test]
    fn everything_a_principal_says_of_itself_is_taken_over() {
        let told =
            r#"{"id":"u","roles":["unit_clerk","unit_lead"],"unit_code":"MID","outsourced":true}"#;
        let roles = vec![Role::UnitClerk, Role::UnitLead];
        let expected = Principal::with_roles("u", roles)
            .of_unit("MID")
            .outsourced();
        let found = read(Origin::InProcess, PRINCIPAL_METADATA, told);
        assert_eq!(found, Ok(expected.clone()));
        let again = read(
            Origin::InProcess,
            PRINCIPAL_METADATA,
            &expected.to_metadata(),
        );
        assert_eq!(again, Ok(expected));
    }
}
