//! The ledger of replies (答复台账): what each citizen is owed, and whether it has left.

use hotline_kernel::id::{AppealId, MatterId, ReplyId, TicketId};
use hotline_kernel::time::Timestamp;

/// Where a reply stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyState {
    /// Owed to the citizen.
    Queued,
    /// Stands in the channel's outbound file.
    Written,
    /// An imported record, never sent.
    Historical,
    /// Nobody to answer: no contact, and the channel shows no answers in public.
    Undeliverable,
}

impl ReplyState {
    /// Every state, for reading a stored word.
    pub(crate) const ALL: [Self; 4] = [
        Self::Queued,
        Self::Written,
        Self::Historical,
        Self::Undeliverable,
    ];

    /// The word of tables and logs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Historical => "historical",
            Self::Undeliverable => "undeliverable",
        }
    }

    /// The state a fresh reply of ours starts in.
    ///
    /// A reply without a contact still has a reader where the channel shows answers in public.
    pub(crate) fn first(has_contact: bool, answers_in_public: bool) -> Self {
        if has_contact || answers_in_public {
            Self::Queued
        } else {
            Self::Undeliverable
        }
    }

    /// The state that follows `step`.
    ///
    /// # Errors
    ///
    /// [`ReplyRefused`] for every pair that is not an arm.
    pub(crate) fn after(self, step: ReplyStep) -> Result<Self, ReplyRefused> {
        match (self, step) {
            (Self::Queued, ReplyStep::Write) => Ok(Self::Written),
            (Self::Undeliverable, ReplyStep::Publish) => Ok(Self::Queued),
            (state, step) => Err(ReplyRefused {
                step: step.word(),
                state: state.word(),
            }),
        }
    }
}

/// What can happen to a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyStep {
    /// Its line stands in the outbound file.
    Write,
    /// Its channel turned out to show answers in public.
    Publish,
}

impl ReplyStep {
    fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Publish => "publish",
        }
    }
}

/// The reply's present state does not allow the step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {step} a reply that is {state}")]
pub(crate) struct ReplyRefused {
    step: &'static str,
    state: &'static str,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyCause {
    /// A concluded ticket: one per matter.
    Conclusion,
    /// 直接答复.
    DirectAnswer,
    /// 分类引导.
    Guidance,
    /// Given before the import, by somebody else.
    Imported,
}

impl ReplyCause {
    /// Every cause, for reading a stored word.
    pub(crate) const ALL: [Self; 4] = [
        Self::Conclusion,
        Self::DirectAnswer,
        Self::Guidance,
        Self::Imported,
    ];

    /// The word of tables, logs and outbound files.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Conclusion => "conclusion",
            Self::DirectAnswer => "direct_answer",
            Self::Guidance => "guidance",
            Self::Imported => "imported",
        }
    }
}

/// What a citizen reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) id: ReplyId,
    pub(crate) version: i64,
    /// What it answers, once: hearing of it twice makes no second reply.
    pub(crate) origin: Origin,
    pub(crate) appeal_id: AppealId,
    pub(crate) appeal_number: String,
    pub(crate) matter_id: Option<MatterId>,
    pub(crate) ticket_id: Option<TicketId>,
    /// The ticket's round, 0 without a ticket.
    pub(crate) round: u32,
    pub(crate) channel_code: String,
    /// Opaque; empty if the citizen left none.
    pub(crate) contact_ref: String,
    pub(crate) state: ReplyState,
    pub(crate) cause: ReplyCause,
    pub(crate) text: String,
    pub(crate) replied_at: Timestamp,
}

/// What exactly one reply answers; unique in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// An appeal that was answered or guided at the desk.
    pub(crate) fn of_appeal(appeal: AppealId) -> Self {
        Self(format!("appeal:{appeal}"))
    }

    /// One matter of a conclusion; `ticket_version` tells two conclusions of one round apart.
    pub(crate) fn of_conclusion(ticket: TicketId, ticket_version: i64, matter: MatterId) -> Self {
        Self(format!("conclusion:{ticket}:{ticket_version}:{matter}"))
    }

    /// A reply that came with an import.
    pub(crate) fn of_import(matter: MatterId) -> Self {
        Self(format!("import:{matter}"))
    }

    /// As it was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which replies a list wants; every set field narrows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplyFilter {
    pub(crate) appeal: Option<AppealId>,
    pub(crate) ticket: Option<TicketId>,
    /// Empty for every channel.
    pub(crate) channel_code: String,
    pub(crate) state: Option<ReplyState>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_needs_a_contact_or_a_public_channel() {
        let cases = [
            ("contact, private channel", true, false, ReplyState::Queued),
            ("contact, public channel", true, true, ReplyState::Queued),
            ("anonymous, public channel", false, true, ReplyState::Queued),
            (
                "anonymous, private channel",
                false,
                false,
                ReplyState::Undeliverable,
            ),
        ];
        for (label, has_contact, answers_in_public, expected) in cases {
            assert_eq!(
                ReplyState::first(has_contact, answers_in_public),
                expected,
                "{label}"
            );
        }
    }

    #[test]
    fn the_ledger_allows_only_the_drawn_steps() {
        for state in ReplyState::ALL {
            for step in [ReplyStep::Write, ReplyStep::Publish] {
                let expected = match (state.word(), step.word()) {
                    ("queued", "write") => Some(ReplyState::Written),
                    ("undeliverable", "publish") => Some(ReplyState::Queued),
                    _ => None,
                };
                assert_eq!(
                    state.after(step).ok(),
                    expected,
                    "{} + {}",
                    state.word(),
                    step.word()
                );
            }
        }
    }

    #[test]
    fn a_refusal_names_step_and_state() {
        let refused = ReplyState::Historical.after(ReplyStep::Write).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "cannot write a reply that is historical"
        );
    }
}
