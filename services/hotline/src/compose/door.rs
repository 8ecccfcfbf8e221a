//! The one door of a city in many processes: what is not mounted beside the gateway is handed on to where it is.
//!
//! Callers need one address, and nobody but the gateway's process speaks for them inside. The call passes the layers here
//! and there, in the name of the same principal, as of the address that he was seen at here, and within the same
//! deadline. Trails are handed on by the service that is named in the question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use hotline_platform::grpc::{Call, PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem};
use hotline_platform::layers::HandedOn;
use hotline_platform::peers::{Peers, Transport};
use hotline_proto::access::RULES;
use tonic::Code;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

use crate::services::Name;

/// The ways to the trails of services that `names` leave to other processes, if the gateway is among `names`.
pub(super) fn to_trails(names: &[Name], peers: &Arc<Peers>) -> BTreeMap<&'static str, Transport> {
    let elsewhere = others(names, peers);
    let way = |name: Name| (name.word(), peers.transport(name.word(), None));
    elsewhere.into_iter().map(way).collect()
}

/// The services that the gateway hands on to, if it is among `names`.
fn others(names: &[Name], peers: &Arc<Peers>) -> Vec<Name> {
    let is_elsewhere = |name: &Name| {
        names.contains(&Name::Gateway) && !names.contains(name) && peers.has_address(name.word())
    };
    Name::ALL.iter().copied().filter(is_elsewhere).collect()
}

/// Routes for the services that `names` leave to other processes, if the gateway is among `names`.
pub(super) fn to_the_others(names: &[Name], peers: &Arc<Peers>) -> Option<Routes> {
    let mut router = Router::new();
    for name in others(names, peers) {
        let to = peers.transport(name.word(), None);
        for service in services_of(name) {
            let to = to.clone();
            let hand_on = post(move |request| hand_on(to, request));
            router = router.route(&format!("/{service}/{{method}}"), hand_on);
        }
    }
    router.has_routes().then(|| router.into())
}

/// The gRPC services of a service's package.
fn services_of(name: Name) -> BTreeSet<&'static str> {
    let package = format!("/hotline.{}.", name.word());
    let of = |path: &&'static str| path.starts_with(&package);
    let paths = RULES.iter().map(|(path, _)| *path).filter(of);
    paths
        .filter_map(|path| path.trim_start_matches('/').split('/').next())
        .collect()
}

async fn hand_on(to: Transport, request: Request) -> Response {
    let Some(named) = name(request) else {
        let told = "a service calls another one itself, not through the gateway";
        let refused = problem(
            "gateway",
            Code::PermissionDenied,
            "SERVICE_NOT_ALLOWED",
            told.to_owned(),
        );
        return refused.into_http();
    };
    match to.oneshot(named).await {
        Ok(response) => {
            let mut response = response.map(axum::body::Body::new);
            response.extensions_mut().insert(HandedOn);
            response
        }
        Err(error) => {
            tracing::warn!(%error, "a call could not be handed on");
            let told = "the service cannot be reached; repeat with the same key";
            problem(
                "gateway",
                Code::Unavailable,
                "PEER_UNREACHABLE",
                told.to_owned(),
            )
            .into_http()
        }
    }
}

/// The request in the name of whom the layers found; `None` for a service.
fn name(request: Request) -> Option<http::Request<Body>> {
    let (mut head, body) = request.into_parts();
    let principal = head.extensions.remove::<Principal>()?;
    if principal.service().is_some() {
        return None;
    }
    let call = head.extensions.remove::<Call>();
    let from_addr = call.map(|call| call.from_addr).unwrap_or_default();
    head.extensions.clear();
    head.headers.remove(SERVICE_METADATA);
    let value = principal.seen_at(&from_addr).to_metadata().parse().ok()?;
    head.headers.insert(PRINCIPAL_METADATA, value);
    Some(http::Request::from_parts(head, Body::new(body)))
}
