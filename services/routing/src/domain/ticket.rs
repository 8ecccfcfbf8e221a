//! The life of a ticket (工单): one pure `match` of state and command.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::TicketCommand;
use super::deadline::Due;
use super::matter::{Confidentiality, MatterOnTicket};
use super::state::{Conclusion, Returning, TicketState};
use super::word::{Card, Change, Kind, Nature, Urgency};

/// The counted return that forces a consultation.
pub const CONSULTATION_AT_RETURN: u32 = 2;

/// What is asked, as the matter that opened the ticket said it. Texts are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// What it is to the clocks.
    pub nature: Nature,
    /// What the citizen wants.
    pub kind: Kind,
    /// How fast it must move.
    pub urgency: Urgency,
    /// Empty while nobody knows.
    pub category_code: String,
    /// Empty while nobody knows.
    pub area_code: String,
    /// What it is about, in a line.
    pub subject: String,
    /// What was said.
    pub text: String,
    /// Where the opening matter came in.
    pub channel_code: String,
    /// When the opening matter was received.
    pub received_at: Timestamp,
    /// The deadline an in-hand import brought along; it stands for both clocks of the first round.
    pub imported_due_at: Option<Timestamp>,
    /// The opening matter's flags; they stay even when it moves away.
    pub confidentiality: Confidentiality,
}

/// A ticket at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Minted by intake.
    pub id: TicketId,
    /// `YYMMDD-XXXXX-C`.
    pub number: String,
    /// 1 at its opening, one more for each step.
    pub version: i64,
    /// What is asked.
    pub demand: Demand,
    /// The matters on it now.
    pub matters: Vec<MatterOnTicket>,
    /// The citizen's clock: from receipt, never reset. `None` for historical records.
    pub citizen_due: Option<Due>,
    /// 1, then one more for each rework.
    pub round: u32,
    /// Returns asked for.
    pub returns: u32,
    /// Those of them that count.
    pub counted_returns: u32,
    /// The present assignment's warning.
    pub card: Card,
    /// Reminders so far.
    pub reminders: u32,
    /// Supervision orders so far.
    pub supervision_orders: u32,
    /// Leaders' instructions so far.
    pub instructions: u32,
    /// It went to the shift supervisor, who has not acted yet.
    pub is_escalated: bool,
    /// Number of the present set of timers; older ones are void.
    pub timer_sequence: i64,
    /// Where it stands.
    pub state: TicketState,
}

/// The ticket's present state, or a rule, does not allow the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {command} a ticket that is {state}{}", rule.map(|rule| format!(": {rule}")).unwrap_or_default())]
pub struct Refused {
    /// What was wanted.
    pub command: &'static str,
    /// Where the ticket stands.
    pub state: &'static str,
    /// The rule that forbids it although the state would allow it.
    pub rule: Option<&'static str>,
}

/// A unit may return a ticket only so long after it signed; the profile says how many working days.
pub const RULE_RETURN_WINDOW: &str = "the time to return it after signing is over";
/// Who got a ticket by a consultation cannot return it.
pub const RULE_BINDING: &str = "the consultation's decision is binding";
/// A card is shown once per assignment.
pub const RULE_CARD_SHOWN: &str = "it shows that card already";
/// It is with the shift supervisor already.
pub const RULE_ESCALATED: &str = "the shift supervisor has it already";

impl Ticket {
    /// The ticket after `command` at `now`, one version on.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the state, or a rule of returns or cards, does not allow it.
    pub fn after(&self, command: TicketCommand, now: Timestamp) -> Result<Self, Refused> {
        let state = self.step(&command, now)?;
        Ok(self.tallied(command, state))
    }

    /// Each legal step of the lifecycle is one arm; every other pair is refused by name.
    #[rustfmt::skip] // laid out as the table it is
    fn step(&self, command: &TicketCommand, now: Timestamp) -> Result<TicketState, Refused> {
        use TicketCommand as C;
        use TicketState as S;
        let refused = |rule| Refused { command: command.name(), state: self.state.name(), rule };
        if let Some(rule) = self.rule_against(command, now) {
            return Err(refused(Some(rule)));
        }
        let next = match (self.state.clone(), command.clone()) {
            (S::AwaitingDispatch, C::Dispatch(assignment))
            | (S::ReturnReview(_), C::GrantReturn(Some(assignment)))
            | (S::ReturnReview(Returning { assignment, signing: None, .. }), C::RefuseReturn)
            | (S::Consultation(_), C::DecideConsultation(assignment))
            | (S::Concluded(_), C::Rework(Some(assignment))) => S::Dispatched { assignment },

            (S::ReturnReview(_), C::GrantReturn(None))
            | (S::Concluded(_), C::Rework(None))
            | (S::Concluded(_) | S::Archived { .. } | S::Absorbed { .. }, C::Reopen(_)) => S::AwaitingDispatch,

            (S::Dispatched { assignment }, C::Sign(signing))
            | (S::ReturnReview(Returning { assignment, signing: Some(signing), .. }), C::RefuseReturn)
            | (S::Handled { assignment, signing, .. }, C::SendBack) => S::Signed { assignment, signing },

            (S::Dispatched { assignment }, C::AskReturn(request)) =>
                self.under_return(Returning { assignment, signing: None, request }),
            (S::Signed { assignment, signing }, C::AskReturn(request)) =>
                self.under_return(Returning { assignment, signing: Some(signing), request }),
            (S::Signed { assignment, signing }, C::Handle(report)) =>
                S::Handled { assignment, signing, report },
            (S::Handled { assignment, signing, report }, C::Conclude) =>
                S::Concluded(Conclusion { assignment, signing, report, concluded_at: now }),
            (S::Concluded(conclusion), C::Archive | C::Withdraw(_)) => S::archived(Some(conclusion), now),

            (state, C::Withdraw(_)) if state.is_open() => S::archived(None, now),
            (state, C::Absorb(_)) if state.is_open() => state.absorbed(),
            (state, C::Recompute(Some(held))) if state.is_unconcluded() => state.with_assignment(held),
            (state, mark) if self.takes(&mark) => state,
            _ => return Err(refused(None)),
        };
        Ok(next)
    }

    /// The rule that forbids a command which the state alone would allow.
    fn rule_against(&self, command: &TicketCommand, now: Timestamp) -> Option<&'static str> {
        match (command, &self.state) {
            (
                TicketCommand::AskReturn(_),
                TicketState::Dispatched { assignment } | TicketState::Signed { assignment, .. },
            ) if assignment.is_binding => Some(RULE_BINDING),
            (TicketCommand::AskReturn(_), TicketState::Signed { signing, .. })
                if now >= signing.return_until =>
            {
                Some(RULE_RETURN_WINDOW)
            }
            (TicketCommand::WarnYellow, state) if state.running().is_some() => {
                (self.card != Card::None).then_some(RULE_CARD_SHOWN)
            }
            (TicketCommand::WarnRed, state) if state.running().is_some() => {
                (self.card == Card::Red).then_some(RULE_CARD_SHOWN)
            }
            (TicketCommand::Escalate, TicketState::Concluded(_)) if self.is_escalated => {
                Some(RULE_ESCALATED)
            }
            _ => None,
        }
    }

    /// Whether `command` only leaves a mark here, without moving the ticket.
    fn takes(&self, command: &TicketCommand) -> bool {
        let state = &self.state;
        match command {
            TicketCommand::Instruct | TicketCommand::RefuseAttach => true,
            TicketCommand::Supervise => state.is_open(),
            // A historical record stays closed, whatever comes to it.
            TicketCommand::Attach(_) => state.is_unconcluded() || self.is_record(),
            TicketCommand::Recompute(None) => state.is_unconcluded(),
            TicketCommand::Detach(_) => !matches!(state, TicketState::Absorbed { .. }),
            TicketCommand::Escalate => matches!(state, TicketState::Concluded(_)),
            TicketCommand::WarnYellow | TicketCommand::WarnRed | TicketCommand::Remind => {
                state.running().is_some()
            }
            _ => false,
        }
    }

    /// Whether it is a historical record: archived from the start.
    #[must_use]
    pub fn is_record(&self) -> bool {
        self.demand.nature == Nature::Historical
    }

    /// A return goes to the centre; the second one that counts goes to a consultation.
    fn under_return(&self, returning: Returning) -> TicketState {
        let is_counted = returning.request.reason.is_counted();
        if is_counted && self.counted_returns + 1 >= CONSULTATION_AT_RETURN {
            TicketState::Consultation(returning)
        } else {
            TicketState::ReturnReview(returning)
        }
    }

    /// What stands on the ticket's own lists: every matter's flags and the opening one's.
    #[must_use]
    pub fn confidentiality(&self) -> Confidentiality {
        self.matters
            .iter()
            .fold(self.demand.confidentiality.clone(), |joined, matter| {
                joined.joined(&matter.confidentiality)
            })
    }

    /// Where the citizen's clock starts: the earliest receipt of the matters on it.
    #[must_use]
    pub fn first_received_at(&self) -> Timestamp {
        self.matters
            .iter()
            .map(|matter| matter.received_at)
            .min()
            .unwrap_or(self.demand.received_at)
    }

    /// Whether `matter` is on it.
    #[must_use]
    pub fn has_matter(&self, matter: MatterId) -> bool {
        self.matters.iter().any(|present| present.id == matter)
    }
}

/// Which tickets are wanted; what is empty or `None` does not filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Led by this unit.
    pub unit_code: String,
    /// In one of these states, by name; empty for every open one.
    pub states: Vec<&'static str>,
    /// With a unit's deadline before this.
    pub due_before: Option<Timestamp>,
    /// Showing this card.
    pub card: Option<Card>,
    /// With the shift supervisor.
    pub is_escalated: bool,
}

/// One step of a ticket: who, when, what, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The ticket's version after it.
    pub version: i64,
    /// What.
    pub change: Change,
    /// Where it led to, by name.
    pub state: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The unit it was about: the lead after it, or before it if nobody leads now.
    pub unit_code: String,
    /// Why; masked.
    pub note: String,
}

#[cfg(test)]
#[path = "ticket_rule_tests.rs"]
mod rule_tests;
#[cfg(test)]
#[path = "ticket_tests.rs"]
mod tests;
