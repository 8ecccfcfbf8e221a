//! Where tests may break the program: crash points and seeded bugs.
//!
//! Both exist only with the feature `testing`, which no shipped build has; without it a point is
//! nothing and no bug is seeded. They are chosen when a process starts, by environment:
//! `FAILPOINTS="relay.assigned=2*off->return(kill)"` (the syntax of the crate `fail`; `kill` ends the
//! process there as SIGKILL would, at the third hit) and `HOTLINE_SEEDED_BUG=naive_cursor`.

#[cfg(feature = "testing")]
pub mod plan;

/// A defect that a test must notice: each is a promise broken on purpose, where it would really break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A group commit answers before its transaction is committed.
    AcknowledgeBeforeCommit,
    /// Events are read by insertion id, so one that commits late is passed over.
    NaiveCursor,
    /// A consumer moves its offset outside the transaction of the effect.
    OffsetOutside,
    /// A consumer commits without looking at its fence.
    NoFence,
    /// A repeated key registers again.
    NoIdempotency,
    /// SQLite begins a write without IMMEDIATE.
    NotImmediate,
    /// SQLite commits with `synchronous=NORMAL`, PostgreSQL with `synchronous_commit=off`.
    SynchronousNormal,
    /// Who holds the lease applies, by the clock alone: no position is compared.
    LockByClock,
    /// A consumer does not notice that the log's epoch changed.
    NoEpoch,
    /// Timers fire before they are due.
    TimerEarly,
    /// A merge leaves out one of the citizens.
    MergeDropsCitizen,
    /// Conservation counts one appeal too many.
    ConservationOffByOne,
    /// A rate divides what was concluded in a period by what was received in it.
    MixedCohorts,
    /// A poisoned event stops its partition.
    PoisonStops,
    /// A ticket is saved without comparing its version.
    LostUpdate,
    /// An import leaves out the last row of a chunk.
    ImportSkipsRow,
    /// The store of tickets forgets whose tickets a caller may touch.
    ScopeForgotten,
    /// A sealed value is not pinned to its place.
    NoAssociatedData,
    /// The audit row is written after the commit of what it tells of.
    AuditOutside,
    /// The sealer numbers the last row of a batch and leaves it out of the chain.
    SealerSkipsRow,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::AcknowledgeBeforeCommit,
        Self::NaiveCursor,
        Self::OffsetOutside,
        Self::NoFence,
        Self::NoIdempotency,
        Self::NotImmediate,
        Self::SynchronousNormal,
        Self::LockByClock,
        Self::NoEpoch,
        Self::TimerEarly,
        Self::MergeDropsCitizen,
        Self::ConservationOffByOne,
        Self::MixedCohorts,
        Self::PoisonStops,
        Self::LostUpdate,
        Self::ImportSkipsRow,
        Self::ScopeForgotten,
        Self::NoAssociatedData,
        Self::AuditOutside,
        Self::SealerSkipsRow,
    ];

    /// Its name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgeBeforeCommit => "acknowledge_before_commit",
            Self::NaiveCursor => "naive_cursor",
            Self::OffsetOutside => "offset_outside",
            Self::NoFence => "no_fence",
            Self::NoIdempotency => "no_idempotency",
            Self::NotImmediate => "not_immediate",
            Self::SynchronousNormal => "synchronous_normal",
            Self::LockByClock => "lock_by_clock",
            Self::NoEpoch => "no_epoch",
            Self::TimerEarly => "timer_early",
            Self::MergeDropsCitizen => "merge_drops_citizen",
            Self::ConservationOffByOne => "conservation_off_by_one",
            Self::MixedCohorts => "mixed_cohorts",
            Self::PoisonStops => "poison_stops",
            Self::LostUpdate => "lost_update",
            Self::ImportSkipsRow => "import_skips_row",
            Self::ScopeForgotten => "scope_forgotten",
            Self::NoAssociatedData => "no_associated_data",
            Self::AuditOutside => "audit_outside",
            Self::SealerSkipsRow => "sealer_skips_row",
        }
    }
}

/// Every crash point, in the order of the alphabet. `tests/tests/layering.rs` compares it with the
/// calls of [`point`]; `process_crash_points` ends a process at each.
#[cfg(feature = "testing")]
pub const POINTS: &[&str] = &[
    "apply.advanced",
    "apply.committed",
    "apply.parked",
    "apply.parked_behind",
    "apply.parking_committed",
    "apply.reacted",
    "command.claimed",
    "command.committed",
    "command.decided",
    "command.remembered",
    "consumer.fetched",
    "consumer.received",
    "document.frozen",
    "document.numbered",
    "epoch.committed",
    "epoch.entered",
    "epoch.raised",
    "follow_up.opened",
    "group.answered",
    "group.applied",
    "group.committed",
    "group.taken",
    "import.advanced",
    "import.finished",
    "import.registered",
    "import.rows_saved",
    "import.started",
    "instruction.saved",
    "lease.ended",
    "lease.epoch_entered",
    "lease.inserted",
    "lease.releasing",
    "lease.taken",
    "load.committed",
    "load.intake_replaced",
    "load.recomputed",
    "load.routing_replaced",
    "log.read",
    "migration.applied",
    "outbound.noted",
    "outbound.synced",
    "outbound.written",
    "parked.applied",
    "parked.committed",
    "parked.freed",
    "parked.postponing",
    "parked.skipped",
    "publisher.read",
    "publisher.saved",
    "publisher.sent",
    "register.appeals_saved",
    "register.contacts_saved",
    "register.drafted",
    "register.matters_saved",
    "relay.advanced",
    "relay.assigned",
    "relay.committed",
    "relay.held",
    "replay.committed",
    "replay.emptied",
    "replay.rewound",
    "reply.saved",
    "sealer.anchored",
    "sealer.assigned",
    "sealer.committed",
    "start.listening",
    "start.locked",
    "start.mounted",
    "start.secret_begun",
    "start.secret_written",
    "start.serving",
    "start.started",
    "stop.asked",
    "stop.closed",
    "stop.unserved",
    "ticket.saved",
    "ticket.step_saved",
    "timer.claimed",
    "timer.committed",
    "timer.fired",
    "timer.rearmed",
    "timer.setting_aside",
    "txn.begun",
    "txn.committed",
    "txn.committing",
    "verdict.saved",
    "view.appeal_saved",
    "view.ticket_saved",
    "work.audit_written",
    "work.committed",
    "work.events_written",
    "work.timers_written",
    "work.written",
];

/// A place where a test may end the process. Costs nothing without the feature `testing`.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(feature = "testing")]
    {
        armed::point(name);
        plan::pass(name);
    }
    #[cfg(not(feature = "testing"))]
    let _ = name;
}

/// Whether `bug` is seeded in this process; never without the feature `testing`.
#[inline]
#[must_use]
pub fn is_seeded(bug: Bug) -> bool {
    #[cfg(feature = "testing")]
    return armed::seeded() == Some(bug);
    #[cfg(not(feature = "testing"))]
    {
        let _ = bug;
        false
    }
}

/// Whether a commit shall be made, and whether its caller shall hear of it; always both without the
/// feature `testing`.
#[inline]
pub(crate) fn commit() -> (bool, bool) {
    #[cfg(feature = "testing")]
    return match plan::commit() {
        plan::Commit::Done => (true, true),
        plan::Commit::Failed => (false, false),
        plan::Commit::Unanswered => (true, false),
    };
    #[cfg(not(feature = "testing"))]
    (true, true)
}

#[cfg(feature = "testing")]
mod armed {
    use std::io::Write as _;
    use std::sync::{Once, OnceLock};

    use super::Bug;

    pub(super) fn point(name: &'static str) {
        static READY: Once = Once::new();
        // The scenario lasts as long as the process.
        READY.call_once(|| std::mem::forget(fail::FailScenario::setup()));
        fail::eval(name, |argument| {
            if argument.as_deref() == Some("kill") {
                // For the test to see that it ended here and not elsewhere.
                drop(writeln!(std::io::stderr(), "ended at {name}"));
                std::process::abort();
            }
        });
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where a testing build reads which bug is seeded"
    )]
    pub(super) fn seeded() -> Option<Bug> {
        static SEEDED: OnceLock<Option<Bug>> = OnceLock::new();
        *SEEDED.get_or_init(|| {
            let name = std::env::var("HOTLINE_SEEDED_BUG").ok()?;
            let bug = Bug::ALL.into_iter().find(|bug| bug.name() == name);
            assert!(bug.is_some(), "no bug is called {name}");
            bug
        })
    }
}
