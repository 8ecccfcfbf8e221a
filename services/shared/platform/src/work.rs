//! One write: state, events, timers and audit in one transaction.
//!
//! Commands, reactions and timer firings all get a [`Work`]. They change state through
//! [`Work::txn`]; what they publish, arm and record is collected and written, in a few multi-row
//! statements, just before the commit.

use hotline_kernel::time::Timestamp;
use hotline_proto::event::Body;
use uuid::Uuid;

use crate::db::Txn;
use crate::ids::Ids;

/// Who or what causes a write; goes into history, audit and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Principal id such as `operator:li`, `unit:HOUSING`, or `event:routing` / `timer`.
    pub actor: String,
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
pub struct Work {
    txn: Txn,
    now: Timestamp,
    ids: Ids,
    pending: std::sync::Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    events: Vec<(Cause, NewEvent)>,
    timers: Vec<NewTimer>,
    audit: Vec<(Cause, AuditEntry)>,
}

impl Work {
    /// The open transaction.
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    /// The instant of this write: one for all its rows.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A fresh UUIDv7 of this write's instant.
    pub fn new_id(&self) -> Uuid {
        self.ids.next(self.now)
    }

    /// Writes `event` to this service's log when the work commits.
    pub fn publish(&self, cause: &Cause, event: NewEvent) {
        let _ = (cause, event);
        todo!()
    }

    /// Arms `timer` when the work commits.
    pub fn arm(&self, timer: NewTimer) {
        let _ = timer;
        todo!()
    }

    /// Disarms every armed timer of `kind` of an aggregate, in this transaction.
    pub async fn disarm(&self, aggregate_id: Uuid, kind: &'static str) -> Result<(), crate::core::CoreError> {
        let _ = (aggregate_id, kind);
        todo!()
    }

    /// Records `entry` in the audit trail when the work commits.
    pub fn audit(&self, cause: &Cause, entry: AuditEntry) {
        let _ = (cause, entry);
        todo!()
    }
}
