//! Counts tenures that stand at an instant, or end in a period, from an index alone.

use sea_orm_migration::prelude::*;

/// Replaces the index of tenures by their end with one that holds all that such counts ask for.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let narrow = Index::drop()
            .name("tenure_by_until")
            .table("tenure")
            .to_owned();
        manager.drop_index(narrow).await?;
        let covering = Index::create()
            .name("tenure_by_until")
            .table("tenure")
            .col("until_at")
            .col("from_at")
            .col("unit_code")
            .col("ended")
            .col("due_at")
            .to_owned();
        manager.create_index(covering).await
    }
}
