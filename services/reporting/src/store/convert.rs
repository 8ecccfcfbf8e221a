//! Columns to domain types. A column that cannot be read is a storage failure, never a panic.

use chrono::NaiveDate;
use hotline_kernel::time::{Timestamp, from_micros};
use hotline_platform::core::CoreError;

/// A column does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("column {0} cannot be read")]
struct BadColumn(&'static str);

/// A failure to read a column.
pub fn bad(column: &'static str) -> CoreError {
    CoreError::Storage(Box::new(BadColumn(column)))
}

/// An instant.
pub fn instant(column: &'static str, micros: i64) -> Result<Timestamp, CoreError> {
    from_micros(micros).ok_or_else(|| bad(column))
}

/// An instant that may be absent.
pub fn maybe_instant(
    column: &'static str,
    micros: Option<i64>,
) -> Result<Option<Timestamp>, CoreError> {
    micros.map(|micros| instant(column, micros)).transpose()
}

/// A day.
pub fn day(column: &'static str, text: &str) -> Result<NaiveDate, CoreError> {
    text.parse().map_err(|_| bad(column))
}

/// A count that is never negative.
pub fn count(column: &'static str, value: i32) -> Result<u32, CoreError> {
    u32::try_from(value).map_err(|_| bad(column))
}

/// A count for a column.
pub fn stored(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
