//! Every task of a process, in one place: tracked, stopped together, never lost.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// After a panic a loop begins again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

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

    /// Starts a loop that must not end before the process stops. One that panics begins again: what it
    /// knows is in the database.
    pub(crate) fn keep<L, F>(&self, what: &'static str, mut life: L)
    where
        L: FnMut() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.spawn(async move {
            while AssertUnwindSafe(life()).catch_unwind().await.is_err() {
                tracing::error!(what, "a loop panicked and begins again");
                let rested = stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER));
                if rested.await.is_none() {
                    return;
                }
            }
        });
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Tasks;

    #[tokio::test]
    async fn a_loop_that_panics_begins_again_and_one_that_ends_does_not() {
        let (tasks, begun) = (Tasks::new(), Arc::new(AtomicUsize::new(0)));
        let times = Arc::clone(&begun);
        tasks.keep("loop", move || {
            let time = times.fetch_add(1, Ordering::SeqCst);
            async move { assert!(time == 2, "a fault") }
        });
        tasks.tracker.close();
        tasks.tracker.wait().await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
