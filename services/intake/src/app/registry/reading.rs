//! Reads a registry CSV and collects what is wrong with it, row by row.

use std::collections::{HashMap, HashSet};

use hotline_kernel::text::shorten;

use crate::domain::registration::NAME_MAX_CHARS;
use crate::error::{IntakeError, WrongRow};

/// Most rows of a registry table.
const ROWS_MAX: usize = 10_000;
/// Most wrong rows that are told.
const WRONG_MAX: usize = 50;

/// Other headers that a column may have, as published tables have them.
const SYNONYMS: [(&str, &str); 5] = [
    ("name_zh", "name"),
    ("owner_department_code", "owner_unit_code"),
    ("department_zh", "unit_name"),
    ("is_exempt", "exempt"),
    ("is_answered_publicly", "public_answer"),
];

/// A CSV file with a header row.
pub struct Table {
    name: &'static str,
    columns: HashMap<String, usize>,
    records: Vec<csv::StringRecord>,
    seen: HashSet<String>,
    wrong: Vec<WrongRow>,
}

impl Table {
    /// Reads `csv`; every column of `needed` must be there.
    pub fn read(name: &'static str, csv: &[u8], needed: &[&str]) -> Result<Self, IntakeError> {
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(csv);
        let mut table = Self {
            name,
            columns: HashMap::new(),
            records: Vec::new(),
            seen: HashSet::new(),
            wrong: Vec::new(),
        };
        let header = reader.headers().cloned().unwrap_or_default();
        for (index, column) in header.iter().enumerate() {
            let ours = SYNONYMS
                .iter()
                .find(|(other, _)| *other == column)
                .map_or(column, |(_, ours)| *ours);
            table.columns.entry(ours.to_owned()).or_insert(index);
        }
        for column in needed {
            if !table.columns.contains_key(*column) {
                let expected = format!("a header row in UTF-8 with the column `{column}`");
                table.tell(
                    0,
                    column,
                    &expected,
                    &header.iter().collect::<Vec<_>>().join(","),
                );
            }
        }
        table.end_if_wrong()?;
        for (row, record) in (1..).zip(reader.records()) {
            match record {
                _ if row > ROWS_MAX => {
                    table.tell(row, "", &format!("at most {ROWS_MAX} rows"), "one more");
                    break;
                }
                Ok(record) if record.len() == header.len() => table.records.push(record),
                Ok(record) => {
                    let found = format!("{} columns", record.len());
                    table.tell(
                        row,
                        "",
                        &format!("{} columns, as the header has", header.len()),
                        &found,
                    );
                    table.records.push(csv::StringRecord::new());
                }
                Err(_) => {
                    table.tell(row, "", "a row in UTF-8", "bytes that are not UTF-8");
                    table.records.push(csv::StringRecord::new());
                }
            }
        }
        Ok(table)
    }

    /// The rows that have as many columns as the header, from 1.
    pub fn rows(&self) -> Vec<usize> {
        (1..)
            .zip(&self.records)
            .filter(|(_, record)| !record.is_empty())
            .map(|(row, _)| row)
            .collect()
    }

    /// A cell; empty if the table has no such column.
    pub fn text(&mut self, row: usize, column: &str) -> String {
        let cell = self.cell(row, column).to_owned();
        if cell.chars().count() > NAME_MAX_CHARS || cell.chars().any(char::is_control) {
            self.wrong(
                row,
                column,
                &format!("one line of at most {NAME_MAX_CHARS} characters"),
            );
        }
        cell
    }

    /// A cell that must not be empty.
    pub fn filled(&mut self, row: usize, column: &str) -> String {
        let cell = self.text(row, column);
        if cell.is_empty() {
            self.wrong(row, column, "not empty");
        }
        cell
    }

    /// A cell that must not be empty and stands in one row only.
    pub fn unique(&mut self, row: usize, column: &str) -> String {
        let cell = self.filled(row, column);
        if !cell.is_empty() && !self.seen.insert(cell.clone()) {
            self.wrong(row, column, "a value that no other row has");
        }
        cell
    }

    /// A cell that says yes or no; empty says no.
    pub fn yes_no(&mut self, row: usize, column: &str) -> bool {
        match self.text(row, column).as_str() {
            "yes" | "true" | "是" | "1" => true,
            "no" | "false" | "否" | "0" | "" => false,
            _ => {
                self.wrong(row, column, "yes or no");
                false
            }
        }
    }

    /// Tells that a cell is not as expected.
    pub fn wrong(&mut self, row: usize, column: &str, expected: &str) {
        let found = shorten(self.cell(row, column), NAME_MAX_CHARS);
        self.tell(row, column, expected, &found);
    }

    /// Refuses the whole table if anything is wrong with it.
    pub fn end(mut self) -> Result<(), IntakeError> {
        self.wrong.sort_by_key(|wrong| wrong.row);
        self.end_if_wrong()
    }

    fn end_if_wrong(&mut self) -> Result<(), IntakeError> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut self.wrong);
        rows.truncate(WRONG_MAX);
        Err(IntakeError::RegistryRows {
            table: self.name.to_owned(),
            rows,
        })
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        let record = row.checked_sub(1).and_then(|index| self.records.get(index));
        self.columns
            .get(column)
            .and_then(|index| record?.get(*index))
            .unwrap_or_default()
    }

    fn tell(&mut self, row: usize, column: &str, expected: &str, found: &str) {
        self.wrong.push(WrongRow {
            row,
            column: column.to_owned(),
            expected: expected.to_owned(),
            found: shorten(found, NAME_MAX_CHARS),
        });
    }
}
