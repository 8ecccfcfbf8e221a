//! Which flow reaches which crash point, and at which hit the process ends.

/// What is done until the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The process starts and serves.
    Start,
    /// Citizens register, several at once.
    Registration,
    /// The same while no Redis is there.
    WithoutRedis,
    /// A ticket lives from its registration to the archive.
    Life,
    /// A file is imported.
    Import,
    /// Tables are loaded and a document is issued.
    Office,
    /// The process is asked to stop.
    Stop,
    /// Events come that nobody can read.
    Poison,
    /// A timer falls due that nobody knows.
    UnknownTimer,
    /// An administrator's command, while no process runs; what is to be done first.
    Command(Before, &'static [&'static str]),
}

/// What an administrator finds when a command is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A city in order.
    Nothing,
    /// Parked events that still cannot be read.
    Parked,
    /// Parked events that can be read by now.
    MendedParked,
    /// A timer that failed for good and has a meaning by now.
    MendedTimer,
}

/// One death.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub point: &'static str,
    /// At which hit.
    pub hit: u32,
    pub flow: Flow,
}

impl Case {
    /// It at all of its first three hits, where its flow comes by often and soon.
    pub fn with_other_hits(&self) -> Vec<Self> {
        match self.flow {
            Flow::Registration | Flow::WithoutRedis => [0, 1, 2]
                .map(|more| Self {
                    hit: (self.hit + more - 1) % 3 + 1,
                    ..*self
                })
                .to_vec(),
            _ => vec![*self],
        }
    }
}

const fn at(point: &'static str, hit: u32, flow: Flow) -> Case {
    Case { point, hit, flow }
}

const REPLAY: Flow = Flow::Command(Before::Nothing, &["replay", "reporting"]);
const EPOCH: Flow = Flow::Command(Before::Nothing, &["epoch", "raise", "intake"]);

/// The deaths of an installation, in an order in which each flow goes on where the last death cut it off.
pub const CASES: &[Case] = &[
    at("start.locked", 1, Flow::Start),
    at("start.secret_begun", 1, Flow::Start),
    at("start.secret_written", 1, Flow::Start),
    at("migration.applied", 1, Flow::Start),
    at("migration.applied", 3, Flow::Start),
    at("migration.applied", 2, Flow::Start),
    at("start.mounted", 1, Flow::Start),
    at("start.listening", 1, Flow::Start),
    at("lease.ended", 2, Flow::Start),
    at("lease.inserted", 1, Flow::Start),
    at("lease.taken", 3, Flow::Start),
    at("start.started", 3, Flow::Start),
    at("start.serving", 1, Flow::Start),
    at("group.taken", 1, Flow::Registration),
    at("txn.begun", 2, Flow::Registration),
    at("txn.committing", 3, Flow::Registration),
    at("txn.committed", 1, Flow::Registration),
    at("register.drafted", 2, Flow::Registration),
    at("register.contacts_saved", 3, Flow::Registration),
    at("register.appeals_saved", 1, Flow::Registration),
    at("register.matters_saved", 2, Flow::Registration),
    at("work.events_written", 3, Flow::Registration),
    at("work.audit_written", 1, Flow::Registration),
    at("work.written", 2, Flow::Registration),
    at("work.committed", 3, Flow::Registration),
    at("group.applied", 1, Flow::Registration),
    at("group.committed", 2, Flow::Registration),
    at("group.answered", 3, Flow::Registration),
    at("relay.held", 1, Flow::Registration),
    at("relay.assigned", 2, Flow::Registration),
    at("relay.advanced", 3, Flow::Registration),
    at("relay.committed", 1, Flow::Registration),
    at("publisher.read", 2, Flow::Registration),
    at("publisher.sent", 3, Flow::Registration),
    at("consumer.received", 1, Flow::Registration),
    at("log.read", 2, Flow::WithoutRedis),
    at("consumer.fetched", 3, Flow::WithoutRedis),
    at("apply.advanced", 1, Flow::Registration),
    at("apply.reacted", 2, Flow::Registration),
    at("apply.committed", 3, Flow::Registration),
    at("view.appeal_saved", 1, Flow::Registration),
    at("command.claimed", 1, Flow::Life),
    at("command.decided", 2, Flow::Life),
    at("command.remembered", 3, Flow::Life),
    at("command.committed", 1, Flow::Life),
    at("ticket.saved", 2, Flow::Life),
    at("ticket.step_saved", 3, Flow::Life),
    at("instruction.saved", 1, Flow::Life),
    at("view.ticket_saved", 2, Flow::Life),
    at("reply.saved", 1, Flow::Life),
    at("follow_up.opened", 1, Flow::Life),
    at("work.timers_written", 1, Flow::Life),
    at("timer.claimed", 1, Flow::Life),
    at("outbound.written", 1, Flow::Life),
    at("outbound.synced", 1, Flow::Life),
    at("outbound.noted", 1, Flow::Life),
    at("sealer.assigned", 1, Flow::Life),
    at("sealer.committed", 1, Flow::Life),
    at("sealer.anchored", 1, Flow::Life),
    at("timer.fired", 1, Flow::Life),
    at("timer.committed", 1, Flow::Life),
    at("verdict.saved", 1, Flow::Life),
    at("import.started", 1, Flow::Import),
    at("import.registered", 2, Flow::Import),
    at("import.rows_saved", 1, Flow::Import),
    at("import.advanced", 3, Flow::Import),
    at("import.finished", 1, Flow::Import),
    at("load.intake_replaced", 1, Flow::Office),
    at("load.routing_replaced", 1, Flow::Office),
    at("load.committed", 1, Flow::Office),
    at("load.recomputed", 1, Flow::Office),
    at("document.numbered", 1, Flow::Office),
    at("document.frozen", 1, Flow::Office),
    at("stop.asked", 1, Flow::Stop),
    at("stop.unserved", 1, Flow::Stop),
    at("lease.releasing", 2, Flow::Stop),
    at("publisher.saved", 3, Flow::Stop),
    at("stop.closed", 1, Flow::Stop),
    at("apply.parked", 1, Flow::Poison),
    at("apply.parking_committed", 2, Flow::Poison),
    at("apply.parked_behind", 1, Flow::Poison),
    at("timer.setting_aside", 1, Flow::UnknownTimer),
    at(
        "parked.postponing",
        1,
        Flow::Command(Before::Parked, &["parked", "retry"]),
    ),
    at(
        "parked.freed",
        1,
        Flow::Command(Before::MendedParked, &["parked", "retry"]),
    ),
    at(
        "parked.applied",
        2,
        Flow::Command(Before::MendedParked, &["parked", "retry"]),
    ),
    at(
        "parked.committed",
        3,
        Flow::Command(Before::MendedParked, &["parked", "retry"]),
    ),
    at(
        "parked.skipped",
        1,
        Flow::Command(Before::Parked, &["parked", "skip"]),
    ),
    at(
        "timer.rearmed",
        1,
        Flow::Command(Before::MendedTimer, &["timers", "retry"]),
    ),
    at("replay.rewound", 1, REPLAY),
    at("replay.emptied", 1, REPLAY),
    at("replay.committed", 1, REPLAY),
    at("epoch.raised", 1, EPOCH),
    at("epoch.entered", 2, EPOCH),
    at("epoch.committed", 1, EPOCH),
    at("lease.epoch_entered", 1, Flow::Start),
];

/// Flows that need nothing but a process that serves.
pub const SERVING: [Flow; 6] = [
    Flow::Registration,
    Flow::WithoutRedis,
    Flow::Life,
    Flow::Import,
    Flow::Office,
    Flow::Stop,
];

/// Points that no flow reaches, and why; seen to stay unreached.
pub const UNREACHED: &[(&str, &str, &str)] = &[
    (
        "embedded",
        "consumer.received",
        "what a courier brings: the embedded city has none",
    ),
    ("embedded", "publisher.read", "the same"),
    ("embedded", "publisher.sent", "the same"),
    ("embedded", "publisher.saved", "the same"),
    (
        "PostgreSQL + Redis",
        "lease.ended",
        "leases are ended where locks say that nobody else lives: with SQLite only",
    ),
];
