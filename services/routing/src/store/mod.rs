//! Routing's tables. Everything sea-orm stays in here; rows become domain types on the way out.

mod entity;
pub(crate) mod heard;
pub(crate) mod lists;
pub(crate) mod migration;
pub(crate) mod proposals;
pub(crate) mod registry;
mod rows;
mod scope;
pub(crate) mod steps;
pub(crate) mod tickets;

use hotline_kernel::time::{Timestamp, from_micros};
use hotline_platform::core::CoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::word::Word;

/// A row that says what no code of ours wrote.
#[derive(Debug, thiserror::Error)]
#[error("the column {column} holds what is not expected there")]
struct Unexpected {
    column: &'static str,
}

fn unexpected(column: &'static str) -> CoreError {
    CoreError::Storage(Box::new(Unexpected { column }))
}

fn instant(column: &'static str, micros: i64) -> Result<Timestamp, CoreError> {
    from_micros(micros).ok_or_else(|| unexpected(column))
}

fn word<W: Word>(column: &'static str, word: &str) -> Result<W, CoreError> {
    W::parse(word).ok_or_else(|| unexpected(column))
}

fn count(column: &'static str, stored: i32) -> Result<u32, CoreError> {
    u32::try_from(stored).map_err(|_| unexpected(column))
}

/// A count into a column; one that large does not occur, and is kept at the column's end.
fn stored(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn json<T: Serialize>(column: &'static str, value: &T) -> Result<String, CoreError> {
    serde_json::to_string(value).map_err(|_| unexpected(column))
}

fn from_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, CoreError> {
    serde_json::from_str(text).map_err(|_| unexpected(column))
}
