//! Imports: their runs, what became of each row, and the refused rows as they stood.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, integer, text, text_null, uuid, uuid_null,
};

/// Creates the tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000002_intake_imports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(import_batch()).await?;
        manager.create_table(import_row()).await?;
        manager.create_table(import_refusal()).await?;
        let mut runs = Index::create()
            .table("import_batch")
            .name("import_batch_by_key")
            .unique()
            .to_owned();
        for column in [
            "channel_code",
            "file_sha256",
            "nature",
            "mapping_sha256",
            "run",
        ] {
            runs.col(column);
        }
        manager.create_index(runs).await?;
        let contents = Index::create()
            .table("import_row")
            .name("import_row_by_content")
            .col("batch_id")
            .col("content")
            .to_owned();
        manager.create_index(contents).await
    }
}

fn import_batch() -> TableCreateStatement {
    Table::create()
        .table("import_batch")
        .col(uuid("id").primary_key())
        .col(text("channel_code"))
        .col(text("file_sha256"))
        .col(text("nature"))
        .col(text("mapping_sha256"))
        .col(integer("run"))
        .col(text("file_name"))
        .col(text("mapping_toml"))
        .col(text("header"))
        .col(big_integer("next_row"))
        .col(big_integer("present"))
        .col(big_integer("refused"))
        .col(big_integer("registered"))
        .col(big_integer("quarantined"))
        .col(big_integer("attached"))
        .col(big_integer("started_at"))
        .col(big_integer_null("finished_at"))
        .to_owned()
}

fn import_row() -> TableCreateStatement {
    Table::create()
        .table("import_row")
        .col(uuid("batch_id"))
        .col(big_integer("row_no"))
        .col(text("outcome"))
        .col(uuid_null("appeal_id"))
        // Set for rows without an id: equal ones are told apart by how often they came before.
        .col(text_null("content"))
        .primary_key(Index::create().col("batch_id").col("row_no"))
        .to_owned()
}

fn import_refusal() -> TableCreateStatement {
    Table::create()
        .table("import_refusal")
        .col(uuid("batch_id"))
        .col(big_integer("row_no"))
        .col(big_integer("source_line"))
        .col(text("field"))
        .col(text("expected"))
        .col(text("found"))
        .col(text("cells"))
        .primary_key(Index::create().col("batch_id").col("row_no"))
        .to_owned()
}
