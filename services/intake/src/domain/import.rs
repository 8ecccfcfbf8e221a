//! One run of an import file: which file it is, how far it is, and its sums.

use hotline_kernel::id::ImportBatchId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::terms::Nature;

/// Most rows handed in at once.
pub const CHUNK_MAX: usize = 500;

/// Which import a file is: the same file, nature and mapping on the same channel is the same import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportKey {
    /// The channel it goes to.
    pub channel_code: String,
    /// SHA-256 of the file, hex.
    pub file_sha256: String,
    /// What its rows are to the clocks.
    pub nature: Nature,
    /// SHA-256 of the mapping and the header, hex.
    pub mapping_sha256: String,
}

/// One run of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportBatch {
    /// Its id.
    pub id: ImportBatchId,
    /// Which import it is a run of.
    pub key: ImportKey,
    /// The how-manyth run, from 1: a finished import handed in again is another run.
    pub run: i32,
    /// Base name of the file, for people.
    pub file_name: String,
    /// The mapping file, empty if headers carry our names.
    pub mapping_toml: String,
    /// The file's header row.
    pub header: Vec<String>,
    /// The row to go on from; from 1.
    pub next_row: i64,
    /// What became of the rows before it.
    pub sums: ImportSums,
    /// When it was closed; `None` while it can go on.
    pub finished_at: Option<Timestamp>,
}

/// What became of the rows of an import: rows read = present + refused + registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSums {
    /// Known from before, with the same content.
    pub present: i64,
    /// Not as expected; each is kept with its reason.
    pub refused: i64,
    /// New appeals.
    pub registered: i64,
    /// Among the registered: set aside, because their id came with other content before.
    pub quarantined: i64,
    /// Among the registered: attached by themselves to an open ticket.
    pub attached: i64,
}

impl ImportSums {
    /// Every row that was looked at.
    #[must_use]
    pub fn rows_read(self) -> i64 {
        self.present + self.refused + self.registered
    }

    /// Counts what another run counted.
    pub fn add(&mut self, other: Self) {
        self.present += other.present;
        self.refused += other.refused;
        self.registered += other.registered;
        self.quarantined += other.quarantined;
        self.attached += other.attached;
    }

    /// Counts so many `rows` more.
    pub fn count(&mut self, outcome: RowOutcome, rows: i64) {
        match outcome {
            RowOutcome::Present => self.present += rows,
            RowOutcome::Refused => self.refused += rows,
            RowOutcome::Registered => self.registered += rows,
            RowOutcome::Attached => {
                self.registered += rows;
                self.attached += rows;
            }
            RowOutcome::Quarantined => {
                self.registered += rows;
                self.quarantined += rows;
            }
        }
    }
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// It was there before.
    Present,
    /// It is not as expected.
    Refused,
    /// It is a new appeal.
    Registered,
    /// It is a new appeal, on an open ticket of the same citizen and text.
    Attached,
    /// It is a new appeal that is set aside: its id came with other content before.
    Quarantined,
}

impl super::terms::Term for RowOutcome {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Present, "present"),
        (Self::Refused, "refused"),
        (Self::Registered, "registered"),
        (Self::Attached, "attached"),
        (Self::Quarantined, "quarantined"),
    ];
}

/// One row as it stood in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// From 1, dense.
    pub row_no: i64,
    /// The line or sheet row where a person finds it.
    pub source_line: i64,
    /// Its cells.
    pub cells: Vec<String>,
    /// What the reader expected of a row that it could not read; empty for a row that it could.
    pub unreadable: String,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// The run.
    pub batch_id: ImportBatchId,
    /// The row to go on from.
    pub next_row: i64,
    /// What became of the rows before it.
    pub sums: ImportSums,
}

impl ImportBatch {
    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> ImportProgress {
        ImportProgress {
            batch_id: self.id,
            next_row: self.next_row,
            sums: self.sums,
        }
    }
}

/// A row that was not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row as it stood in the file; without cells if it is of an exempt line.
    pub row: RawRow,
    /// Why.
    pub refusal: super::mapping::Refusal,
    /// Pseudonym of its citizen, by which it is forgotten with him; empty if the row does not tell who he is.
    pub citizen: String,
}

impl RefusedRow {
    /// Where it stands and what was expected, without anything that stood there: what was said to an
    /// exempt line is not stored.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        self.row.cells.clear();
        self.refusal.found.clear();
        self.citizen.clear();
        self
    }

    /// What stood there: what was found, then its cells.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let cells = self.row.cells.iter().map(String::as_str);
        std::iter::once(self.refusal.found.as_str())
            .chain(cells)
            .collect()
    }

    /// Whether anything that stood there is kept.
    #[must_use]
    pub fn has_words(&self) -> bool {
        self.words().iter().any(|word| !word.is_empty())
    }
}
