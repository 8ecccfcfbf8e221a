//! How much of a channel's outbound file is committed. What stands behind it was never written.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbound_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_code: String,
    pub committed_bytes: i64,
    pub lines: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
