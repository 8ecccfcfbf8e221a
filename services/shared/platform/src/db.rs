//! SQLite and PostgreSQL behind one handle, with one meaning.

use std::ops::Deref;

use sea_orm::{DatabaseConnection, DatabaseTransaction};

/// Any error, for logs.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service's database: a pool to read from and a way to write. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    // On SQLite a pool of its own with one connection writes; on PostgreSQL both are the same pool.
    read: DatabaseConnection,
    write: DatabaseConnection,
}

/// A transaction that writes. Dropping it rolls back. Derefs to sea-orm's, for `store` code only.
pub struct Txn(DatabaseTransaction);

impl Deref for Txn {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.0
    }
}

impl Db {
    /// For reads outside a transaction.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }
}

impl From<sea_orm::DbErr> for crate::core::CoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        // classifies connection loss as Unavailable, everything else as Storage
        Self::Storage(Box::new(error))
    }
}
