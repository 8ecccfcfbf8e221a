//! Matters. The originals that older versions kept in clear are empty.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "matter")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub appeal_id: Uuid,
    pub ordinal: i32,
    pub version: i64,
    pub reserved_ticket_id: Uuid,
    pub number: String,
    pub place: String,
    pub ticket_id: Option<Uuid>,
    pub kind: String,
    pub urgency: String,
    pub category_code: String,
    pub area_code: String,
    pub original_subject: String,
    pub original_text: String,
    pub masked_subject: String,
    pub masked_text: String,
    pub imported_due_at: Option<i64>,
    pub original_reply: Option<String>,
    pub masked_reply: Option<String>,
    pub replied_at: Option<i64>,
    pub text_key: Option<String>,
    pub open_key: Option<String>,
    pub sealed_subject: Option<Vec<u8>>,
    pub sealed_text: Option<Vec<u8>>,
    pub sealed_reply: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
