//! A row per thing that one security administrator asked for.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub account_id: Uuid,
    pub kind: String,
    pub roles: String,
    pub unit_code: String,
    pub account_version: i64,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub asked_by: String,
    pub asked_at: i64,
    pub state: String,
    pub decided_by: String,
    pub asker_part_hash: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
