//! A unit's holding of a ticket.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenure")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    pub unit_code: String,
    pub from_at: i64,
    pub began: String,
    pub until_at: Option<i64>,
    pub ended: String,
    pub due_at: Option<i64>,
    pub sign_due_at: Option<i64>,
    pub signed_at: Option<i64>,
    pub channel_code: String,
    pub kind: String,
    pub category_code: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
