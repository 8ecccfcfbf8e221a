//! Legacy lines.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: String,
    pub name: String,
    pub unit_name: String,
    pub merge_mode: String,
    pub is_exempt: bool,
}

impl ActiveModelBehavior for ActiveModel {}
