//! One write: state, events, timers and audit in one transaction.
//!
//! Commands, reactions and timer firings all get a [`Work`]. They change state through
//! [`Work::txn`]; what they publish, arm and record is collected and written, in a few multi-row
//! statements, just before the commit.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotline_kernel::time::{Timestamp, micros};
use hotline_proto::event::Body;
use sea_orm::{ConnectionTrait, DbErr, SqlErr, Value};
use uuid::Uuid;

use crate::audit::row::{self, Content};
use crate::bulk::insert_rows;
use crate::core::{Core, CoreError};
use crate::db::{Txn, sql};
use crate::fault::Bug;
use crate::{fault, outbox, signal};

/// Who or what causes a write; goes into history, audit and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Principal id such as `operator:li`, `unit:HOUSING`, or `event:routing` / `timer`.
    pub actor: String,
    /// The session or key that the principal came by, empty if none.
    pub session: String,
    /// The principal's unit code, empty if none.
    pub unit_code: String,
    /// Network address of the caller, empty for reactions and timers.
    pub from_addr: String,
    /// RPC path, `event:<type>` or `timer:<kind>`.
    pub method: String,
    /// W3C traceparent, empty if none.
    pub trace_parent: String,
}

/// An event to be written to this service's log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What chooses partition, order and parking: the ticket id where there is one.
    pub stream_id: Uuid,
    /// The aggregate it is about.
    pub aggregate_id: Uuid,
    /// The aggregate's version after it; `(aggregate_id, version)` is unique.
    pub version: i64,
    /// What happened.
    pub body: Body,
}

/// A timer to be armed: fires exactly once, never early.
#[derive(Clone, Debug)]
pub struct NewTimer {
    /// What it is about; `(aggregate_id, kind, armed_version)` is unique, arming again is a no-op.
    pub aggregate_id: Uuid,
    /// What shall happen, a word of the owning service.
    pub kind: &'static str,
    /// Not before this.
    pub due_at: Timestamp,
    /// For the handler to see whether it still matters.
    pub armed_version: i64,
}

/// A row of the audit trail.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// What kind of thing was touched: `appeal`, `ticket`, `contact`, …
    pub resource: &'static str,
    /// Which one.
    pub resource_id: String,
    /// The version it has now, 0 if it has none.
    pub version: i64,
    /// What was done, in the words of the glossary. Never personal data.
    pub action: String,
    /// Why, as a code or a masked text; empty if none.
    pub reason: String,
}

/// The unit of work of one write.
#[derive(Debug)]
pub struct Work {
    core: Core,
    txn: Txn,
    now: Timestamp,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    events: Vec<(Cause, NewEvent)>,
    timers: Vec<NewTimer>,
    audit: Vec<(Cause, AuditEntry)>,
    // What is flushed but not committed.
    has_events: bool,
    next_due: Option<i64>,
    audited: Vec<Range<i64>>,
}

impl Work {
    pub(crate) async fn begin(core: &Core) -> Result<Self, CoreError> {
        let txn = core.db().begin_write().await?;
        // Read after the lock was taken: on SQLite no later write can have an earlier instant.
        Ok(Self {
            txn,
            now: core.now(),
            core: core.clone(),
            pending: Mutex::default(),
        })
    }

    /// The open transaction.
    #[must_use]
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    /// The instant of this write: one for all its rows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A fresh UUIDv7 of this write's instant.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.core.ids().next(self.now)
    }

    /// A random number below `bound`, from the service's ids port.
    #[must_use]
    pub fn draw(&self, bound: u32) -> u32 {
        self.core.ids().draw(bound)
    }

    /// Writes `event` to this service's log when the work commits.
    pub fn publish(&self, cause: &Cause, event: NewEvent) {
        self.pending().events.push((cause.clone(), event));
    }

    /// Arms `timer` when the work commits.
    pub fn arm(&self, timer: NewTimer) {
        self.pending().timers.push(timer);
    }

    /// Disarms every armed timer of `kind` of an aggregate, in this transaction.
    pub async fn disarm(&self, aggregate_id: Uuid, kind: &'static str) -> Result<(), CoreError> {
        self.pending()
            .timers
            .retain(|timer| timer.aggregate_id != aggregate_id || timer.kind != kind);
        let text = "UPDATE timer SET state = 'void', ended_at = $1 \
                    WHERE aggregate_id = $2 AND kind = $3 AND state = 'armed'";
        let values = vec![micros(self.now).into(), aggregate_id.into(), kind.into()];
        self.txn
            .execute_raw(sql(&**self.txn(), text, values))
            .await?;
        Ok(())
    }

    /// Records `entry` in the audit trail when the work commits.
    pub fn audit(&self, cause: &Cause, entry: AuditEntry) {
        self.pending().audit.push((cause.clone(), entry));
    }

    /// Writes what was collected so far. Called by [`Work::commit`]; a batch of several pieces calls
    /// it after each, so that a version conflict shows where it was made.
    pub(crate) async fn flush(&self) -> Result<(), CoreError> {
        let (events, timers, audit) = {
            let mut pending = self.pending();
            let events = std::mem::take(&mut pending.events);
            let timers = std::mem::take(&mut pending.timers);
            pending.has_events |= !events.is_empty();
            let soonest = timers.iter().map(|timer| micros(timer.due_at)).min();
            pending.next_due = [pending.next_due, soonest].into_iter().flatten().min();
            (events, timers, std::mem::take(&mut pending.audit))
        };
        if !events.is_empty() {
            let rows = outbox::rows(self, &events);
            insert_rows(&self.txn, outbox::INTO, rows, "")
                .await
                .map_err(version_conflict)?;
            fault::point("work.events_written");
        }
        if !timers.is_empty() {
            let rows: Vec<_> = timers.iter().map(timer_row).collect();
            insert_rows(&self.txn, TIMER_INTO, rows, " ON CONFLICT DO NOTHING").await?;
            fault::point("work.timers_written");
        }
        if !audit.is_empty() && !fault::is_seeded(Bug::AuditOutside) {
            insert_rows(&self.txn, row::INTO, self.audit_rows(&audit), "").await?;
            fault::point("work.audit_written");
        } else {
            self.pending().audit = audit;
        }
        Ok(())
    }

    fn audit_rows(&self, audit: &[(Cause, AuditEntry)]) -> Vec<Vec<Value>> {
        if audit.is_empty() {
            return Vec::new();
        }
        let numbers = self.core.pen().numbers(audit.len());
        let numbered = audit.iter().zip(numbers.clone());
        self.pending().audited.push(numbers);
        numbered
            .map(|((cause, entry), number)| self.audit_row(cause, entry, number))
            .collect()
    }

    fn audit_row(&self, cause: &Cause, entry: &AuditEntry, number: i64) -> Vec<Value> {
        let pen = self.core.pen();
        let content = Content {
            writer: pen.writer,
            writer_seq: number,
            at: micros(self.now),
            actor: &cause.actor,
            session: &cause.session,
            unit_code: &cause.unit_code,
            from_addr: &cause.from_addr,
            method: &cause.method,
            resource: entry.resource,
            resource_id: &entry.resource_id,
            version: entry.version,
            action: &entry.action,
            reason: &entry.reason,
            trace_id: row::trace_id(&cause.trace_parent),
        };
        content.values(self.core.name(), &pen.key)
    }

    /// The earliest due instant among timers armed in this work, in microseconds.
    pub(crate) fn soonest_armed(&self) -> Option<i64> {
        let pending = self.pending();
        let collected = pending
            .timers
            .iter()
            .map(|timer| micros(timer.due_at))
            .min();
        [pending.next_due, collected].into_iter().flatten().min()
    }

    /// Commits and wakes who waits for it.
    pub(crate) async fn commit(self) -> Result<(), CoreError> {
        self.flush().await?;
        let (has_events, next_due, audited) = {
            let mut pending = self.pending();
            let audited = std::mem::take(&mut pending.audited);
            (pending.has_events, pending.next_due, audited)
        };
        let late = std::mem::take(&mut self.pending().audit);
        let late = self.audit_rows(&late); // None, but for the seeded bug.
        let writing = has_events.then(|| signal::Writing::begin(&self.core));
        fault::point("work.written");
        // Known before it is visible: the sealer may see the rows sooner than this one hears of its commit.
        self.core.pen().committing(&audited);
        let committed = self.txn.commit().await;
        fault::point("work.committed");
        // Even a commit that failed may have happened: the connection can die with the answer.
        drop(writing);
        if let Some(due) = next_due {
            self.core.signals().armed(due);
        }
        if let Err(error) = committed {
            self.core.pen().uncertain(&audited);
            return Err(error.into());
        }
        if !late.is_empty() {
            let txn = self.core.db().begin_write().await?;
            insert_rows(&txn, row::INTO, late, "").await?;
            txn.commit().await?;
        }
        if !audited.is_empty() {
            self.core.pen().committed(&audited);
        }
        Ok(())
    }

    /// Gives up; a failed rollback is a lost connection, which rolls back by itself.
    pub(crate) async fn roll_back(self) {
        if let Err(error) = self.txn.rollback().await {
            tracing::debug!(%error, "a rollback was not answered");
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table and its columns, as text between `INSERT INTO` and `VALUES`.
const TIMER_INTO: &str =
    "timer (aggregate_id, kind, due_at, armed_version, state, attempts, next_at)";

fn timer_row(timer: &NewTimer) -> Vec<Value> {
    let due_at = micros(timer.due_at);
    let (armed, attempts) = ("armed", 0_i16);
    vec![
        timer.aggregate_id.into(),
        timer.kind.into(),
        due_at.into(),
        timer.armed_version.into(),
        armed.into(),
        attempts.into(),
        due_at.into(),
    ]
}

/// Two writers made the same version of an aggregate: the second one is stale.
fn version_conflict(error: DbErr) -> CoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => CoreError::Stale { current: 0 },
        _ => error.into(),
    }
}
