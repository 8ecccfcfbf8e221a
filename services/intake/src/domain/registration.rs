//! What comes in: one appeal as its channel or file tells it, checked before anything is stored.

mod limits;
#[cfg(test)]
mod printed_tests;

pub use self::limits::text;

use std::fmt;

use hotline_kernel::id::ImportBatchId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::terms::{Kind, Nature, Urgency};

/// Longest text of an appeal, a matter or an imported reply, in characters.
pub const TEXT_MAX_CHARS: usize = 20_000;
/// Longest subject, in characters.
pub const SUBJECT_MAX_CHARS: usize = 500;
/// Most matters in one appeal.
pub const MATTERS_MAX: usize = 20;
/// Longest source id or client key, in characters.
pub const KEY_MAX_CHARS: usize = 128;
/// Longest code, line number, name or address, in characters.
pub const NAME_MAX_CHARS: usize = 200;
/// Most units that can be complained against in one appeal.
pub const COMPLAINED_UNITS_MAX: usize = 20;

/// What makes a second telling of an appeal the same telling, for ever (I2 in `docs/architecture.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The source's own id; it means something only together with its source.
    SourceId(String),
    /// The client's key, where the source has no id.
    ClientKey(String),
    /// A row of a file without ids: its content, and the how-manyth row with that content it is (from 1).
    Row {
        /// SHA-256 of the row's canonical content.
        content: [u8; 32],
        /// From 1: equal rows of one file are different appeals.
        occurrence: u32,
    },
}

/// How a citizen can be answered. Its Debug form shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// The citizen's name.
    pub name: String,
    /// As the citizen or the exchange told it; any notation.
    pub phone: String,
    /// A mailbox address.
    pub email: String,
    /// An account at the source, unique there.
    pub account: String,
}

impl Contact {
    /// Whether nobody can be answered and nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.name, &self.phone, &self.email, &self.account]
            .iter()
            .all(|part| part.trim().is_empty())
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_empty() {
            "Contact(empty)"
        } else {
            "Contact(…)"
        })
    }
}

/// Separate flags on any kind of appeal; none follows from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidentiality {
    /// The citizen does not want to be known: never linked with other appeals.
    pub is_anonymous: bool,
    /// Kept from the unit on the citizen's request.
    pub is_confidential: bool,
    /// A tip-off (举报 with protection).
    pub is_tip_off: bool,
    /// Units complained against: they and their children are never dispatched to.
    pub complained_unit_codes: Vec<String>,
}

/// One thing asked, as told. Its Debug form shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewMatter {
    /// A headline; empty takes the appeal's.
    pub subject: String,
    /// What is asked; empty takes the appeal's text.
    pub text: String,
    /// `None`: not said; becomes `other`.
    pub kind: Option<Kind>,
    /// `None`: not said; becomes `normal`.
    pub urgency: Option<Urgency>,
    /// Empty if routing shall propose.
    pub category_code: String,
    /// Empty if routing shall propose.
    pub area_code: String,
}

/// What a file of another system says beside the appeal itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The run of the import file.
    pub batch_id: ImportBatchId,
    /// The number it had before, empty if none.
    pub old_number: String,
    /// When it was received there; `None` means now. In-hand and historical appeals keep it.
    pub received_at: Option<Timestamp>,
    /// The deadline it had there. For in-hand appeals it becomes both deadlines of the ticket.
    pub due_at: Option<Timestamp>,
    /// A reply that was given before the import: a historical record, never our reply.
    pub reply: Option<ImportedReply>,
}

/// A reply that was given before the import. Its Debug form shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedReply {
    /// What the citizen read.
    pub text: String,
    /// When, if the file tells.
    pub replied_at: Option<Timestamp>,
}

/// One appeal as it comes in, by gRPC or from a file. Its Debug form shows nothing of what was said.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// The channel it came by.
    pub channel_code: String,
    /// The legacy line that was dialled, empty if none.
    pub line_number: String,
    /// What ids and accounts are unique in; empty means the channel itself.
    pub source: String,
    /// What makes a repetition a repetition.
    pub identity: Identity,
    /// What it is to the clocks.
    pub nature: Nature,
    /// When the citizen said it, by the source.
    pub said_at: Option<Timestamp>,
    /// How the citizen can be answered.
    pub contact: Contact,
    /// Its flags.
    pub confidentiality: Confidentiality,
    /// A headline, may be empty.
    pub subject: String,
    /// What was said.
    pub text: String,
    /// The things asked: at least one, in order. `NewMatter::default()` is "the appeal itself".
    pub matters: Vec<NewMatter>,
    /// Set for imports.
    pub imported: Option<Imported>,
}

impl fmt::Debug for NewMatter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NewMatter")
            .field("kind", &self.kind)
            .field("urgency", &self.urgency)
            .field("category_code", &self.category_code)
            .field("area_code", &self.area_code)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ImportedReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ImportedReply")
            .field("replied_at", &self.replied_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Registration")
            .field("channel_code", &self.channel_code)
            .field("line_number", &self.line_number)
            .field("source", &self.source)
            .field("nature", &self.nature)
            .field("said_at", &self.said_at)
            .field("contact", &self.contact)
            .field("confidentiality", &self.confidentiality)
            .field("matters", &self.matters)
            .field("imported", &self.imported)
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// The name that ids and accounts are unique in.
    #[must_use]
    pub fn source(&self) -> &str {
        if self.source.is_empty() {
            &self.channel_code
        } else {
            &self.source
        }
    }

    /// Fills empty parts of its matters from the appeal, so that each matter stands for itself.
    #[must_use]
    pub fn complete_matters(&self) -> Vec<NewMatter> {
        let complete = |matter: &NewMatter| NewMatter {
            subject: first_filled(&matter.subject, &self.subject),
            text: first_filled(&matter.text, &self.text),
            ..matter.clone()
        };
        self.matters.iter().map(complete).collect()
    }
}

fn first_filled(first: &str, second: &str) -> String {
    if first.trim().is_empty() {
        second.to_owned()
    } else {
        first.to_owned()
    }
}
