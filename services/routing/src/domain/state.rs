//! Where a ticket stands. What exists only in one state lives in that variant.

use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::deadline::Due;
use super::word::{DispatchSource, ReturnReason};

/// One unit's turn at a ticket: who leads, who assists, since when and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The unit that must act and answer (主办).
    pub lead_unit_code: String,
    /// Units that answer the lead (协办).
    pub assisting_unit_codes: Vec<String>,
    /// How it came about.
    pub source: DispatchSource,
    /// A consultation named this unit: it cannot return the ticket, in this round or a later one.
    pub is_binding: bool,
    /// The unit's clock runs from here.
    pub dispatched_at: Timestamp,
    /// The unit's deadline.
    pub due: Due,
    /// When it must have signed; `None` if the policy names no such period.
    pub sign_due: Option<Due>,
}

/// A unit's signature for a ticket (签收).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// When it signed.
    pub signed_at: Timestamp,
    /// From here on it may not return the ticket any more.
    pub return_until: Timestamp,
}

/// A unit's wish to give a ticket back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRequest {
    /// Why.
    pub reason: ReturnReason,
    /// The duty rule that shows whose it is; empty only where the return does not count.
    pub clause: String,
    /// The unit proposed instead; empty only where the return does not count.
    pub proposed_unit_code: String,
}

/// A return that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returning {
    /// Whose turn it still is.
    pub assignment: Assignment,
    /// Its signature, if it had signed before it asked.
    pub signing: Option<Signing>,
    /// What it asked.
    pub request: ReturnRequest,
}

/// What the unit handed in: two texts, masked.
#[expect(
    clippy::struct_field_names,
    reason = "the glossary's word, from proto to column"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// For the centre: what was done (办理情况).
    pub handling_report: String,
    /// For the citizens: what they read (答复).
    pub reply: String,
    /// When it was handed in.
    pub handled_at: Timestamp,
}

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// Whose turn it was.
    pub assignment: Assignment,
    /// Its signature.
    pub signing: Signing,
    /// What it handed in.
    pub report: Report,
    /// When the centre released it (办结).
    pub concluded_at: Timestamp,
}

/// Where a ticket stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketState {
    /// 待派单: nobody has it.
    AwaitingDispatch,
    /// 已派单: the lead has not signed yet.
    Dispatched {
        /// Whose turn it is.
        assignment: Assignment,
    },
    /// 退单待审: the first receiver keeps acting until the centre decides.
    ReturnReview(Returning),
    /// 会商中: after the second counted return; the first receiver still keeps acting.
    Consultation(Returning),
    /// 已签收: being handled.
    Signed {
        /// Whose turn it is.
        assignment: Assignment,
        /// Its signature.
        signing: Signing,
    },
    /// 已办理: waits for the centre's check.
    Handled {
        /// Whose turn it is.
        assignment: Assignment,
        /// Its signature.
        signing: Signing,
        /// What it handed in.
        report: Report,
    },
    /// 已办结: the citizens were answered and are being asked.
    Concluded(Conclusion),
    /// 已归档.
    Archived {
        /// How its last round ended; `None` for a historical record and a withdrawn ticket.
        conclusion: Option<Conclusion>,
        /// Since when.
        archived_at: Timestamp,
    },
    /// 已并入: its last matter moved to another ticket.
    Absorbed {
        /// Whether a round had been concluded already; then its own matter opens the next one.
        was_concluded: bool,
    },
}

impl TicketState {
    /// The word for columns, messages and lists.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AwaitingDispatch => "awaiting_dispatch",
            Self::Dispatched { .. } => "dispatched",
            Self::ReturnReview(_) => "return_review",
            Self::Consultation(_) => "consultation",
            Self::Signed { .. } => "signed",
            Self::Handled { .. } => "handled",
            Self::Concluded(_) => "concluded",
            Self::Archived { .. } => "archived",
            Self::Absorbed { .. } => "absorbed",
        }
    }

    /// Whether something is still to be done: neither archived nor absorbed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Archived { .. } | Self::Absorbed { .. })
    }

    /// Whether its last round had been concluded.
    #[must_use]
    pub fn was_concluded(&self) -> bool {
        matches!(
            self,
            Self::Concluded(_)
                | Self::Archived {
                    conclusion: Some(_),
                    ..
                }
                | Self::Absorbed {
                    was_concluded: true
                }
        )
    }

    /// Whether the present round has not been concluded: matters may still come.
    #[must_use]
    pub fn is_unconcluded(&self) -> bool {
        self.is_open() && !matches!(self, Self::Concluded(_))
    }

    /// The assignment of the present or last round.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        match self {
            Self::Dispatched { assignment }
            | Self::ReturnReview(Returning { assignment, .. })
            | Self::Consultation(Returning { assignment, .. })
            | Self::Signed { assignment, .. }
            | Self::Handled { assignment, .. } => Some(assignment),
            Self::Concluded(conclusion)
            | Self::Archived {
                conclusion: Some(conclusion),
                ..
            } => Some(&conclusion.assignment),
            Self::AwaitingDispatch
            | Self::Archived {
                conclusion: None, ..
            }
            | Self::Absorbed { .. } => None,
        }
    }

    /// The signature of the present or last round.
    #[must_use]
    pub fn signing(&self) -> Option<&Signing> {
        match self {
            Self::Signed { signing, .. } | Self::Handled { signing, .. } => Some(signing),
            Self::ReturnReview(Returning { signing, .. })
            | Self::Consultation(Returning { signing, .. }) => signing.as_ref(),
            Self::Concluded(conclusion)
            | Self::Archived {
                conclusion: Some(conclusion),
                ..
            } => Some(&conclusion.signing),
            _ => None,
        }
    }

    /// What was handed in and has not been sent back.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Handled { report, .. } => Some(report),
            Self::Concluded(conclusion)
            | Self::Archived {
                conclusion: Some(conclusion),
                ..
            } => Some(&conclusion.report),
            _ => None,
        }
    }

    /// The return that waits for a decision.
    #[must_use]
    pub fn request(&self) -> Option<&ReturnRequest> {
        match self {
            Self::ReturnReview(returning) | Self::Consultation(returning) => {
                Some(&returning.request)
            }
            _ => None,
        }
    }

    /// The unit's clock runs: it has the ticket and has not handed in.
    #[must_use]
    pub fn running(&self) -> Option<&Assignment> {
        match self {
            Self::Dispatched { assignment }
            | Self::ReturnReview(Returning { assignment, .. })
            | Self::Consultation(Returning { assignment, .. })
            | Self::Signed { assignment, .. } => Some(assignment),
            _ => None,
        }
    }

    /// Archived at `now`, as its last round ended.
    #[must_use]
    pub fn archived(conclusion: Option<Conclusion>, now: Timestamp) -> Self {
        Self::Archived {
            conclusion,
            archived_at: now,
        }
    }

    /// What is left of it when its last matter has moved away.
    #[must_use]
    pub fn absorbed(&self) -> Self {
        Self::Absorbed {
            was_concluded: self.was_concluded(),
        }
    }

    /// The same state with `assignment` in the place of its own; unchanged where there is none.
    #[must_use]
    pub fn with_assignment(mut self, changed: Assignment) -> Self {
        match &mut self {
            Self::Dispatched { assignment }
            | Self::ReturnReview(Returning { assignment, .. })
            | Self::Consultation(Returning { assignment, .. })
            | Self::Signed { assignment, .. }
            | Self::Handled { assignment, .. } => *assignment = changed,
            Self::Concluded(_)
            | Self::AwaitingDispatch
            | Self::Archived { .. }
            | Self::Absorbed { .. } => {}
        }
        self
    }
}
