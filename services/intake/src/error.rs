//! How intake refuses and fails, with a stable reason for programs.

use hotline_platform::core::CoreError;
use hotline_platform::vault::VaultError;

use crate::domain::mapping::MappingError;
use crate::domain::registration::SUBJECT_MAX_CHARS;
use crate::domain::reveal::{Hidden, NotApproved};
use crate::domain::{Invalid, appeal, erasure, matter};
use crate::store::StoreError;

/// Everything intake can answer instead of what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// A field is not as expected.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The channel is in no registry.
    #[error("no channel `{0}`; expected a code of the table `channels`")]
    ChannelUnknown(String),
    /// A key speaks for one channel only.
    #[error("this key speaks for the channel `{0}` only")]
    ChannelNotYours(String),
    /// The line is in no registry.
    #[error("no line `{0}`; expected a number of the table `lines`")]
    LineUnknown(String),
    /// The same id came with another text, which was set aside.
    #[error(
        "this id was registered with other content as {first_number}; the second text is quarantined"
    )]
    ContentDiffers {
        /// Number of the first text's receipt.
        first_number: String,
    },
    /// There is no such appeal.
    #[error("no such appeal")]
    AppealNotFound,
    /// There is no such matter.
    #[error("no such matter")]
    MatterNotFound,
    /// There is no such ticket.
    #[error("no such ticket; expected one that a matter opened")]
    TicketNotFound,
    /// There is no such contact.
    #[error("no such contact")]
    ContactNotFound,
    /// Number and code do not open a receipt. The same for a wrong code, an unknown number and one try too many.
    #[error(
        "no receipt with this number and query code, or too many tries; ask again tomorrow or call"
    )]
    ReceiptNotFound,
    /// The contact is not shown.
    #[error("{}", hidden(*.0))]
    ContactHidden(Hidden),
    /// This person has looked at so many contacts that he must wait.
    #[error("at most {per_hour} contacts are shown to a person in an hour")]
    RevealsTooOften {
        /// How many.
        per_hour: u32,
    },
    /// There is no such approval.
    #[error("no such approval")]
    ApprovalNotFound,
    /// The approval is not good, or not given.
    #[error(transparent)]
    NotApproved(#[from] NotApproved),
    /// It is no tip-off.
    #[error("this contact needs no approval")]
    ApprovalNotNeeded,
    /// The command does not fit the appeal's state.
    #[error(transparent)]
    AppealState(#[from] appeal::Refused),
    /// The move does not fit where the matter stands.
    #[error(transparent)]
    MatterPlace(#[from] matter::Refused),
    /// A ticket takes no further matter, or gives none back.
    #[error("the ticket is {state}; expected one that is open")]
    TicketOver {
        /// The word of its state.
        state: &'static str,
    },
    /// The appeal is a historical record.
    #[error("the appeal is a historical record; it does not move")]
    Historical,
    /// A registry file with wrong rows; nothing of it was loaded.
    #[error("the table `{table}` has {} wrong rows; nothing was loaded", .rows.len())]
    RegistryRows {
        /// Name of the table.
        table: String,
        /// What is wrong, by row.
        rows: Vec<WrongRow>,
    },
    /// There is no such import.
    #[error("no such import")]
    ImportNotFound,
    /// The import is closed; the file can be imported again as another run.
    #[error("the import is finished; start it again")]
    ImportFinished,
    /// Rows between were not handed in.
    #[error("the import goes on with row {next_row}")]
    RowsSkipped {
        /// The row that is expected.
        next_row: i64,
    },
    /// The mapping cannot be used with the file.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Nothing is kept of whom somebody wants to forget.
    #[error("nothing is kept of this citizen or appeal under a key")]
    NothingToErase,
    /// There is no such request to forget somebody.
    #[error("no such request to forget somebody")]
    ErasureNotFound,
    /// A request to forget somebody cannot be approved.
    #[error(transparent)]
    Erasure(#[from] erasure::Refused),
    /// Somebody else took the same key at the same moment.
    #[error("somebody else registered the same at the same moment; repeat with the same key")]
    Collision,
    /// The plumbing's own errors.
    #[error(transparent)]
    Core(#[from] CoreError),
}

fn hidden(why: Hidden) -> &'static str {
    match why {
        Hidden::OutOfReach => "no such appeal",
        Hidden::Protected => "its citizen asked not to be known to units",
        Hidden::Nothing => "nobody left a contact",
        Hidden::NeedsApproval => "the identity behind a tip-off needs another person's approval",
    }
}

/// A row of a registry file that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongRow {
    /// From 1, the header not counted; 0 is the header.
    pub row: usize,
    /// The column's name.
    pub column: String,
    /// What was expected there.
    pub expected: String,
    /// What stood there, shortened.
    pub found: String,
}

impl IntakeError {
    /// A stable code for programs, unlike the message, which is for people.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_FIELD",
            Self::ChannelUnknown(_) => "CHANNEL_UNKNOWN",
            Self::ChannelNotYours(_) => "CHANNEL_NOT_YOURS",
            Self::LineUnknown(_) => "LINE_UNKNOWN",
            Self::ContentDiffers { .. } => "CONTENT_DIFFERS",
            Self::AppealNotFound => "APPEAL_NOT_FOUND",
            Self::MatterNotFound => "MATTER_NOT_FOUND",
            Self::TicketNotFound => "TICKET_NOT_FOUND",
            Self::ContactNotFound => "CONTACT_NOT_FOUND",
            Self::ReceiptNotFound => "RECEIPT_NOT_FOUND",
            Self::ContactHidden(_) => "CONTACT_HIDDEN",
            Self::RevealsTooOften { .. } => "REVEALS_TOO_OFTEN",
            Self::ApprovalNotFound => "APPROVAL_NOT_FOUND",
            Self::NotApproved(_) => "NOT_APPROVED",
            Self::ApprovalNotNeeded => "APPROVAL_NOT_NEEDED",
            Self::AppealState(_) => "APPEAL_STATE_CONFLICT",
            Self::MatterPlace(_) => "MATTER_PLACE_CONFLICT",
            Self::TicketOver { .. } => "TICKET_OVER",
            Self::Historical => "APPEAL_HISTORICAL",
            Self::RegistryRows { .. } => "REGISTRY_ROWS_WRONG",
            Self::ImportNotFound => "IMPORT_NOT_FOUND",
            Self::ImportFinished => "IMPORT_FINISHED",
            Self::RowsSkipped { .. } => "IMPORT_ROWS_SKIPPED",
            Self::Mapping(_) => "IMPORT_MAPPING",
            Self::NothingToErase => "NOTHING_TO_ERASE",
            Self::ErasureNotFound => "ERASURE_NOT_FOUND",
            Self::Erasure(erasure::Refused::SamePerson) => "SECOND_PERSON_NEEDED",
            Self::Erasure(erasure::Refused::Approved) => "ERASURE_DONE",
            Self::Collision => "REGISTRATION_COLLISION",
            Self::Core(_) => "STORAGE_FAILED",
        }
    }
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Collision => Self::Collision,
            StoreError::Core(error) => Self::Core(error),
        }
    }
}

impl From<VaultError> for IntakeError {
    fn from(error: VaultError) -> Self {
        StoreError::from(error).into()
    }
}

/// A short text that must be there, such as a reason.
///
/// # Errors
///
/// [`Invalid`] if it is blank, too long or holds NUL.
pub fn required(field: &'static str, value: &str, expected: &str) -> Result<(), Invalid> {
    if value.trim().is_empty() {
        return Err(Invalid::new(field, expected));
    }
    crate::domain::registration::text(field, value, SUBJECT_MAX_CHARS)
}
