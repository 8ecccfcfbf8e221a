//! A row per counter of failed guesses.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "failures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub counter: String,
    pub count: i32,
    #[sea_orm(column_type = "Text")]
    pub recent: String,
    pub last_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
