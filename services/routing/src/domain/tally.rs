//! What a step does to a ticket beside its state: matters, counters, warnings; and its opening.

use hotline_kernel::id::TicketId;
use hotline_kernel::time::Timestamp;

use super::command::TicketCommand;
use super::deadline::Due;
use super::matter::MatterOnTicket;
use super::state::TicketState;
use super::ticket::{Demand, Ticket};
use super::word::{Card, Nature};

impl Ticket {
    /// A ticket at version 1 for its first matter. A historical one is archived from the start.
    #[must_use]
    pub fn open(
        (id, number): (TicketId, String),
        demand: Demand,
        matter: MatterOnTicket,
        citizen_due: Option<Due>,
        now: Timestamp,
    ) -> Self {
        let state = match demand.nature {
            Nature::Historical => TicketState::Archived {
                conclusion: None,
                archived_at: now,
            },
            Nature::New | Nature::InHand => TicketState::AwaitingDispatch,
        };
        Self {
            id,
            number,
            version: 1,
            demand,
            matters: vec![matter],
            citizen_due,
            round: 1,
            returns: 0,
            counted_returns: 0,
            card: Card::None,
            reminders: 0,
            supervision_orders: 0,
            instructions: 0,
            is_escalated: false,
            timer_sequence: 0,
            state,
        }
    }

    /// This ticket one version on, in `state`, with what `command` adds up.
    pub(super) fn tallied(&self, command: TicketCommand, state: TicketState) -> Self {
        let mut next = Self {
            version: self.version + 1,
            state,
            ..self.clone()
        };
        match command {
            TicketCommand::AskReturn(request) => {
                next.returns += 1;
                next.counted_returns += u32::from(request.reason.is_counted());
            }
            TicketCommand::Dispatch(_)
            | TicketCommand::GrantReturn(_)
            | TicketCommand::DecideConsultation(_) => {
                next.start_assignment();
            }
            TicketCommand::Rework(_) => {
                next.round += 1;
                next.is_escalated = false;
                next.start_assignment();
            }
            // The cards stopped when the report was handed in; they run again.
            TicketCommand::SendBack | TicketCommand::Recompute(_) => next.timer_sequence += 1,
            TicketCommand::Attach(matter) => next.matters.push(matter),
            TicketCommand::Reopen(matter) => {
                next.round += u32::from(self.state.was_concluded());
                next.is_escalated = false;
                next.matters.push(matter);
                next.start_assignment();
            }
            TicketCommand::Detach(gone)
            | TicketCommand::Absorb(gone)
            | TicketCommand::Withdraw(gone) => {
                next.matters.retain(|matter| matter.id != gone);
            }
            TicketCommand::WarnYellow => next.card = Card::Yellow,
            TicketCommand::WarnRed => next.card = Card::Red,
            TicketCommand::Remind => next.reminders += 1,
            TicketCommand::Supervise => next.supervision_orders += 1,
            TicketCommand::Escalate => next.is_escalated = true,
            TicketCommand::Instruct => next.instructions += 1,
            TicketCommand::Sign(_)
            | TicketCommand::RefuseReturn
            | TicketCommand::Handle(_)
            | TicketCommand::Conclude
            | TicketCommand::Archive
            | TicketCommand::RefuseAttach => {}
        }
        next
    }

    fn start_assignment(&mut self) {
        self.card = Card::None;
        self.timer_sequence += 1;
    }
}
