//! Tables for spreadsheets: a rate becomes a typed value beside its numerator and denominator.

use chrono::NaiveDateTime;

use super::safe::harmless;
use crate::domain::document::{Cell, ColumnKind, Table};
use crate::domain::rate::{Change, DASH};

/// A typed cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Flat {
    /// Text that starts no formula.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A fraction shown as a per cent.
    Percent(f64),
    /// A number with two decimals.
    Score(f64),
    /// A wall-clock time.
    Time(NaiveDateTime),
}

impl Flat {
    /// A text cell that starts no formula.
    pub fn text(text: &str) -> Self {
        Self::Text(harmless(text).into_owned())
    }
}

/// A table with one typed cell per column.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatTable {
    /// Titles of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Flat>>,
}

/// Spreads rates over columns of their own.
#[must_use]
pub fn flatten(table: &Table) -> FlatTable {
    let first = table.rows.first();
    let mut columns = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        columns.push(column.title.clone());
        let cell = first.and_then(|row| row.get(index));
        match (column.kind, cell) {
            (ColumnKind::Rate, Some(Cell::Rate(_))) => {
                columns.extend([
                    format!("{}分子", column.title),
                    format!("{}分母", column.title),
                ]);
            }
            (ColumnKind::Rate, Some(Cell::Change(_))) => {
                columns.push(format!("{}基期", column.title));
            }
            _ => {}
        }
    }
    let rows = table
        .rows
        .iter()
        .map(|row| row.iter().flat_map(spread).collect())
        .collect();
    FlatTable { columns, rows }
}

/// The typed cells of one cell.
#[must_use]
pub fn spread(cell: &Cell) -> Vec<Flat> {
    let percent =
        |fraction: Option<f64>| fraction.map_or_else(|| Flat::Text(DASH.to_owned()), Flat::Percent);
    match cell {
        Cell::Text(text) => vec![Flat::text(text)],
        Cell::Count(count) => vec![Flat::Count(*count)],
        Cell::Rate(rate) => {
            vec![
                percent(rate.fraction()),
                Flat::Count(rate.numerator),
                Flat::Count(rate.denominator),
            ]
        }
        Cell::Change(change @ Change { base, .. }) => {
            vec![percent(change.fraction()), Flat::Count(*base)]
        }
        Cell::Score(score) => {
            let score = score
                .and_then(|score| i32::try_from(score).ok())
                .map(|score| f64::from(score) / 100.0);
            vec![score.map_or_else(|| Flat::Text(DASH.to_owned()), Flat::Score)]
        }
        Cell::Time(time) => vec![time.map_or_else(|| Flat::Text(String::new()), Flat::Time)],
        Cell::Deadline(due) => vec![due.map_or_else(|| Flat::Text(String::new()), last_second)],
    }
}

/// A typed deadline: offices' programs know no 24:00, so it is the last second before.
fn last_second(due: NaiveDateTime) -> Flat {
    let is_midnight = due.time() == chrono::NaiveTime::MIN;
    Flat::Time(due - chrono::Duration::seconds(i64::from(is_midnight)))
}
