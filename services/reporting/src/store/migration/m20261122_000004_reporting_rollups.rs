//! Sums along one dimension each, by day and by month. The rollup along all dimensions at once had nearly
//! as many rows as there are tickets; its table stays as it was until one release later, for processes that
//! still run the old program. What those count meanwhile is in `rollup` after `hotline replay reporting`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string};

/// Creates the table and sums what is there into it.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(rollup()).await?;
        let connection = manager.get_connection();
        for (dimension, column) in DIMENSIONS {
            for period in ["day", "substr(day, 1, 7)"] {
                let sums = format!(
                    "INSERT INTO rollup (dimension, period, measure, code, count) \
                     SELECT '{dimension}', {period}, measure, {column}, SUM(count) \
                     FROM daily_fact GROUP BY {period}, measure, {column}"
                );
                connection.execute_unprepared(&sums).await?;
            }
        }
        Ok(())
    }
}

const DIMENSIONS: [(&str, &str); 4] = [
    ("unit", "unit_code"),
    ("channel", "channel_code"),
    ("kind", "kind"),
    ("category", "category_code"),
];

fn rollup() -> TableCreateStatement {
    Table::create()
        .table("rollup")
        .col(string("dimension"))
        .col(string("period"))
        .col(string("measure"))
        .col(string("code"))
        .col(big_integer("count"))
        .primary_key(
            Index::create()
                .col("dimension")
                .col("period")
                .col("measure")
                .col("code"),
        )
        .to_owned()
}
