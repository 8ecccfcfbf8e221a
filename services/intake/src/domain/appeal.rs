//! An appeal: what one citizen said, once, on one channel, and where it stands.

use hotline_kernel::id::{AppealId, ContactId, ImportBatchId};
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::registration::Confidentiality;
use super::terms::{AppealState, GuideReason, Nature, Term};

/// An appeal as intake shows it: texts are masked, the citizen is a pseudonym.
///
/// Originals and contacts never leave `store`; there is nothing of them here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// Its id.
    pub id: AppealId,
    /// The receipt's number.
    pub number: String,
    /// Counts its events from 1.
    pub version: i64,
    /// Where it stands.
    pub state: AppealState,
    /// What it is to the clocks.
    pub nature: Nature,
    /// The channel it came by.
    pub channel_code: String,
    /// The legacy line that was dialled, empty if none.
    pub line_number: String,
    /// Pseudonym of a known citizen, empty if anonymous or unknown.
    pub citizen: String,
    /// Reference to the contact, `None` if nobody can be answered.
    pub contact: Option<ContactId>,
    /// Masked headline.
    pub subject: String,
    /// Masked text.
    pub text: String,
    /// When the citizen said it, by the source.
    pub said_at: Timestamp,
    /// When it was received: starts every clock.
    pub received_at: Timestamp,
    /// Its flags.
    pub confidentiality: Confidentiality,
    /// What was decided about it.
    pub outcome: Outcome,
    /// The number it had in another system, empty if none.
    pub old_number: String,
    /// The import that brought it.
    pub import_batch: Option<ImportBatchId>,
}

/// What triage decided; each part is empty unless the state says otherwise. Texts are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// While guided: why it is not ours.
    pub guide_reason: Option<GuideReason>,
    /// While guided: the legal route.
    pub legal_route: String,
    /// While guided: who is competent.
    pub competent_body: String,
    /// While answered or guided: what the citizen is told.
    pub answer: String,
    /// While diverted: the line it went to.
    pub diverted_to: String,
    /// Why it was last quarantined, released or withdrawn.
    pub reason: String,
}

/// What a write did to an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It came in and awaits triage.
    Registered,
    /// It was accepted, by a person, by its text or by its import.
    Accepted,
    /// It was answered on the spot.
    Answered,
    /// It was guided elsewhere.
    Guided,
    /// It was handed to another line.
    Diverted,
    /// It was set aside.
    Quarantined,
    /// It came back from quarantine.
    Released,
    /// Its citizen withdrew it.
    Withdrawn,
    /// It got a further matter.
    Split,
}

impl Term for Change {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Registered, "registered"),
        (Self::Accepted, "accepted"),
        (Self::Answered, "answered"),
        (Self::Guided, "guided"),
        (Self::Diverted, "diverted"),
        (Self::Quarantined, "quarantined"),
        (Self::Released, "released"),
        (Self::Withdrawn, "withdrawn"),
        (Self::Split, "split"),
    ];
}

/// What can be done with an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Put its matters on tickets.
    Accept,
    /// Answer on the spot.
    Answer,
    /// Show the citizen the legal route elsewhere.
    Guide,
    /// Hand it to another line without keeping its content. What was published of it before stays in
    /// the log, masked.
    Divert,
    /// Set it aside for a person to look at.
    Quarantine,
    /// Bring it back from quarantine to triage.
    Release,
    /// End it by its citizen's wish.
    Withdraw,
    /// Add a matter.
    Split,
}

impl Command {
    /// The change it makes.
    #[must_use]
    pub fn change(self) -> Change {
        match self {
            Self::Accept => Change::Accepted,
            Self::Answer => Change::Answered,
            Self::Guide => Change::Guided,
            Self::Divert => Change::Diverted,
            Self::Quarantine => Change::Quarantined,
            Self::Release => Change::Released,
            Self::Withdraw => Change::Withdrawn,
            Self::Split => Change::Split,
        }
    }
}

impl Term for Command {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Accept, "accept"),
        (Self::Answer, "answer"),
        (Self::Guide, "guide"),
        (Self::Divert, "divert"),
        (Self::Quarantine, "quarantine"),
        (Self::Release, "release"),
        (Self::Withdraw, "withdraw"),
        (Self::Split, "split"),
    ];
}

/// A command that does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {} an appeal that is {}", .command.word(), .state.word())]
pub struct Refused {
    /// What was asked.
    pub command: Command,
    /// Where the appeal stands.
    pub state: AppealState,
}

/// The state after `command`.
///
/// # Errors
///
/// [`Refused`] for every pair that is not an arm here.
pub fn next(state: AppealState, command: Command) -> Result<AppealState, Refused> {
    use AppealState as S;
    use Command as C;
    match (state, command) {
        (S::Registered, C::Accept) | (S::Accepted, C::Split) => Ok(S::Accepted),
        (S::Registered, C::Answer) => Ok(S::Answered),
        (S::Registered, C::Guide) => Ok(S::Guided),
        (S::Registered, C::Divert) => Ok(S::Diverted),
        (S::Registered, C::Quarantine) => Ok(S::Quarantined),
        (S::Quarantined, C::Release) => Ok(S::Registered),
        (S::Registered | S::Accepted | S::Quarantined, C::Withdraw) => Ok(S::Withdrawn),
        (state, command) => Err(Refused { command, state }),
    }
}

/// Which appeals a list holds; empty parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<AppealState>,
    /// Only by this channel.
    pub channel_code: String,
    /// Only of this citizen.
    pub citizen: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_state_and_command_is_decided() {
        use AppealState as S;
        use Command as C;
        let allowed = [
            (S::Registered, C::Accept, S::Accepted),
            (S::Registered, C::Answer, S::Answered),
            (S::Registered, C::Guide, S::Guided),
            (S::Registered, C::Divert, S::Diverted),
            (S::Registered, C::Quarantine, S::Quarantined),
            (S::Registered, C::Withdraw, S::Withdrawn),
            (S::Accepted, C::Split, S::Accepted),
            (S::Accepted, C::Withdraw, S::Withdrawn),
            (S::Quarantined, C::Release, S::Registered),
            (S::Quarantined, C::Withdraw, S::Withdrawn),
        ];
        for (state, state_word) in S::WORDS {
            for (command, command_word) in C::WORDS {
                let expected = allowed
                    .iter()
                    .find(|(from, by, _)| from == state && by == command)
                    .map(|(_, _, to)| *to)
                    .ok_or(Refused {
                        command: *command,
                        state: *state,
                    });
                assert_eq!(
                    next(*state, *command),
                    expected,
                    "{command_word} while {state_word}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_says_what_stood_where() {
        let refused = next(AppealState::Guided, Command::Accept).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "cannot accept an appeal that is guided"
        );
    }
}
