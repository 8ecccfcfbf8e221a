//! Tables that every service has: outbox, heads, offsets, parked, timers, commands, audit.
//!
//! Instants are microseconds since 1970 in UTC; nothing has a default that reads a clock.

use std::sync::Arc;

use ::uuid::Uuid;
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, integer, small_integer, string, text,
    text_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf};

use crate::audit::migration::AuditChain;
use crate::core::CoreError;
use crate::db::Db;
use crate::fault;
use crate::ids::Ids;

/// Partitions of every log. A stream stays in the partition that its id chose.
pub const PARTITIONS: u16 = 16;

/// The platform's migrations; a service's migrator lists them before its own.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(PlatformTables), Box::new(AuditChain)]
}

/// Applies what is pending, each migration in one transaction, on both databases.
pub async fn apply(db: &Db, migrations: Vec<Box<dyn MigrationTrait>>) -> Result<(), CoreError> {
    Ok(Migrator::new(migrations).up(db.writer(), None).await?)
}

/// Names of the migrations that were not applied yet.
pub async fn pending(
    db: &Db,
    migrations: Vec<Box<dyn MigrationTrait>>,
) -> Result<Vec<String>, CoreError> {
    let pending = Migrator::new(migrations)
        .get_pending_migrations_read_only(db.writer())
        .await?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// A list of migrations as sea-orm wants it: to be asked for again and again.
struct Migrator(Vec<Arc<dyn MigrationTrait>>);

impl Migrator {
    fn new(migrations: Vec<Box<dyn MigrationTrait>>) -> Self {
        Self(migrations.into_iter().map(Arc::from).collect())
    }
}

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let whole = |migration: &Arc<dyn MigrationTrait>| {
            Box::new(Whole(migration.clone())) as Box<dyn MigrationTrait>
        };
        self.0.iter().map(whole).collect()
    }
}

/// A migration that is applied wholly or not at all, on SQLite too.
struct Whole(Arc<dyn MigrationTrait>);

impl MigrationName for Whole {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait]
impl MigrationTrait for Whole {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            // A table of a large city takes longer than any call may; inside this transaction only.
            let connection = manager.get_connection();
            connection
                .execute_unprepared("SET LOCAL statement_timeout = 0")
                .await?;
        }
        self.0.up(manager).await?;
        fault::point("migration.applied");
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(self.0.use_transaction().unwrap_or(true))
    }
}

struct PlatformTables;

impl MigrationName for PlatformTables {
    fn name(&self) -> &'static str {
        "m20260901_000001_platform_tables"
    }
}

#[async_trait]
impl MigrationTrait for PlatformTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            outbox(),
            outbox_head(),
            log(),
            consumer_offset(),
            parked(),
            timer(),
            command(),
            audit(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        let mut heads = Query::insert();
        heads
            .into_table("outbox_head")
            .columns(["partition", "epoch", "next_seq", "published"]);
        for partition in 0..PARTITIONS {
            heads.values_panic([
                i32::from(partition).into(),
                1.into(),
                1_i64.into(),
                0_i64.into(),
            ]);
        }
        manager.execute(heads).await?;
        // A courier must not take this log for one of another installation, or of an earlier database.
        let ids = Ids::from_os();
        let id = Uuid::from_u64_pair(ids.draw_wide(), ids.draw_wide());
        manager
            .execute(
                Query::insert()
                    .into_table("log")
                    .columns(["id"])
                    .values_panic([id.into()])
                    .take(),
            )
            .await
    }
}

fn sequence(name: &'static str) -> ColumnDef {
    big_integer(name).auto_increment().primary_key().take()
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(sequence("seq"))
        .col(uuid("event_id"))
        .col(integer("partition"))
        .col(uuid("stream_id"))
        .col(uuid("aggregate_id"))
        .col(big_integer("version"))
        .col(string("type"))
        .col(integer("schema_version"))
        .col(big_integer("occurred_at"))
        .col(string("actor"))
        .col(string("trace_parent"))
        .col(blob("body"))
        .col(big_integer_null("pub_seq"))
        .take()
}

fn outbox_head() -> TableCreateStatement {
    Table::create()
        .table("outbox_head")
        .col(integer("partition").primary_key())
        .col(integer("epoch"))
        .col(big_integer("next_seq"))
        .col(big_integer("published"))
        .take()
}

fn log() -> TableCreateStatement {
    Table::create()
        .table("log")
        .col(uuid("id").primary_key())
        .take()
}

fn consumer_offset() -> TableCreateStatement {
    Table::create()
        .table("consumer_offset")
        .col(string("consumer"))
        .col(string("producer"))
        .col(integer("partition"))
        .col(integer("epoch"))
        .col(big_integer("pos"))
        .col(uuid_null("owner"))
        .col(big_integer("fence"))
        .col(big_integer("lease_until"))
        .primary_key(
            Index::create()
                .col("consumer")
                .col("producer")
                .col("partition"),
        )
        .take()
}

fn parked() -> TableCreateStatement {
    Table::create()
        .table("parked")
        .col(sequence("seq"))
        .col(string("consumer"))
        .col(string("producer"))
        .col(integer("partition"))
        .col(integer("epoch"))
        .col(big_integer("pub_seq"))
        .col(uuid("event_id"))
        .col(uuid("stream_id"))
        .col(string("type"))
        .col(blob("envelope"))
        .col(integer("attempts"))
        .col(big_integer("parked_at"))
        .col(big_integer("next_at"))
        .col(text("error"))
        .col(string("state"))
        .col(text_null("skip_reason"))
        .take()
}

fn timer() -> TableCreateStatement {
    Table::create()
        .table("timer")
        .col(sequence("seq"))
        .col(uuid("aggregate_id"))
        .col(string("kind"))
        .col(big_integer("due_at"))
        .col(big_integer("armed_version"))
        .col(string("state"))
        .col(small_integer("attempts"))
        .col(big_integer("next_at"))
        .col(big_integer_null("ended_at"))
        .col(text_null("error"))
        .take()
}

fn command() -> TableCreateStatement {
    Table::create()
        .table("command")
        .col(string("actor"))
        .col(string("key"))
        .col(string("method"))
        .col(blob("request_hash"))
        .col(blob_null("outcome"))
        .col(big_integer("at"))
        .primary_key(Index::create().col("actor").col("key"))
        .take()
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(sequence("seq"))
        .col(big_integer("at"))
        .col(string("actor"))
        .col(string("unit_code"))
        .col(string("from_addr"))
        .col(string("method"))
        .col(string("resource"))
        .col(string("resource_id"))
        .col(big_integer("version"))
        .col(text("action"))
        .col(text("reason"))
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        index("outbox_event", "outbox", &["event_id"])
            .unique()
            .take(),
        index("outbox_version", "outbox", &["aggregate_id", "version"])
            .unique()
            .take(),
        index("outbox_number", "outbox", &["partition", "pub_seq"])
            .unique()
            .take(),
        index("outbox_todo", "outbox", &["seq"])
            .and_where(Expr::col("pub_seq").is_null())
            .take(),
        index("parked_event", "parked", &["consumer", "event_id"])
            .unique()
            .take(),
        index(
            "parked_stream",
            "parked",
            &["consumer", "producer", "stream_id", "pub_seq"],
        ),
        index(
            "timer_once",
            "timer",
            &["aggregate_id", "kind", "armed_version"],
        )
        .unique()
        .take(),
        index("timer_due", "timer", &["next_at", "due_at"])
            .and_where(Expr::col("state").eq("armed"))
            .take(),
        index("command_age", "command", &["at"]),
        index("audit_resource", "audit", &["resource", "resource_id"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::{apply, migrations, pending};
    use crate::db::{Db, DbOptions};
    use crate::testing::Databases;

    #[tokio::test]
    async fn migrations_apply_once_and_nothing_stays_pending() {
        for database in Databases::all().await {
            let db = Db::open(&database.url, &DbOptions::default())
                .await
                .expect("opens");
            assert_eq!(
                pending(&db, migrations()).await.expect("readable").len(),
                migrations().len(),
                "{}",
                database.label
            );
            for _ in 0..2 {
                apply(&db, migrations()).await.expect("applies");
            }
            assert!(
                pending(&db, migrations())
                    .await
                    .expect("readable")
                    .is_empty(),
                "{}",
                database.label
            );
        }
    }
}
