//! Which column of a file is which of our fields: a mapping, written in TOML.
//!
//! A [`Mapping`] is read once per import and bound to the file's header ([`Mapping::bind`]); the
//! [`Binding`] then makes each row a [`Registration`] or a [`Refusal`] that says what was expected
//! and what stood there. Nothing is guessed: a text where a date must be is refused.

mod bind;
mod clean;
mod content;
mod dates;
mod row;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::registration::Registration;
pub use bind::{Binding, MappedRow, RowContext};

/// Longest mapping file, bytes.
pub const MAPPING_MAX_BYTES: usize = 64 << 10;
/// Most columns of a file.
pub const COLUMNS_MAX: usize = 200;
/// Longest `found` of a refusal, in characters.
pub const FOUND_MAX_CHARS: usize = 200;

/// A field of ours that a column can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The source's own id.
    SourceId,
    /// The number it had in another system.
    OldNumber,
    /// The citizen's account at the source.
    Account,
    /// The citizen's name.
    Name,
    /// The citizen's phone.
    Phone,
    /// The citizen's mailbox.
    Email,
    /// The headline.
    Subject,
    /// What was said.
    Text,
    /// When it was said.
    SaidAt,
    /// When the other system received it.
    ReceivedAt,
    /// The deadline it had there.
    DueAt,
    /// What is wanted.
    Kind,
    /// How fast.
    Urgency,
    /// The category's code.
    Category,
    /// The area's code.
    Area,
    /// The legacy line that was dialled.
    Line,
    /// Whether the citizen does not want to be known.
    Anonymous,
    /// Whether it is kept from the unit.
    Confidential,
    /// A reply that was given before.
    ReplyText,
    /// When that reply was given.
    RepliedAt,
}

impl Field {
    /// Every field with its name in mapping files, and as a header where there is no mapping.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::SourceId, "source_id"),
        (Self::OldNumber, "old_number"),
        (Self::Account, "account"),
        (Self::Name, "name"),
        (Self::Phone, "phone"),
        (Self::Email, "email"),
        (Self::Subject, "subject"),
        (Self::Text, "text"),
        (Self::SaidAt, "said_at"),
        (Self::ReceivedAt, "received_at"),
        (Self::DueAt, "due_at"),
        (Self::Kind, "kind"),
        (Self::Urgency, "urgency"),
        (Self::Category, "category"),
        (Self::Area, "area"),
        (Self::Line, "line"),
        (Self::Anonymous, "anonymous"),
        (Self::Confidential, "confidential"),
        (Self::ReplyText, "reply_text"),
        (Self::RepliedAt, "replied_at"),
    ];

    /// The field's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(field, _)| *field == self)
            .map_or("", |(_, name)| *name)
    }
}

/// A mapping file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the file's ids and accounts are unique in; absent: the channel. Two files of one source
    /// share their ids: the same row in both is one appeal.
    #[serde(default)]
    source: String,
    /// Our field = header name; alternatives stand with `|` between them.
    columns: BTreeMap<Field, String>,
    /// Fields that must not be empty. `text` is always among them unless `subject` is.
    #[serde(default)]
    required: Vec<Field>,
    /// Our field = value for every row, where no column fills it.
    #[serde(default)]
    constants: BTreeMap<Field, String>,
    /// Per field: value in the file = our code. `"*"` is for every other value; without it another
    /// value is refused.
    #[serde(default)]
    values: BTreeMap<Field, BTreeMap<String, String>>,
    /// Per field: a regular expression that the whole value must match.
    #[serde(default)]
    patterns: BTreeMap<Field, String>,
    /// Further date formats, as chrono writes them.
    #[serde(default)]
    date_formats: Vec<String>,
}

/// Why a mapping cannot be used with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It is no TOML, or names a field that does not exist.
    #[error("the mapping is not readable: {0}")]
    Toml(String),
    /// It is longer than [`MAPPING_MAX_BYTES`].
    #[error("the mapping must be at most 64 KiB")]
    TooLong,
    /// A pattern is no regular expression.
    #[error("the pattern of `{field}` is no regular expression")]
    Pattern {
        /// Whose.
        field: &'static str,
    },
    /// A mapped name is in the header more than once.
    #[error("the header must hold one column for `{field}`; found {found}")]
    Ambiguous {
        /// Whose column.
        field: &'static str,
        /// The names that fit.
        found: String,
    },
    /// The header is empty or too wide.
    #[error("the header must hold 1 to 200 columns")]
    Header,
}

/// Why a row is not registered, for the person who sent the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Our field, or `row`.
    pub field: String,
    /// What was expected there.
    pub expected: String,
    /// What stood there, shortened to [`FOUND_MAX_CHARS`].
    pub found: String,
}

impl Refusal {
    /// A refusal of `field`.
    #[must_use]
    pub fn new(field: impl Into<String>, expected: impl Into<String>, found: &str) -> Self {
        let mut short: String = found.trim().chars().take(FOUND_MAX_CHARS).collect();
        if short.len() < found.trim().len() {
            short.pop();
            short.push('…');
        }
        Self {
            field: field.into(),
            expected: expected.into(),
            found: short,
        }
    }
}

impl Mapping {
    /// Reads a mapping file; an empty one means that headers carry our field names.
    ///
    /// # Errors
    ///
    /// [`MappingError`] if it cannot be read.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        if toml.len() > MAPPING_MAX_BYTES {
            return Err(MappingError::TooLong);
        }
        if toml.trim().is_empty() {
            let columns = Field::ALL
                .iter()
                .map(|(field, name)| (*field, (*name).to_owned()))
                .collect();
            return Ok(Self {
                columns,
                ..Self::default()
            });
        }
        toml::from_str(toml).map_err(|error| MappingError::Toml(error.message().to_owned()))
    }

    /// Finds the columns in a file's header.
    ///
    /// # Errors
    ///
    /// [`MappingError`] if a name is ambiguous or a pattern cannot be used.
    pub fn bind(&self, header: &[String]) -> Result<Binding, MappingError> {
        Binding::new(self, header)
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
