//! A document as data: what every rendering shows, and what is frozen when it is issued.

use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::period::{Period, Series};
use super::rate::{Change, DASH, Rate};
use super::reconcile::{Check, Difference, Printed, differences as differences_of};

/// Word put before the title of a document that is not issued.
pub const DRAFT: &str = "【草稿】";

/// A whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is called.
    pub title: String,
    /// The issue number, such as `2026年第3期`; `None` while a draft.
    pub issue_number: Option<String>,
    /// Lines under the title: period, data cut, formulae.
    pub head: Vec<String>,
    /// Its content, in order.
    pub sections: Vec<Section>,
    /// What does not agree. Empty if it reconciles.
    pub differences: Vec<Difference>,
}

impl Document {
    /// Puts the parts together and checks them: what `checks` says, and everything that is printed as a
    /// rate or a change.
    #[must_use]
    pub fn checked(
        title: String,
        head: Vec<String>,
        sections: Vec<Section>,
        checks: &[Check],
    ) -> Self {
        let mut differences = differences_of(checks);
        let blocks = sections.iter().flat_map(|section| &section.blocks);
        differences.extend(differences_of(&printed(blocks)));
        Self {
            title,
            issue_number: None,
            head,
            sections,
            differences,
        }
    }

    /// Its blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }

    /// The document with only the sections of these keys; with all of them if none is named.
    ///
    /// # Errors
    ///
    /// [`UnknownSection`] if a key is none of the document's.
    pub fn only(mut self, keys: &[String]) -> Result<Self, UnknownSection> {
        let is_known = |key: &String| self.sections.iter().any(|section| section.key == *key);
        if !keys.iter().all(is_known) {
            let known: Vec<_> = self
                .sections
                .iter()
                .map(|section| section.key.as_str())
                .collect();
            return Err(UnknownSection(known.join(", ")));
        }
        if !keys.is_empty() {
            self.sections.retain(|section| keys.contains(&section.key));
        }
        Ok(self)
    }

    /// Whether all its checks held.
    #[must_use]
    pub fn reconciles(&self) -> bool {
        self.differences.is_empty()
    }

    /// The title with the mark of a draft or the issue number.
    #[must_use]
    pub fn full_title(&self) -> String {
        match &self.issue_number {
            Some(number) => format!("{}（{number}）", self.title),
            None => format!("{DRAFT}{}", self.title),
        }
    }
}

/// A key names no section of the document. Holds the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the blocks must be some of {0}")]
pub struct UnknownSection(pub String);

/// A part of a document that can be asked for alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What it is asked for by, such as `units`.
    pub key: String,
    /// Its content, in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section.
    #[must_use]
    pub fn new(key: &str, blocks: Vec<Block>) -> Self {
        Self {
            key: key.to_owned(),
            blocks,
        }
    }

    /// A section under a heading.
    #[must_use]
    pub fn headed(key: &str, heading: &str, mut blocks: Vec<Block>) -> Self {
        blocks.insert(0, Block::Heading(heading.to_owned()));
        Self::new(key, blocks)
    }
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(String),
    /// Running text.
    Paragraph(String),
    /// Named single figures.
    Figures(Vec<Figure>),
    /// A table.
    Table(Table),
}

/// A named figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// What it counts.
    pub label: String,
    /// How much.
    pub value: Cell,
}

impl Figure {
    /// A figure.
    #[must_use]
    pub fn new(label: &str, value: Cell) -> Self {
        Self {
            label: label.to_owned(),
            value,
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Text, left-aligned.
    Text,
    /// Whole numbers, right-aligned.
    Count,
    /// Rates and changes, right-aligned.
    Rate,
    /// Days and times of the city.
    Date,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name: a sheet, a heading.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that were left out of a very long block by the query's limit.
    pub left_out: i64,
    /// Cohorts and formulae, under the table; empty if none.
    pub note: String,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(title: &str, columns: &[(&str, ColumnKind)]) -> Self {
        let columns = columns.iter().map(|(title, kind)| Column {
            title: (*title).to_owned(),
            kind: *kind,
        });
        Self {
            title: title.to_owned(),
            columns: columns.collect(),
            rows: Vec::new(),
            left_out: 0,
            note: String::new(),
        }
    }

    /// The table with a note.
    #[must_use]
    pub fn noted(mut self, note: &str) -> Self {
        note.clone_into(&mut self.note);
        self
    }
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Text; may come from a citizen.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A rate with numerator and denominator.
    Rate(Rate),
    /// A change against a base.
    Change(Change),
    /// A score in hundredths of a point; `None` where nothing could be scored.
    Score(Option<i64>),
    /// Wall-clock time of the city, to the second; `None` where there is none.
    Time(Option<chrono::NaiveDateTime>),
    /// Wall-clock deadline of the city; one at 00:00 is shown as the 24:00 it means.
    Deadline(Option<chrono::NaiveDateTime>),
}

impl Cell {
    /// A text cell.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What a reader sees.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Rate(rate) => rate.text(),
            Self::Change(change) => change.text(),
            Self::Score(score) => score.map_or_else(
                || DASH.to_owned(),
                |s| format!("{}.{:02}", s / 100, s % 100),
            ),
            Self::Time(time) => time.map_or_else(String::new, |time| {
                time.format("%Y-%m-%d %H:%M").to_string()
            }),
            Self::Deadline(due) => due.map_or_else(String::new, deadline),
        }
    }
}

/// Day n of a deadline ends at 24:00 of day n; nobody reads `00:00` of the next day so.
fn deadline(due: chrono::NaiveDateTime) -> String {
    match due.date().pred_opt() {
        Some(day) if due.time() == chrono::NaiveTime::MIN => format!("{day} 24:00"),
        _ => due.format("%Y-%m-%d %H:%M").to_string(),
    }
}

/// A check of every rate and change that the blocks print.
fn printed<'a>(blocks: impl Iterator<Item = &'a Block>) -> Vec<Check> {
    let mut checks = Vec::new();
    for block in blocks {
        match block {
            Block::Figures(figures) => {
                let check = |figure: &Figure| figure.value.printed(&figure.label);
                checks.extend(figures.iter().filter_map(check));
            }
            Block::Table(table) => {
                for row in &table.rows {
                    let cells = table.columns.iter().zip(row);
                    let what = |column: &Column| format!("{}:{}", table.title, column.title);
                    checks.extend(cells.filter_map(|(column, cell)| cell.printed(&what(column))));
                }
            }
            Block::Heading(_) | Block::Paragraph(_) => {}
        }
    }
    checks
}

impl Cell {
    /// What must hold of a rate or change, as it is printed.
    fn printed(&self, what: &str) -> Option<Check> {
        let what = what.to_owned();
        match self {
            Self::Rate(rate) => Some(Check::Share {
                what,
                numerator: rate.numerator,
                denominator: rate.denominator,
                printed: Printed::read(&rate.percent())?,
            }),
            Self::Change(change) => Some(Check::Change {
                what,
                figures: Some((change.base, change.now)),
                printed: Printed::read(&change.percent())?,
            }),
            Self::Text(_) | Self::Count(_) | Self::Score(_) | Self::Time(_) | Self::Deadline(_) => {
                None
            }
        }
    }
}

/// What lists say of a document with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedHead {
    /// Its id.
    pub id: Uuid,
    /// What days it is about.
    pub period: Period,
    /// 1 for the first issued for its period.
    pub edition: i64,
    /// Its number within series and year.
    pub number: i32,
    /// What it is called.
    pub title: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Principal that issued it.
    pub issued_by: String,
    /// Events up to here are in it.
    pub data_cut: Option<Timestamp>,
}

/// A document with its number and its frozen content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What lists say of it.
    pub head: IssuedHead,
    /// The frozen content.
    pub content: Document,
}

/// Where a page of documents ends: issued at (microseconds) and id.
pub type IssuedPlace = (i64, Uuid);

/// Which issued documents a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuedOf {
    /// Every series.
    All,
    /// One series.
    Series(Series),
    /// The editions of one period.
    Period(Period),
}
