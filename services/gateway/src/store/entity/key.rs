//! A row per API key, with what was used of its quota.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: i64,
    pub owner: String,
    pub channel_code: String,
    pub verbs: String,
    #[sea_orm(column_type = "Text")]
    pub networks: String,
    pub per_minute: i32,
    pub per_day: i32,
    pub secret_mac: Vec<u8>,
    pub made_at: i64,
    pub expires_at: i64,
    pub revoked_at: Option<i64>,
    pub minute: i64,
    pub minute_used: i32,
    pub day: i64,
    pub day_used: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
