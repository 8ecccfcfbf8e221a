//! The lifecycle once more, as a plain table: written from the design, not from the code.

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Awaiting,
    Dispatched,
    Review,
    Consultation,
    Signed,
    Handled,
    Concluded,
    Archived,
    Absorbed,
}

use Place as P;

/// A unit has it and has not handed in.
const RUNNING: &[Place] = &[P::Dispatched, P::Review, P::Consultation, P::Signed];
/// The round goes on.
const UNCONCLUDED: &[Place] = &[
    P::Awaiting,
    P::Dispatched,
    P::Review,
    P::Consultation,
    P::Signed,
    P::Handled,
];
/// Something is still to be done.
const OPEN: &[Place] = &[
    P::Awaiting,
    P::Dispatched,
    P::Review,
    P::Consultation,
    P::Signed,
    P::Handled,
    P::Concluded,
];
/// Its own matter opens it again.
const CLOSED: &[Place] = &[P::Concluded, P::Archived, P::Absorbed];
const PRESENT: &[Place] = &[
    P::Awaiting,
    P::Dispatched,
    P::Review,
    P::Consultation,
    P::Signed,
    P::Handled,
    P::Concluded,
    P::Archived,
];
const ANYWHERE: &[Place] = &[
    P::Awaiting,
    P::Dispatched,
    P::Review,
    P::Consultation,
    P::Signed,
    P::Handled,
    P::Concluded,
    P::Archived,
    P::Absorbed,
];

impl Place {
    /// The word that people read.
    pub(super) fn word(self) -> &'static str {
        match self {
            P::Awaiting => "awaiting_dispatch",
            P::Dispatched => "dispatched",
            P::Review => "return_review",
            P::Consultation => "consultation",
            P::Signed => "signed",
            P::Handled => "handled",
            P::Concluded => "concluded",
            P::Archived => "archived",
            P::Absorbed => "absorbed",
        }
    }
}

/// What can be done. Matters are numbered; 0 is the ticket's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Dispatch,
    Sign,
    /// Back to the centre; it counts or not.
    Return(bool),
    /// Agreed; to another unit, or to a dispatcher.
    Grant(bool),
    Refuse,
    Decide,
    Handle,
    SendBack,
    Conclude,
    /// Again, by the same unit or by a dispatcher.
    Rework(bool),
    Archive,
    Supervise,
    Attach(u8),
    Detach(u8),
    Absorb(u8),
    Withdraw(u8),
    Reopen(u8),
    RefuseMatter,
    Yellow,
    Red,
    Remind,
    Escalate,
    Instruct,
    Recompute,
}

use Act as A;

/// Everything that can be done to a ticket.
pub(super) const ACTS: [Act; 32] = [
    A::Dispatch,
    A::Sign,
    A::Return(true),
    A::Return(false),
    A::Grant(true),
    A::Grant(false),
    A::Refuse,
    A::Decide,
    A::Handle,
    A::SendBack,
    A::Conclude,
    A::Rework(true),
    A::Rework(false),
    A::Archive,
    A::Supervise,
    A::Attach(1),
    A::Attach(2),
    A::Detach(0),
    A::Detach(1),
    A::Detach(2),
    A::Absorb(0),
    A::Absorb(1),
    A::Withdraw(0),
    A::Withdraw(2),
    A::Reopen(0),
    A::RefuseMatter,
    A::Yellow,
    A::Red,
    A::Remind,
    A::Escalate,
    A::Instruct,
    A::Recompute,
];

/// What is known of a ticket.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a table, each on its own"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub place: Place,
    pub version: i64,
    pub round: u32,
    pub returns: u32,
    pub counted_returns: u32,
    /// 0 none, 1 yellow, 2 red.
    pub card: u8,
    pub reminders: u32,
    pub orders: u32,
    pub instructions: u32,
    pub is_escalated: bool,
    pub matters: Vec<u8>,
    /// A closed record of the past.
    pub is_record: bool,
    /// A consultation gave it to the present unit.
    pub is_binding: bool,
    /// The unit has signed in the present assignment.
    pub has_signed: bool,
    /// The hour from which a unit that signed may not return it.
    pub return_until: i64,
    /// The present round was concluded.
    is_round_over: bool,
}

impl Model {
    /// As it is opened, with its own matter.
    pub(super) fn opened(is_record: bool) -> Self {
        Self {
            place: if is_record { P::Archived } else { P::Awaiting },
            version: 1,
            round: 1,
            returns: 0,
            counted_returns: 0,
            card: 0,
            reminders: 0,
            orders: 0,
            instructions: 0,
            is_escalated: false,
            matters: vec![0],
            is_record,
            is_binding: false,
            has_signed: false,
            return_until: 0,
            is_round_over: false,
        }
    }

    /// Whether `act` is allowed at `hour`.
    pub(super) fn allows(&self, act: Act, hour: i64) -> bool {
        let from: &[Place] = match act {
            A::Dispatch => &[P::Awaiting],
            A::Sign => &[P::Dispatched],
            A::Return(_) => &[P::Dispatched, P::Signed],
            A::Grant(_) | A::Refuse => &[P::Review],
            A::Decide => &[P::Consultation],
            A::Handle => &[P::Signed],
            A::SendBack | A::Conclude => &[P::Handled],
            A::Rework(_) | A::Archive | A::Escalate => &[P::Concluded],
            A::Supervise | A::Absorb(_) | A::Withdraw(_) => OPEN,
            A::Attach(_) if self.is_record => ANYWHERE,
            A::Attach(_) | A::Recompute => UNCONCLUDED,
            A::Detach(_) => PRESENT,
            A::Reopen(_) => CLOSED,
            A::Yellow | A::Red | A::Remind => RUNNING,
            A::RefuseMatter | A::Instruct => ANYWHERE,
        };
        let is_ruled_out = match act {
            A::Return(_) => self.is_binding || (self.has_signed && hour >= self.return_until),
            A::Yellow => self.card > 0,
            A::Red => self.card > 1,
            A::Escalate => self.is_escalated,
            _ => false,
        };
        from.contains(&self.place) && !is_ruled_out
    }

    /// Does what is allowed.
    pub(super) fn does(&mut self, act: Act) {
        self.version += 1;
        match act {
            A::Dispatch | A::Grant(true) => self.is_with_a_unit(false),
            A::Decide => self.is_with_a_unit(true),
            A::Grant(false) => self.waits_for_a_dispatcher(),
            A::Sign => (self.place, self.has_signed) = (P::Signed, true),
            A::Return(counts) => {
                self.returns += 1;
                self.counted_returns += u32::from(counts);
                let is_second = counts && self.counted_returns >= 2;
                self.place = if is_second {
                    P::Consultation
                } else {
                    P::Review
                };
            }
            A::Refuse if self.has_signed => self.place = P::Signed,
            A::Refuse => self.place = P::Dispatched,
            A::Handle => self.place = P::Handled,
            A::SendBack => self.place = P::Signed,
            A::Conclude => (self.place, self.is_round_over) = (P::Concluded, true),
            A::Rework(by_the_same) => {
                self.begins_a_round();
                if by_the_same {
                    self.is_with_a_unit(self.is_binding);
                } else {
                    self.waits_for_a_dispatcher();
                }
            }
            A::Archive => self.place = P::Archived,
            A::Withdraw(matter) => {
                self.matters.retain(|present| *present != matter);
                self.place = P::Archived;
            }
            A::Absorb(matter) => {
                self.matters.retain(|present| *present != matter);
                self.place = P::Absorbed;
            }
            A::Detach(matter) => self.matters.retain(|present| *present != matter),
            A::Attach(matter) => self.matters.push(matter),
            A::Reopen(matter) => {
                self.matters.push(matter);
                self.is_escalated = false;
                if self.is_round_over {
                    self.begins_a_round();
                }
                self.waits_for_a_dispatcher();
            }
            A::Yellow => self.card = 1,
            A::Red => self.card = 2,
            A::Remind => self.reminders += 1,
            A::Supervise => self.orders += 1,
            A::Escalate => self.is_escalated = true,
            A::Instruct => self.instructions += 1,
            A::RefuseMatter | A::Recompute => {}
        }
    }

    fn is_with_a_unit(&mut self, is_binding: bool) {
        self.place = P::Dispatched;
        self.is_binding = is_binding;
        self.has_signed = false;
        self.card = 0;
    }

    fn waits_for_a_dispatcher(&mut self) {
        self.place = P::Awaiting;
        self.is_binding = false;
        self.has_signed = false;
        self.card = 0;
    }

    fn begins_a_round(&mut self) {
        self.round += 1;
        self.is_round_over = false;
        self.is_escalated = false;
    }
}
