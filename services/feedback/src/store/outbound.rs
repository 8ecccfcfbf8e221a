//! How far each channel's outbound file is committed.

use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::outbound_file::{ActiveModel, Column, Entity};
use super::unexpected;

/// How much of a channel's file is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

/// Locks a channel's file until the transaction ends, and tells how far it is committed.
pub(crate) async fn lock(txn: &Txn, channel_code: &str) -> Result<Committed, CoreError> {
    let unwritten = ActiveModel {
        channel_code: Set(channel_code.to_owned()),
        committed_bytes: Set(0),
        lines: Set(0),
    };
    // Setting the code to itself changes nothing and takes the lock.
    let take = OnConflict::column(Column::ChannelCode)
        .update_column(Column::ChannelCode)
        .to_owned();
    Entity::insert(unwritten)
        .on_conflict(take)
        .exec_without_returning(&**txn)
        .await?;
    let Some(row) = Entity::find_by_id(channel_code.to_owned())
        .one(&**txn)
        .await?
    else {
        return Ok(Committed::default());
    };
    let count = |stored: i64| u64::try_from(stored).map_err(|_| unexpected("outbound_files"));
    Ok(Committed {
        bytes: count(row.committed_bytes)?,
        lines: count(row.lines)?,
    })
}

/// Saves how far a locked file is committed.
pub(crate) async fn save(
    txn: &Txn,
    channel_code: &str,
    committed: Committed,
) -> Result<(), CoreError> {
    let stored = |count: u64| i64::try_from(count).map_err(|_| unexpected("outbound_files"));
    Entity::update_many()
        .col_expr(Column::CommittedBytes, stored(committed.bytes)?.into())
        .col_expr(Column::Lines, stored(committed.lines)?.into())
        .filter(Column::ChannelCode.eq(channel_code))
        .exec(&**txn)
        .await?;
    Ok(())
}
