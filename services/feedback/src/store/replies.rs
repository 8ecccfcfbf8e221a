//! The reply ledger: inserted once per origin, moved from state to state, listed.

use std::collections::HashSet;

use hotline_kernel::id::{ReplyId, TicketId};
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::reply::{ActiveModel, Column, Entity, Model};
use super::{count, instant, stored, words};
use crate::domain::reply::{Origin, Reply, ReplyCause, ReplyFilter, ReplyState};

/// Adds a reply.
pub(crate) async fn insert(txn: &Txn, reply: &Reply) -> Result<(), CoreError> {
    let row = ActiveModel {
        id: Set(reply.id.uuid()),
        version: Set(reply.version),
        origin: Set(reply.origin.as_str().to_owned()),
        appeal_id: Set(reply.appeal_id.uuid()),
        appeal_number: Set(reply.appeal_number.clone()),
        matter_id: Set(reply.matter_id.map(hotline_kernel::id::MatterId::uuid)),
        ticket_id: Set(reply.ticket_id.map(TicketId::uuid)),
        round: Set(stored(reply.round)),
        channel_code: Set(reply.channel_code.clone()),
        contact_ref: Set(reply.contact_ref.clone()),
        state: Set(reply.state.word().to_owned()),
        cause: Set(reply.cause.word().to_owned()),
        text: Set(reply.text.clone()),
        replied_at: Set(micros(reply.replied_at)),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Saves the state of a reply that was loaded one version ago.
///
/// # Errors
///
/// [`CoreError::Stale`] if somebody else changed it since.
pub(crate) async fn save_state(txn: &Txn, reply: &Reply) -> Result<(), CoreError> {
    let saved = Entity::update_many()
        .col_expr(Column::State, reply.state.word().into())
        .col_expr(Column::Version, reply.version.into())
        .filter(Column::Id.eq(reply.id.uuid()))
        .filter(Column::Version.eq(reply.version - 1))
        .exec(&**txn)
        .await?;
    if saved.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 });
    }
    Ok(())
}

/// One reply.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    id: ReplyId,
) -> Result<Option<Reply>, CoreError> {
    Entity::find_by_id(id.uuid())
        .one(db)
        .await?
        .map(Reply::try_from)
        .transpose()
}

/// Whether something was replied to already.
pub(crate) async fn answers(db: &impl ConnectionTrait, origin: &Origin) -> Result<bool, CoreError> {
    let found = Entity::find()
        .filter(Column::Origin.eq(origin.as_str()))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Which of `origins` were replied to already.
pub(crate) async fn answered(
    db: &impl ConnectionTrait,
    origins: &[Origin],
) -> Result<HashSet<String>, CoreError> {
    let rows: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Origin)
        .filter(Column::Origin.is_in(origins.iter().map(Origin::as_str)))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// The oldest replies of a channel in a state, at most `limit`.
pub(crate) async fn oldest(
    db: &impl ConnectionTrait,
    channel_code: &str,
    state: ReplyState,
    limit: u64,
) -> Result<Vec<Reply>, CoreError> {
    let rows = Entity::find()
        .filter(Column::ChannelCode.eq(channel_code))
        .filter(Column::State.eq(state.word()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(Reply::try_from).collect()
}

/// One row more than the page holds, by id; the surplus row says that there is a next page. Nobody here knows
/// whose a ticket is, so there are none for a scope that is not everybody's.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    filter: &ReplyFilter,
    page: &Page<Uuid>,
) -> Result<Vec<Reply>, CoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = Entity::find().order_by_asc(Column::Id).limit(page.size + 1);
    if let Some(appeal) = filter.appeal {
        query = query.filter(Column::AppealId.eq(appeal.uuid()));
    }
    if let Some(ticket) = filter.ticket {
        query = query.filter(Column::TicketId.eq(ticket.uuid()));
    }
    if !filter.channel_code.is_empty() {
        query = query.filter(Column::ChannelCode.eq(filter.channel_code.as_str()));
    }
    if let Some(state) = filter.state {
        query = query.filter(Column::State.eq(state.word()));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query
        .all(db)
        .await?
        .into_iter()
        .map(Reply::try_from)
        .collect()
}

impl TryFrom<Model> for Reply {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        Ok(Self {
            id: row.id.into(),
            version: row.version,
            origin: Origin::stored(row.origin),
            appeal_id: row.appeal_id.into(),
            appeal_number: row.appeal_number,
            matter_id: row.matter_id.map(Into::into),
            ticket_id: row.ticket_id.map(Into::into),
            round: count("replies.round", row.round)?,
            channel_code: row.channel_code,
            contact_ref: row.contact_ref,
            state: words::read(
                "replies.state",
                &ReplyState::ALL,
                ReplyState::word,
                &row.state,
            )?,
            cause: words::read(
                "replies.cause",
                &ReplyCause::ALL,
                ReplyCause::word,
                &row.cause,
            )?,
            text: row.text,
            replied_at: instant("replies.replied_at", row.replied_at)?,
        })
    }
}
