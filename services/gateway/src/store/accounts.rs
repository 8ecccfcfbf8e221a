//! Accounts.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::account::{ActiveModel, Column, Entity, Model};
use super::{hit, instant, unexpected, words};
use crate::domain::account::{Account, AccountName, AccountState};

/// Adds an account; false if its name is taken, or its person at the identity provider.
pub(crate) async fn insert(txn: &Txn, account: &Account) -> Result<bool, CoreError> {
    let added = Entity::insert(row(account))
        // Whatever is taken: the id, the name or the person.
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(&**txn)
        .await?;
    Ok(match added {
        sea_orm::TryInsertResult::Inserted(rows) => rows > 0,
        _ => false,
    })
}

/// Saves an account that was loaded one version ago.
pub(crate) async fn save(txn: &Txn, account: &Account) -> Result<(), CoreError> {
    let saved = Entity::update_many()
        .set(row(account))
        .filter(Column::Id.eq(account.id))
        .filter(Column::Version.eq(account.version - 1))
        .exec(&**txn)
        .await?;
    hit(saved.rows_affected)
}

/// Notes that an account was used; that is no change of it.
pub(crate) async fn note_use(txn: &Txn, id: Uuid, now: Timestamp) -> Result<(), CoreError> {
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(micros(now)))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The account of a name.
pub(crate) async fn by_name(
    db: &impl ConnectionTrait,
    name: &AccountName,
) -> Result<Option<Account>, CoreError> {
    one(db, Entity::find().filter(Column::Name.eq(name.as_str()))).await
}

/// The account of an id.
pub(crate) async fn by_id(
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Account>, CoreError> {
    one(db, Entity::find_by_id(id)).await
}

/// The account of a person at the identity provider.
pub(crate) async fn by_subject(
    db: &impl ConnectionTrait,
    subject: &str,
) -> Result<Option<Account>, CoreError> {
    one(db, Entity::find().filter(Column::OidcSubject.eq(subject))).await
}

/// Whether there is any account.
pub(crate) async fn is_any(db: &impl ConnectionTrait) -> Result<bool, CoreError> {
    Ok(Entity::find().limit(1).one(db).await?.is_some())
}

/// One row more than the page holds, by name; the surplus row says that there is a next page.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    page: &Page<String>,
) -> Result<Vec<Account>, CoreError> {
    let mut query = Entity::find()
        .order_by_asc(Column::Name)
        .limit(page.size + 1);
    if let Some(after) = &page.after {
        query = query.filter(Column::Name.gt(after));
    }
    query
        .all(db)
        .await?
        .into_iter()
        .map(Account::try_from)
        .collect()
}

async fn one(
    db: &impl ConnectionTrait,
    query: sea_orm::Select<Entity>,
) -> Result<Option<Account>, CoreError> {
    query.one(db).await?.map(Account::try_from).transpose()
}

fn row(account: &Account) -> ActiveModel {
    ActiveModel {
        id: Set(account.id),
        version: Set(account.version),
        name: Set(account.name.as_str().to_owned()),
        state: Set(account.state.word().to_owned()),
        roles: Set(account.roles.join(" ")),
        unit_code: Set(account.unit_code.clone()),
        outsourced: Set(account.outsourced),
        oidc_subject: Set(account.oidc_subject.clone()),
        made_at: Set(micros(account.made_at)),
        last_used_at: Set(micros(account.last_used_at)),
    }
}

impl TryFrom<Model> for Account {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        Ok(Self {
            id: row.id,
            version: row.version,
            name: AccountName::parse(&row.name).ok_or_else(|| unexpected("accounts.name"))?,
            state: AccountState::of(&row.state).ok_or_else(|| unexpected("accounts.state"))?,
            roles: words(&row.roles),
            unit_code: row.unit_code,
            outsourced: row.outsourced,
            oidc_subject: row.oidc_subject,
            made_at: instant("accounts.made_at", row.made_at)?,
            last_used_at: instant("accounts.last_used_at", row.last_used_at)?,
        })
    }
}
