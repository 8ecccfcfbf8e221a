//! Who calls. Until there are accounts, metadata is believed on loopback and in-process only.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use tonic::{Code, Status};

use super::access::{self, Method, Origin};
use crate::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem};

const PRINCIPAL_MAX_BYTES: usize = 4096;

pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let Some(method) = access::method(&request) else {
        return refused("METHOD_UNKNOWN", "no such method").into_http();
    };
    match named(request.headers(), Origin::of(request.extensions()), method) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(status) => status.into_http(),
    }
}

fn named(headers: &HeaderMap, origin: Origin, method: Method) -> Result<Principal, Status> {
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
    if !method.rule.service_callers.contains(&service) {
        let message = "this method is not for that service".to_owned();
        return Err(problem(
            "platform",
            Code::PermissionDenied,
            "SERVICE_NOT_ALLOWED",
            message,
        ));
    }
    Ok(Principal::new(&format!("service:{service}"), "service"))
}

fn parse(value: &[u8]) -> Result<Principal, Status> {
    let expected = || {
        refused(
            "PRINCIPAL_MALFORMED",
            "expected `hotline-principal` as JSON {id, roles, unit_code}",
        )
    };
    if value.len() > PRINCIPAL_MAX_BYTES {
        return Err(expected());
    }
    let principal: Principal = serde_json::from_slice(value).map_err(|_| expected())?;
    if principal.id.is_empty() {
        return Err(expected());
    }
    Ok(principal)
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
    use hotline_proto::access::RULES;
    use http::HeaderValue;
    use tonic_types::StatusExt;

    use super::*;

    fn fetch() -> Method {
        let (path, rule) = RULES
            .iter()
            .find(|(path, _)| path.ends_with("EventLog/Fetch"))
            .unwrap();
        Method { path, rule }
    }

    #[test]
    fn a_principal_is_believed_only_in_process_and_on_loopback() {
        let li = r#"{"id":"operator:li","roles":["operator"]}"#;
        let network = |address: &str| Origin::Network(address.parse().unwrap());
        let cases = [
            // (origin, metadata name, value, the principal or the reason it is refused)
            (Origin::InProcess, PRINCIPAL_METADATA, li, Ok("operator:li")),
            (
                network("127.0.0.1:9"),
                PRINCIPAL_METADATA,
                li,
                Ok("operator:li"),
            ),
            (
                network("[::1]:9"),
                PRINCIPAL_METADATA,
                li,
                Ok("operator:li"),
            ),
            (
                network("[::ffff:127.0.0.1]:9"),
                PRINCIPAL_METADATA,
                li,
                Ok("operator:li"),
            ),
            (
                network("192.0.2.7:9"),
                PRINCIPAL_METADATA,
                li,
                Err("ORIGIN_NOT_TRUSTED"),
            ),
            (
                network("192.0.2.7:9"),
                SERVICE_METADATA,
                "routing",
                Err("ORIGIN_NOT_TRUSTED"),
            ),
            (
                Origin::Unknown,
                PRINCIPAL_METADATA,
                li,
                Err("ORIGIN_NOT_TRUSTED"),
            ),
            (Origin::InProcess, "other", "x", Err("PRINCIPAL_MISSING")),
            (
                Origin::InProcess,
                PRINCIPAL_METADATA,
                "li",
                Err("PRINCIPAL_MALFORMED"),
            ),
            (
                Origin::InProcess,
                PRINCIPAL_METADATA,
                r#"{"id":""}"#,
                Err("PRINCIPAL_MALFORMED"),
            ),
            (
                Origin::InProcess,
                PRINCIPAL_METADATA,
                r#"{"id":"a","admin":true}"#,
                Err("PRINCIPAL_MALFORMED"),
            ),
            (
                Origin::InProcess,
                SERVICE_METADATA,
                "routing",
                Ok("service:routing"),
            ),
            (
                Origin::InProcess,
                SERVICE_METADATA,
                "gateway",
                Err("SERVICE_NOT_ALLOWED"),
            ),
        ];
        for (origin, name, value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            let found = named(&headers, origin, fetch());
            let found = found.map(|principal| principal.id).map_err(|status| {
                status
                    .get_error_details()
                    .error_info()
                    .map(|info| info.reason.clone())
                    .unwrap()
            });
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{origin:?} {name}: {value}");
        }
    }
}
