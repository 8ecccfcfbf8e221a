//! Daily rollups: added to in the same transaction as what they are summed from.

use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::daily_fact::{ActiveModel, Column, Entity};
use crate::domain::fact::Deltas;

/// Adds changes to the rollups. A row that comes to nothing is removed, so that the same facts give
/// the same rows whatever way led to them.
pub async fn apply(txn: &Txn, deltas: &Deltas) -> Result<(), CoreError> {
    if deltas.is_empty() {
        return Ok(());
    }
    let key = [
        Column::Day,
        Column::Measure,
        Column::UnitCode,
        Column::ChannelCode,
        Column::Kind,
        Column::CategoryCode,
    ];
    let sum =
        Expr::col((Entity, Column::Count)).add(Expr::col((Alias::new("excluded"), Column::Count)));
    let add = OnConflict::columns(key)
        .value(Column::Count, sum)
        .to_owned();
    let rows = deltas.iter().map(|(key, change)| ActiveModel {
        day: Set(key.day.to_string()),
        measure: Set(key.measure.clone()),
        unit_code: Set(key.unit_code.clone()),
        channel_code: Set(key.channel_code.clone()),
        kind: Set(key.kind.clone()),
        category_code: Set(key.category_code.clone()),
        count: Set(*change),
    });
    Entity::insert_many(rows)
        .on_conflict(add)
        .exec_without_returning(&**txn)
        .await?;
    for (key, _) in deltas.iter().filter(|(_, change)| **change < 0) {
        Entity::delete_many()
            .filter(Column::Day.eq(key.day.to_string()))
            .filter(Column::Measure.eq(&key.measure))
            .filter(Column::UnitCode.eq(&key.unit_code))
            .filter(Column::ChannelCode.eq(&key.channel_code))
            .filter(Column::Kind.eq(&key.kind))
            .filter(Column::CategoryCode.eq(&key.category_code))
            .filter(Column::Count.eq(0))
            .exec(&**txn)
            .await?;
    }
    Ok(())
}
