//! How far other services' aggregates were heard, stream by stream: no event is applied twice.

use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::entity::heard::{Column, Entity, Model};

/// Notes that `version` of an aggregate was heard on a stream; false if it, or a later one, was heard before.
///
/// The stream is part of the key: a matter that moves is told of on two streams, which have no common order.
pub(crate) async fn note(
    txn: &Txn,
    stream_id: Uuid,
    aggregate_id: Uuid,
    version: i64,
) -> Result<bool, CoreError> {
    let row = Model {
        stream_id,
        aggregate_id,
        version,
    };
    let newer = OnConflict::columns([Column::StreamId, Column::AggregateId])
        .update_column(Column::Version)
        .action_and_where(Expr::col((Entity, Column::Version)).lt(version))
        .to_owned();
    let changed = Entity::insert(row.into_active_model().reset_all())
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(changed > 0)
}
