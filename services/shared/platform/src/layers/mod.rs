//! What every call passes, over a socket or in this process: access rule, admission, trace,
//! metrics, principal, decision, size, deadline. Outermost first: what is shed costs next to nothing.
//!
//! They stand on `Routes`, not on the server, or calls in this process would pass them by.

pub mod access;
pub mod admission;
pub(crate) mod body;
pub mod deadline;
pub mod denial;
mod metrics;
pub(crate) mod outside;
mod principal;
mod size;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tonic::service::Routes;

pub use access::Origin;
pub use admission::{Admission, Limits};
pub use denial::{Denials, HandedOn};
pub use principal::Callers;

/// Several services' routes as one.
///
/// # Panics
///
/// If two of them serve the same gRPC service, which is a mistake in the wiring.
#[must_use]
pub fn merge(parts: impl IntoIterator<Item = Routes>) -> Routes {
    let mut whole = Routes::default().into_axum_router();
    for part in parts {
        // Two routers with a fallback cannot be merged; the default one already has it.
        whole = whole.merge(part.into_axum_router().reset_fallback());
    }
    whole.into()
}

/// What the layers go by, shared by all services of a process.
#[derive(Clone, Default)]
pub struct Edge {
    /// How many calls run at once.
    pub admission: Arc<Admission>,
    /// Where denied calls are written down.
    pub denials: Arc<Denials>,
    /// Whom they believe.
    pub callers: Callers,
}

/// Puts every layer on `routes`.
#[must_use]
pub fn on(routes: Routes, edge: Edge) -> Routes {
    let Edge {
        admission,
        denials,
        callers,
    } = edge;
    // The layer added last is the first that a call meets.
    let layered: Router = routes
        .into_axum_router()
        .layer(from_fn(deadline::honour))
        .layer(from_fn(size::limit))
        .layer(from_fn_with_state(denials, denial::decide_or_deny))
        .layer(from_fn_with_state(callers, principal::identify))
        .layer(from_fn(metrics::count))
        .layer(from_fn(trace::follow))
        .layer(from_fn_with_state(admission, admission::admit))
        .layer(from_fn(access::look_up));
    layered.into()
}
