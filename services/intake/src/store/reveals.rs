//! Looks at contacts, and the approvals of some of them.

use hotline_kernel::id::AppealId;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::access::Scope;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::{reveal, reveal_request, revealer};
use super::{StoreError, broken, instant, optional_instant, term};
use crate::domain::reveal::{Approval, ContactField, PendingApproval, Reveal};
use crate::domain::terms::Term;

/// Where a list goes on: behind the look then, of that id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cursor {
    at: i64,
    id: Uuid,
}

impl Cursor {
    /// Behind a wish.
    pub fn behind_wish(wish: &PendingApproval) -> Self {
        Self {
            at: micros(wish.approval.asked_at),
            id: wish.id,
        }
    }

    /// Behind `reveal`.
    pub fn behind(reveal: &Reveal) -> Self {
        Self {
            at: micros(reveal.at),
            id: reveal.id,
        }
    }
}

/// Lets one look at a time of `actor` in, until the transaction ends; tells when a refusal of his was last
/// written down.
pub async fn enter(txn: &Txn, actor: &str) -> Result<Option<Timestamp>, StoreError> {
    let row = revealer::ActiveModel {
        actor: Set(actor.to_owned()),
        refused_at: Set(None),
    };
    revealer::Entity::insert(row)
        .on_conflict(
            OnConflict::column(revealer::Column::Actor)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&**txn)
        .await?;
    let row = revealer::Entity::find_by_id(actor)
        .lock_exclusive()
        .one(&**txn)
        .await?;
    optional_instant("refused_at", row.and_then(|row| row.refused_at))
}

/// A refusal of `actor`'s is written down.
pub async fn note_refusal(txn: &Txn, actor: &str, now: Timestamp) -> Result<(), StoreError> {
    revealer::Entity::update_many()
        .col_expr(revealer::Column::RefusedAt, Expr::value(micros(now)))
        .filter(revealer::Column::Actor.eq(actor))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// How often `actor` looked since then.
pub async fn count_since(
    db: &impl ConnectionTrait,
    actor: &str,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let found = reveal::Entity::find()
        .filter(reveal::Column::Actor.eq(actor))
        .filter(reveal::Column::At.gt(micros(since)))
        .count(db)
        .await?;
    Ok(found)
}

/// Keeps a look.
pub async fn insert(txn: &Txn, reveal: &Reveal) -> Result<(), StoreError> {
    let row = reveal::Model {
        id: reveal.id,
        at: micros(reveal.at),
        actor: reveal.actor.clone(),
        unit_code: reveal.unit_code.clone(),
        appeal_id: reveal.appeal.uuid(),
        fields: words_of(&reveal.fields),
        purpose: reveal.purpose.word().to_owned(),
        reason: reveal.reason.clone(),
        approval_id: reveal.approval,
        approved_by: reveal.approved_by.clone(),
    };
    reveal::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A page of looks, the latest first, of an appeal and of a person if they are named; none for a scope that is not
/// everybody's.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (appeal, actor): (Option<AppealId>, &str),
    after: Option<&Cursor>,
    size: u64,
) -> Result<Vec<Reveal>, StoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = reveal::Entity::find();
    if let Some(appeal) = appeal {
        query = query.filter(reveal::Column::AppealId.eq(appeal.uuid()));
    }
    if !actor.is_empty() {
        query = query.filter(reveal::Column::Actor.eq(actor));
    }
    if let Some(Cursor { at, id }) = after {
        let same_instant = Condition::all()
            .add(reveal::Column::At.eq(*at))
            .add(reveal::Column::Id.lt(*id));
        let behind = Condition::any()
            .add(reveal::Column::At.lt(*at))
            .add(same_instant);
        query = query.filter(behind);
    }
    latest(query, db, size).await
}

/// The latest looks at the contact of an appeal, for its citizen: no scope is asked for.
pub async fn of_appeal(
    db: &impl ConnectionTrait,
    appeal: AppealId,
    size: u64,
) -> Result<Vec<Reveal>, StoreError> {
    let query = reveal::Entity::find().filter(reveal::Column::AppealId.eq(appeal.uuid()));
    latest(query, db, size).await
}

async fn latest(
    query: sea_orm::Select<reveal::Entity>,
    db: &impl ConnectionTrait,
    size: u64,
) -> Result<Vec<Reveal>, StoreError> {
    let rows = query
        .order_by_desc(reveal::Column::At)
        .order_by_desc(reveal::Column::Id)
        .limit(size)
        .all(db)
        .await?;
    rows.into_iter().map(reveal_of).collect()
}

/// Keeps a wish for an approval.
pub async fn ask(txn: &Txn, id: Uuid, approval: &Approval, reason: &str) -> Result<(), StoreError> {
    let row = reveal_request::Model {
        id,
        appeal_id: approval.appeal.uuid(),
        fields: words_of(&approval.fields),
        purpose: approval.purpose.word().to_owned(),
        reason: reason.to_owned(),
        asked_by: approval.asked_by.clone(),
        asked_at: micros(approval.asked_at),
        approved_by: String::new(),
        approved_at: None,
        used_at: None,
    };
    reveal_request::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A page of wishes that wait for an approval and were asked since then, the latest first, each with its id and its
/// reason; none for a scope that is not everybody's.
pub async fn pending(
    db: &impl ConnectionTrait,
    scope: &Scope,
    since: Timestamp,
    after: Option<&Cursor>,
    size: u64,
) -> Result<Vec<(Uuid, Approval, String)>, StoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = reveal_request::Entity::find()
        .filter(reveal_request::Column::ApprovedAt.is_null())
        .filter(reveal_request::Column::AskedAt.gte(micros(since)));
    if let Some(Cursor { at, id }) = after {
        let same_instant = Condition::all()
            .add(reveal_request::Column::AskedAt.eq(*at))
            .add(reveal_request::Column::Id.lt(*id));
        let behind = Condition::any()
            .add(reveal_request::Column::AskedAt.lt(*at))
            .add(same_instant);
        query = query.filter(behind);
    }
    let rows = query
        .order_by_desc(reveal_request::Column::AskedAt)
        .order_by_desc(reveal_request::Column::Id)
        .limit(size)
        .all(db)
        .await?;
    let read = |row: reveal_request::Model| {
        let (id, reason) = (row.id, row.reason.clone());
        Ok((id, approval_of(row)?, reason))
    };
    rows.into_iter().map(read).collect()
}

/// A wish for an approval, and what was said to it; locked until the transaction ends.
pub async fn approval(txn: &Txn, id: Uuid) -> Result<Option<Approval>, StoreError> {
    let row = reveal_request::Entity::find_by_id(id)
        .lock_exclusive()
        .one(&**txn)
        .await?;
    row.map(approval_of).transpose()
}

/// `by` approved it.
pub async fn approve(txn: &Txn, id: Uuid, by: &str, now: Timestamp) -> Result<(), StoreError> {
    reveal_request::Entity::update_many()
        .col_expr(reveal_request::Column::ApprovedBy, Expr::value(by))
        .col_expr(reveal_request::Column::ApprovedAt, Expr::value(micros(now)))
        .filter(reveal_request::Column::Id.eq(id))
        .filter(reveal_request::Column::ApprovedAt.is_null())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// It was used; the unique approval of a look keeps two uses apart besides.
pub async fn spend(txn: &Txn, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    reveal_request::Entity::update_many()
        .col_expr(reveal_request::Column::UsedAt, Expr::value(micros(now)))
        .filter(reveal_request::Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

fn words_of(fields: &[ContactField]) -> String {
    let words: Vec<&str> = fields.iter().map(|field| field.word()).collect();
    words.join(" ")
}

fn fields_of(words: &str) -> Result<Vec<ContactField>, StoreError> {
    words
        .split_whitespace()
        .map(|word| term("fields", word))
        .collect()
}

fn reveal_of(row: reveal::Model) -> Result<Reveal, StoreError> {
    Ok(Reveal {
        id: row.id,
        at: instant("at", row.at)?,
        actor: row.actor,
        unit_code: row.unit_code,
        appeal: row.appeal_id.into(),
        fields: fields_of(&row.fields)?,
        purpose: term("purpose", &row.purpose)?,
        reason: row.reason,
        approval: row.approval_id,
        approved_by: row.approved_by,
    })
}

fn approval_of(row: reveal_request::Model) -> Result<Approval, StoreError> {
    let approved_at = optional_instant("approved_at", row.approved_at)?;
    if approved_at.is_some() == row.approved_by.is_empty() {
        return Err(broken("approved_by"));
    }
    Ok(Approval {
        appeal: row.appeal_id.into(),
        fields: fields_of(&row.fields)?,
        purpose: term("purpose", &row.purpose)?,
        asked_by: row.asked_by,
        asked_at: instant("asked_at", row.asked_at)?,
        approved: approved_at.map(|at| (row.approved_by, at)),
        is_used: row.used_at.is_some(),
    })
}
