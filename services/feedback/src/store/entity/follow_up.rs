//! A row per follow-up.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "follow_ups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub ticket_id: Uuid,
    pub ticket_version: i64,
    pub matter_id: Uuid,
    pub appeal_id: Uuid,
    pub round: i32,
    pub state: String,
    pub attempts: i32,
    pub unreached_hours: i32,
    pub solved: Option<String>,
    pub satisfaction: Option<String>,
    pub failure_class: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub note: String,
    pub opened_at: i64,
    pub closed_at: Option<i64>,
    pub lead_unit_code: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
