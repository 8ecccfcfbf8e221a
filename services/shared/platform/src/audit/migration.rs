//! What the audit trail needs to be sealed: codes, numbers, seals, and the fences around them.

use async_trait::async_trait;
use sea_orm_migration::MigrationName;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, integer, string, uuid_null,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

pub(crate) struct AuditChain;

impl MigrationName for AuditChain {
    fn name(&self) -> &'static str {
        "m20261128_000001_audit_chain"
    }
}

#[async_trait]
impl MigrationTrait for AuditChain {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Rows that are there keep what they have: they are sealed as they stand, without a code.
        for column in [
            string("session").default("").take(),
            string("trace_id").default("").take(),
            uuid_null("writer").take(),
            big_integer_null("writer_seq").take(),
            blob_null("mac").take(),
            big_integer_null("chain_seq").take(),
        ] {
            let mut table = Table::alter();
            manager
                .alter_table(table.table("audit").add_column(column).take())
                .await?;
        }
        for table in [seal(), head()] {
            manager.create_table(table).await?;
        }
        let mut index = Index::create();
        // What is not sealed stands together in it, and what is sealed stands in its order.
        index
            .name("audit_chain")
            .table("audit")
            .col("chain_seq")
            .col("seq");
        manager.create_index(index.take()).await?;
        let mut index = Index::create();
        index.name("audit_at").table("audit").col("at");
        manager.create_index(index.take()).await?;
        let mut one = Query::insert();
        one.into_table("audit_head")
            .columns(["id"])
            .values_panic([1.into()]);
        manager.execute(one).await?;
        let connection = manager.get_connection();
        let fences = match manager.get_database_backend() {
            DbBackend::Postgres => fences_of_postgres(),
            _ => fences_of_sqlite(),
        };
        for fence in fences {
            connection.execute_unprepared(&fence).await?;
        }
        Ok(())
    }
}

fn seal() -> TableCreateStatement {
    Table::create()
        .table("audit_seal")
        .col(big_integer("chain_seq").primary_key())
        .col(big_integer("first_seq"))
        .col(blob("hash"))
        .col(big_integer("at"))
        .col(blob("mac"))
        .take()
}

/// One row, to be locked by the one who seals.
fn head() -> TableCreateStatement {
    Table::create()
        .table("audit_head")
        .col(integer("id").primary_key())
        .take()
}

/// What was written is never changed; only a row that has no number gets one.
const WRITTEN: &str = "seq, at, actor, session, unit_code, from_addr, method, resource, resource_id, version, action, \
     reason, trace_id, writer, writer_seq, mac";

fn of(row: &str) -> String {
    let columns: Vec<_> = WRITTEN
        .split(", ")
        .map(|column| format!("{row}.{column}"))
        .collect();
    format!("({})", columns.join(", "))
}

fn fences_of_postgres() -> Vec<String> {
    let refuses = |trigger: &str, event: &str, table: &str, condition: &str| {
        format!(
            "CREATE TRIGGER {trigger} BEFORE {event} ON {table} FOR EACH {} {condition} \
             EXECUTE FUNCTION audit_is_kept()",
            if event == "TRUNCATE" {
                "STATEMENT"
            } else {
                "ROW"
            }
        )
    };
    let is_changed = format!(
        "WHEN (OLD.chain_seq IS NOT NULL OR NEW.chain_seq IS NULL OR {} IS DISTINCT FROM {})",
        of("OLD"),
        of("NEW")
    );
    let mut fences = vec![
        "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME; END $$"
            .to_owned(),
        refuses("audit_no_update", "UPDATE", "audit", &is_changed),
    ];
    for table in ["audit_seal", "audit_head"] {
        fences.push(refuses(&format!("{table}_no_update"), "UPDATE", table, ""));
    }
    for table in ["audit", "audit_seal", "audit_head"] {
        fences.push(refuses(&format!("{table}_no_delete"), "DELETE", table, ""));
        fences.push(refuses(
            &format!("{table}_no_truncate"),
            "TRUNCATE",
            table,
            "",
        ));
    }
    fences
}

fn fences_of_sqlite() -> Vec<String> {
    let refuses = |trigger: &str, event: &str, table: &str, condition: &str| {
        format!(
            "CREATE TRIGGER {trigger} BEFORE {event} ON {table} {condition} BEGIN \
             SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
        )
    };
    let is_changed = format!(
        "WHEN OLD.chain_seq IS NOT NULL OR NEW.chain_seq IS NULL OR {} IS NOT {}",
        of("OLD"),
        of("NEW")
    );
    let mut fences = vec![refuses("audit_no_update", "UPDATE", "audit", &is_changed)];
    for table in ["audit_seal", "audit_head"] {
        fences.push(refuses(&format!("{table}_no_update"), "UPDATE", table, ""));
    }
    for table in ["audit", "audit_seal", "audit_head"] {
        fences.push(refuses(&format!("{table}_no_delete"), "DELETE", table, ""));
    }
    fences
}
