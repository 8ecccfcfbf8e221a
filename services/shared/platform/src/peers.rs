//! How services reach each other: in this process if mounted here, over a socket if not.

mod unread;
mod way;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Status, TimeoutExpired};
use tower::ServiceExt;

use self::unread::Unread;
use self::way::Way;

pub use self::way::channel;
use crate::db::BoxError;
use crate::grpc::{PRINCIPAL_METADATA, SAFE_TO_RETRY, SERVICE_METADATA, problem, retry_later};
use crate::identity::{self, Credential, Signer};
use crate::layers::deadline;
use crate::telemetry;
use crate::tls::Tls;

/// How to reach a service: over a socket, or in this process. Callers cannot tell which.
pub type Transport = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Unreachable>;

/// A call did not reach its service. A type of its own, not a box: calls over a [`Transport`] inside
/// handlers are `Send` only then.
#[derive(Debug, thiserror::Error)]
#[error("the call did not reach its service")]
pub struct Unreachable(#[source] BoxError);

impl Unreachable {
    /// Because of `cause`.
    pub fn because(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

/// How often a call is sent that nobody looked at.
const SENDINGS_MAX: u32 = 3;
/// When a call that broke off should be repeated.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Marks a request that did not come over a socket. Nothing on the wire can set it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InProcess;

/// Every service that can be reached from here.
#[derive(Default)]
pub struct Peers {
    mounted: RwLock<HashMap<String, Transport>>,
    remote: HashMap<String, Transport>,
}

/// What calls carry that leave this process.
#[derive(Clone, Default)]
pub struct Outgoing {
    /// Signs the principals that calls are made for; `None`: no call leaves in a person's name.
    pub signer: Option<Arc<Signer>>,
    /// Shown instead of a principal, by a program that somebody runs for himself.
    pub credential: Option<Credential>,
    /// The certificate shown to peers at `https` addresses, and whom it believes; `None`: there are none.
    pub tls: Option<Arc<Tls>>,
}

/// A peer's address is none that may be used.
#[derive(Debug, thiserror::Error)]
#[error("[peers] {service} = `{address}`: expected {expected}")]
pub struct PeerAddress {
    service: String,
    address: String,
    expected: &'static str,
}

impl Peers {
    /// Peers at `addresses`, by service; nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// [`PeerAddress`] for what is no address, or would be spoken to in the clear on another machine.
    pub fn at(
        addresses: &BTreeMap<String, String>,
        outgoing: &Outgoing,
    ) -> Result<Self, PeerAddress> {
        let mut remote = HashMap::new();
        for (service, address) in addresses {
            let way = Way::to(service, address, outgoing)?;
            remote.insert(service.clone(), remote_transport(way, outgoing));
        }
        Ok(Self {
            mounted: RwLock::default(),
            remote,
        })
    }

    /// Peers that are all reached through one door: the process at `address`, which must prove to be `door`.
    ///
    /// # Errors
    ///
    /// As [`Peers::at`].
    pub fn behind<'n>(
        door: &str,
        address: &str,
        services: impl IntoIterator<Item = &'n str>,
        outgoing: &Outgoing,
    ) -> Result<Self, PeerAddress> {
        let through = remote_transport(Way::to(door, address, outgoing)?, outgoing);
        let services = services.into_iter();
        Ok(Self {
            mounted: RwLock::default(),
            remote: services
                .map(|service| (service.to_owned(), through.clone()))
                .collect(),
        })
    }

    /// Makes a service that is mounted here reachable. `routes` already has the layers.
    pub fn mount(&self, service: &str, routes: Routes) {
        let local = routes.prepare();
        let transport = Transport::new(tower::service_fn(move |mut request: Request<Body>| {
            request.extensions_mut().insert(InProcess);
            let routes = local.clone();
            async move {
                ServiceExt::<Request<Body>>::oneshot(routes, request)
                    .await
                    .map_err(Unreachable::because)
            }
        }));
        self.mounted
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(service.to_owned(), transport);
    }

    /// Whether a service is mounted here or has an address.
    #[must_use]
    pub fn is_known(&self, service: &str) -> bool {
        self.find(service).is_some()
    }

    /// Whether a service has an address of its own.
    #[must_use]
    pub fn has_address(&self, service: &str) -> bool {
        self.remote.contains_key(service)
    }

    /// A way to `service`, looked up at each call, so that it may be mounted later. Calls carry the
    /// trace, what is left of the caller's deadline and, if no principal is named, `caller`'s name.
    #[must_use]
    pub fn transport(self: &Arc<Self>, service: &str, caller: Option<&'static str>) -> Transport {
        let peers = Arc::clone(self);
        let service: Arc<str> = service.into();
        Transport::new(tower::service_fn(move |mut request: Request<Body>| {
            stamp(&mut request, caller);
            let found = peers.find(&service);
            let service = Arc::clone(&service);
            async move {
                let Some(target) = found else {
                    return Ok(unknown(&service).into_http());
                };
                target.oneshot(request).await
            }
        }))
    }

    fn find(&self, service: &str) -> Option<Transport> {
        let mounted = self.mounted.read().unwrap_or_else(PoisonError::into_inner);
        mounted
            .get(service)
            .or_else(|| self.remote.get(service))
            .cloned()
    }
}

fn remote_transport(way: Way, outgoing: &Outgoing) -> Transport {
    let (channel, outgoing) = (way.channel(), outgoing.clone());
    Transport::new(tower::service_fn(move |mut request: Request<Body>| {
        let channel = channel.clone();
        let named = outgoing.name(request.headers_mut());
        async move {
            match named {
                Ok(()) => Ok(sent(&channel, request).await),
                Err(status) => Ok(status.into_http()),
            }
        }
    }))
}

impl Outgoing {
    /// Says on whose behalf a call is made, in a way that another process believes.
    fn name(&self, headers: &mut HeaderMap) -> Result<(), Status> {
        let Some(plain) = headers.get(PRINCIPAL_METADATA) else {
            return Ok(());
        };
        if let Some(credential) = &self.credential {
            headers.remove(PRINCIPAL_METADATA);
            headers.insert(AUTHORIZATION, credential.to_header());
            return Ok(());
        }
        let Some(signer) = &self.signer else {
            return Err(unsigned());
        };
        let principal = identity::read(plain.as_bytes()).map_err(|misread| {
            let told = misread.to_string();
            problem("platform", Code::Unauthenticated, misread.reason(), told)
        })?;
        let token = HeaderValue::try_from(signer.sign(&principal)).map_err(|_| unsigned())?;
        headers.insert(PRINCIPAL_METADATA, token);
        Ok(())
    }
}

/// Who has no key speaks for nobody.
fn unsigned() -> Status {
    let told = "this process has no signing key ([identity] signing_key_file), so that nobody else would believe it \
                for whom it calls";
    problem(
        "platform",
        Code::Unauthenticated,
        "SIGNING_KEY_MISSING",
        told.to_owned(),
    )
}

/// Sends a request; again if its socket ended before anything of it was sent, or if the server said that it took no more
/// calls before this one, as it does when it renews its sockets.
async fn sent(channel: &Channel, request: Request<Body>) -> Response<Body> {
    let mut unread = Unread::new(request);
    for attempt in 1.. {
        let request = unread.request();
        match ServiceExt::<Request<Body>>::oneshot(channel.clone(), request).await {
            Ok(response) => return response,
            // The channel's own timer may win against the peer's answer; both say the same.
            Err(error) if is_timeout(&error) => return deadline::exceeded().into_http(),
            Err(error) => {
                let is_untouched =
                    unread.is_unread() || is_not_looked_at(&error) && unread.is_kept();
                let is_last = attempt == SENDINGS_MAX || !is_untouched;
                tracing::debug!(cause = ?error, is_last, "a call did not reach its service, or its answer was lost");
                if is_last {
                    break;
                }
            }
        }
    }
    unreached().into_http()
}

/// The one answer to a call that broke off: whether the service did it is unknown.
fn unreached() -> Status {
    retry_later(
        "platform",
        Code::Unavailable,
        SAFE_TO_RETRY,
        "the call did not reach its service, or its answer was lost; repeat with the same key"
            .to_owned(),
        RETRY_AFTER,
    )
}

/// Whether the peer ended the connection in good order and had not looked at the call: a stream above the last one
/// that its GOAWAY names can be sent again (RFC 9113, 6.8).
fn is_not_looked_at(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(found) = next {
        if let Some(error) = found.downcast_ref::<h2::Error>() {
            let is_in_order = error.reason() == Some(h2::Reason::NO_ERROR);
            return error.is_go_away() && error.is_remote() && is_in_order;
        }
        next = found.source();
    }
    false
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(found) = next {
        if found.is::<TimeoutExpired>() {
            return true;
        }
        next = found.source();
    }
    false
}

fn stamp(request: &mut Request<Body>, caller: Option<&'static str>) {
    let headers = request.headers_mut();
    if let (Some(name), false) = (caller, headers.contains_key(PRINCIPAL_METADATA)) {
        headers
            .entry(SERVICE_METADATA)
            .or_insert(HeaderValue::from_static(name));
    }
    if let Ok(value) = HeaderValue::try_from(telemetry::trace_parent())
        && !value.is_empty()
    {
        headers
            .entry(HeaderName::from_static("traceparent"))
            .or_insert(value);
    }
    deadline::pass_on(headers);
}

fn unknown(service: &str) -> Status {
    let message =
        format!("no service `{service}` is mounted here and [peers] has no address for it");
    problem("platform", Code::Unavailable, "PEER_UNKNOWN", message)
}
