//! Sessions, and the devices that accounts were signed in to from.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::device;
use super::entity::session::{ActiveModel, Column, Entity, Model};
use super::{hit, instant};
use crate::domain::session::{
    DEVICE_LASTS, DEVICES_MAX, IDLE_MAX, LENGTH_MAX, SESSIONS_MAX, Session,
};

/// Adds a session; of too many, the one that was silent longest goes.
pub(crate) async fn insert(
    txn: &Txn,
    session: &Session,
    token_hash: Vec<u8>,
) -> Result<(), CoreError> {
    let surplus: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::AccountId.eq(session.account_id))
        .order_by_desc(Column::SeenAt)
        .offset(SESSIONS_MAX - 1)
        .limit(SESSIONS_MAX)
        .into_tuple()
        .all(&**txn)
        .await?;
    if !surplus.is_empty() {
        Entity::delete_many()
            .filter(Column::Id.is_in(surplus))
            .exec(&**txn)
            .await?;
    }
    let row = ActiveModel {
        id: Set(session.id),
        token_hash: Set(token_hash),
        account_id: Set(session.account_id),
        from_addr: Set(session.from_addr.clone()),
        agent: Set(session.agent.clone()),
        made_at: Set(micros(session.made_at)),
        seen_at: Set(micros(session.seen_at)),
        stepped_up_at: Set(session.stepped_up_at.map(micros)),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// The session of a token's hash, alive or not.
pub(crate) async fn by_token(
    db: &impl ConnectionTrait,
    token_hash: Vec<u8>,
) -> Result<Option<Session>, CoreError> {
    let found = Entity::find()
        .filter(Column::TokenHash.eq(token_hash))
        .one(db)
        .await?;
    found.map(Session::try_from).transpose()
}

/// The session of an id, alive or not.
pub(crate) async fn by_id(
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Session>, CoreError> {
    Entity::find_by_id(id)
        .one(db)
        .await?
        .map(Session::try_from)
        .transpose()
}

/// The sessions of an account that are alive, the latest used first.
pub(crate) async fn of_account(
    db: &impl ConnectionTrait,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Session>, CoreError> {
    let rows = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .order_by_desc(Column::SeenAt)
        .limit(SESSIONS_MAX)
        .all(db)
        .await?;
    let read: Result<Vec<Session>, _> = rows.into_iter().map(Session::try_from).collect();
    Ok(read?
        .into_iter()
        .filter(|session| session.is_alive(now))
        .collect())
}

/// Notes that a session was used.
pub(crate) async fn note_use(txn: &Txn, id: Uuid, now: Timestamp) -> Result<(), CoreError> {
    Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(micros(now)))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Gives a session another token and notes the second factor; the old token opens nothing from now on.
pub(crate) async fn step_up(
    txn: &Txn,
    id: Uuid,
    token_hash: Vec<u8>,
    now: Timestamp,
) -> Result<(), CoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::TokenHash, Expr::value(token_hash))
        .col_expr(Column::SteppedUpAt, Expr::value(micros(now)))
        .col_expr(Column::SeenAt, Expr::value(micros(now)))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    hit(changed.rows_affected)
}

/// Ends a session of an account; false if it has none of this id.
pub(crate) async fn end(txn: &Txn, account_id: Uuid, id: Uuid) -> Result<bool, CoreError> {
    let ended = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::AccountId.eq(account_id))
        .exec(&**txn)
        .await?;
    Ok(ended.rows_affected == 1)
}

/// Ends every session of an account but one.
pub(crate) async fn end_others(
    txn: &Txn,
    account_id: Uuid,
    kept: Option<Uuid>,
) -> Result<(), CoreError> {
    let mut query = Entity::delete_many().filter(Column::AccountId.eq(account_id));
    if let Some(kept) = kept {
        query = query.filter(Column::Id.ne(kept));
    }
    query.exec(&**txn).await?;
    Ok(())
}

/// Takes away what is over by itself: sessions and devices.
pub(crate) async fn forget(txn: &Txn, now: Timestamp) -> Result<(), CoreError> {
    let is_over = Condition::any()
        .add(Column::SeenAt.lt(micros(now - IDLE_MAX)))
        .add(Column::MadeAt.lte(micros(now - LENGTH_MAX)));
    Entity::delete_many().filter(is_over).exec(&**txn).await?;
    device::Entity::delete_many()
        .filter(device::Column::SeenAt.lt(micros(now - DEVICE_LASTS)))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The device of a token's hash, if the account was signed in to from it lately.
pub(crate) async fn device(
    db: &impl ConnectionTrait,
    account_id: Uuid,
    token_hash: Vec<u8>,
    now: Timestamp,
) -> Result<Option<Uuid>, CoreError> {
    let found = device::Entity::find()
        .filter(device::Column::TokenHash.eq(token_hash))
        .filter(device::Column::AccountId.eq(account_id))
        .filter(device::Column::SeenAt.gte(micros(now - DEVICE_LASTS)))
        .one(db)
        .await?;
    Ok(found.map(|row| row.id))
}

/// Remembers a device; of too many, the one that was silent longest is forgotten.
pub(crate) async fn remember_device(
    txn: &Txn,
    account_id: Uuid,
    id: Uuid,
    token_hash: Vec<u8>,
    now: Timestamp,
) -> Result<(), CoreError> {
    let surplus: Vec<Uuid> = device::Entity::find()
        .select_only()
        .column(device::Column::Id)
        .filter(device::Column::AccountId.eq(account_id))
        .order_by_desc(device::Column::SeenAt)
        .offset(DEVICES_MAX - 1)
        .limit(DEVICES_MAX)
        .into_tuple()
        .all(&**txn)
        .await?;
    if !surplus.is_empty() {
        device::Entity::delete_many()
            .filter(device::Column::Id.is_in(surplus))
            .exec(&**txn)
            .await?;
    }
    let row = device::ActiveModel {
        id: Set(id),
        token_hash: Set(token_hash),
        account_id: Set(account_id),
        seen_at: Set(micros(now)),
    };
    device::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Notes that an account was signed in to from a device that it knows.
pub(crate) async fn note_device(txn: &Txn, id: Uuid, now: Timestamp) -> Result<(), CoreError> {
    device::Entity::update_many()
        .col_expr(device::Column::SeenAt, Expr::value(micros(now)))
        .filter(device::Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Forgets every device of an account.
pub(crate) async fn forget_devices(txn: &Txn, account_id: Uuid) -> Result<(), CoreError> {
    device::Entity::delete_many()
        .filter(device::Column::AccountId.eq(account_id))
        .exec(&**txn)
        .await?;
    Ok(())
}

impl TryFrom<Model> for Session {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let stepped_up_at = row
            .stepped_up_at
            .map(|at| instant("sessions.stepped_up_at", at));
        Ok(Self {
            id: row.id,
            account_id: row.account_id,
            from_addr: row.from_addr,
            agent: row.agent,
            made_at: instant("sessions.made_at", row.made_at)?,
            seen_at: instant("sessions.seen_at", row.seen_at)?,
            stepped_up_at: stepped_up_at.transpose()?,
        })
    }
}
