//! Everything intake keeps. Entities are private here; what goes in and out is domain types.
//!
//! Originals of texts and contacts are written here sealed ([`sealed`]).

pub mod appeals;
pub mod conservation;
pub mod contacts;
mod entity;
pub mod erasure;
pub mod guesses;
pub mod import;
pub mod matters;
pub mod migration;
pub mod registry;
pub mod reveals;
pub mod sealed;
pub mod sealing;
pub mod tally;
pub mod texts;
pub mod tickets;
pub mod units;

use hotline_kernel::time::{Timestamp, from_micros};
use hotline_platform::core::CoreError;
use hotline_platform::vault::VaultError;
use sea_orm::{DbErr, SqlErr};

use crate::domain::terms::Term;

/// Most values in one IN list.
const IN_LIST_MAX: usize = 500;

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else took a unique key at the same moment; a repetition sees it.
    #[error("another registration took the same key at the same moment; repeat it")]
    Collision,
    /// The plumbing's own errors.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Collision,
            _ => Self::Core(error.into()),
        }
    }
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Statement(error) => error.into(),
            other => Self::Core(other.into()),
        }
    }
}

fn term<T: Term>(column: &'static str, word: &str) -> Result<T, StoreError> {
    T::parse(word).ok_or_else(|| broken(column))
}

fn instant(column: &'static str, micros: i64) -> Result<Timestamp, StoreError> {
    from_micros(micros).ok_or_else(|| broken(column))
}

fn optional_instant(
    column: &'static str,
    micros: Option<i64>,
) -> Result<Option<Timestamp>, StoreError> {
    micros.map(|micros| instant(column, micros)).transpose()
}

fn broken(column: &'static str) -> StoreError {
    StoreError::Core(CoreError::Storage(
        format!("column `{column}` holds a value this version does not know").into(),
    ))
}
