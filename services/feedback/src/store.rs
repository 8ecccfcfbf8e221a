//! The ledger's tables. Everything sea-orm stays in here; rows become domain types on the way out.

pub(crate) mod conclusions;
mod entity;
pub(crate) mod follow_ups;
pub(crate) mod matters;
pub(crate) mod migration;
pub(crate) mod outbound;
pub(crate) mod replies;
mod words;

use hotline_kernel::time::{Timestamp, from_micros};
use hotline_platform::core::CoreError;

/// A row that says what no code of ours wrote.
#[derive(Debug, thiserror::Error)]
#[error("the column {column} holds what is not expected there")]
struct Unexpected {
    column: &'static str,
}

/// The error for a row that cannot be read.
fn unexpected(column: &'static str) -> CoreError {
    CoreError::Storage(Box::new(Unexpected { column }))
}

/// An instant out of a column.
fn instant(column: &'static str, micros: i64) -> Result<Timestamp, CoreError> {
    from_micros(micros).ok_or_else(|| unexpected(column))
}

/// A count out of a column.
fn count(column: &'static str, stored: i32) -> Result<u32, CoreError> {
    u32::try_from(stored).map_err(|_| unexpected(column))
}

/// A count into a column; a count that large does not occur, and is kept at the column's end.
fn stored(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
