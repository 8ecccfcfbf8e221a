//! A word that speaks for a category.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "keyword")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub keyword: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub category_code: String,
    pub weight: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
