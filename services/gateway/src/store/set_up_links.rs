//! Links by which a person chooses his password, once.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::set_up_link::{ActiveModel, Column, Entity};
use super::instant;

/// A link that was not used. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct SetUpLink {
    /// For which account; the nil id: for the first one, which is not there yet.
    pub(crate) account_id: Uuid,
    /// The hash of what it holds.
    pub(crate) token_hash: Vec<u8>,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// The sealed secret that its user was shown for his authenticator.
    pub(crate) shared_secret: Option<Vec<u8>>,
}

/// Puts a link in the place of an earlier one for the same account.
pub(crate) async fn replace(txn: &Txn, link: SetUpLink) -> Result<(), CoreError> {
    remove(txn, link.account_id).await?;
    let row = ActiveModel {
        account_id: Set(link.account_id),
        token_hash: Set(link.token_hash),
        expires_at: Set(micros(link.expires_at)),
        shared_secret: Set(link.shared_secret),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// The link of a token's hash.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    token_hash: Vec<u8>,
) -> Result<Option<SetUpLink>, CoreError> {
    let found = Entity::find()
        .filter(Column::TokenHash.eq(token_hash))
        .one(db)
        .await?;
    let read = |row: super::entity::set_up_link::Model| {
        Ok(SetUpLink {
            account_id: row.account_id,
            token_hash: row.token_hash,
            expires_at: instant("set_up_links.expires_at", row.expires_at)?,
            shared_secret: row.shared_secret,
        })
    };
    found.map(read).transpose()
}

/// Keeps what the link's user is shown; false if he was shown something else meanwhile, or the link is another one.
pub(crate) async fn keep_secret(
    txn: &Txn,
    token_hash: Vec<u8>,
    sealed: Vec<u8>,
) -> Result<bool, CoreError> {
    let kept = Entity::update_many()
        .col_expr(Column::SharedSecret, Expr::value(sealed))
        .filter(Column::TokenHash.eq(token_hash))
        .filter(Column::SharedSecret.is_null())
        .exec(&**txn)
        .await?;
    Ok(kept.rows_affected == 1)
}

/// Uses a link up; false if it was used or replaced.
pub(crate) async fn use_up(txn: &Txn, token_hash: Vec<u8>) -> Result<bool, CoreError> {
    let used = Entity::delete_many()
        .filter(Column::TokenHash.eq(token_hash))
        .exec(&**txn)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Takes an account's link away; false if there is none.
pub(crate) async fn remove(txn: &Txn, account_id: Uuid) -> Result<bool, CoreError> {
    let removed = Entity::delete_by_id(account_id).exec(&**txn).await?;
    Ok(removed.rows_affected == 1)
}
