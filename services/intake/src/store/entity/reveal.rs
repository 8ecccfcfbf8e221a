//! Looks at contacts: who, when, at what, what for. Nothing of the contact.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reveal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub actor: String,
    pub unit_code: String,
    pub appeal_id: Uuid,
    pub fields: String,
    pub purpose: String,
    pub reason: String,
    pub approval_id: Option<Uuid>,
    pub approved_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
