//! One row under its binding: each field cleaned, checked and typed.

use hotline_kernel::time::{Timestamp, Zone};

use super::bind::{Binding, RowContext};
use super::{Field, Refusal, clean, dates};
use crate::domain::registration::{
    Confidentiality, Contact, Identity, Imported, ImportedReply, NewMatter, Registration,
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

/// One row under its binding.
pub(super) struct Row<'a> {
    pub(super) binding: &'a Binding,
    pub(super) cells: &'a [String],
    pub(super) zone: Zone,
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

    pub(super) fn found_in(&self, name: &str) -> String {
        let last = name.rsplit('.').next().unwrap_or(name);
        let field = Field::ALL
            .iter()
            .find(|(_, known)| *known == last || *known == name.trim_end_matches("_code"));
        field.map_or(String::new(), |(field, _)| self.raw(*field).to_owned())
    }

    pub(super) fn require(&self, field: Field) -> Result<(), Refusal> {
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

    /// The legacy line that was dialled, empty if none; `None` if its cell is not as expected.
    pub(super) fn dialled(&self) -> Option<String> {
        self.line(Field::Line).ok()
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

    /// A deadline: a bare day, which office programs write as its 00:00, is meant to its end.
    fn until(&self, at: Timestamp) -> Timestamp {
        let day = self.zone.day(at);
        if at == self.zone.start_of(day) {
            self.zone.end_of(day)
        } else {
            at
        }
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

    pub(super) fn registration(&self, context: &RowContext) -> Result<Registration, Refusal> {
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

    /// How its citizen can be answered, as far as that can be read; `None` if he did not want to be known, or if the row
    /// does not tell whether.
    pub(super) fn contact(&self) -> Option<Contact> {
        let is_anonymous = self.word(Field::Anonymous, FLAGS, None).ok()?;
        if is_anonymous.unwrap_or_default() {
            return None;
        }
        let line = |field| self.line(field).unwrap_or_default();
        Some(Contact {
            name: String::new(),
            phone: line(Field::Phone),
            email: line(Field::Email),
            account: line(Field::Account),
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
        let due_at = match context.nature {
            Nature::InHand => self.date(Field::DueAt)?.map(|at| self.until(at)),
            Nature::New | Nature::Historical => None,
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
            due_at,
            reply: (!text.is_empty()).then_some(ImportedReply { text, replied_at }),
        })
    }
}
