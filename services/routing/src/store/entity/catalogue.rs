//! A row of the dispatch catalogue.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "catalogue")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    pub category_code: String,
    pub area_code: String,
    pub lead_unit_code: String,
    #[sea_orm(column_type = "Text")]
    pub assisting_unit_codes: String,
    #[sea_orm(column_type = "Text")]
    pub source: String,
    pub valid_from: String,
    pub valid_until: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
