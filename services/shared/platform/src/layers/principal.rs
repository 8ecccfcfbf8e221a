//! Who calls: a principal in the metadata (signed, if it comes over a socket), a service by its name, or a credential
//! that somebody knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap};
use tokio::time::timeout;
use tonic::{Code, Status};

use super::access::{self, Origin};
use crate::grpc::{Call, PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem, retry_later};
use crate::identity::{self, Authenticate, BadToken, Credential, Unauthenticated, Verifier};

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
    /// Reads the tokens of principals that come over sockets; `None`: no principal comes over a socket.
    pub verifier: Option<Arc<Verifier>>,
}

pub(super) async fn identify(
    State(callers): State<Callers>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = Origin::of(request.extensions());
    let is_anonymous = access::method(&request).is_some_and(|method| method.rule.anonymous);
    let named = match claim(request.headers(), is_anonymous) {
        Ok(Claim::Named) => callers.named(request.headers(), request.extensions()),
        Ok(Claim::Shown(credential)) => callers.look_up(&credential, origin).await,
        Ok(Claim::Nobody) => Ok(Principal::nobody(ANONYMOUS)),
        Err(status) => Err(status),
    };
    match named {
        Ok(principal) => {
            // Whoever handles the call needs to know who it was, not by what secret.
            request.headers_mut().remove(AUTHORIZATION);
            // Whoever may name him may say where he is: the gateway's door, which saw him.
            if !principal.from_addr.is_empty()
                && let Some(call) = request.extensions_mut().get_mut::<Call>()
            {
                call.from_addr.clone_from(&principal.from_addr);
            }
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

impl Callers {
    /// Who is named in the metadata: in plain words within the process; over a socket by a signed token, or the
    /// certificate of a service.
    fn named(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Principal, Status> {
        let origin = Origin::of(extensions);
        let (principal, service) = (
            headers.get(PRINCIPAL_METADATA),
            headers.get(SERVICE_METADATA),
        );
        match (principal, service) {
            (Some(value), _) if origin == Origin::InProcess => identity::read(value.as_bytes())
                .map_err(|misread| refused(misread.reason(), &misread.to_string())),
            (Some(value), _) => self.signed(value.as_bytes()),
            (None, Some(value)) => match value.to_str() {
                Ok(service) if access::is_proven(extensions, service) => {
                    Ok(Principal::of_service(service))
                }
                Ok(_) => Err(refused(
                    "SERVICE_NOT_PROVEN",
                    "a service on a socket is believed by its certificate only",
                )),
                Err(_) => Err(missing()),
            },
            (None, None) => Err(missing()),
        }
    }

    fn signed(&self, token: &[u8]) -> Result<Principal, Status> {
        let verified = match &self.verifier {
            Some(verifier) => verifier.verify(token),
            None => Err(BadToken::Refused),
        };
        verified.map_err(|bad| refused(bad.reason(), &bad.to_string()))
    }
}

fn missing() -> Status {
    refused(
        "PRINCIPAL_MISSING",
        "expected metadata `hotline-principal` or `authorization`",
    )
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
    use tonic::transport::server::TcpConnectInfo;
    use tonic_types::StatusExt;
    use zeroize::Zeroizing;

    use super::*;
    use crate::access::Role;
    use crate::identity::{SignKey, Signer};
    use crate::listen::Peer;
    use crate::peers::InProcess;

    const CITY: &str = "a1b2";

    fn key() -> SignKey {
        SignKey::new(&Zeroizing::new([1; 32]))
    }

    /// Who is believed, or why nobody is.
    fn read(from: &Extensions, name: &'static str, value: &str) -> Result<Principal, String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let verifier = Verifier::new(vec![key().verify_key()], CITY).unwrap();
        let callers = Callers {
            authenticate: None,
            verifier: Some(Arc::new(verifier)),
        };
        let reason = |status: Status| status.get_details_error_info().unwrap().reason;
        callers.named(&headers, from).map_err(reason)
    }

    fn here() -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(InProcess);
        extensions
    }

    fn socket(address: &str, services: &[&str]) -> Extensions {
        let tcp = TcpConnectInfo {
            local_addr: None,
            remote_addr: Some(address.parse().unwrap()),
        };
        let services = services.iter().map(|&name| name.to_owned()).collect();
        let mut extensions = Extensions::new();
        extensions.insert(Peer { tcp, services });
        extensions
    }

    #[test]
    fn plain_words_are_believed_in_this_process_and_signed_ones_over_sockets() {
        let li = Principal::new("operator:li", Role::Operator);
        let token = Signer::new(key(), CITY).sign(&li);
        let found = read(&here(), PRINCIPAL_METADATA, &li.to_metadata());
        assert_eq!(found, Ok(li.clone()));
        let found = read(&here(), PRINCIPAL_METADATA, &token);
        assert_eq!(found, Err("PRINCIPAL_MALFORMED".to_owned()));
        let sockets = [
            socket("127.0.0.1:9", &[]),
            socket("[::1]:9", &["routing"]),
            socket("192.0.2.7:9", &["routing"]),
            Extensions::new(),
        ];
        for from in sockets {
            let found = read(&from, PRINCIPAL_METADATA, &token);
            assert_eq!(found, Ok(li.clone()), "{from:?}");
            let found = read(&from, PRINCIPAL_METADATA, &li.to_metadata());
            assert_eq!(found, Err("TOKEN_REFUSED".to_owned()), "{from:?}");
            let found = read(&from, "other", "x");
            assert_eq!(found, Err("PRINCIPAL_MISSING".to_owned()), "{from:?}");
        }
    }

    #[test]
    fn a_service_is_believed_in_this_process_and_by_its_certificate() {
        let believed = [
            here(),
            socket("127.0.0.1:9", &["routing"]),
            socket("192.0.2.7:9", &["intake", "routing"]),
        ];
        for from in believed {
            // Who it is; whether the method is for it is decided behind this layer.
            let found = read(&from, SERVICE_METADATA, "routing");
            assert_eq!(found, Ok(Principal::of_service("routing")), "{from:?}");
        }
        let strangers = [
            socket("127.0.0.1:9", &[]),
            socket("[::ffff:127.0.0.1]:9", &["intake"]),
            socket("192.0.2.7:9", &["routing_"]),
            Extensions::new(),
        ];
        for from in strangers {
            for name in ["routing", ""] {
                let found = read(&from, SERVICE_METADATA, name);
                assert_eq!(found, Err("SERVICE_NOT_PROVEN".to_owned()), "{from:?}");
            }
        }
    }
}
