//! Matters, conclusions, follow-ups and attempts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, pk_uuid, string, string_null, text, uuid,
    uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            matters(),
            tickets(),
            conclusions(),
            conclusion_matters(),
            follow_ups(),
            attempts(),
        ] {
            manager.create_table(table).await?;
        }
        let indexes: [(&'static str, &str, &[&'static str]); 4] = [
            (
                "conclusion_matters",
                "conclusion_matters_by_matter",
                &["matter_id"],
            ),
            ("follow_ups", "follow_ups_by_ticket", &["ticket_id", "id"]),
            ("follow_ups", "follow_ups_by_state", &["state", "id"]),
            ("attempts", "attempts_by_follow_up", &["follow_up_id", "at"]),
        ];
        for (table, name, columns) in indexes {
            manager
                .create_index(super::index(table, name, columns))
                .await?;
        }
        let once = super::index(
            "follow_ups",
            "follow_ups_once",
            &["ticket_id", "ticket_version", "matter_id"],
        );
        manager.create_index({ once }.unique().to_owned()).await
    }
}

fn matters() -> TableCreateStatement {
    Table::create()
        .table("matters")
        .col(pk_uuid("id"))
        .col(big_integer("version"))
        .col(uuid("appeal_id"))
        .col(string("appeal_number"))
        .col(string("channel_code"))
        .col(string("contact_ref"))
        .col(boolean("is_historical"))
        .col(uuid_null("ticket_id"))
        .col(text("visited"))
        .to_owned()
}

fn tickets() -> TableCreateStatement {
    Table::create()
        .table("tickets")
        .col(pk_uuid("id"))
        .col(big_integer("version"))
        .col(big_integer_null("standing"))
        .to_owned()
}

fn conclusions() -> TableCreateStatement {
    Table::create()
        .table("conclusions")
        .col(uuid("ticket_id"))
        .col(big_integer("ticket_version"))
        .col(integer("round"))
        .col(text("reply"))
        .col(string("lead_unit_code"))
        .col(big_integer("concluded_at"))
        .col(string("verdict"))
        .primary_key(Index::create().col("ticket_id").col("ticket_version"))
        .to_owned()
}

fn conclusion_matters() -> TableCreateStatement {
    Table::create()
        .table("conclusion_matters")
        .col(uuid("ticket_id"))
        .col(big_integer("ticket_version"))
        .col(uuid("matter_id"))
        .primary_key(
            Index::create()
                .col("ticket_id")
                .col("ticket_version")
                .col("matter_id"),
        )
        .to_owned()
}

fn follow_ups() -> TableCreateStatement {
    Table::create()
        .table("follow_ups")
        .col(pk_uuid("id"))
        .col(big_integer("version"))
        .col(uuid("ticket_id"))
        .col(big_integer("ticket_version"))
        .col(uuid("matter_id"))
        .col(uuid("appeal_id"))
        .col(integer("round"))
        .col(string("state"))
        .col(integer("attempts"))
        .col(integer("unreached_hours"))
        .col(string_null("solved"))
        .col(string_null("satisfaction"))
        .col(string_null("failure_class"))
        .col(text("note"))
        .col(big_integer("opened_at"))
        .col(big_integer_null("closed_at"))
        .col(string("lead_unit_code"))
        .to_owned()
}

fn attempts() -> TableCreateStatement {
    Table::create()
        .table("attempts")
        .col(pk_uuid("id"))
        .col(uuid("follow_up_id"))
        .col(big_integer("at"))
        .col(string("actor"))
        .col(boolean("reached"))
        .col(string_null("solved"))
        .col(string_null("satisfaction"))
        .col(text("note"))
        .to_owned()
}
