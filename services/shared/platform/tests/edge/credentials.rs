//! Credentials: read by whoever knows them, at both doors, and taken by nobody else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hotline_platform::access::Role;
use hotline_platform::config::ServerConfig;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_platform::identity::{Authenticate, Credential, Unauthenticated};
use hotline_platform::layers::Callers;
use hotline_proto::event::HeadsRequest;
use tonic::{Code, Request};

use crate::doors::{Doors, anonymous, reason};

/// Knows two keys, and the addresses that they may come from.
struct Keys;

#[async_trait]
impl Authenticate for Keys {
    async fn authenticate(
        &self,
        credential: &Credential,
        from_addr: &str,
    ) -> Result<Principal, Unauthenticated> {
        match (credential.reveal(), from_addr) {
            ("hk_operator", _) => Ok(Principal::new("operator:li", Role::Operator)),
            ("hk_busy", "in-process" | "127.0.0.1") => Err(Unauthenticated::TooMany {
                after: Duration::from_secs(7),
            }),
            ("hk_slow", _) => std::future::pending().await,
            ("hk_away", _) => Err(Unauthenticated::Unavailable),
            _ => Err(Unauthenticated::Refused),
        }
    }
}

fn shown(value: &str) -> Request<HeadsRequest> {
    let mut request = anonymous("intake");
    let value = value.parse().expect("ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

async fn doors(callers: Callers) -> Doors {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        ..ServerConfig::default()
    };
    Doors::open_to(&config, callers).await
}

#[tokio::test]
async fn a_credential_is_somebody_or_is_refused_alike_at_both_doors() {
    let callers = Callers {
        authenticate: Some(Arc::new(Keys)),
        ..Callers::default()
    };
    let doors = doors(callers).await;
    let cases = [
        // The method is for services, so that a person who is known is denied, not unknown.
        (
            "Bearer hk_operator",
            Code::PermissionDenied,
            "ROLE_NOT_ALLOWED",
        ),
        (
            "bearer hk_operator",
            Code::PermissionDenied,
            "ROLE_NOT_ALLOWED",
        ),
        (
            "Bearer hk_other",
            Code::Unauthenticated,
            "CREDENTIAL_REFUSED",
        ),
        (
            "Bearer hk_busy",
            Code::ResourceExhausted,
            "CREDENTIAL_LIMIT",
        ),
        ("Bearer hk_away", Code::Unavailable, "CREDENTIAL_UNCHECKED"),
        (
            "Basic hk_operator",
            Code::Unauthenticated,
            "CREDENTIAL_MALFORMED",
        ),
        ("hk_operator", Code::Unauthenticated, "CREDENTIAL_MALFORMED"),
    ];
    for (value, code, expected) in cases {
        for (label, mut client) in doors.both() {
            let status = client.heads(shown(value)).await.expect_err(label);
            let told = (status.code(), reason(&status));
            assert_eq!(told, (code, expected.to_owned()), "{value}, {label}");
        }
    }
}

#[tokio::test]
async fn a_credential_beside_a_principal_is_neither() {
    let callers = Callers {
        authenticate: Some(Arc::new(Keys)),
        ..Callers::default()
    };
    let doors = doors(callers).await;
    for (label, mut client) in doors.both() {
        let mut request = shown("Bearer hk_operator");
        let root = Principal::new("administrator:root", Role::Administrator).to_metadata();
        request
            .metadata_mut()
            .insert(PRINCIPAL_METADATA, root.parse().expect("ASCII"));
        let status = client.heads(request).await.expect_err(label);
        assert_eq!(reason(&status), "PRINCIPAL_AMBIGUOUS", "{label}");
    }
}

#[tokio::test]
async fn a_process_that_knows_no_credentials_takes_none() {
    let doors = doors(Callers::default()).await;
    for (label, mut client) in doors.both() {
        let status = client
            .heads(shown("Bearer hk_operator"))
            .await
            .expect_err(label);
        assert_eq!(reason(&status), "CREDENTIAL_NOT_TAKEN", "{label}");
    }
}

#[tokio::test]
async fn who_knows_the_credentials_and_does_not_answer_is_not_waited_for() {
    let callers = Callers {
        authenticate: Some(Arc::new(Keys)),
        ..Callers::default()
    };
    let doors = doors(callers).await;
    let [(_, mut client), _] = doors.both();
    let status = client.heads(shown("Bearer hk_slow")).await;
    let status = status.expect_err("nobody knows");
    assert_eq!(reason(&status), "CREDENTIAL_UNCHECKED");
}
