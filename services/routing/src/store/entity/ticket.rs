//! A ticket at its present version. What a state does not have is empty.

use sea_orm::entity::prelude::*;

#[expect(
    clippy::struct_excessive_bools,
    reason = "a row has the columns it has"
)]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub number: String,
    pub version: i64,
    pub state: String,
    pub is_open: bool,
    pub nature: String,
    pub kind: String,
    pub urgency: String,
    pub category_code: String,
    pub area_code: String,
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub channel_code: String,
    pub received_at: i64,
    pub imported_due_at: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub confidentiality: String,
    pub citizen_due_at: Option<i64>,
    pub citizen_due_provisional: bool,
    pub round: i32,
    pub returns: i32,
    pub counted_returns: i32,
    pub card: String,
    pub reminders: i32,
    pub supervision_orders: i32,
    pub instructions: i32,
    pub is_escalated: bool,
    pub timer_sequence: i64,
    pub lead_unit_code: String,
    #[sea_orm(column_type = "Text")]
    pub assisting_unit_codes: String,
    pub dispatch_source: String,
    pub is_binding: bool,
    pub dispatched_at: Option<i64>,
    pub unit_due_at: Option<i64>,
    pub unit_due_provisional: bool,
    pub sign_due_at: Option<i64>,
    pub sign_due_provisional: bool,
    pub signed_at: Option<i64>,
    pub return_until: Option<i64>,
    pub return_reason: String,
    #[sea_orm(column_type = "Text")]
    pub return_clause: String,
    pub proposed_unit_code: String,
    #[sea_orm(column_type = "Text")]
    pub handling_report: String,
    #[sea_orm(column_type = "Text")]
    pub reply: String,
    pub handled_at: Option<i64>,
    pub concluded_at: Option<i64>,
    pub archived_at: Option<i64>,
    pub was_concluded: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
