//! What proves a person: a hashed password, a sealed shared secret, hashed recovery codes.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::credential::{ActiveModel, Column, Entity, Model};
use super::entity::recovery_code;
use super::{hit, instant};

/// What proves the person of an account. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct Credential {
    /// Whose it is.
    pub(crate) account_id: Uuid,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
    /// The password, as a PHC string.
    pub(crate) password_hash: String,
    /// When it was chosen.
    pub(crate) password_changed_at: Timestamp,
    /// The authenticator's shared secret, sealed.
    pub(crate) shared_secret: Vec<u8>,
    /// The last step whose code was accepted.
    pub(crate) last_step: i64,
}

/// What proves the person of an account, if he chose it.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    account_id: Uuid,
) -> Result<Option<Credential>, CoreError> {
    let found = Entity::find_by_id(account_id).one(db).await?;
    found.map(Credential::try_from).transpose()
}

/// Puts it in the place of what proved him before, with recovery codes by their hashes.
pub(crate) async fn replace(
    txn: &Txn,
    credential: Credential,
    recovery_codes: &[Vec<u8>],
) -> Result<(), CoreError> {
    remove(txn, credential.account_id).await?;
    let account_id = credential.account_id;
    Entity::insert(row(credential))
        .exec_without_returning(&**txn)
        .await?;
    let codes = recovery_codes
        .iter()
        .map(|hash| recovery_code::ActiveModel {
            account_id: Set(account_id),
            hash: Set(hash.clone()),
        });
    recovery_code::Entity::insert_many(codes)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Saves one that was loaded one version ago: of two that use one code at the same moment, one is stale.
pub(crate) async fn save(txn: &Txn, credential: Credential) -> Result<(), CoreError> {
    let (account_id, version) = (credential.account_id, credential.version);
    let saved = Entity::update_many()
        .set(row(credential))
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Version.eq(version - 1))
        .exec(&**txn)
        .await?;
    hit(saved.rows_affected)
}

/// Takes everything away that proves the person of an account.
pub(crate) async fn remove(txn: &Txn, account_id: Uuid) -> Result<(), CoreError> {
    Entity::delete_by_id(account_id).exec(&**txn).await?;
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::AccountId.eq(account_id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Uses a recovery code up; false if there is none with this hash.
pub(crate) async fn use_recovery_code(
    txn: &Txn,
    account_id: Uuid,
    hash: Vec<u8>,
) -> Result<bool, CoreError> {
    let used = recovery_code::Entity::delete_by_id((account_id, hash))
        .exec(&**txn)
        .await?;
    Ok(used.rows_affected == 1)
}

fn row(credential: Credential) -> ActiveModel {
    ActiveModel {
        account_id: Set(credential.account_id),
        version: Set(credential.version),
        password_hash: Set(credential.password_hash),
        password_changed_at: Set(micros(credential.password_changed_at)),
        shared_secret: Set(credential.shared_secret),
        last_step: Set(credential.last_step),
    }
}

impl TryFrom<Model> for Credential {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        Ok(Self {
            account_id: row.account_id,
            version: row.version,
            password_hash: row.password_hash,
            password_changed_at: instant(
                "credentials.password_changed_at",
                row.password_changed_at,
            )?,
            shared_secret: row.shared_secret,
            last_step: row.last_step,
        })
    }
}
