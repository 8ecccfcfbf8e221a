//! Requests that somebody be forgotten, and what is left of him when he is.

use hotline_kernel::id::AppealId;
use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Expr, LockType, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::{appeal, contact, erasure_request, matter};
use super::{StoreError, instant, optional_instant};
use crate::domain::erasure::Erasure;

/// Where a list of requests goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// Microseconds.
    pub requested_at: i64,
    /// Tie-breaker.
    pub id: Uuid,
}

/// Keeps a request.
pub async fn insert(txn: &Txn, erasure: &Erasure) -> Result<(), StoreError> {
    let model = erasure_request::ActiveModel {
        id: Set(erasure.id),
        owner: Set(erasure.owner.clone()),
        reason: Set(erasure.reason.clone()),
        requested_by: Set(erasure.requested_by.clone()),
        requested_at: Set(micros(erasure.requested_at)),
        approved_by: Set(None),
        approved_at: Set(None),
    };
    erasure_request::Entity::insert(model)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A request, for this transaction alone.
pub async fn find(txn: &Txn, id: Uuid) -> Result<Option<Erasure>, StoreError> {
    let mut query = erasure_request::Entity::find_by_id(id);
    if txn.get_database_backend() == DbBackend::Postgres {
        query = query.lock(LockType::Update);
    }
    query.one(&**txn).await?.map(erasure_of).transpose()
}

/// Requests, the last one first.
pub async fn list(
    db: &impl ConnectionTrait,
    after: Option<&Cursor>,
    size: u64,
) -> Result<Vec<Erasure>, StoreError> {
    let mut query = erasure_request::Entity::find();
    if let Some(cursor) = after {
        let same = Condition::all()
            .add(erasure_request::Column::RequestedAt.eq(cursor.requested_at))
            .add(erasure_request::Column::Id.lt(cursor.id));
        let earlier = erasure_request::Column::RequestedAt.lt(cursor.requested_at);
        query = query.filter(Condition::any().add(earlier).add(same));
    }
    let rows = query
        .order_by_desc(erasure_request::Column::RequestedAt)
        .order_by_desc(erasure_request::Column::Id)
        .limit(size)
        .all(db)
        .await?;
    rows.into_iter().map(erasure_of).collect()
}

/// Notes who approved a request, and forgets whose it was.
///
/// # Errors
///
/// Stale if it was approved meanwhile.
pub async fn approve(txn: &Txn, erasure: &Erasure) -> Result<(), StoreError> {
    let (by, at) = match &erasure.approved {
        Some((by, at)) => (Some(by.as_str()), Some(micros(*at))),
        None => (None, None),
    };
    let updated = erasure_request::Entity::update_many()
        .col_expr(erasure_request::Column::ApprovedBy, Expr::value(by))
        .col_expr(erasure_request::Column::ApprovedAt, Expr::value(at))
        .col_expr(erasure_request::Column::Owner, Expr::value(""))
        .filter(erasure_request::Column::Id.eq(erasure.id))
        .filter(erasure_request::Column::ApprovedBy.is_null())
        .exec(&**txn)
        .await?;
    if updated.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 }.into());
    }
    Ok(())
}

/// Leaves nothing of citizens that could be opened with a key, or point to them: contacts, sealed texts, pseudonyms,
/// keys of texts. Masked texts, numbers and hashes by which repetitions are known stay.
pub async fn forget_citizens(txn: &Txn, citizens: &[String]) -> Result<(), StoreError> {
    if citizens.is_empty() {
        return Ok(());
    }
    let theirs = Query::select()
        .column(appeal::Column::Id)
        .from(appeal::Entity)
        .and_where(appeal::Column::Citizen.is_in(citizens))
        .to_owned();
    forget_matters(txn, theirs).await?;
    contact::Entity::delete_many()
        .filter(contact::Column::Citizen.is_in(citizens))
        .exec(&**txn)
        .await?;
    forget_appeals(txn, appeal::Column::Citizen.is_in(citizens)).await
}

/// The same of one appeal of somebody unknown.
pub async fn forget_appeal(txn: &Txn, id: AppealId) -> Result<(), StoreError> {
    let this = || appeal::Column::Id.eq(id.uuid());
    let select = |column: appeal::Column| {
        Query::select()
            .column(column)
            .from(appeal::Entity)
            .and_where(this())
            .to_owned()
    };
    forget_matters(txn, select(appeal::Column::Id)).await?;
    contact::Entity::delete_many()
        .filter(contact::Column::Id.in_subquery(select(appeal::Column::ContactId)))
        .exec(&**txn)
        .await?;
    forget_appeals(txn, this()).await
}

async fn forget_matters(txn: &Txn, of: SelectStatement) -> Result<(), StoreError> {
    matter::Entity::update_many()
        .col_expr(matter::Column::SealedSubject, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::SealedText, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::SealedReply, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::TextKey, Expr::value(None::<String>))
        .col_expr(matter::Column::OpenKey, Expr::value(None::<String>))
        .filter(matter::Column::AppealId.in_subquery(of))
        .exec(&**txn)
        .await?;
    Ok(())
}

async fn forget_appeals(txn: &Txn, which: Expr) -> Result<(), StoreError> {
    appeal::Entity::update_many()
        .col_expr(appeal::Column::SealedSubject, Expr::value(None::<Vec<u8>>))
        .col_expr(appeal::Column::SealedText, Expr::value(None::<Vec<u8>>))
        .col_expr(appeal::Column::SealedAnswer, Expr::value(None::<Vec<u8>>))
        .col_expr(appeal::Column::ContactId, Expr::value(None::<Uuid>))
        .col_expr(appeal::Column::Citizen, Expr::value(""))
        .filter(which)
        .exec(&**txn)
        .await?;
    Ok(())
}

fn erasure_of(row: erasure_request::Model) -> Result<Erasure, StoreError> {
    let approved_at = optional_instant("approved_at", row.approved_at)?;
    Ok(Erasure {
        id: row.id,
        owner: row.owner,
        reason: row.reason,
        requested_by: row.requested_by,
        requested_at: instant("requested_at", row.requested_at)?,
        approved: row.approved_by.zip(approved_at),
    })
}
