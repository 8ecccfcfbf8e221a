//! A matter as its last event told.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "matter_view")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub appeal_id: Uuid,
    pub ticket_id: Uuid,
    pub reserved_ticket_id: Uuid,
    pub ordinal: i32,
    pub citizen: String,
    pub nature: String,
    pub last_move: String,
    pub received_at: i64,
    pub received_day: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
