//! Registry tables as CSV files: read whole, or refused whole with every wrong cell named.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use hotline_kernel::text::normalise;

/// The largest table.
pub const ROWS_MAX: usize = 20_000;
/// At most this many problems are named; the rest of a broken file says no more.
pub const PROBLEMS_MAX: usize = 8;
/// At most so many characters of a wrong cell are repeated.
const FOUND_CHARS: usize = 40;

/// A cell, or a row, that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file; the header is line 1.
    pub row: u64,
    /// The column's header.
    pub column: String,
    /// What should stand there.
    pub expected: String,
    /// What stands there, cut.
    pub found: String,
}

impl Problem {
    /// A problem in `column` of `row`.
    #[must_use]
    pub fn new(row: u64, column: &str, expected: impl Into<String>, found: &str) -> Self {
        let found = found.chars().take(FOUND_CHARS).collect();
        Self {
            row,
            column: column.to_owned(),
            expected: expected.into(),
            found,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row,
            column,
            expected,
            found,
        } = self;
        write!(
            formatter,
            "row {row}, column {column}: expected {expected}, found `{found}`"
        )
    }
}

/// A file with a header row, read into cells.
#[derive(Debug)]
pub struct Sheet {
    headers: Vec<String>,
    records: Vec<(u64, csv::StringRecord)>,
}

/// One row of a sheet, and the problems met while reading it.
pub struct Cells<'a> {
    row: u64,
    headers: &'a [String],
    record: &'a csv::StringRecord,
    problems: &'a mut Vec<Problem>,
}

impl Sheet {
    /// Reads `bytes` (UTF-8, a byte order mark is skipped) whose header must have `required` columns.
    ///
    /// # Errors
    ///
    /// The file's problems, if it is not such a table.
    pub fn read(bytes: &[u8], required: &[&str]) -> Result<Self, Vec<Problem>> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            vec![Problem::new(
                1,
                "file",
                "UTF-8 text",
                &format!("byte {}", error.valid_up_to()),
            )]
        })?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let headers: Vec<String> = match reader.headers() {
            Ok(headers) => headers.iter().map(str::to_owned).collect(),
            Err(error) => {
                return Err(vec![Problem::new(
                    1,
                    "header",
                    "a header row",
                    &error.to_string(),
                )]);
            }
        };
        let missing: Vec<Problem> = required
            .iter()
            .filter(|column| !headers.iter().any(|header| header == *column))
            .map(|column| Problem::new(1, column, "this column", &headers.join(",")))
            .collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let mut records = Vec::new();
        for record in reader.records() {
            let line = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
            match record {
                Ok(record) => records.push((line(record.position()), record)),
                Err(error) => {
                    let expected = format!("{} cells", headers.len());
                    return Err(vec![Problem::new(
                        line(error.position()),
                        "row",
                        expected,
                        &error.to_string(),
                    )]);
                }
            }
            if records.len() > ROWS_MAX {
                return Err(vec![Problem::new(
                    1,
                    "file",
                    format!("at most {ROWS_MAX} rows"),
                    "more",
                )]);
            }
        }
        Ok(Self { headers, records })
    }

    /// Turns every row into a `T`; all of them, or the problems.
    ///
    /// # Errors
    ///
    /// The first [`PROBLEMS_MAX`] problems, if any row has one or two rows have one key.
    pub fn rows<T>(
        &self,
        key_column: &str,
        mut read: impl FnMut(&mut Cells<'_>) -> (String, T),
    ) -> Result<Vec<T>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut rows = Vec::with_capacity(self.records.len());
        let mut keys = BTreeSet::new();
        for (row, record) in &self.records {
            let known = problems.len();
            let mut cells = Cells {
                row: *row,
                headers: &self.headers,
                record,
                problems: &mut problems,
            };
            let (key, value) = read(&mut cells);
            if problems.len() > known {
                continue;
            }
            if keys.insert(key.clone()) {
                rows.push(value);
            } else {
                problems.push(Problem::new(
                    *row,
                    key_column,
                    "a value that no row above has",
                    &key,
                ));
            }
        }
        problems.truncate(PROBLEMS_MAX);
        if problems.is_empty() {
            Ok(rows)
        } else {
            Err(problems)
        }
    }
}

impl Cells<'_> {
    /// The cell of `column` in its one normal form; empty if the column is absent.
    #[must_use]
    pub fn text(&self, column: &str) -> String {
        let place = self.headers.iter().position(|header| header == column);
        normalise(
            place
                .and_then(|place| self.record.get(place))
                .unwrap_or_default(),
        )
    }

    /// The cell of `column`, which must not be empty.
    pub fn required(&mut self, column: &str) -> String {
        let cell = self.text(column);
        if cell.is_empty() {
            self.problem(column, "a value", &cell);
        }
        cell
    }

    /// The `|`-separated words of `column`.
    #[must_use]
    pub fn list(&self, column: &str) -> Vec<String> {
        let cell = self.text(column);
        cell.split('|')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The cell of `column` as a `T`, `None` if it is empty.
    pub fn parsed<T: FromStr>(&mut self, column: &str, expected: &str) -> Option<T> {
        let cell = self.text(column);
        if cell.is_empty() {
            return None;
        }
        let parsed = cell.parse().ok();
        if parsed.is_none() {
            self.problem(column, expected, &cell);
        }
        parsed
    }

    /// The day of `column`, `None` if it is empty.
    pub fn day(&mut self, column: &str) -> Option<NaiveDate> {
        self.parsed(column, "a day as 2026-03-31")
    }

    /// Notes that a cell is not as expected.
    pub fn problem(&mut self, column: &str, expected: &str, found: &str) {
        self.problems
            .push(Problem::new(self.row, column, expected, found));
    }
}
