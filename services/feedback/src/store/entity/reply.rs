//! A row of the reply ledger.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    #[sea_orm(unique)]
    pub origin: String,
    pub appeal_id: Uuid,
    pub appeal_number: String,
    pub matter_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    pub round: i32,
    pub channel_code: String,
    pub contact_ref: String,
    pub state: String,
    pub cause: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub replied_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
