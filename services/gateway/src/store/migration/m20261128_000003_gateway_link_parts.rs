//! What is kept of the asker's part of a set-up link.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::blob_null;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let added = Table::alter()
            .table("requests")
            .add_column(blob_null("asker_part_hash"))
            .take();
        manager.alter_table(added).await
    }
}
