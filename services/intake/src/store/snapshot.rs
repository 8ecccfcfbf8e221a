//! Reading many tables as of one moment.

use hotline_platform::core::CoreError;
use hotline_platform::db::Db;
use sea_orm::{
    DatabaseTransaction, DbBackend, IsolationLevel, TransactionOptions, TransactionTrait,
};

/// A transaction that only reads, and sees nothing that is written after its first read.
#[derive(Debug)]
pub struct Snapshot(DatabaseTransaction);

impl Snapshot {
    /// Opens one.
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
    pub fn reader(&self) -> &DatabaseTransaction {
        &self.0
    }

    /// Lets it go.
    pub async fn close(self) -> Result<(), CoreError> {
        Ok(self.0.rollback().await?)
    }
}
