//! A row per matter heard of. Version 0: only routing told of it so far.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "matters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub appeal_id: Uuid,
    pub appeal_number: String,
    pub channel_code: String,
    pub contact_ref: String,
    pub is_historical: bool,
    pub ticket_id: Option<Uuid>,
    /// The tickets it stood on, as a JSON list of ids.
    #[sea_orm(column_type = "Text")]
    pub visited: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
