//! SQLite and PostgreSQL behind one handle, with one meaning.

mod durable;

use std::ops::Deref;
use std::time::Duration;

use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, RuntimeErr, Statement, TransactionOptions, TransactionTrait, Value,
};

use crate::core::CoreError;
use crate::fault::{self, Bug};

/// Any error, for logs.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a statement may run on PostgreSQL.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;
/// How long a statement may wait for a lock on PostgreSQL.
const LOCK_TIMEOUT_MS: u32 = 10_000;
/// How long a transaction may stand idle on PostgreSQL: less than others wait for its locks, so that a
/// process that was stopped in the middle of one costs them time and no error.
const IDLE_TIMEOUT_MS: u32 = 8_000;
/// How long SQLite waits for the write lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that was idle for so long is asked whether its server is still there: after a restart
/// of the server it is not, and whoever got it would fail for nothing.
const PROBE_AFTER: Duration = Duration::from_millis(100);
/// Readers of one SQLite file.
const SQLITE_READERS: u32 = 4;

/// How large the pools are.
#[derive(Clone, Copy, Debug)]
pub struct DbOptions {
    /// Connections to PostgreSQL, half of them to write and half to read, so that neither keeps the other
    /// waiting; at least one of each. SQLite always has one writer.
    pub connections_max: u32,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            connections_max: 16,
        }
    }
}

/// A service's database: a pool to read from and a way to write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

/// A transaction that writes. Dropping it rolls back. Derefs to sea-orm's, for `store` code only.
#[derive(Debug)]
pub struct Txn(DatabaseTransaction);

impl Deref for Txn {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.0
    }
}

impl Txn {
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        fault::point("txn.committing");
        let (is_made, is_answered) = fault::commit();
        if is_made {
            self.0.commit().await?;
        } else {
            self.0.rollback().await?;
        }
        fault::point("txn.committed");
        if is_answered {
            Ok(())
        } else {
            Err(DbErr::Conn(RuntimeErr::Internal(
                "the connection was lost".to_owned(),
            )))
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        self.0.rollback().await
    }
}

impl Db {
    /// Opens a database by its URL, `sqlite://…` (the file is made if it is missing) or `postgres://…`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Unavailable`] if it cannot be reached, [`CoreError::Storage`] if its settings would
    /// risk acknowledged writes.
    pub async fn open(url: &str, options: &DbOptions) -> Result<Self, CoreError> {
        let db = if url.starts_with("sqlite:") {
            Self {
                write: Database::connect(sqlite(url, 1, false)).await?,
                read: Database::connect(sqlite(url, SQLITE_READERS, true)).await?,
            }
        } else {
            let readers = (options.connections_max / 2).max(1);
            let writers = options.connections_max.saturating_sub(readers).max(1);
            Self {
                write: Database::connect(postgres(url, writers, false)).await?,
                read: Database::connect(postgres(url, readers, true)).await?,
            }
        };
        durable::assert_durable(&db.write).await?;
        Ok(db)
    }

    /// One connection to a SQLite file for everything, which survives no loss of power: for simulations,
    /// where who waits for whom must not depend on threads.
    #[cfg(feature = "testing")]
    pub(crate) async fn open_single(path: &std::path::Path) -> Result<Self, CoreError> {
        let mut options = sqlite(&format!("sqlite://{}", path.display()), 1, false);
        options.map_sqlx_sqlite_opts(|found| {
            found
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Memory)
                .locking_mode(sea_orm::sqlx::sqlite::SqliteLockingMode::Exclusive)
                .synchronous(SqliteSynchronous::Off)
        });
        let only = Database::connect(options).await?;
        Ok(Self {
            read: only.clone(),
            write: only,
        })
    }

    /// For reads outside a transaction.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For migrations and other work that is not one transaction.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Opens a transaction that will write.
    ///
    /// SQLite takes its write lock here: a transaction that reads first and writes later fails with
    /// `database is locked` as soon as two of them overlap. PostgreSQL ignores the mode.
    pub async fn begin_write(&self) -> Result<Txn, CoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(if fault::is_seeded(Bug::NotImmediate) {
                sea_orm::SqliteTransactionMode::Deferred
            } else {
                sea_orm::SqliteTransactionMode::Immediate
            }),
            ..Default::default()
        };
        let txn = Txn(self.write.begin_with_options(options).await?);
        fault::point("txn.begun");
        Ok(txn)
    }

    /// Empties SQLite's write-ahead log into the database, so that nothing that was overwritten is left there.
    ///
    /// # Errors
    ///
    /// [`CoreError`] if the database fails.
    pub async fn shrink_log(&self) -> Result<(), CoreError> {
        if self.write.get_database_backend() == DbBackend::Sqlite {
            let text = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.write.execute_unprepared(text).await?;
        }
        Ok(())
    }

    /// Closes the pools; what runs is finished first.
    pub async fn close(&self) {
        for pool in [self.read.clone(), self.write.clone()] {
            if let Err(error) = pool.close().await {
                tracing::warn!(%error, "a database pool did not close");
            }
        }
    }
}

/// A statement with bound values, the same text on both databases (`$1`, `$2`, …).
pub(crate) fn sql<C: ConnectionTrait>(
    connection: &C,
    text: impl Into<String>,
    values: Vec<Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// ` FOR UPDATE SKIP LOCKED` on PostgreSQL; nothing on SQLite, where `begin_write` excludes others.
pub(crate) fn skip_locked<C: ConnectionTrait>(connection: &C) -> &'static str {
    match connection.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE SKIP LOCKED",
        _ => "",
    }
}

/// Options of a pool on one SQLite file.
///
/// When the disk fails a write or is full, SQLite ends the transaction by itself; sqlx 0.9 then fails to
/// roll it back and counts it as open for ever. Every later transaction on that connection would be a
/// savepoint in one that is never committed: acknowledged, and gone at the next start. So a connection
/// that comes back with a transaction is closed. This can go when sqlx asks SQLite where it stands.
fn sqlite(url: &str, connections: u32, is_reader: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
        })
        .map_sqlx_sqlite_opts(move |found: SqliteConnectOptions| {
            let set = found
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous())
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT)
                .pragma("trusted_schema", "OFF")
                .pragma("cell_size_check", "ON")
                // What is overwritten or deleted is not left in the file.
                .pragma("secure_delete", "ON");
            if is_reader {
                set.pragma("query_only", "ON")
            } else {
                set
            }
        });
    options
}

/// A commit is on the disk when it is answered.
fn synchronous() -> SqliteSynchronous {
    if fault::is_seeded(Bug::SynchronousNormal) {
        return SqliteSynchronous::Normal;
    }
    SqliteSynchronous::Full
}

/// What `PRAGMA synchronous` must say at least.
fn synchronous_level() -> i64 {
    match synchronous() {
        SqliteSynchronous::Full => 2,
        _ => 1,
    }
}

/// Options of a pool on PostgreSQL.
///
/// What writes finds its rows by keys. PostgreSQL keeps the plan of a prepared statement until a table is
/// next analysed, so one that was made while a table held a page or two reads it from end to end while it
/// grows a thousandfold in the first minutes of a city. Therefore writers plan such reads last. Readers
/// may well want a whole table; what they must not do is write.
fn postgres(url: &str, connections: u32, is_reader: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.before_acquire(|connection, state| {
                Box::pin(async move {
                    Ok(state.idle_for < PROBE_AFTER || connection.ping().await.is_ok())
                })
            })
        })
        .map_sqlx_postgres_opts(move |found| {
            let found = if is_reader {
                found.options([("default_transaction_read_only", "on")])
            } else {
                // Without an index for it a read from end to end looks so dear that it would be compiled.
                found.options([("enable_seqscan", "off"), ("jit", "off")])
            };
            let found = if fault::is_seeded(Bug::SynchronousNormal) {
                found.options([("synchronous_commit", "off")])
            } else {
                found
            };
            found.options([
                ("statement_timeout", STATEMENT_TIMEOUT_MS.to_string()),
                ("lock_timeout", LOCK_TIMEOUT_MS.to_string()),
                (
                    "idle_in_transaction_session_timeout",
                    IDLE_TIMEOUT_MS.to_string(),
                ),
                ("timezone", "UTC".to_owned()),
            ])
        });
    options
}

impl From<DbErr> for CoreError {
    fn from(error: DbErr) -> Self {
        if is_passing(&error) {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Storage(Box::new(error))
        }
    }
}

/// Whether the same statement may succeed later: the connection, a lock or room was missing.
fn is_passing(error: &DbErr) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    let runtime = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return false,
    };
    let sea_orm::RuntimeErr::SqlxError(cause) = runtime else {
        return matches!(error, DbErr::Conn(_));
    };
    match cause.as_ref() {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => true,
        Sqlx::Database(refused) => refused.code().is_some_and(|code| is_passing_code(&code)),
        _ => false,
    }
}

/// SQLSTATE on PostgreSQL; an extended result code, in decimal, on SQLite.
fn is_passing_code(code: &str) -> bool {
    if code.len() == 5 && !code.starts_with('_') {
        const CLASSES: [&str; 3] = ["08", "53", "57"];
        const CODES: [&str; 4] = ["40001", "40P01", "55P03", "25006"];
        return CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code);
    }
    // SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14 | 15))
}

#[cfg(test)]
mod tests {
    use super::is_passing_code;

    #[test]
    fn a_lost_connection_or_lock_passes_and_a_broken_rule_does_not() {
        let cases = [
            ("08006", true, "connection failure"),
            ("40P01", true, "deadlock"),
            ("40001", true, "serialization"),
            ("55P03", true, "lock not available"),
            ("53300", true, "too many connections"),
            ("57P01", true, "admin shutdown"),
            ("57014", true, "statement timeout"),
            ("23505", false, "unique violation on PostgreSQL"),
            ("42P01", false, "no such table on PostgreSQL"),
            ("5", true, "busy"),
            ("517", true, "busy snapshot"),
            ("778", true, "input/output error on write"),
            ("13", true, "disk full"),
            ("2067", false, "unique violation on SQLite"),
            ("1", false, "an SQL mistake on SQLite"),
        ];
        for (code, passes, label) in cases {
            assert_eq!(is_passing_code(code), passes, "{label}");
        }
    }
}
