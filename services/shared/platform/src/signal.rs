//! What a service's tasks tell each other in memory: wake-ups and how far each has come.
//!
//! Nothing here is needed for correctness: every task also looks by itself now and then. It makes
//! a wake-up immediate and lets [`crate::quiet::Quiet`] see without asking the database.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::core::Core;
use crate::migration::PARTITIONS;

/// How far each partition of a log is numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Which log it is; nil while not known.
    pub log: Uuid,
    /// The log's epoch; 0 while not known.
    pub epoch: i32,
    /// The highest number given per partition, 0 if none.
    pub last: [i64; PARTITIONS as usize],
}

/// The end of a log of this process, to read and to wait for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogEnd(pub(crate) watch::Receiver<Heads>);

/// A service's signals.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Commits with events that are under way.
    writing: AtomicI64,
    /// Commits with events that are over.
    written: AtomicU64,
    /// The value of `written` up to which the relay has numbered everything.
    pub(crate) relayed: AtomicU64,
    pub(crate) relay: Notify,
    pub(crate) heads: watch::Sender<Heads>,
    /// When the next armed timer can fire, in microseconds; `i64::MAX` if none is armed.
    next_due: AtomicI64,
    /// Counts changes of `next_due` by others than the runner.
    armings: AtomicU64,
    pub(crate) timers: Notify,
    consumers: Mutex<Vec<Arc<Progress>>>,
}

/// How far a consumer of this process has come in one producer's log.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) producer: &'static str,
    /// What it has heard of the producer's log.
    pub(crate) heads: Mutex<Heads>,
    /// The end of the producer's log, if it is mounted here.
    pub(crate) end: Option<LogEnd>,
    /// Its own position in the same log.
    pub(crate) reached: Mutex<Heads>,
    /// Rings when the position was set back by a replay.
    pub(crate) rewound: Notify,
}

impl Progress {
    /// Nothing is heard yet.
    pub(crate) fn of(producer: &'static str, end: Option<LogEnd>) -> Self {
        Self {
            producer,
            heads: Mutex::default(),
            end,
            reached: Mutex::default(),
            rewound: Notify::new(),
        }
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            writing: AtomicI64::new(0),
            // The log may hold unnumbered rows of an earlier life, so the relay owes a first pass.
            written: AtomicU64::new(1),
            relayed: AtomicU64::new(0),
            relay: Notify::new(),
            heads: watch::Sender::new(Heads::default()),
            // Without a runner no timer fires, and none is waited for.
            next_due: AtomicI64::new(i64::MAX),
            armings: AtomicU64::new(0),
            timers: Notify::new(),
            consumers: Mutex::default(),
        }
    }
}

impl Signals {
    /// A timer was armed for `due`.
    pub(crate) fn armed(&self, due: i64) {
        self.armings.fetch_add(1, Ordering::SeqCst);
        self.next_due.fetch_min(due, Ordering::SeqCst);
        self.timers.notify_one();
    }

    /// How many armings the runner has to know of before it says when the next timer is due.
    pub(crate) fn armings(&self) -> u64 {
        self.armings.load(Ordering::SeqCst)
    }

    /// The runner found that the next timer is due at `due`, having seen `armings` armings.
    pub(crate) fn next_due_is(&self, due: i64, armings: u64) {
        self.next_due.store(due, Ordering::SeqCst);
        if self.armings() != armings {
            // Somebody armed meanwhile; its timer may be earlier. Look again.
            self.next_due.store(i64::MIN, Ordering::SeqCst);
            self.timers.notify_one();
        }
    }

    pub(crate) fn next_due(&self) -> i64 {
        self.next_due.load(Ordering::SeqCst)
    }

    /// Commits with events that are over.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Whether every event that was committed here is numbered.
    pub(crate) fn is_relayed(&self) -> bool {
        self.writing.load(Ordering::SeqCst) == 0
            && self.relayed.load(Ordering::SeqCst) >= self.written()
    }

    /// A replay set every consumer's position back.
    pub(crate) fn rewound(&self) {
        for progress in self.progress().iter() {
            *lock(&progress.reached) = Heads::default();
            progress.rewound.notify_one();
        }
    }

    pub(crate) fn watch(&self, progress: Arc<Progress>) {
        self.progress().push(progress);
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Vec<Arc<Progress>>> {
        self.consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Whether everything that was heard of is applied or parked.
    pub(crate) fn is_at_end(&self) -> bool {
        self.heads().epoch == lock(&self.reached).epoch && self.lag() == 0
    }

    /// How many events it has not heard.
    pub(crate) fn lag(&self) -> i64 {
        let reached = *lock(&self.reached);
        self.heads()
            .last
            .iter()
            .zip(reached.last)
            .map(|(head, pos)| head.saturating_sub(pos).max(0))
            .sum()
    }

    fn heads(&self) -> Heads {
        match &self.end {
            Some(end) => *end.0.borrow(),
            None => *lock(&self.heads),
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A commit with events, from before it begins until it is over.
pub(crate) struct Writing<'a>(&'a Core);

impl<'a> Writing<'a> {
    pub(crate) fn begin(core: &'a Core) -> Self {
        core.signals().writing.fetch_add(1, Ordering::SeqCst);
        core.tasks().beat();
        Self(core)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let signals = self.0.signals();
        signals.written.fetch_add(1, Ordering::SeqCst);
        signals.writing.fetch_sub(1, Ordering::SeqCst);
        signals.relay.notify_one();
        self.0.tasks().beat();
    }
}
