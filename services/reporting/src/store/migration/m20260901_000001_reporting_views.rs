//! Read models: what events told, and nothing else; `hotline replay` rebuilds them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, string, text, uuid,
};

/// Creates the tables and their indexes.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            progress(),
            registry_load(),
            registry_name(),
            appeal_view(),
            matter_view(),
            ticket_view(),
            ticket_step(),
            tenure(),
            follow_up_view(),
            reply_view(),
            daily_fact(),
        ];
        for table in tables {
            manager.create_table(table).await?;
        }
        for (name, table, columns, is_unique) in INDEXES {
            let mut index = Index::create();
            index.name(*name).table(*table);
            for column in *columns {
                index.col(*column);
            }
            if *is_unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// Name, table, columns, and whether it is unique.
type IndexRow = (&'static str, &'static str, &'static [&'static str], bool);

const INDEXES: &[IndexRow] = &[
    (
        "appeal_view_by_received",
        "appeal_view",
        &["received_day", "nature"],
        false,
    ),
    (
        "matter_view_by_ticket",
        "matter_view",
        &["ticket_id"],
        false,
    ),
    (
        "matter_view_by_appeal",
        "matter_view",
        &["appeal_id"],
        false,
    ),
    (
        "matter_view_by_received",
        "matter_view",
        &["received_day", "nature"],
        false,
    ),
    (
        "ticket_view_by_received",
        "ticket_view",
        &["received_day", "nature"],
        false,
    ),
    (
        "ticket_view_by_concluded",
        "ticket_view",
        &["concluded_at"],
        false,
    ),
    (
        "ticket_view_by_urgency",
        "ticket_view",
        &["urgency", "received_at"],
        false,
    ),
    (
        "ticket_step_by_change",
        "ticket_step",
        &["change", "day"],
        false,
    ),
    ("tenure_by_until", "tenure", &["until_at", "from_at"], false),
    ("tenure_by_from", "tenure", &["from_at"], false),
    ("tenure_by_due", "tenure", &["due_at"], false),
    (
        "follow_up_view_by_ticket",
        "follow_up_view",
        &["ticket_id"],
        false,
    ),
];

fn progress() -> TableCreateStatement {
    Table::create()
        .table("progress")
        .col(integer("id"))
        .col(big_integer("data_cut"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn registry_load() -> TableCreateStatement {
    Table::create()
        .table("registry_load")
        .col(string("table_name"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("table_name"))
        .to_owned()
}

fn registry_name() -> TableCreateStatement {
    Table::create()
        .table("registry_name")
        .col(string("table_name"))
        .col(string("code"))
        .col(string("name"))
        .col(string("parent_code"))
        .col(string("group_name"))
        .primary_key(Index::create().col("table_name").col("code"))
        .to_owned()
}

fn appeal_view() -> TableCreateStatement {
    Table::create()
        .table("appeal_view")
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(string("number"))
        .col(string("state"))
        .col(string("nature"))
        .col(string("channel_code"))
        .col(string("line_number"))
        .col(string("citizen"))
        .col(string("kind"))
        .col(text("summary"))
        .col(text("note"))
        .col(big_integer("received_at"))
        .col(string("received_day"))
        .col(boolean("is_anonymous"))
        .col(boolean("is_confidential"))
        .col(boolean("is_tip_off"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn matter_view() -> TableCreateStatement {
    Table::create()
        .table("matter_view")
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(uuid("appeal_id"))
        .col(uuid("ticket_id"))
        .col(uuid("reserved_ticket_id"))
        .col(integer("ordinal"))
        .col(string("citizen"))
        .col(string("nature"))
        .col(string("last_move"))
        .col(big_integer("received_at"))
        .col(string("received_day"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn ticket_view() -> TableCreateStatement {
    Table::create()
        .table("ticket_view")
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(string("number"))
        .col(string("state"))
        .col(string("nature"))
        .col(string("kind"))
        .col(string("urgency"))
        .col(string("category_code"))
        .col(text("summary"))
        .col(string("channel_code"))
        .col(string("lead_unit_code"))
        .col(text("assisting_unit_codes"))
        .col(integer("round"))
        .col(big_integer("received_at"))
        .col(string("received_day"))
        .col(big_integer_null("signed_at"))
        .col(big_integer_null("sign_due_at"))
        .col(big_integer_null("concluded_at"))
        .col(big_integer_null("due_at"))
        .col(boolean("is_due_provisional"))
        .col(integer("returns"))
        .col(string("card"))
        .col(integer("supervision_orders"))
        .col(boolean("is_escalated"))
        .col(text("reply"))
        .col(boolean("is_anonymous"))
        .col(boolean("is_confidential"))
        .col(boolean("is_tip_off"))
        .col(integer("tenures"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn ticket_step() -> TableCreateStatement {
    Table::create()
        .table("ticket_step")
        .col(uuid("ticket_id"))
        .col(big_integer("version"))
        .col(string("change"))
        .col(big_integer("at"))
        .col(string("day"))
        .col(string("unit_code"))
        .col(text("note"))
        .primary_key(Index::create().col("ticket_id").col("version"))
        .to_owned()
}

fn tenure() -> TableCreateStatement {
    Table::create()
        .table("tenure")
        .col(uuid("ticket_id"))
        .col(integer("ordinal"))
        .col(string("unit_code"))
        .col(big_integer("from_at"))
        .col(string("began"))
        .col(big_integer_null("until_at"))
        .col(string("ended"))
        .col(big_integer_null("due_at"))
        .col(big_integer_null("sign_due_at"))
        .col(big_integer_null("signed_at"))
        .col(string("channel_code"))
        .col(string("kind"))
        .col(string("category_code"))
        .primary_key(Index::create().col("ticket_id").col("ordinal"))
        .to_owned()
}

fn follow_up_view() -> TableCreateStatement {
    Table::create()
        .table("follow_up_view")
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(uuid("ticket_id"))
        .col(string("day"))
        .col(string("unit_code"))
        .col(string("state"))
        .col(string("solved"))
        .col(string("satisfaction"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn reply_view() -> TableCreateStatement {
    Table::create()
        .table("reply_view")
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(string("day"))
        .col(string("channel_code"))
        .col(string("state"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn daily_fact() -> TableCreateStatement {
    Table::create()
        .table("daily_fact")
        .col(string("day"))
        .col(string("measure"))
        .col(string("unit_code"))
        .col(string("channel_code"))
        .col(string("kind"))
        .col(string("category_code"))
        .col(big_integer("count"))
        .primary_key(
            Index::create()
                .col("day")
                .col("measure")
                .col("unit_code")
                .col("channel_code")
                .col("kind")
                .col("category_code"),
        )
        .to_owned()
}
