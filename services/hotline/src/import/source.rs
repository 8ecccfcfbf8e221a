//! A file as a header and a lazy run of rows, whatever its format.

use std::path::PathBuf;

/// A row as it stood in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// The line or sheet row where a person finds it, from 1.
    pub line: u64,
    /// Its cells as text, in the order of the header; may be fewer or more.
    pub cells: Vec<String>,
    /// Why the row itself could not be read; empty if it could. Such a row is refused, not the file.
    pub unreadable: String,
}

impl SourceRow {
    /// A row that was read.
    #[must_use]
    pub fn read(line: u64, cells: Vec<String>) -> Self {
        Self {
            line,
            cells,
            unreadable: String::new(),
        }
    }

    /// Whether nothing stands in it (a phantom row: formatted, never filled).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unreadable.is_empty() && self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// What every reader of a file gives: a header, and rows one at a time in flat memory.
pub trait RowSource: Send {
    /// The names of the columns, in order. May hold empty and repeated names.
    fn header(&self) -> &[String];

    /// The next row that is not empty; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if nothing more can be read from the file.
    fn next_row(&mut self) -> Result<Option<SourceRow>, ReadError>;

    /// How much was read so far, in parts of 1; `None` if that cannot be known.
    fn done(&self) -> Option<f64> {
        None
    }
}

/// Why a file, or the rest of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system said no.
    #[error("cannot read {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Reading or inflating failed on the way.
    #[error("reading failed after line {line}: {source}")]
    Broken {
        /// The last line that was read whole.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing but blanks.
    #[error("the file holds no header row")]
    NoHeader,
    /// Neither a workbook nor text.
    #[error("expected CSV, JSON lines, XLSX or XLS; found {0}")]
    UnknownFormat(&'static str),
    /// One record is longer than [`super::text::RECORD_MAX`].
    #[error(
        "the record that begins at line {line} is longer than 1 MiB; is a quotation mark left open?"
    )]
    RecordTooLong {
        /// Where it begins.
        line: u64,
    },
    /// A quotation mark that opens a cell has no other that closes it: what follows would be one cell.
    #[error(
        "the quotation mark that opens a cell in line {line} is never closed; what follows it was not read"
    )]
    QuoteLeftOpen {
        /// Where the mark stands.
        line: u64,
    },
    /// The sandboxed parser looked at the workbook and refused it.
    #[error("the workbook cannot be imported: {0}")]
    Workbook(String),
    /// The sandboxed parser died: too much memory, too much time, or a file made to break it.
    #[error("the workbook cannot be imported: its parser {0}")]
    ParserDied(String),
    /// The sandboxed parser could not be started.
    #[error("the parser cannot be started: {0}")]
    ParserStart(#[source] std::io::Error),
}
