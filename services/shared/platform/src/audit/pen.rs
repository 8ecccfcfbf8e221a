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
    numbers: Mutex<Numbers>,
    /// Rings when rows were committed.
    pub(crate) written: Notify,
}

/// Numbers that were not seen sealed yet.
#[derive(Debug, Default)]
struct Numbers {
    /// Of rows whose commit was not answered yet. They may be visible, and so sealed, before it is.
    writing: BTreeSet<i64>,
    committed: BTreeSet<i64>,
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
            numbers: Mutex::default(),
            written: Notify::new(),
        }
    }

    /// The numbers of the next rows.
    pub(crate) fn numbers(&self, count: usize) -> Range<i64> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        first..first.saturating_add(count)
    }

    /// Rows with these numbers are about to be committed.
    pub(crate) fn committing(&self, ranges: &[Range<i64>]) {
        let mut numbers = self.lock();
        for range in ranges {
            if numbers.writing.len() + numbers.committed.len() < REMEMBERED_MAX {
                numbers.writing.extend(range.clone());
            }
        }
    }

    /// Rows with these numbers are committed; those that were seen sealed before this was known are not waited for.
    pub(crate) fn committed(&self, ranges: &[Range<i64>]) {
        let mut numbers = self.lock();
        for number in ranges.iter().cloned().flatten() {
            if numbers.writing.remove(&number) {
                numbers.committed.insert(number);
            }
        }
        drop(numbers);
        self.written.notify_one();
    }

    /// Whether rows with these numbers were committed is not known: they are not waited for.
    pub(crate) fn uncertain(&self, ranges: &[Range<i64>]) {
        let mut numbers = self.lock();
        for number in ranges.iter().cloned().flatten() {
            numbers.writing.remove(&number);
        }
    }

    /// A row was seen sealed.
    pub(crate) fn sealed(&self, writer: Option<Uuid>, writer_seq: Option<i64>) {
        if writer == Some(self.writer)
            && let Some(number) = writer_seq
        {
            let mut numbers = self.lock();
            numbers.writing.remove(&number);
            numbers.committed.remove(&number);
        }
    }

    /// What was committed and not seen sealed.
    pub(crate) fn awaited(&self) -> BTreeSet<i64> {
        self.lock().committed.clone()
    }

    /// Those of `awaited` that were not seen sealed since; they are not waited for any more.
    pub(crate) fn give_up(&self, awaited: &BTreeSet<i64>) -> Vec<i64> {
        let mut numbers = self.lock();
        let missing: Vec<i64> = awaited.intersection(&numbers.committed).copied().collect();
        for number in &missing {
            numbers.committed.remove(number);
        }
        missing
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_row_that_was_sealed_before_its_commit_was_answered_is_not_missed() {
        let pen = Pen::new(AuditKey::new(&[7; 32]), DateTime::UNIX_EPOCH);
        let numbers = [pen.numbers(3)];
        pen.committing(&numbers);
        pen.sealed(Some(pen.writer), Some(2));
        pen.committed(&numbers);
        assert_eq!(pen.awaited(), BTreeSet::from([1, 3]));

        pen.sealed(Some(pen.writer), Some(1));
        assert_eq!(pen.give_up(&BTreeSet::from([1, 2, 3])), [3]);
        assert!(pen.awaited().is_empty());

        let lost = [pen.numbers(1)];
        pen.committing(&lost);
        pen.uncertain(&lost);
        pen.committed(&lost);
        assert!(
            pen.awaited().is_empty(),
            "nobody knows whether they are there"
        );
    }
}
