//! A version of a policy profile.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_profile")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub profile: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub valid_from: String,
    pub counting: String,
    pub count_start: String,
    #[sea_orm(column_type = "Text")]
    pub kind_days: String,
    pub sign_workdays: Option<i32>,
    pub return_workdays: i32,
    pub urgent_hours: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
