//! What comes in: one appeal as its channel or file tells it, checked before anything is stored.

use hotline_kernel::id::ImportBatchId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Invalid;
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

/// What makes a second telling of an appeal the same telling (design.md 7.6).
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

impl std::fmt::Debug for Contact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.is_empty() {
            "Contact(empty)"
        } else {
            "Contact(…)"
        })
    }
}

/// Separate flags on any kind of appeal (design.md 4, Confidentiality).
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

/// One thing asked, as told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// A reply that was given before the import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedReply {
    /// What the citizen read.
    pub text: String,
    /// When, if the file tells.
    pub replied_at: Option<Timestamp>,
}

/// One appeal as it comes in, by gRPC or from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Checks every limit, so that nothing that storage would refuse goes further.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected, and what was expected.
    pub fn check(&self) -> Result<(), Invalid> {
        self.check_origin()?;
        self.check_content()
    }

    /// Checks what says where it comes from: that is kept even where the content may not be.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected.
    pub fn check_origin(&self) -> Result<(), Invalid> {
        code("channel_code", &self.channel_code)?;
        if self.channel_code.is_empty() {
            return Err(Invalid::new("channel_code", "the code of a channel"));
        }
        line("line_number", &self.line_number, NAME_MAX_CHARS)?;
        line("source", &self.source, NAME_MAX_CHARS)?;
        self.identity.check()?;
        self.imported.as_ref().map_or(Ok(()), |imported| {
            line("old_number", &imported.old_number, KEY_MAX_CHARS)
        })
    }

    fn check_content(&self) -> Result<(), Invalid> {
        self.contact.check()?;
        self.confidentiality.check()?;
        text("subject", &self.subject, SUBJECT_MAX_CHARS)?;
        text("text", &self.text, TEXT_MAX_CHARS)?;
        if self.matters.is_empty() || self.matters.len() > MATTERS_MAX {
            return Err(Invalid::new(
                "matters",
                format!("1 to {MATTERS_MAX} matters"),
            ));
        }
        for matter in self.complete_matters() {
            matter.check()?;
            if matter.text.trim().is_empty() && matter.subject.trim().is_empty() {
                return Err(Invalid::new(
                    "text",
                    "what the citizen said: a text or at least a subject",
                ));
            }
        }
        let reply = self
            .imported
            .as_ref()
            .and_then(|imported| imported.reply.as_ref());
        reply.map_or(Ok(()), |reply| {
            self::text("reply", &reply.text, TEXT_MAX_CHARS)
        })
    }
}

impl Identity {
    fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::SourceId(id) if id.trim().is_empty() => {
                Err(Invalid::new("source_id", "the source's own id, not blank"))
            }
            Self::SourceId(id) => line("source_id", id, KEY_MAX_CHARS),
            Self::ClientKey(key) => client_key(key),
            Self::Row { .. } => Ok(()),
        }
    }
}

impl Contact {
    fn check(&self) -> Result<(), Invalid> {
        line("contact.name", &self.name, NAME_MAX_CHARS)?;
        line("contact.phone", &self.phone, NAME_MAX_CHARS)?;
        line("contact.email", &self.email, NAME_MAX_CHARS)?;
        line("contact.account", &self.account, NAME_MAX_CHARS)
    }
}

impl Confidentiality {
    fn check(&self) -> Result<(), Invalid> {
        if self.complained_unit_codes.len() > COMPLAINED_UNITS_MAX {
            return Err(Invalid::new(
                "confidentiality.complained_unit_codes",
                format!("at most {COMPLAINED_UNITS_MAX} unit codes"),
            ));
        }
        self.complained_unit_codes
            .iter()
            .try_for_each(|unit| code("confidentiality.complained_unit_codes", unit))
    }
}

impl NewMatter {
    /// Checks the limits of one matter.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected.
    pub fn check(&self) -> Result<(), Invalid> {
        text("matters.subject", &self.subject, SUBJECT_MAX_CHARS)?;
        text("matters.text", &self.text, TEXT_MAX_CHARS)?;
        code("matters.category_code", &self.category_code)?;
        code("matters.area_code", &self.area_code)
    }
}

/// A text of several lines: no NUL, not too long.
///
/// # Errors
///
/// [`Invalid`] with the limit.
pub fn text(field: &str, value: &str, max_chars: usize) -> Result<(), Invalid> {
    if value.contains('\0') {
        return Err(Invalid::new(field, "text without NUL characters"));
    }
    if value.chars().count() > max_chars {
        return Err(Invalid::new(
            field,
            format!("at most {max_chars} characters"),
        ));
    }
    Ok(())
}

/// A text of one line: no control characters, not too long.
fn line(field: &str, value: &str, max_chars: usize) -> Result<(), Invalid> {
    text(field, value, max_chars)?;
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(field, "one line without control characters"));
    }
    Ok(())
}

/// A code of a registry.
fn code(field: &str, value: &str) -> Result<(), Invalid> {
    line(field, value, KEY_MAX_CHARS)
}

fn client_key(key: &str) -> Result<(), Invalid> {
    let is_visible_ascii = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > KEY_MAX_CHARS || !is_visible_ascii {
        return Err(Invalid::new(
            "idempotency_key",
            format!("1 to {KEY_MAX_CHARS} visible ASCII characters where there is no source_id"),
        ));
    }
    Ok(())
}

fn first_filled(first: &str, second: &str) -> String {
    if first.trim().is_empty() {
        second.to_owned()
    } else {
        first.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Registration {
        Registration {
            channel_code: "tel12345".to_owned(),
            line_number: String::new(),
            source: String::new(),
            identity: Identity::ClientKey("k1".to_owned()),
            nature: Nature::New,
            said_at: None,
            contact: Contact::default(),
            confidentiality: Confidentiality::default(),
            subject: String::new(),
            text: "路灯不亮".to_owned(),
            matters: vec![NewMatter::default()],
            imported: None,
        }
    }

    #[test]
    fn what_storage_would_refuse_is_refused_by_name() {
        type Case = (&'static str, fn(&mut Registration), Option<&'static str>);
        let cases: [Case; 13] = [
            ("as told", |_| (), None),
            (
                "no channel",
                |r| r.channel_code.clear(),
                Some("channel_code"),
            ),
            ("NUL", |r| r.text.push('\0'), Some("text")),
            (
                "20,000 characters",
                |r| r.text = "灯".repeat(TEXT_MAX_CHARS),
                None,
            ),
            (
                "20,001 characters",
                |r| r.text = "灯".repeat(TEXT_MAX_CHARS + 1),
                Some("text"),
            ),
            ("nothing said", |r| r.text = " \n".to_owned(), Some("text")),
            (
                "only a subject",
                |r| (r.text, r.subject) = (String::new(), "路灯".to_owned()),
                None,
            ),
            ("no matter", |r| r.matters.clear(), Some("matters")),
            (
                "20 matters",
                |r| r.matters = vec![NewMatter::default(); MATTERS_MAX],
                None,
            ),
            (
                "21 matters",
                |r| r.matters = vec![NewMatter::default(); MATTERS_MAX + 1],
                Some("matters"),
            ),
            (
                "no key",
                |r| r.identity = Identity::ClientKey(String::new()),
                Some("idempotency_key"),
            ),
            (
                "key not ASCII",
                |r| r.identity = Identity::ClientKey("钥".to_owned()),
                Some("idempotency_key"),
            ),
            (
                "blank source id",
                |r| r.identity = Identity::SourceId(" ".to_owned()),
                Some("source_id"),
            ),
        ];
        for (label, change, expected) in cases {
            let mut registration = sample();
            change(&mut registration);
            let found = registration.check().err().map(|invalid| invalid.field);
            assert_eq!(found.as_deref(), expected, "{label}");
        }
    }

    #[test]
    fn a_matter_without_words_of_its_own_is_the_appeal() {
        let mut registration = sample();
        registration.matters.push(NewMatter {
            text: "水管漏水".to_owned(),
            ..NewMatter::default()
        });
        let texts: Vec<_> = registration
            .complete_matters()
            .into_iter()
            .map(|matter| matter.text)
            .collect();
        assert_eq!(texts, ["路灯不亮", "水管漏水"]);
    }

    #[test]
    fn a_contact_never_shows_itself() {
        let contact = Contact {
            phone: "19900000001".to_owned(),
            ..Contact::default()
        };
        assert!(!format!("{contact:?}").contains("199"));
    }
}
