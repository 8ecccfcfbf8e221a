//! Tickets by the words of what citizens said. The words of tickets heard of before are there after
//! `hotline replay reporting`: the views did not keep the texts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text, uuid};
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(matter_text()).await?;
        manager.create_table(ticket_search()).await?;
        let by_place = Index::create()
            .name("ticket_search_by_place")
            .table("ticket_search")
            .col("place")
            .unique()
            .to_owned();
        manager.create_index(by_place).await?;
        let words = match manager.get_database_backend() {
            DbBackend::Postgres => POSTGRES_WORDS,
            _ => SQLITE_WORDS,
        };
        for statement in words {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}

/// What is not yet in the index is read by every search, so little may wait there.
const POSTGRES_WORDS: &[&str] = &[
    "ALTER TABLE ticket_search ADD COLUMN words tsvector NOT NULL",
    "CREATE INDEX ticket_search_by_words ON ticket_search USING gin (words) WITH (gin_pending_list_limit = 256)",
];

/// An index without the text, its rows numbered by place. Words come separated by spaces; the tokenizer leaves
/// everything beyond ASCII as it is.
const SQLITE_WORDS: &[&str] = &[
    "CREATE VIRTUAL TABLE ticket_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii')",
];

fn matter_text() -> TableCreateStatement {
    Table::create()
        .table("matter_text")
        .col(uuid("matter_id"))
        .col(text("numbers"))
        .col(text("text"))
        .primary_key(Index::create().col("matter_id"))
        .to_owned()
}

fn ticket_search() -> TableCreateStatement {
    Table::create()
        .table("ticket_search")
        .col(uuid("ticket_id"))
        .col(big_integer("place"))
        .primary_key(Index::create().col("ticket_id"))
        .to_owned()
}
