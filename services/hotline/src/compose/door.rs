//! The one door of a city in many processes: what is not mounted beside the gateway is handed on to where it is.
//!
//! Callers need one address, and nobody but the gateway's process speaks for them inside. The call passes the layers here
//! and there, in the name of the same principal and within the same deadline.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA, problem};
use hotline_platform::peers::{Peers, Transport};
use hotline_proto::access::RULES;
use tonic::Code;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

use crate::services::Name;

/// Routes for the services that `names` leave to other processes, if the gateway is among `names`.
pub(super) fn to_the_others(names: &[Name], peers: &Arc<Peers>) -> Option<Routes> {
    let mut router = Router::new();
    for &name in Name::ALL {
        let is_elsewhere = !names.contains(&name) && peers.has_address(name.word());
        if !names.contains(&Name::Gateway) || !is_elsewhere {
            continue;
        }
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
        Ok(response) => response.map(axum::body::Body::new),
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
    head.extensions.clear();
    head.headers.remove(SERVICE_METADATA);
    let value = principal.to_metadata().parse().ok()?;
    head.headers.insert(PRINCIPAL_METADATA, value);
    Some(http::Request::from_parts(head, Body::new(body)))
}
