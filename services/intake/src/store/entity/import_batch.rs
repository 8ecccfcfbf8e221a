//! Runs of imports.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_batch")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_code: String,
    pub file_sha256: String,
    pub nature: String,
    pub mapping_sha256: String,
    pub run: i32,
    pub file_name: String,
    pub mapping_toml: String,
    pub header: String,
    pub next_row: i64,
    pub present: i64,
    pub refused: i64,
    pub registered: i64,
    pub quarantined: i64,
    pub attached: i64,
    pub started_at: i64,
    pub finished_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
