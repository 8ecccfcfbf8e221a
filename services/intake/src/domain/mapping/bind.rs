//! A mapping bound to one file's header: rows in, registrations or refusals out.

use std::collections::BTreeMap;

use hotline_kernel::id::ImportBatchId;
use hotline_kernel::time::Zone;
use regex::Regex;

use super::row::Row;
use super::{COLUMNS_MAX, Field, Mapping, MappingError, Refusal, Registration, clean, content};
use crate::domain::registration::{Contact, Identity};
use crate::domain::terms::Nature;

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
    /// SHA-256 over what the mapping took from the row: equal rows have equal content, whatever their
    /// nature.
    pub content: [u8; 32],
}

/// A mapping that found its columns.
#[derive(Clone, Debug)]
pub struct Binding {
    pub(super) source: String,
    pub(super) header: Vec<String>,
    pub(super) fields: BTreeMap<Field, Column>,
    pub(super) required: Vec<Field>,
    pub(super) date_formats: Vec<String>,
}

/// How one field is filled.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// The names it may have in the header, for refusals.
    pub(super) names: String,
    /// Its place; `None` where the header has none of the names.
    pub(super) at: Option<usize>,
    pub(super) constant: String,
    pub(super) values: Option<BTreeMap<String, String>>,
    pub(super) pattern: Option<Regex>,
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
        let row = self.row(cells, context);
        for &field in &self.required {
            row.require(field)?;
        }
        let told = row.registration(context)?;
        let hash = content::of(&told);
        let registration = identified(told, hash);
        registration.check().map_err(|invalid| {
            let found = row.found_in(&invalid.field);
            Refusal::new(invalid.field, invalid.expected, &found)
        })?;
        Ok(MappedRow {
            registration,
            content: hash,
        })
    }

    /// The legacy line of a row, empty if none, before anything else of the row is looked at; `None`
    /// if it may be of any line: its cell is not as expected, or cells are shifted.
    #[must_use]
    pub fn line_of(&self, cells: &[String], context: &RowContext) -> Option<String> {
        if self.check_width(cells).is_err() {
            return self.line_of_all(context);
        }
        self.row(cells, context).dialled()
    }

    /// The same of a row that its reader could not take apart: `None` also if the name of the line's
    /// column stands in it.
    #[must_use]
    pub fn line_of_unreadable(&self, cells: &[String], context: &RowContext) -> Option<String> {
        let names = self.fields.get(&Field::Line).map_or("", |line| &line.names);
        let mut names = names
            .split('|')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        if names.any(|name| cells.iter().any(|cell| cell.contains(name))) {
            return None;
        }
        self.line_of_all(context)
    }

    /// The line of every row, if no column says another.
    fn line_of_all(&self, context: &RowContext) -> Option<String> {
        let has_column = self
            .fields
            .get(&Field::Line)
            .is_some_and(|line| line.at.is_some());
        if has_column {
            return None;
        }
        self.row(&[], context).dialled()
    }

    /// Who said what stands in a row that is refused, as far as it tells; `None` if he did not want to be known, or if
    /// cells are shifted.
    #[must_use]
    pub fn contact_of(&self, cells: &[String], context: &RowContext) -> Option<Contact> {
        self.check_width(cells).ok()?;
        self.row(cells, context).contact()
    }

    /// What accounts are unique in.
    #[must_use]
    pub fn source<'a>(&'a self, context: &'a RowContext) -> &'a str {
        if self.source.is_empty() {
            &context.channel_code
        } else {
            &self.source
        }
    }

    fn row<'a>(&'a self, cells: &'a [String], context: &RowContext) -> Row<'a> {
        Row {
            binding: self,
            cells,
            zone: context.zone,
        }
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
