//! A little ledger to write into: an account per stream, whose version each command raises by one.

use chrono::DateTime;
use futures::future::BoxFuture;
use hotline_kernel::time::Timestamp;
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase};
use hotline_platform::work::{Cause, NewEvent, Work};
use hotline_platform::{db::BoxError, migration};
use hotline_proto::event::{Body, RegistryLoaded, body};
use sea_orm::{ConnectionTrait, Statement, Value};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, uuid};
use uuid::Uuid;

/// When the tests' clock stands at first.
pub fn start_of_time() -> Timestamp {
    DateTime::from_timestamp(1_760_000_000, 0).expect("a valid instant")
}

/// A core of the ledger on an empty database, with the clock it reads.
pub struct Ledger {
    pub core: Core,
    pub clock: ManualClock,
    pub database: TestDatabase,
}

impl Ledger {
    /// One per arrangement.
    pub async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for database in Databases::all().await {
            let clock = ManualClock::at(start_of_time());
            let core = testing::core("ledger", &database.url, migrations(), &clock).await;
            all.push(Self {
                core,
                clock,
                database,
            });
        }
        all
    }

    pub fn label(&self) -> &'static str {
        self.database.label
    }

    /// Another process on the same database.
    pub async fn twin(&self) -> Core {
        testing::core("ledger", &self.database.url, migrations(), &self.clock).await
    }
}

pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = migration::migrations();
    all.push(Box::new(LedgerTables));
    all
}

struct LedgerTables;

impl MigrationName for LedgerTables {
    fn name(&self) -> &'static str {
        "m20260901_000002_ledger_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for LedgerTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let account = Table::create()
            .table("account")
            .col(uuid("id").primary_key())
            .col(big_integer("version"))
            .take();
        manager.create_table(account).await?;
        let heard = Table::create()
            .table("heard")
            .col(big_integer("seq").auto_increment().primary_key())
            .col(uuid("account"))
            .col(big_integer("version"))
            .col(integer("partition"))
            .col(big_integer("pub_seq"))
            .take();
        manager.create_table(heard).await?;
        Ok(())
    }
}

pub fn cause(actor: &str) -> Cause {
    Cause {
        actor: actor.to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: "127.0.0.1".to_owned(),
        method: "/ledger/Raise".to_owned(),
        trace_parent: String::new(),
    }
}

/// A command of `actor` with a key and a request that hashes to `request`.
pub fn context(actor: &str, key: &str, request: u8) -> CommandContext {
    CommandContext {
        cause: cause(actor),
        scope: Scope::own_work(),
        idempotency_key: key.to_owned(),
        request_hash: [request; 32],
        expected_version: 0,
    }
}

pub fn bound(work: &Work, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(work.txn().get_database_backend(), text, values)
}

/// Raises an account's version from `seen` by one and tells so.
pub async fn raise(work: &Work, account: Uuid, seen: i64) -> Result<i64, CoreError> {
    let changed = if seen == 0 {
        let text = "INSERT INTO account (id, version) VALUES ($1, 1) ON CONFLICT DO NOTHING";
        work.txn()
            .execute_raw(bound(work, text, vec![account.into()]))
            .await?
    } else {
        let text = "UPDATE account SET version = version + 1 WHERE id = $1 AND version = $2";
        work.txn()
            .execute_raw(bound(work, text, vec![account.into(), seen.into()]))
            .await?
    };
    if changed.rows_affected() == 0 {
        return Err(CoreError::Stale { current: 0 });
    }
    work.publish(&cause("operator:li"), raised(account, seen + 1));
    Ok(seen + 1)
}

/// The event of an account that reached `version`.
pub fn raised(account: Uuid, version: i64) -> NewEvent {
    let loaded = RegistryLoaded {
        table: "account".to_owned(),
        rows: Vec::new(),
    };
    let body = Body {
        event: Some(body::Event::RegistryLoaded(loaded)),
    };
    NewEvent {
        stream_id: account,
        aggregate_id: account,
        version,
        body,
    }
}

/// [`raise`] as the work of a command.
pub fn raising(
    account: Uuid,
    seen: i64,
) -> impl for<'a> FnOnce(&'a Work) -> BoxFuture<'a, Result<i64, CoreError>> + Send {
    move |work| Box::pin(raise(work, account, seen))
}

/// A number that a query gives.
pub async fn count(core: &Core, text: &str) -> Result<i64, BoxError> {
    let reader = core.db().read();
    let row = reader
        .query_one_raw(Statement::from_sql_and_values(
            reader.get_database_backend(),
            text,
            [],
        ))
        .await?;
    Ok(row.ok_or("a count has a row")?.try_get_by_index(0)?)
}
