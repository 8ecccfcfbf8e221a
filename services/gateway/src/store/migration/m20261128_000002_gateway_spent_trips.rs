//! Trips to the identity provider that are over.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("spent_trips")
            .col(blob("state_hash").primary_key())
            .col(big_integer("spent_at"))
            .to_owned();
        manager.create_table(table).await?;
        let index = Index::create()
            .name("spent_trips_age")
            .table("spent_trips")
            .col("spent_at")
            .take();
        manager.create_index(index).await
    }
}
