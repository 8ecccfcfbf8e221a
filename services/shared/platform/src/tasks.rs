//! Every task of a process, in one place: tracked, stopped together, never lost.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The tasks of a process and the word that stops them. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    beat: Arc<Beat>,
}

/// Counts what happens in a process, so that [`crate::quiet::Quiet`] can wait for nothing to happen.
#[derive(Debug, Default)]
struct Beat {
    count: AtomicU64,
    notify: Notify,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that [`Tasks::drain`] waits for.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.tracker.track_future(task.in_current_span()))
    }

    /// Cancelled when the process shall stop. Loops end at it; a write that runs is finished.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Says stop and waits until every task has ended.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Notes that something happened.
    pub(crate) fn beat(&self) {
        self.beat.count.fetch_add(1, Ordering::SeqCst);
        self.beat.notify.notify_waiters();
    }

    /// How often something happened.
    pub(crate) fn beats(&self) -> u64 {
        self.beat.count.load(Ordering::SeqCst)
    }

    /// Ends when something happened after `seen` beats.
    pub(crate) async fn next_beat(&self, seen: u64) {
        let notified = self.beat.notify.notified();
        if self.beats() == seen {
            notified.await;
        }
    }
}
