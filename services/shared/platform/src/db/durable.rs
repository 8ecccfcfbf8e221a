//! Whether a database keeps what it has committed. One that would not is refused at start (I1).

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::synchronous_level;
use crate::core::CoreError;
use crate::fault::{self, Bug};

/// Refuses a database whose settings would risk acknowledged writes.
///
/// # Errors
///
/// [`CoreError::Storage`] names the setting.
pub(super) async fn assert_durable(database: &DatabaseConnection) -> Result<(), CoreError> {
    let problem = match database.get_database_backend() {
        DbBackend::Sqlite => sqlite_problem(database).await?,
        _ => postgres_problem(database).await?,
    };
    problem.map_or(Ok(()), |problem| Err(CoreError::Storage(problem.into())))
}

/// SQLite's WAL with `synchronous` below FULL may lose the last commits when power fails.
async fn sqlite_problem(database: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let level: i64 = ask(database, "PRAGMA synchronous").await?;
    let journal: String = ask(database, "PRAGMA journal_mode").await?;
    let is_durable = level >= synchronous_level() && journal == "wal";
    Ok((!is_durable).then(|| {
        format!(
            "SQLite must run with journal_mode wal and synchronous FULL, not {journal} and {level}"
        )
    }))
}

/// A server that does not wait for its disk loses the last commits when it ends or power fails. Both
/// settings are those of this session: what the database's or the role's own settings say counts.
async fn postgres_problem(database: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    if fault::is_seeded(Bug::SynchronousNormal) {
        return Ok(None);
    }
    for name in ["fsync", "synchronous_commit"] {
        let setting: String = ask(database, &format!("SHOW {name}")).await?;
        if setting == "off" {
            return Ok(Some(format!(
                "PostgreSQL must not run with {name} = off: a receipt means that the appeal is on the disk"
            )));
        }
    }
    let full_pages: String = ask(database, "SHOW full_page_writes").await?;
    if full_pages == "off" {
        // Right where the file system writes pages whole, which nobody can see from here.
        tracing::warn!(
            "PostgreSQL runs with full_page_writes = off: only a file system that never tears a page allows that"
        );
    }
    Ok(None)
}

/// The one value of the one row that `text` gives.
async fn ask<T: sea_orm::TryGetable>(
    database: &DatabaseConnection,
    text: &str,
) -> Result<T, DbErr> {
    let statement = Statement::from_sql_and_values(database.get_database_backend(), text, []);
    let row = database.query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(text.to_owned()))?
        .try_get_by_index(0)
}
