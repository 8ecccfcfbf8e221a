//! Reading many tables as of one moment.

use sea_orm::{
    DatabaseTransaction, DbBackend, IsolationLevel, TransactionOptions, TransactionTrait,
};

use crate::core::CoreError;
use crate::db::Db;

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
