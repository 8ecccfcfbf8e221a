//! How far the read models are, and the lock that makes their writers take turns.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Alias, CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::convert::instant;
use super::entity::{
    appeal_view, follow_up_view, matter_view, progress, registry_load, registry_name, reply_view,
    rollup, tenure, ticket_step, ticket_view,
};
use super::search;

/// The only row.
const ROW: i32 = 1;

/// Notes that events up to `at` are in, and holds other writers back until this transaction ends.
///
/// Without it two partitions' transactions could wait for each other's rollup rows; and a document
/// that is issued meanwhile could see half of an event.
pub async fn lock(txn: &Txn, at: Timestamp) -> Result<(), CoreError> {
    let held = Expr::col((progress::Entity, progress::Column::DataCut));
    let new = Expr::col((Alias::new("excluded"), progress::Column::DataCut));
    let later = CaseStatement::new()
        .case(new.clone().gt(held.clone()), new)
        .finally(held);
    let keep_later = OnConflict::column(progress::Column::Id)
        .value(progress::Column::DataCut, later)
        .to_owned();
    let row = progress::ActiveModel {
        id: Set(ROW),
        data_cut: Set(micros(at)),
    };
    progress::Entity::insert(row)
        .on_conflict(keep_later)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Holds other writers back until this transaction ends, noting nothing.
pub async fn hold(txn: &Txn) -> Result<(), CoreError> {
    lock(txn, Timestamp::UNIX_EPOCH).await
}

/// The instant of the latest event that is in, if any is.
pub async fn data_cut(db: &impl ConnectionTrait) -> Result<Option<Timestamp>, CoreError> {
    let row = progress::Entity::find_by_id(ROW).one(db).await?;
    row.filter(|row| row.data_cut > 0)
        .map(|row| instant("data_cut", row.data_cut))
        .transpose()
}

/// Empties everything that events told, so that a replay tells it again.
pub async fn clear_read_models(txn: &Txn) -> Result<(), CoreError> {
    progress::Entity::delete_many().exec(&**txn).await?;
    registry_load::Entity::delete_many().exec(&**txn).await?;
    registry_name::Entity::delete_many().exec(&**txn).await?;
    appeal_view::Entity::delete_many().exec(&**txn).await?;
    matter_view::Entity::delete_many().exec(&**txn).await?;
    ticket_view::Entity::delete_many().exec(&**txn).await?;
    ticket_step::Entity::delete_many().exec(&**txn).await?;
    tenure::Entity::delete_many().exec(&**txn).await?;
    follow_up_view::Entity::delete_many().exec(&**txn).await?;
    reply_view::Entity::delete_many().exec(&**txn).await?;
    rollup::Entity::delete_many().exec(&**txn).await?;
    search::clear(txn).await
}
