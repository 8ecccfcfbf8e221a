//! The second fence (decision 0023): what serves a unit's call shows it the unit's rows only, whatever a query forgets.
//!
//! The first fence is the [`Scope`] that every store asks for. On PostgreSQL a narrow scope is also told to the
//! database: its reads and its command's work happen in a transaction that has entered the fence, that is, under a
//! role that may touch few tables, and few rows of them. Which, is said by a service's migration with the function
//! `enter_row_fence(unit, reach)`; a database without that function serves no narrow scope. Whoever reaches everybody's
//! rows, or nobody's, stays outside and pays nothing. SQLite has no such fence.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionOptions, TransactionTrait,
};

use crate::access::{Rows, Scope};
use crate::core::CoreError;
use crate::db::{Db, sql};

/// To read a scope's rows with: where there is a second fence, from behind it.
#[derive(Debug)]
pub struct Reader {
    scope: Scope,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Outside(DatabaseConnection),
    // Dropped, it rolls back, which leaves the fence.
    Behind(DatabaseTransaction),
}

impl Reader {
    /// Whose rows it is for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Db {
    /// For the reads of a call, within its scope.
    ///
    /// # Errors
    ///
    /// A database that cannot be read, or that has no fence although the scope is narrow.
    pub async fn reader(&self, scope: &Scope) -> Result<Reader, CoreError> {
        let source = if is_fenced(self.read(), scope) {
            let txn = self
                .read()
                .begin_with_options(TransactionOptions::default())
                .await?;
            enter(&txn, scope).await?;
            Source::Behind(txn)
        } else {
            Source::Outside(self.read().clone())
        };
        Ok(Reader {
            scope: scope.clone(),
            source,
        })
    }
}

fn is_fenced(connection: &impl ConnectionTrait, scope: &Scope) -> bool {
    connection.get_database_backend() == DbBackend::Postgres
        && matches!(scope.rows(), Rows::Below(_) | Rows::Of(_))
}

/// Enters the fence for the rest of `connection`'s transaction, if `scope` is narrow and there is one; whether it did.
pub(crate) async fn enter(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<bool, CoreError> {
    let (unit, reach) = match scope.rows() {
        Rows::Below(unit) => (unit, "tree"),
        Rows::Of(unit) => (unit, "unit"),
        Rows::All | Rows::None => return Ok(false),
    };
    if !is_fenced(connection, scope) {
        return Ok(false);
    }
    let text = "SELECT enter_row_fence($1, $2)";
    let values = vec![unit.into(), reach.into()];
    connection
        .execute_raw(sql(connection, text, values))
        .await?;
    Ok(true)
}

/// Leaves the fence: what follows is the plumbing's own.
pub(crate) async fn leave(connection: &impl ConnectionTrait) -> Result<(), CoreError> {
    let text = "SELECT set_config('role', 'none', true)";
    connection
        .execute_raw(sql(connection, text, vec![]))
        .await?;
    Ok(())
}

/// Asserts that the second fence stands: behind it nobody is who he is outside, nobody passes policies, and
/// `tables` have some. Nothing to assert on SQLite.
///
/// # Errors
///
/// [`CoreError::Storage`] that says what is wrong.
pub async fn assert_stands(db: &Db, tables: &[&str]) -> Result<(), CoreError> {
    if db.read().get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let txn = db
        .read()
        .begin_with_options(TransactionOptions::default())
        .await?;
    let text = "SELECT enter_row_fence('', 'unit')";
    txn.execute_raw(sql(&txn, text, vec![])).await?;
    let text = "SELECT current_user <> session_user AND NOT rolsuper AND NOT rolbypassrls AS stands \
                FROM pg_roles WHERE rolname = current_user";
    let row = txn.query_one_raw(sql(&txn, text, vec![])).await?;
    let is_other = row.is_some_and(|row| row.try_get("", "stands").unwrap_or(false));
    if !is_other {
        return Err(broken("its role passes row policies"));
    }
    for table in tables {
        let text = "SELECT relrowsecurity AND NOT pg_has_role(relowner, 'USAGE') AS stands FROM pg_class \
                    WHERE oid = to_regclass($1)";
        let row = txn
            .query_one_raw(sql(&txn, text, vec![(*table).into()]))
            .await?;
        let is_closed = row.is_some_and(|row| row.try_get("", "stands").unwrap_or(false));
        if !is_closed {
            return Err(broken(&format!("the table {table} is open to its role")));
        }
    }
    Ok(txn.rollback().await?)
}

fn broken(how: &str) -> CoreError {
    let told =
        format!("the row fence does not stand: {how}; see \"The row fence\" in docs/operations.md");
    CoreError::Storage(told.into())
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        match &self.source {
            Source::Outside(connection) => connection.get_database_backend(),
            Source::Behind(txn) => txn.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.source {
            Source::Outside(connection) => connection.execute_raw(statement).await,
            Source::Behind(txn) => txn.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, text: &str) -> Result<ExecResult, DbErr> {
        match &self.source {
            Source::Outside(connection) => connection.execute_unprepared(text).await,
            Source::Behind(txn) => txn.execute_unprepared(text).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.source {
            Source::Outside(connection) => connection.query_one_raw(statement).await,
            Source::Behind(txn) => txn.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.source {
            Source::Outside(connection) => connection.query_all_raw(statement).await,
            Source::Behind(txn) => txn.query_all_raw(statement).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::access::Role;
    use crate::core::CommandContext;
    use crate::grpc::Principal;
    use crate::migration::migrations;
    use crate::testing::{self, Databases, ManualClock};

    fn of_a_unit() -> Scope {
        let clerk = Principal::new("unit:MID:wang", Role::UnitClerk).of_unit("MID");
        testing::scope(&clerk, "GetTicket")
    }

    #[tokio::test]
    async fn a_database_without_a_row_fence_serves_no_narrow_scope_on_postgres() {
        for database in Databases::all().await {
            let clock = ManualClock::at(DateTime::UNIX_EPOCH + Duration::from_hours(1));
            let core = testing::core("ledger", &database.url, migrations(), &clock).await;
            let is_fenced = database.label == "postgres";
            let told = |error: &CoreError| format!("{error:?}").contains("enter_row_fence");

            for (scope, is_served) in [
                (Scope::own_work(), true),
                (Scope::nothing(), true),
                (of_a_unit(), !is_fenced),
            ] {
                let read = core.db().reader(&scope).await;
                assert_eq!(read.is_ok(), is_served, "{}: {scope:?}", database.label);
                if let Err(error) = read {
                    assert!(told(&error), "{error:?}");
                }
                let context = CommandContext {
                    cause: crate::grpc::cause_of(None, None),
                    scope: scope.clone(),
                    idempotency_key: String::new(),
                    request_hash: [0; 32],
                    expected_version: 0,
                };
                let done: Result<(), CoreError> =
                    core.execute(context, |_| Box::pin(async { Ok(()) })).await;
                assert_eq!(done.is_ok(), is_served, "{}: {scope:?}", database.label);
            }
            let stands = assert_stands(core.db(), &[]).await;
            assert_eq!(stands.is_ok(), !is_fenced, "{}", database.label);
        }
    }
}
