//! Appeals. The originals that older versions kept in clear are empty.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "appeal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub number: String,
    pub version: i64,
    pub state: String,
    pub nature: String,
    pub channel_code: String,
    pub line_number: String,
    pub source: String,
    pub source_id: String,
    pub dedup_key: String,
    pub content_hash: String,
    pub differs_from: Option<Uuid>,
    pub citizen: String,
    pub contact_id: Option<Uuid>,
    pub original_subject: String,
    pub original_text: String,
    pub masked_subject: String,
    pub masked_text: String,
    pub said_at: i64,
    pub received_at: i64,
    pub is_anonymous: bool,
    pub is_confidential: bool,
    pub is_tip_off: bool,
    pub complained_units: String,
    pub guide_reason: Option<String>,
    pub legal_route: String,
    pub competent_body: String,
    pub original_answer: String,
    pub masked_answer: String,
    pub diverted_to: String,
    pub reason: String,
    pub old_number: String,
    pub import_batch_id: Option<Uuid>,
    pub sealed_subject: Option<Vec<u8>>,
    pub sealed_text: Option<Vec<u8>>,
    pub sealed_answer: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
