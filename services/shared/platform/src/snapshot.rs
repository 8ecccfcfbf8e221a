//! Reading many tables as of one moment.

use sea_orm::{
    DatabaseTransaction, DbBackend, IsolationLevel, TransactionOptions, TransactionTrait,
};

use crate::access::Scope;
use crate::core::CoreError;
use crate::db::Db;
use crate::row_fence;

/// A transaction that only reads, and sees nothing that is written after its first read.
#[derive(Debug)]
pub struct Snapshot(DatabaseTransaction);

impl Snapshot {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// A database that cannot be read.
    pub async fn open(db: &Db) -> Result<Self, CoreError> {
        let connection = db.read();
        // SQLite reads a snapshot in any transaction and only warns when told so; PostgreSQL must be told.
        let is_postgres = connection.get_database_backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
            ..TransactionOptions::default()
        };
        Ok(Self(connection.begin_with_options(options).await?))
    }

    /// Opens one for a call with `scope`: behind the second fence if that is narrow.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::open`]; a database without a fence although the scope is narrow.
    pub async fn within(db: &Db, scope: &Scope) -> Result<Self, CoreError> {
        let snapshot = Self::open(db).await?;
        row_fence::enter(&snapshot.0, scope).await?;
        Ok(snapshot)
    }

    /// To read with.
    #[must_use]
    pub fn reader(&self) -> &DatabaseTransaction {
        &self.0
    }

    /// Lets it go.
    ///
    /// # Errors
    ///
    /// A database that does not answer any more.
    pub async fn close(self) -> Result<(), CoreError> {
        Ok(self.0.rollback().await?)
    }
}
