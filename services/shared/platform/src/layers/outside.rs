//! What a process tells everybody, by no rule: whether it is well and, where that is allowed, its descriptors.
//!
//! Nobody says who he is, so there are few places, and none of them is one of the calls that have a rule. A look at the
//! health has places of its own: whoever keeps on watching keeps no supervisor from asking.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::service::Routes;
use tonic::{Code, Status};

use super::body::Held;
use crate::grpc::retry_later;

/// Single questions for the health that are answered at once.
pub const CHECKS_MAX: usize = 64;
/// Streams that are open at once, of all sockets: who watches the health, and who reads descriptors.
pub const STREAMS_MAX: usize = 64;
/// When to come back if there is no place.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a single question may take to be asked and answered.
const CHECK_WITHIN: Duration = Duration::from_secs(5);
/// The one method that is answered once.
const CHECK: &str = "/grpc.health.v1.Health/Check";

#[derive(Clone)]
struct Places {
    checks: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// `routes` with their few places, beside `ruled`, which have every layer.
pub(crate) fn beside(ruled: Routes, routes: Routes) -> Routes {
    let places = Places {
        checks: Arc::new(Semaphore::new(CHECKS_MAX)),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
    };
    let limited: Router = routes
        .into_axum_router()
        .reset_fallback()
        .layer(from_fn_with_state(places, limit));
    ruled.into_axum_router().merge(limited).into()
}

async fn limit(State(places): State<Places>, request: Request, next: Next) -> Response {
    let is_check = request.uri().path() == CHECK;
    let free = if is_check {
        places.checks
    } else {
        places.streams
    };
    let Ok(place) = free.try_acquire_owned() else {
        counter!("hotline_rpc_shed_total", "priority" => "outside").increment(1);
        let told = "too many look from outside; come back later".to_owned();
        let code = Code::ResourceExhausted;
        return retry_later("platform", code, "OVERLOADED", told, RETRY_AFTER).into_http();
    };
    if is_check {
        // Whoever asks slowly, or never reads the answer, keeps no place.
        let answer = timeout(CHECK_WITHIN, next.run(request)).await;
        let late = || Status::deadline_exceeded("expected the whole question within 5 s");
        return answer.unwrap_or_else(|_| late().into_http());
    }
    let response = next.run(request).await;
    response.map(|inner| {
        Body::new(Held {
            inner,
            _place: place,
        })
    })
}
