//! What one security administrator asked for.

use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::request::{ActiveModel, Column, Entity, Model};
use super::{hit, instant, unexpected, words};
use crate::domain::request::{Request, RequestState, Wish};

/// Adds a request.
pub(crate) async fn insert(txn: &Txn, request: &Request) -> Result<(), CoreError> {
    Entity::insert(row(request))
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Saves a request that was loaded one version ago.
pub(crate) async fn save(txn: &Txn, request: &Request) -> Result<(), CoreError> {
    let saved = Entity::update_many()
        .set(row(request))
        .filter(Column::Id.eq(request.id))
        .filter(Column::Version.eq(request.version - 1))
        .exec(&**txn)
        .await?;
    hit(saved.rows_affected)
}

/// The request of an id.
pub(crate) async fn by_id(
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Request>, CoreError> {
    Entity::find_by_id(id)
        .one(db)
        .await?
        .map(Request::try_from)
        .transpose()
}

/// One row more than the page holds, of those in a state, oldest first.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    state: Option<RequestState>,
    page: &Page<Uuid>,
) -> Result<Vec<Request>, CoreError> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(page.size + 1);
    if let Some(state) = state {
        query = query.filter(Column::State.eq(state.word()));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query
        .all(db)
        .await?
        .into_iter()
        .map(Request::try_from)
        .collect()
}

fn row(request: &Request) -> ActiveModel {
    let (kind, roles, unit_code) = match &request.wish {
        Wish::Roles { roles, unit_code } => ("roles", roles.join(" "), unit_code.clone()),
        Wish::Reset => ("reset", String::new(), String::new()),
    };
    ActiveModel {
        id: Set(request.id),
        version: Set(request.version),
        account_id: Set(request.account_id),
        kind: Set(kind.to_owned()),
        roles: Set(roles),
        unit_code: Set(unit_code),
        account_version: Set(request.account_version),
        reason: Set(request.reason.clone()),
        asked_by: Set(request.asked_by.clone()),
        asked_at: Set(micros(request.asked_at)),
        state: Set(request.state.word().to_owned()),
        decided_by: Set(request.decided_by.clone()),
        asker_part_hash: Set(request.asker_part_hash.clone()),
    }
}

impl TryFrom<Model> for Request {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let wish = match row.kind.as_str() {
            "roles" => Wish::Roles {
                roles: words(&row.roles),
                unit_code: row.unit_code,
            },
            "reset" => Wish::Reset,
            _ => return Err(unexpected("requests.kind")),
        };
        Ok(Self {
            id: row.id,
            version: row.version,
            account_id: row.account_id,
            wish,
            account_version: row.account_version,
            reason: row.reason,
            asked_by: row.asked_by,
            asked_at: instant("requests.asked_at", row.asked_at)?,
            state: RequestState::of(&row.state).ok_or_else(|| unexpected("requests.state"))?,
            decided_by: row.decided_by,
            asker_part_hash: row.asker_part_hash,
        })
    }
}
