//! Why the vault did not do what was asked.

use std::path::PathBuf;

use sea_orm::DbErr;
use uuid::Uuid;

use crate::core::CoreError;

/// Why the vault did not do what was asked. None of it says what was sealed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A value that does not open: changed, moved from its place, or sealed with another key.
    #[error(
        "a sealed value does not open: it was changed, moved, or sealed with another key than it says"
    )]
    Unreadable,
    /// More than a cipher takes at once.
    #[error("a value is too long to be sealed")]
    TooLong,
    /// A wrapping key is not where it should be.
    #[error(
        "the key {id}, which wraps data keys of this database, is not in {place}; expected the keys that were made with it (bring them back from their backup)"
    )]
    KeyMissing {
        /// Its id.
        id: Uuid,
        /// Where it was looked for.
        place: String,
    },
    /// Keys that cannot be read.
    #[error("{place}: expected {expected}")]
    Keys {
        /// Where they are.
        place: String,
        /// What was expected there.
        expected: String,
    },
    /// A file of the vault that cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A statement of the vault failed.
    #[error(transparent)]
    Statement(DbErr),
    /// The plumbing's own errors.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<DbErr> for VaultError {
    fn from(error: DbErr) -> Self {
        Self::Statement(error)
    }
}
