//! A ticket as its last event told.

use sea_orm::entity::prelude::*;

#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a row, one column each"
)]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_view")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub number: String,
    pub state: String,
    pub nature: String,
    pub kind: String,
    pub urgency: String,
    pub category_code: String,
    #[sea_orm(column_type = "Text")]
    pub summary: String,
    pub channel_code: String,
    pub lead_unit_code: String,
    #[sea_orm(column_type = "Text")]
    pub assisting_unit_codes: String,
    pub round: i32,
    pub received_at: i64,
    pub received_day: String,
    pub signed_at: Option<i64>,
    pub sign_due_at: Option<i64>,
    pub concluded_at: Option<i64>,
    pub due_at: Option<i64>,
    pub is_due_provisional: bool,
    pub returns: i32,
    pub card: String,
    pub supervision_orders: i32,
    pub is_escalated: bool,
    #[sea_orm(column_type = "Text")]
    pub reply: String,
    pub is_anonymous: bool,
    pub is_confidential: bool,
    pub is_tip_off: bool,
    pub tenures: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
