//! A follow-up (回访): asking one citizen about one matter after one conclusion.

use hotline_kernel::id::{AppealId, FollowUpId, MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::conclusion::Conclusion;
use super::matter::Matter;

/// After this many unreached attempts at different hours the citizen is unreachable.
const UNREACHED_HOURS_MAX: u32 = 3;

/// The citizen's word on whether the matter is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::enum_variant_names,
    reason = "the words of the question: solved, partly, unsolved"
)]
pub(crate) enum Solved {
    Solved,
    Partly,
    Unsolved,
}

/// How satisfied he is (满意度).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Satisfaction {
    VerySatisfied,
    Satisfied,
    Basic,
    Unsatisfied,
    VeryUnsatisfied,
}

/// Why a follow-up failed (甄别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureClass {
    UnitFault,
    NeedsTime,
    PolicyLimit,
    Unreasonable,
    NewMatter,
}

/// What the citizen said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) solved: Solved,
    pub(crate) satisfaction: Satisfaction,
}

impl Answer {
    /// Whether nothing is left to do: solved, and at least basically satisfied (基本满意).
    fn is_content(self) -> bool {
        let is_satisfied = match self.satisfaction {
            Satisfaction::VerySatisfied | Satisfaction::Satisfied | Satisfaction::Basic => true,
            Satisfaction::Unsatisfied | Satisfaction::VeryUnsatisfied => false,
        };
        self.solved == Solved::Solved && is_satisfied
    }
}

/// Where a follow-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FollowUpState {
    /// To be asked.
    Open,
    /// Failed or partly: a person classifies.
    Classifying { answer: Answer },
    /// Over, with the citizen's word.
    Closed {
        answer: Answer,
        failure: Option<FailureClass>,
        at: Timestamp,
    },
    /// Over without it; outside the denominator.
    Unreachable { at: Timestamp },
    /// The matter moved away or was withdrawn, or the conclusion no longer stands.
    Cancelled {
        answer: Option<Answer>,
        at: Timestamp,
    },
}

impl FollowUpState {
    /// The word of tables and logs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Classifying { .. } => "classifying",
            Self::Closed { .. } => "closed",
            Self::Unreachable { .. } => "unreachable",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether it is over by the unit's fault.
    pub(crate) fn is_units_fault(&self) -> bool {
        matches!(
            self,
            Self::Closed {
                failure: Some(FailureClass::UnitFault),
                ..
            }
        )
    }

    /// What the citizen said, if he was asked.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            Self::Classifying { answer } | Self::Closed { answer, .. } => Some(*answer),
            Self::Cancelled { answer, .. } => *answer,
            Self::Open | Self::Unreachable { .. } => None,
        }
    }
}

/// Hours of the city's day (0 to 23) in which nobody was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hours(u32);

impl Hours {
    /// As it is stored: bit n stands for hour n.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// As it was stored.
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    fn with(self, hour: u32) -> Self {
        Self(self.0 | 1 << (hour % 24))
    }

    fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// Asking one citizen about one matter after one conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FollowUp {
    pub(crate) id: FollowUpId,
    pub(crate) version: i64,
    pub(crate) ticket_id: TicketId,
    /// Names the conclusion it asks about.
    pub(crate) ticket_version: i64,
    pub(crate) matter_id: MatterId,
    pub(crate) appeal_id: AppealId,
    pub(crate) round: u32,
    pub(crate) state: FollowUpState,
    /// Attempts so far, reached or not.
    pub(crate) attempts: u32,
    pub(crate) unreached_hours: Hours,
    /// What the last person wrote, masked.
    pub(crate) note: String,
    pub(crate) opened_at: Timestamp,
    /// The unit that concluded.
    pub(crate) lead_unit_code: String,
}

/// What can happen to a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowUpCommand {
    /// Nobody answered, at this hour of the city's day.
    Unreached { hour: u32 },
    /// The citizen answered.
    Reached(Answer),
    /// A person says why it failed.
    Classify(FailureClass),
    /// The matter left, or the conclusion no longer stands.
    Cancel,
    /// The matter is back and the conclusion stands.
    Reopen,
}

impl FollowUpCommand {
    fn word(self) -> &'static str {
        match self {
            Self::Unreached { .. } => "record an unreached attempt on",
            Self::Reached(_) => "record an answer on",
            Self::Classify(_) => "classify",
            Self::Cancel => "cancel",
            Self::Reopen => "reopen",
        }
    }
}

/// The follow-up's present state does not allow the command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {command} a follow-up that is {state}")]
pub(crate) struct Refused {
    pub(crate) command: &'static str,
    pub(crate) state: &'static str,
}

impl FollowUp {
    /// The follow-up of one matter of a conclusion.
    ///
    /// A citizen who left no contact cannot be asked, so his is over before it begins; so is that
    /// of a matter that has already left.
    pub(crate) fn open(
        id: FollowUpId,
        conclusion: &Conclusion,
        matter: &Matter,
        is_live: bool,
    ) -> Self {
        let at = conclusion.concluded_at;
        let state = match (matter.contact_ref.is_empty(), is_live) {
            (true, _) => FollowUpState::Unreachable { at },
            (false, true) => FollowUpState::Open,
            (false, false) => FollowUpState::Cancelled { answer: None, at },
        };
        Self {
            id,
            version: 1,
            ticket_id: conclusion.ticket_id,
            ticket_version: conclusion.ticket_version,
            matter_id: matter.id,
            appeal_id: matter.appeal_id,
            round: conclusion.round,
            state,
            attempts: 0,
            unreached_hours: Hours::default(),
            note: String::new(),
            opened_at: at,
            lead_unit_code: conclusion.lead_unit_code.clone(),
        }
    }

    /// The follow-up after `command` at `at`, one version on.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the state does not allow it.
    pub(crate) fn after(&self, command: FollowUpCommand, at: Timestamp) -> Result<Self, Refused> {
        let mut next = self.clone();
        next.version += 1;
        match command {
            FollowUpCommand::Unreached { hour } => {
                next.attempts += 1;
                next.unreached_hours = next.unreached_hours.with(hour);
            }
            FollowUpCommand::Reached(_) => next.attempts += 1,
            FollowUpCommand::Classify(_) | FollowUpCommand::Cancel | FollowUpCommand::Reopen => {}
        }
        next.state = self.state.after(command, next.unreached_hours, at)?;
        Ok(next)
    }

    /// What brings it in line with whether it `is_live`, if anything.
    ///
    /// Live means: its conclusion stands and its matter is still on the ticket.
    pub(crate) fn correction(&self, is_live: bool) -> Option<FollowUpCommand> {
        match (&self.state, is_live) {
            (FollowUpState::Open | FollowUpState::Classifying { .. }, false) => {
                Some(FollowUpCommand::Cancel)
            }
            (FollowUpState::Cancelled { .. }, true) => Some(FollowUpCommand::Reopen),
            _ => None,
        }
    }
}

impl FollowUpState {
    #[expect(clippy::match_same_arms, reason = "each legal step is one arm")]
    fn after(
        self,
        command: FollowUpCommand,
        unreached: Hours,
        at: Timestamp,
    ) -> Result<Self, Refused> {
        use FollowUpCommand::{Cancel, Classify, Reached, Reopen, Unreached};
        match (self, command) {
            (Self::Open, Unreached { .. }) if unreached.count() >= UNREACHED_HOURS_MAX => {
                Ok(Self::Unreachable { at })
            }
            (Self::Open, Unreached { .. }) => Ok(Self::Open),
            (Self::Open, Reached(answer)) if answer.is_content() => Ok(Self::Closed {
                answer,
                failure: None,
                at,
            }),
            (Self::Open, Reached(answer)) => Ok(Self::Classifying { answer }),
            (Self::Classifying { answer }, Classify(class)) => Ok(Self::Closed {
                answer,
                failure: Some(class),
                at,
            }),
            (Self::Open | Self::Classifying { .. }, Cancel) => Ok(Self::Cancelled {
                answer: self.answer(),
                at,
            }),
            (
                Self::Cancelled {
                    answer: Some(answer),
                    ..
                },
                Reopen,
            ) => Ok(Self::Classifying { answer }),
            (Self::Cancelled { answer: None, .. }, Reopen) => Ok(Self::Open),
            (state, command) => Err(Refused {
                command: command.word(),
                state: state.word(),
            }),
        }
    }
}

/// Which follow-ups a list wants; every set field narrows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FollowUpFilter {
    pub(crate) ticket: Option<TicketId>,
    /// A word of [`FollowUpState::word`].
    pub(crate) state: Option<&'static str>,
}

#[cfg(test)]
#[path = "follow_up_tests.rs"]
mod tests;
