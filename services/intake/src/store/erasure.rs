//! Requests that somebody be forgotten, and what is left of him when he is.

use hotline_kernel::id::AppealId;
use hotline_kernel::personal::PersonName;
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::vault::Vault;
use sea_orm::sea_query::{Expr, LockType, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::{appeal, contact, erasure_request, import_refusal, matter};
use super::{StoreError, instant, optional_instant};
use crate::domain::erasure::{Erasure, Subject};
use crate::domain::owner::{self, Owner};

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
        appeal_id: Set(erasure.subject.appeal.map(AppealId::uuid)),
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

/// Whom a request is about, as far as `scope` reaches, and the citizen's name, to mask it in what is written about him.
pub async fn subject(
    db: &impl ConnectionTrait,
    vault: &Vault,
    erasure: &Erasure,
    scope: &Scope,
) -> Result<(Subject, String), StoreError> {
    let (appeals, latest) = match Owner::parse(&erasure.owner) {
        Owner::Citizen => appeals_of(db, &erasure.owner).await?,
        Owner::Appeal(id) => (1, Some(id)),
        Owner::Refusal => (0, None),
    };
    let named = erasure.subject.appeal.or(latest);
    let appeal = match named {
        Some(id) => super::appeals::find(db, scope, id).await?,
        None => None,
    };
    let contact = match appeal.as_ref().and_then(|appeal| appeal.contact) {
        Some(id) => super::contacts::find(db, vault, scope, id).await?,
        None => None,
    };
    let name = contact.map(|contact| contact.name).unwrap_or_default();
    let subject = Subject {
        appeal: named,
        number: appeal.map(|appeal| appeal.number).unwrap_or_default(),
        name: PersonName::new(&name).map_or_else(String::new, |name| name.to_string()),
        appeals,
    };
    Ok((subject, name))
}

/// How many appeals a citizen has, and the latest of them.
async fn appeals_of(
    db: &impl ConnectionTrait,
    citizen: &str,
) -> Result<(u64, Option<AppealId>), StoreError> {
    if citizen.is_empty() {
        return Ok((0, None));
    }
    let his = || appeal::Entity::find().filter(appeal::Column::Citizen.eq(citizen));
    let latest: Option<Uuid> = his()
        .select_only()
        .column(appeal::Column::Id)
        .order_by_desc(appeal::Column::ReceivedAt)
        .order_by_desc(appeal::Column::Id)
        .into_tuple()
        .one(db)
        .await?;
    Ok((his().count(db).await?, latest.map(Into::into)))
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
        .col_expr(
            erasure_request::Column::AppealId,
            Expr::value(erasure.subject.appeal.map(AppealId::uuid)),
        )
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

/// Refused rows of citizens: which data keys are theirs.
pub async fn refusals_of(
    db: &impl ConnectionTrait,
    citizens: &[String],
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(Uuid, i64)> = import_refusal::Entity::find()
        .select_only()
        .column(import_refusal::Column::BatchId)
        .column(import_refusal::Column::RowNo)
        .filter(import_refusal::Column::Citizen.is_in(citizens))
        .into_tuple()
        .all(db)
        .await?;
    let owner = |(batch, row_no): (Uuid, i64)| owner::of_refusal(batch.into(), row_no);
    Ok(rows.into_iter().map(owner).collect())
}

/// Leaves of refused rows of citizens where they stood and what was expected, and nothing that stood there.
pub async fn forget_refusals(txn: &Txn, citizens: &[String]) -> Result<(), StoreError> {
    import_refusal::Entity::update_many()
        .col_expr(import_refusal::Column::Sealed, Expr::value(None::<Vec<u8>>))
        .col_expr(import_refusal::Column::Citizen, Expr::value(None::<String>))
        .filter(import_refusal::Column::Citizen.is_in(citizens))
        .exec(&**txn)
        .await?;
    Ok(())
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
        subject: Subject {
            appeal: row.appeal_id.map(Into::into),
            ..Subject::default()
        },
        reason: row.reason,
        requested_by: row.requested_by,
        requested_at: instant("requested_at", row.requested_at)?,
        approved: row.approved_by.zip(approved_at),
    })
}
