//! Reacting to events of other services and to timers.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures::FutureExt;
use hotline_kernel::time::Timestamp;
use hotline_proto::event::{Body, Envelope};
use uuid::Uuid;

use crate::core::CoreError;
use crate::db::BoxError;
use crate::work::Work;

/// Lets `doing` act; a panic is its failure, not the failure of who let it.
pub(crate) async fn guarded(
    doing: impl Future<Output = Result<(), ReactionError>>,
) -> Result<(), ReactionError> {
    AssertUnwindSafe(doing)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(ReactionError::Unknown("it panicked".into())))
}

/// Why an event or timer could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// Will pass: storage trouble. Retried without limit; the partition waits.
    #[error("not now: {0}")]
    Transient(#[source] BoxError),
    /// Will never pass: the stream is parked at once, the partition goes on.
    #[error("cannot be applied: {0}")]
    Permanent(String),
    /// Not known: some attempts, then parked.
    #[error("failed: {0}")]
    Unknown(#[source] BoxError),
}

impl From<CoreError> for ReactionError {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Unavailable(_) => Self::Transient(Box::new(error)),
            other => Self::Unknown(Box::new(other)),
        }
    }
}

/// A consumer of one or more producers' events. Offset and effect commit together.
#[async_trait]
pub trait Reaction: Send + Sync {
    /// Names of the producers it hears.
    fn producers(&self) -> &'static [&'static str];

    /// Comes once before the events that one transaction applies: takes what its writers take turns by,
    /// notes how far they will be. Default: nothing.
    async fn begin(&self, work: &Work, events: &[&Envelope]) -> Result<(), ReactionError> {
        let _ = (work, events);
        Ok(())
    }

    /// Applies one event. Same stream, same order; across streams any order.
    async fn apply(
        &self,
        work: &Work,
        envelope: &Envelope,
        body: &Body,
    ) -> Result<(), ReactionError>;

    /// Empties what this consumer derived, so that a replay rebuilds it. Default: nothing to empty.
    async fn reset(&self, work: &Work) -> Result<(), ReactionError> {
        let _ = work;
        Err(ReactionError::Permanent(
            "this consumer cannot be replayed".to_owned(),
        ))
    }
}

/// A timer that fell due.
#[derive(Clone, Debug)]
pub struct DueTimer {
    /// What it is about.
    pub aggregate_id: Uuid,
    /// What shall happen.
    pub kind: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// The version it was armed at.
    pub armed_version: i64,
}

/// Carries out a service's timers.
#[async_trait]
pub trait TimerHandler: Send + Sync {
    /// Fires one timer in its own transaction; a no-op if it no longer matters.
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError>;
}
