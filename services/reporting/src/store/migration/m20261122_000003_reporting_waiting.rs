//! Finds the tickets that wait in the centre for a unit.

use sea_orm_migration::prelude::*;

/// Creates an index of tickets by lead unit; the waiting ones have none.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name("ticket_view_by_lead")
            .table("ticket_view")
            .col("lead_unit_code")
            .col("state")
            .to_owned();
        manager.create_index(index).await
    }
}
