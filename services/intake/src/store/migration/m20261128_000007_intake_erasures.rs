//! Which appeal a request to forget somebody was about, whose a destroyed key was, and whose a refused row is.

use hotline_platform::vault::tables;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text_null, uuid_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut added = Table::alter();
        added
            .table("erasure_request")
            .add_column(uuid_null("appeal_id"));
        manager.alter_table(added).await?;
        manager.alter_table(tables::erased_owners()).await?;
        let mut added = Table::alter();
        added
            .table("import_refusal")
            .add_column(text_null("citizen"));
        manager.alter_table(added).await?;
        let citizens = Index::create()
            .table("import_refusal")
            .name("import_refusal_by_citizen")
            .col("citizen")
            .to_owned();
        manager.create_index(citizens).await
    }
}
