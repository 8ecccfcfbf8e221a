//! Trips to the identity provider that are over: nobody comes back twice.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::spent_trip::{ActiveModel, Column, Entity};

/// Notes that the trip of this state's hash is over; false if it was.
pub(crate) async fn insert(
    txn: &Txn,
    state_hash: Vec<u8>,
    now: Timestamp,
) -> Result<bool, CoreError> {
    let row = ActiveModel {
        state_hash: Set(state_hash),
        spent_at: Set(micros(now)),
    };
    let added = Entity::insert(row)
        .on_conflict_do_nothing()
        .exec_without_returning(&**txn)
        .await?;
    Ok(matches!(added, sea_orm::TryInsertResult::Inserted(rows) if rows > 0))
}

/// Forgets trips that were over before `until`.
pub(crate) async fn forget(txn: &Txn, until: Timestamp) -> Result<(), CoreError> {
    Entity::delete_many()
        .filter(Column::SpentAt.lt(micros(until)))
        .exec(&**txn)
        .await?;
    Ok(())
}
