//! Documents as bytes: terminal, Markdown, CSV, XLSX. Pure: the same document gives the same bytes.
//! [`away`] does it where nobody waits for the thread.

mod csv;
mod flat;
mod markdown;
mod safe;
mod terminal;
mod wrap;
mod xlsx;

use crate::domain::document::{Cell, Document};

/// How a document is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned text for a terminal; long blocks are capped.
    Terminal,
    /// Markdown; complete.
    Markdown,
    /// CSV with a byte-order mark; complete.
    Csv,
    /// A workbook; complete.
    Xlsx,
}

impl Format {
    /// The end of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Terminal => "txt",
            Self::Markdown => "md",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// A document that a library could not write.
#[derive(Debug, thiserror::Error)]
#[error("the document could not be rendered")]
pub struct RenderError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Renders away from the threads that serve: a workbook of a busy day takes a while.
///
/// # Errors
///
/// [`RenderError`] if the rendering fails or panics.
pub async fn away<T: Send + 'static>(
    rendering: impl FnOnce() -> Result<T, RenderError> + Send + 'static,
) -> Result<T, RenderError> {
    let rendered = tokio::task::spawn_blocking(rendering).await;
    rendered.unwrap_or_else(|panicked| Err(RenderError(Box::new(panicked))))
}

/// The document in a format.
///
/// # Errors
///
/// [`RenderError`] if the workbook or CSV library fails.
pub fn render(document: &Document, format: Format) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Terminal => Ok(terminal::render(document, terminal::COLUMNS).into_bytes()),
        Format::Markdown => Ok(markdown::render(document).into_bytes()),
        Format::Csv => csv::render(document).map_err(|error| RenderError(Box::new(error))),
        Format::Xlsx => xlsx::render(document).map_err(|error| RenderError(Box::new(error))),
    }
}

/// The beginning of a CSV file of records.
///
/// # Errors
///
/// [`RenderError`] if the CSV library fails.
pub fn header(columns: &[&str]) -> Result<Vec<u8>, RenderError> {
    csv::header(columns).map_err(|error| RenderError(Box::new(error)))
}

/// Records of such a file.
///
/// # Errors
///
/// [`RenderError`] if the CSV library fails.
pub fn records(rows: impl Iterator<Item = Vec<Cell>>) -> Result<Vec<u8>, RenderError> {
    csv::records(rows).map_err(|error| RenderError(Box::new(error)))
}
