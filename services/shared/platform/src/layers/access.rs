//! The access rule of a call, looked up before anything else; a method without one is refused.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hotline_proto::access::{RULES, Rule};
use tonic::Code;

use crate::grpc::problem;
use crate::listen::Peer;
use crate::peers::InProcess;

/// A method as its proto declares it. In the extensions of every request behind this layer.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Its access rule.
    pub rule: &'static Rule,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Another service or the command line, in this process.
    InProcess,
    /// A socket.
    Network(SocketAddr),
    /// Neither is known.
    Unknown,
}

impl Origin {
    /// Reads what the transport left in the request.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        if extensions.get::<InProcess>().is_some() {
            return Self::InProcess;
        }
        let peer = extensions
            .get::<Peer>()
            .and_then(|peer| peer.tcp.remote_addr());
        peer.map_or(Self::Unknown, Self::Network)
    }

    /// For history and audit: the address, or `in-process`.
    #[must_use]
    pub fn address(self) -> String {
        match self {
            Self::InProcess => "in-process".to_owned(),
            Self::Network(peer) => peer.ip().to_canonical().to_string(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

pub(super) async fn look_up(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let found = RULES
        .binary_search_by_key(&path, |(known, _)| known)
        .ok()
        .and_then(|index| RULES.get(index));
    let Some((path, rule)) = found else {
        let refused = problem(
            "platform",
            Code::PermissionDenied,
            "METHOD_UNKNOWN",
            "no such method".to_owned(),
        );
        return refused.into_http();
    };
    let tcp = request
        .extensions()
        .get::<Peer>()
        .map(|peer| peer.tcp.clone());
    // Where tonic looks for the caller's address.
    tcp.map(|tcp| request.extensions_mut().insert(tcp));
    request.extensions_mut().insert(Method { path, rule });
    next.run(request).await
}

/// Whether the caller's certificate names `service`, or he is in this process.
pub(super) fn is_proven(extensions: &http::Extensions, service: &str) -> bool {
    let peer = extensions.get::<Peer>();
    let is_named = |peer: &Peer| peer.services.iter().any(|named| named == service);
    Origin::of(extensions) == Origin::InProcess || peer.is_some_and(is_named)
}

/// The method of a request behind [`look_up`].
pub(super) fn method(request: &Request) -> Option<Method> {
    request.extensions().get::<Method>().copied()
}
