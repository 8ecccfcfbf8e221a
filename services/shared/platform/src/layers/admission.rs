//! One place that sheds load: so many calls at once per priority, then a refusal that says when to
//! come back.
//!
//! Nobody waits for a place. The calls that have one already wait for each other, in the group commit
//! or for a connection, and whoever cannot be served soon is better told so at once.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hotline_proto::shared::Priority;
use metrics::{counter, gauge};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

use super::access;
use super::body::Held;
use crate::grpc::retry_later;

/// How many calls run at once, by the priority of their access rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Registration and the event log: what must get through.
    pub critical: usize,
    /// Screens.
    pub interactive: usize,
    /// Imports and reports.
    pub bulk: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            critical: 256,
            interactive: 256,
            bulk: 32,
        }
    }
}

/// Places for calls that anybody may make without saying who he is: whoever fills them keeps out nobody else.
const ANONYMOUS_MAX: usize = 32;

/// The places of one process.
#[derive(Debug)]
pub struct Admission {
    anonymous: Arc<Semaphore>,
    critical: Arc<Semaphore>,
    interactive: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

impl Default for Admission {
    fn default() -> Self {
        Self::of(Limits::default())
    }
}

impl Admission {
    /// As many places as `limits` says.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self::of(limits))
    }

    fn of(limits: Limits) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let (critical, interactive, bulk) = (
            places(limits.critical),
            places(limits.interactive),
            places(limits.bulk),
        );
        Self {
            anonymous: places(ANONYMOUS_MAX),
            critical,
            interactive,
            bulk,
        }
    }

    fn place(&self, priority: Priority, is_anonymous: bool) -> Result<Place, Status> {
        let places = match priority {
            _ if is_anonymous => &self.anonymous,
            Priority::Critical => &self.critical,
            Priority::Interactive => &self.interactive,
            Priority::Bulk | Priority::Unspecified => &self.bulk,
        };
        let permit = Arc::clone(places).try_acquire_owned();
        permit
            .map(|permit| Place::taken(permit, priority))
            .map_err(|_| overloaded(priority))
    }
}

/// A place that a call has taken; free again when it is dropped, however the call ended.
pub(super) struct Place {
    priority: Priority,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn taken(permit: OwnedSemaphorePermit, priority: Priority) -> Self {
        gauge!("hotline_rpc_in_flight", "priority" => word(priority)).increment(1);
        Self {
            priority,
            _permit: permit,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        gauge!("hotline_rpc_in_flight", "priority" => word(self.priority)).decrement(1);
    }
}

pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let rule = access::method(&request).map(|method| method.rule);
    let stated = rule.map_or(0, |rule| rule.priority);
    let priority = Priority::try_from(stated).unwrap_or(Priority::Bulk);
    match admission.place(priority, rule.is_some_and(|rule| rule.anonymous)) {
        Ok(place) => {
            let response = next.run(request).await;
            response.map(|inner| {
                Body::new(Held {
                    inner,
                    _place: place,
                })
            })
        }
        Err(status) => {
            counter!("hotline_rpc_shed_total", "priority" => word(priority)).increment(1);
            status.into_http()
        }
    }
}

fn overloaded(priority: Priority) -> Status {
    // The less urgent, the later it should come back.
    let after = match priority {
        Priority::Critical => Duration::from_millis(500),
        Priority::Interactive => Duration::from_secs(1),
        Priority::Bulk | Priority::Unspecified => Duration::from_secs(5),
    };
    let message = format!("too many {} calls at once; come back later", word(priority));
    retry_later(
        "platform",
        Code::ResourceExhausted,
        "OVERLOADED",
        message,
        after,
    )
}

fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "critical",
        Priority::Interactive => "interactive",
        Priority::Bulk | Priority::Unspecified => "bulk",
    }
}
