//! What a process writes audit rows with, and what it remembers of them until they are sealed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotline_kernel::time::{Timestamp, micros};
use tokio::sync::Notify;
use uuid::Uuid;

use super::AuditKey;
use crate::ids::Ids;

/// So many committed rows are remembered at most; only a service without a sealer has more.
const REMEMBERED_MAX: usize = 100_000;

/// One life of a process, as a writer of one service's audit rows.
///
/// It remembers the numbers of what it committed until it sees them sealed: a row that somebody deleted before that
/// is missed by the one who wrote it. A number whose transaction was rolled back is never remembered, so the hole
/// that it leaves is taken for nothing.
#[derive(Debug)]
pub(crate) struct Pen {
    pub(crate) key: AuditKey,
    pub(crate) writer: Uuid,
    /// When it began, in microseconds UTC.
    pub(crate) born: i64,
    next: AtomicI64,
    committed: Mutex<BTreeSet<i64>>,
    /// Rings when rows were committed.
    pub(crate) written: Notify,
}

impl Pen {
    pub(crate) fn new(key: AuditKey, now: Timestamp) -> Self {
        // No two lives may have one name, so that even a repeatable city draws another one at each start.
        let ids = Ids::from_os();
        Self {
            key,
            writer: Uuid::from_u64_pair(ids.draw_wide(), ids.draw_wide()),
            born: micros(now),
            next: AtomicI64::new(1),
            committed: Mutex::default(),
            written: Notify::new(),
        }
    }

    /// The numbers of the next rows.
    pub(crate) fn numbers(&self, count: usize) -> Range<i64> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        first..first.saturating_add(count)
    }

    /// Rows with these numbers are committed.
    pub(crate) fn committed(&self, numbers: &[Range<i64>]) {
        let mut committed = self.lock();
        for range in numbers {
            if committed.len() < REMEMBERED_MAX {
                committed.extend(range.clone());
            }
        }
        drop(committed);
        self.written.notify_one();
    }

    /// A row was seen sealed.
    pub(crate) fn sealed(&self, writer: Option<Uuid>, writer_seq: Option<i64>) {
        if writer == Some(self.writer)
            && let Some(number) = writer_seq
        {
            self.lock().remove(&number);
        }
    }

    /// What was committed and not seen sealed.
    pub(crate) fn awaited(&self) -> BTreeSet<i64> {
        self.lock().clone()
    }

    /// Those of `awaited` that were not seen sealed since; they are not waited for any more.
    pub(crate) fn give_up(&self, awaited: &BTreeSet<i64>) -> Vec<i64> {
        let mut committed = self.lock();
        let missing: Vec<i64> = awaited.intersection(&committed).copied().collect();
        for number in &missing {
            committed.remove(number);
        }
        missing
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
