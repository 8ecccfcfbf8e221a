//! Counters of failed guesses.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::failure::{ActiveModel, Column, Entity, Model};
use super::unexpected;
use crate::domain::throttle::{FORGET_AFTER, Failures};

/// What a counter says.
pub(crate) async fn find(db: &impl ConnectionTrait, counter: &str) -> Result<Failures, CoreError> {
    let found = Entity::find_by_id(counter.to_owned()).one(db).await?;
    Ok(found
        .map(Failures::try_from)
        .transpose()?
        .unwrap_or_default())
}

/// What a counter says, and nobody else counts on it until this transaction ends.
pub(crate) async fn lock(txn: &Txn, counter: &str, now: Timestamp) -> Result<Failures, CoreError> {
    // Setting the key to itself changes nothing and takes the lock.
    let take = OnConflict::column(Column::Counter)
        .update_column(Column::Counter)
        .to_owned();
    Entity::insert(row(counter, &Failures::default(), now))
        .on_conflict(take)
        .exec_without_returning(&**txn)
        .await?;
    find(&**txn, counter).await
}

/// Saves a counter that is locked.
pub(crate) async fn save(
    txn: &Txn,
    counter: &str,
    failures: &Failures,
    now: Timestamp,
) -> Result<(), CoreError> {
    Entity::update_many()
        .set(row(counter, failures, now))
        .filter(Column::Counter.eq(counter))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Sets a counter back.
pub(crate) async fn clear(txn: &Txn, counter: &str) -> Result<(), CoreError> {
    Entity::delete_by_id(counter.to_owned())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Takes away what nobody counted on for a day.
pub(crate) async fn forget(txn: &Txn, now: Timestamp) -> Result<(), CoreError> {
    Entity::delete_many()
        .filter(Column::LastAt.lt(micros(now - FORGET_AFTER)))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// How many counters there are.
#[cfg(test)]
pub(crate) async fn count(db: &impl ConnectionTrait) -> Result<u64, CoreError> {
    use sea_orm::PaginatorTrait as _;
    Ok(Entity::find().count(db).await?)
}

fn row(counter: &str, failures: &Failures, now: Timestamp) -> ActiveModel {
    let recent: Vec<String> = failures.recent.iter().map(i64::to_string).collect();
    ActiveModel {
        counter: Set(counter.to_owned()),
        count: Set(i32::try_from(failures.count).unwrap_or(i32::MAX)),
        recent: Set(recent.join(" ")),
        last_at: Set(micros(now)),
    }
}

impl TryFrom<Model> for Failures {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let recent: Result<Vec<i64>, _> = row.recent.split_whitespace().map(str::parse).collect();
        Ok(Self {
            count: u32::try_from(row.count).map_err(|_| unexpected("failures.count"))?,
            recent: recent.map_err(|_| unexpected("failures.recent"))?,
        })
    }
}
