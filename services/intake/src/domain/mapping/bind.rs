//! A mapping bound to one file's header: rows in, registrations or refusals out.

use std::collections::BTreeMap;

use hotline_kernel::id::ImportBatchId;
use hotline_kernel::time::{Timestamp, Zone};
use regex::Regex;
use sha2::{Digest, Sha256};

use super::{COLUMNS_MAX, Field, Mapping, MappingError, Refusal, Registration, clean, dates};
use crate::domain::registration::{
    Confidentiality, Contact, Identity, Imported, ImportedReply, NewMatter,
};
use crate::domain::terms::{Kind, Nature, Term, Urgency};

/// Kinds as Chinese files write them, beside our own words.
const KINDS: &[(&str, Kind)] = &[
    ("咨询", Kind::Consult),
    ("求助", Kind::Help),
    ("建议", Kind::Suggest),
    ("投诉", Kind::Complaint),
    ("举报", Kind::Report),
    ("表扬", Kind::Praise),
    ("感谢", Kind::Praise),
    ("其他", Kind::Other),
];
const URGENCIES: &[(&str, Urgency)] = &[
    ("一般", Urgency::Normal),
    ("紧急", Urgency::Urgent),
    ("特急", Urgency::Critical),
];
const FLAGS: &[(&str, bool)] = &[
    ("是", true),
    ("否", false),
    ("yes", true),
    ("no", false),
    ("true", true),
    ("false", false),
    ("1", true),
    ("0", false),
];

/// What every row of an import shares.
#[derive(Clone, Debug)]
pub struct RowContext {
    /// The run it belongs to.
    pub batch_id: ImportBatchId,
    /// The channel it is imported to.
    pub channel_code: String,
    /// What its rows are to the clocks.
    pub nature: Nature,
    /// The city's zone, for dates without an offset.
    pub zone: Zone,
}

/// A row that can be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedRow {
    /// What to register. For a row without an id its identity says occurrence 1: the file knows which
    /// it is.
    pub registration: Registration,
    /// SHA-256 over everything the mapping took from the row: equal rows have equal content.
    pub content: [u8; 32],
}

/// A mapping that found its columns.
#[derive(Clone, Debug)]
pub struct Binding {
    source: String,
    header: Vec<String>,
    fields: BTreeMap<Field, Column>,
    required: Vec<Field>,
    date_formats: Vec<String>,
}

/// How one field is filled.
#[derive(Clone, Debug, Default)]
struct Column {
    /// The names it may have in the header, for refusals.
    names: String,
    /// Its place; `None` where the header has none of the names.
    at: Option<usize>,
    constant: String,
    values: Option<BTreeMap<String, String>>,
    pattern: Option<Regex>,
}

impl Binding {
    pub(super) fn new(mapping: &Mapping, header: &[String]) -> Result<Self, MappingError> {
        if header.is_empty() || header.len() > COLUMNS_MAX {
            return Err(MappingError::Header);
        }
        let header: Vec<String> = header.iter().map(|name| clean::line(name)).collect();
        let mut fields = BTreeMap::new();
        for &(field, _) in Field::ALL {
            let names = mapping.columns.get(&field);
            let constant = mapping.constants.get(&field);
            if names.is_none() && constant.is_none() {
                continue;
            }
            let names = names.cloned().unwrap_or_default();
            let at = find(field, &names, &header)?;
            let column = Column {
                names,
                at,
                constant: constant.cloned().unwrap_or_default(),
                values: mapping.values.get(&field).cloned(),
                pattern: pattern(field, mapping.patterns.get(&field))?,
            };
            fields.insert(field, column);
        }
        let mut required = mapping.required.clone();
        if !required.contains(&Field::Text) && !required.contains(&Field::Subject) {
            required.push(Field::Text);
        }
        Ok(Self {
            source: mapping.source.clone(),
            header,
            fields,
            required,
            date_formats: mapping.date_formats.clone(),
        })
    }

    /// Makes a row a registration.
    ///
    /// # Errors
    ///
    /// [`Refusal`] names the first field that is not as expected.
    pub fn apply(&self, cells: &[String], context: &RowContext) -> Result<MappedRow, Refusal> {
        self.check_width(cells)?;
        let row = Row {
            binding: self,
            cells,
            zone: context.zone,
        };
        for &field in &self.required {
            row.require(field)?;
        }
        let registration = row.registration(context)?;
        registration.check().map_err(|invalid| {
            let found = row.found_in(&invalid.field);
            Refusal::new(invalid.field, invalid.expected, &found)
        })?;
        let content = content(&registration);
        Ok(MappedRow {
            registration: identified(registration, content),
            content,
        })
    }

    fn check_width(&self, cells: &[String]) -> Result<(), Refusal> {
        let filled = cells
            .iter()
            .rposition(|cell| !cell.trim().is_empty())
            .map_or(0, |last| last + 1);
        if filled > self.header.len() {
            let expected = format!("{} columns, as in the header", self.header.len());
            return Err(Refusal::new("row", expected, &format!("{filled} columns")));
        }
        Ok(())
    }
}

fn find(field: Field, names: &str, header: &[String]) -> Result<Option<usize>, MappingError> {
    let wanted: Vec<String> = names
        .split('|')
        .map(clean::line)
        .filter(|name| !name.is_empty())
        .collect();
    let fitting: Vec<usize> = (0..header.len())
        .filter(|&at| wanted.contains(&header[at]))
        .collect();
    match fitting.as_slice() {
        [] => Ok(None),
        [at] => Ok(Some(*at)),
        several => {
            let found = several
                .iter()
                .map(|&at| header[at].as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(MappingError::Ambiguous {
                field: field.name(),
                found,
            })
        }
    }
}

fn pattern(field: Field, pattern: Option<&String>) -> Result<Option<Regex>, MappingError> {
    let whole = pattern.map(|pattern| Regex::new(&format!("^(?:{pattern})$")));
    whole.transpose().map_err(|_| MappingError::Pattern {
        field: field.name(),
    })
}

/// One row under its binding.
struct Row<'a> {
    binding: &'a Binding,
    cells: &'a [String],
    zone: Zone,
}

impl Row<'_> {
    fn raw(&self, field: Field) -> &str {
        let Some(column) = self.binding.fields.get(&field) else {
            return "";
        };
        let cell = column
            .at
            .and_then(|at| self.cells.get(at))
            .map_or("", String::as_str);
        if cell.trim().is_empty() {
            &column.constant
        } else {
            cell
        }
    }

    fn found_in(&self, name: &str) -> String {
        let last = name.rsplit('.').next().unwrap_or(name);
        let field = Field::ALL
            .iter()
            .find(|(_, known)| *known == last || *known == name.trim_end_matches("_code"));
        field.map_or(String::new(), |(field, _)| self.raw(*field).to_owned())
    }

    fn require(&self, field: Field) -> Result<(), Refusal> {
        let Some(column) = self.binding.fields.get(&field) else {
            return Err(Refusal::new(
                field.name(),
                "a column for it in the mapping",
                "none",
            ));
        };
        if column.at.is_none() && column.constant.is_empty() {
            let expected = format!("a column named {}", column.names.replace('|', " or "));
            return Err(Refusal::new(
                field.name(),
                expected,
                &self.binding.header.join(", "),
            ));
        }
        if self.text_of(field, false)?.is_empty() {
            return Err(Refusal::new(field.name(), "not to be empty", ""));
        }
        Ok(())
    }

    /// The field's value: cleaned, matching its pattern, through its table of values.
    fn text_of(&self, field: Field, has_lines: bool) -> Result<String, Refusal> {
        let raw = self.raw(field);
        if raw.contains('\u{fffd}') {
            return Err(Refusal::new(
                field.name(),
                "characters in the file's encoding",
                raw,
            ));
        }
        let value = if has_lines {
            clean::lines(raw)
        } else {
            clean::line(raw)
        };
        let Some(column) = self.binding.fields.get(&field) else {
            return Ok(value);
        };
        if value.is_empty() {
            return Ok(value);
        }
        if let Some(pattern) = &column.pattern
            && !pattern.is_match(&value)
        {
            return Err(Refusal::new(
                field.name(),
                format!("the pattern {}", pattern.as_str()),
                raw,
            ));
        }
        match &column.values {
            Some(values) => values
                .get(&value)
                .or_else(|| values.get("*"))
                .cloned()
                .ok_or_else(|| {
                    let known = values
                        .keys()
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(", ");
                    Refusal::new(field.name(), format!("one of {known}"), raw)
                }),
            None => Ok(value),
        }
    }

    fn line(&self, field: Field) -> Result<String, Refusal> {
        self.text_of(field, false)
    }

    fn date(&self, field: Field) -> Result<Option<Timestamp>, Refusal> {
        let value = self.line(field)?;
        if value.is_empty() {
            return Ok(None);
        }
        let at = dates::parse(&value, self.zone, &self.binding.date_formats);
        at.map(Some).ok_or_else(|| {
            Refusal::new(
                field.name(),
                "a date such as 2020/1/6 12:09:38 or 2020-01-06",
                self.raw(field),
            )
        })
    }

    fn word<T: Copy>(
        &self,
        field: Field,
        known: &[(&str, T)],
        own: Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let value = self.line(field)?;
        if value.is_empty() || own.is_some() {
            return Ok(own);
        }
        let found = known
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&value));
        found.map(|(_, term)| Some(*term)).ok_or_else(|| {
            let words = known
                .iter()
                .map(|(word, _)| *word)
                .collect::<Vec<_>>()
                .join(", ");
            Refusal::new(field.name(), format!("one of {words}"), self.raw(field))
        })
    }

    fn registration(&self, context: &RowContext) -> Result<Registration, Refusal> {
        let is_set = |field| self.word(field, FLAGS, None).map(Option::unwrap_or_default);
        let said_at = self.date(Field::SaidAt)?;
        Ok(Registration {
            channel_code: context.channel_code.clone(),
            line_number: self.line(Field::Line)?,
            source: self.binding.source.clone(),
            identity: Identity::SourceId(self.source_id()?),
            nature: context.nature,
            said_at,
            contact: Contact {
                name: self.line(Field::Name)?,
                phone: self.line(Field::Phone)?,
                email: self.line(Field::Email)?,
                account: self.line(Field::Account)?,
            },
            confidentiality: Confidentiality {
                is_anonymous: is_set(Field::Anonymous)?,
                is_confidential: is_set(Field::Confidential)?,
                ..Confidentiality::default()
            },
            subject: self.line(Field::Subject)?,
            text: self.text_of(Field::Text, true)?,
            matters: vec![self.matter()?],
            imported: Some(self.imported(context, said_at)?),
        })
    }

    /// The source's id; for what is in hand elsewhere its old number is one. Empty if there is none.
    fn source_id(&self) -> Result<String, Refusal> {
        let id = self.line(Field::SourceId)?;
        if id.is_empty() {
            self.line(Field::OldNumber)
        } else {
            Ok(id)
        }
    }

    fn matter(&self) -> Result<NewMatter, Refusal> {
        let kind = Kind::parse(&self.line(Field::Kind)?);
        let urgency = Urgency::parse(&self.line(Field::Urgency)?);
        Ok(NewMatter {
            kind: self.word(Field::Kind, KINDS, kind)?,
            urgency: self.word(Field::Urgency, URGENCIES, urgency)?,
            category_code: self.line(Field::Category)?,
            area_code: self.line(Field::Area)?,
            ..NewMatter::default()
        })
    }

    fn imported(
        &self,
        context: &RowContext,
        said_at: Option<Timestamp>,
    ) -> Result<Imported, Refusal> {
        let received_at = match context.nature {
            Nature::New => None,
            Nature::InHand | Nature::Historical => self.date(Field::ReceivedAt)?.or(said_at),
        };
        let text = self.text_of(Field::ReplyText, true)?;
        let replied_at = self.date(Field::RepliedAt)?;
        let mut old_number = self.line(Field::OldNumber)?;
        if old_number.is_empty() && context.nature == Nature::InHand {
            old_number = self.line(Field::SourceId)?;
        }
        Ok(Imported {
            batch_id: context.batch_id,
            old_number,
            received_at,
            due_at: self.date(Field::DueAt)?,
            reply: (!text.is_empty()).then_some(ImportedReply { text, replied_at }),
        })
    }
}

/// Rows without an id are known by their content.
fn identified(mut registration: Registration, content: [u8; 32]) -> Registration {
    if registration.identity == Identity::SourceId(String::new()) {
        registration.identity = Identity::Row {
            content,
            occurrence: 1,
        };
    }
    registration
}

/// Over every value that was taken from the row, each with its length before it; not over what the
/// import itself adds (batch, nature), so that another import of the row has the same content.
fn content(registration: &Registration) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    let instant =
        |at: Option<Timestamp>| at.map_or(String::new(), |at| at.timestamp_micros().to_string());
    part("import-row-v1");
    if let Identity::SourceId(id) = &registration.identity {
        part(id);
    }
    part(&registration.line_number);
    let contact = &registration.contact;
    for text in [
        &contact.name,
        &contact.phone,
        &contact.email,
        &contact.account,
    ] {
        part(text);
    }
    let flags = &registration.confidentiality;
    part(if flags.is_anonymous { "anonymous" } else { "" });
    part(if flags.is_confidential {
        "confidential"
    } else {
        ""
    });
    part(&registration.subject);
    part(&registration.text);
    part(&instant(registration.said_at));
    for matter in &registration.matters {
        part(matter.kind.map_or("", Term::word));
        part(matter.urgency.map_or("", Term::word));
        part(&matter.category_code);
        part(&matter.area_code);
    }
    if let Some(imported) = &registration.imported {
        part(&instant(imported.due_at));
        let reply = imported.reply.as_ref();
        part(reply.map_or("", |reply| &reply.text));
        part(&instant(reply.and_then(|reply| reply.replied_at)));
    }
    hash.finalize().into()
}
