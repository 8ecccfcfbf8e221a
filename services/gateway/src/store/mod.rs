//! The tables of accounts, sessions and keys. Everything sea-orm stays in here; rows become domain types on the way out.

pub(crate) mod accounts;
pub(crate) mod credentials;
mod entity;
pub(crate) mod failures;
pub(crate) mod keys;
pub(crate) mod migration;
pub(crate) mod requests;
pub(crate) mod sessions;
pub(crate) mod set_up_links;
pub(crate) mod spent_trips;

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

/// Words out of a column.
fn words(column: &str) -> Vec<String> {
    column.split_whitespace().map(str::to_owned).collect()
}

/// A write that must hit one row.
fn hit(rows_affected: u64) -> Result<(), CoreError> {
    if rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 });
    }
    Ok(())
}
