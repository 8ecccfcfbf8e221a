//! Appeals, matters, contacts, registry, and what is heard of tickets.
//!
//! Instants are microseconds UTC, closed lists are short words, lists are JSON text.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, text, text_null, text_uniq, uuid, uuid_null,
};

/// Creates the tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_intake_appeals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            contact(),
            appeal(),
            matter(),
            channel(),
            line(),
            registry_load(),
            ticket_seen(),
        ] {
            manager.create_table(table).await?;
        }
        for (table, name, columns) in indexes() {
            let mut index = Index::create().table(table).name(name).to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// Originals of contacts; they live nowhere else.
fn contact() -> TableCreateStatement {
    Table::create()
        .table("contact")
        .col(uuid("id").primary_key())
        .col(text("citizen"))
        .col(text("name"))
        .col(text("phone"))
        .col(text("email"))
        .col(text("account"))
        .to_owned()
}

fn appeal() -> TableCreateStatement {
    Table::create()
        .table("appeal")
        .col(uuid("id").primary_key())
        .col(text_uniq("number"))
        .col(big_integer("version"))
        .col(text("state"))
        .col(text("nature"))
        .col(text("channel_code"))
        .col(text("line_number"))
        .col(text("source"))
        .col(text("source_id"))
        .col(text_uniq("dedup_key"))
        .col(text("content_hash"))
        .col(uuid_null("differs_from"))
        .col(text("citizen"))
        .col(uuid_null("contact_id"))
        .col(text("original_subject"))
        .col(text("original_text"))
        .col(text("masked_subject"))
        .col(text("masked_text"))
        .col(big_integer("said_at"))
        .col(big_integer("received_at"))
        .col(boolean("is_anonymous"))
        .col(boolean("is_confidential"))
        .col(boolean("is_tip_off"))
        .col(text("complained_units"))
        .col(text_null("guide_reason"))
        .col(text("legal_route"))
        .col(text("competent_body"))
        .col(text("original_answer"))
        .col(text("masked_answer"))
        .col(text("diverted_to"))
        .col(text("reason"))
        .col(text("old_number"))
        .col(uuid_null("import_batch_id"))
        .to_owned()
}

fn matter() -> TableCreateStatement {
    Table::create()
        .table("matter")
        .col(uuid("id").primary_key())
        .col(uuid("appeal_id"))
        .col(integer("ordinal"))
        .col(big_integer("version"))
        .col(uuid("reserved_ticket_id").unique_key())
        .col(text_uniq("number"))
        .col(text("place"))
        .col(uuid_null("ticket_id"))
        .col(text("kind"))
        .col(text("urgency"))
        .col(text("category_code"))
        .col(text("area_code"))
        .col(text("original_subject"))
        .col(text("original_text"))
        .col(text("masked_subject"))
        .col(text("masked_text"))
        .col(big_integer_null("imported_due_at"))
        .col(text_null("original_reply"))
        .col(text_null("masked_reply"))
        .col(big_integer_null("replied_at"))
        .col(text_null("text_key"))
        // Held by the one open matter of its citizen and text, so that two cannot open at once.
        .col(text_null("open_key").unique_key())
        .to_owned()
}

fn channel() -> TableCreateStatement {
    Table::create()
        .table("channel")
        .col(text("code").primary_key())
        .col(text("name"))
        .col(text("kind"))
        .col(text("owner_unit_code"))
        .col(boolean("is_answered_publicly"))
        .to_owned()
}

fn line() -> TableCreateStatement {
    Table::create()
        .table("line")
        .col(text("number").primary_key())
        .col(text("name"))
        .col(text("unit_name"))
        .col(text("merge_mode"))
        .col(boolean("is_exempt"))
        .to_owned()
}

fn registry_load() -> TableCreateStatement {
    Table::create()
        .table("registry_load")
        .col(text("name").primary_key())
        .col(big_integer("version"))
        .col(big_integer("loaded_at"))
        .to_owned()
}

fn ticket_seen() -> TableCreateStatement {
    Table::create()
        .table("ticket_seen")
        .col(uuid("id").primary_key())
        .col(text("number"))
        .col(text("state"))
        .col(big_integer_null("due_at"))
        .col(big_integer("version"))
        .to_owned()
}

type IndexOf = (&'static str, &'static str, &'static [&'static str]);

fn indexes() -> [IndexOf; 9] {
    [
        ("appeal", "appeal_by_received", &["received_at", "id"]),
        ("appeal", "appeal_by_state", &["state", "received_at", "id"]),
        ("appeal", "appeal_by_channel", &["channel_code", "state"]),
        ("appeal", "appeal_by_citizen", &["citizen", "received_at"]),
        ("appeal", "appeal_by_batch", &["import_batch_id"]),
        ("appeal", "appeal_by_old_number", &["old_number"]),
        ("matter", "matter_by_appeal", &["appeal_id", "ordinal"]),
        ("matter", "matter_by_ticket", &["ticket_id"]),
        ("matter", "matter_by_text", &["text_key"]),
    ]
}
