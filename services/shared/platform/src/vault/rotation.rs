//! Wrapping keys: which there are, and how data keys are wrapped anew while others read and write.

use std::sync::Arc;

use hotline_kernel::time::{Timestamp, from_micros, micros};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::error::VaultError;
use super::{Vault, cipher};
use crate::access::Scope;
use crate::core::{CommandContext, Core, CoreError};
use crate::db::sql;
use crate::work::{AuditEntry, Cause, Work};

/// Data keys that are wrapped anew in one transaction.
const BATCH: i64 = 200;
/// How often all data keys are gone through, until none is found that another process made with an old key.
const PASSES_MAX: usize = 10;
/// How often a key is tried to be made known beside rotations of other processes.
const ENTERED_MAX: usize = 10;

/// A key that wraps, or wrapped, data keys of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappingKey {
    /// Its id.
    pub id: Uuid,
    /// The how-manyth of this database, from 1.
    pub ordinal: i32,
    /// When it was first seen here.
    pub made_at: Option<Timestamp>,
    /// Since when it wraps nothing any more.
    pub retired_at: Option<Timestamp>,
}

/// A wrapping key and what it is to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The key.
    pub key: WrappingKey,
    /// Whether it wraps from now on.
    pub is_current: bool,
    /// Whether it is where keys are kept.
    pub is_here: bool,
    /// Data keys that it wraps.
    pub data_keys: i64,
}

/// What a rotation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The wrapping key that is in use now.
    pub current: Uuid,
    /// Data keys that were wrapped anew.
    pub wrapped: u64,
}

/// The wrapping keys that a database knows, oldest first.
///
/// # Errors
///
/// What storage fails with.
pub async fn wrapping_keys(core: &Core) -> Result<Vec<WrappingKey>, VaultError> {
    let db = core.db().read();
    let text = "SELECT id, ordinal, made_at, retired_at FROM wrapping_key ORDER BY ordinal";
    let rows = db.query_all_raw(sql(db, text, Vec::new())).await?;
    rows.iter()
        .map(|row| {
            let retired_at: Option<i64> = row.try_get("", "retired_at")?;
            Ok(WrappingKey {
                id: row.try_get("", "id")?,
                ordinal: row.try_get("", "ordinal")?,
                made_at: from_micros(row.try_get("", "made_at")?),
                retired_at: retired_at.and_then(from_micros),
            })
        })
        .collect()
}

/// Makes the first wrapping key of a database known. Of two processes that would both make it, each with keys of its
/// own, one succeeds; the other changes nothing, and finds that it has not the key.
pub(super) async fn enter_first(core: &Core, id: Uuid) -> Result<(), VaultError> {
    let text = "INSERT INTO wrapping_key (id, ordinal, made_at) \
                SELECT $1, 1, $2 WHERE NOT EXISTS (SELECT 1 FROM wrapping_key) ON CONFLICT DO NOTHING";
    write(core, "wrapping key", id, move |work| {
        let values = vec![id.into(), micros(work.now()).into()];
        Box::pin(async move {
            let txn = &**work.txn();
            txn.execute_raw(sql(txn, text, values)).await?;
            Ok(())
        })
    })
    .await
}

/// Makes a wrapping key known to a database that has others.
pub(super) async fn enter(core: &Core, id: Uuid) -> Result<(), VaultError> {
    // Another rotation can take the number that this one was about to take: then it takes the next one.
    for _ in 0..ENTERED_MAX {
        if is_in_use(core, id).await? {
            return Ok(());
        }
        write(core, "wrapping key", id, move |work| {
            Box::pin(async move {
                let txn = &**work.txn();
                let text = "UPDATE wrapping_key SET retired_at = NULL WHERE id = $1";
                txn.execute_raw(sql(txn, text, vec![id.into()])).await?;
                let text = "INSERT INTO wrapping_key (id, ordinal, made_at) \
                            SELECT $1, COALESCE(MAX(ordinal), 0) + 1, $2 FROM wrapping_key WHERE true \
                            ON CONFLICT DO NOTHING";
                let values = vec![id.into(), micros(work.now()).into()];
                txn.execute_raw(sql(txn, text, values)).await?;
                Ok(())
            })
        })
        .await?;
    }
    if is_in_use(core, id).await? {
        return Ok(());
    }
    Err(CoreError::Unavailable("other rotations went before".into()).into())
}

async fn is_in_use(core: &Core, id: Uuid) -> Result<bool, VaultError> {
    let is_it = |key: &WrappingKey| key.id == id && key.retired_at.is_none();
    Ok(wrapping_keys(core).await?.iter().any(is_it))
}

/// How the wrapping keys stand.
///
/// # Errors
///
/// What storage fails with.
pub async fn status(core: &Core, vault: &Vault) -> Result<Vec<Standing>, VaultError> {
    let db = core.db().read();
    let current = vault.holder().current()?;
    let text = "SELECT wrapping_key, COUNT(*) AS count FROM data_key GROUP BY wrapping_key";
    let mut counts = std::collections::HashMap::new();
    for row in db.query_all_raw(sql(db, text, Vec::new())).await? {
        let id: Uuid = row.try_get("", "wrapping_key")?;
        counts.insert(id, row.try_get::<i64>("", "count")?);
    }
    let standing = |key: WrappingKey| {
        Ok(Standing {
            is_current: key.id == current,
            is_here: vault.holder().has(key.id)?,
            data_keys: counts.get(&key.id).copied().unwrap_or_default(),
            key,
        })
    };
    let known = wrapping_keys(core).await?;
    known.into_iter().map(standing).collect()
}

/// Puts a new wrapping key in front and wraps every data key with it, batch by batch. The others stay readable until
/// nothing uses them; then they are retired. A rotation that was broken off is finished by the next one.
///
/// # Errors
///
/// Keys that cannot be changed here, and what storage fails with.
pub async fn rotate(core: &Core, vault: &Vault) -> Result<Rotated, VaultError> {
    let mut current = vault.holder().renew()?;
    enter(core, current).await?;
    let mut wrapped = 0;
    for _ in 0..PASSES_MAX {
        // Another rotation may have put a key before this one's: then both wrap with that.
        current = vault.holder().current()?;
        let pass = wrap_all(core, vault, current).await?;
        wrapped += pass;
        if pass == 0 {
            break;
        }
    }
    for standing in status(core, vault).await? {
        let is_done = !standing.is_current && standing.data_keys == 0;
        if is_done && standing.key.retired_at.is_none() {
            retire(core, standing.key.id).await?;
        }
    }
    Ok(Rotated { current, wrapped })
}

/// Throws away a wrapping key that is retired and wraps nothing.
///
/// # Errors
///
/// [`VaultError::Keys`] for one that is in use.
pub async fn discard(core: &Core, vault: &Vault, id: Uuid) -> Result<(), VaultError> {
    let all = status(core, vault).await?;
    let found = all.iter().find(|standing| standing.key.id == id);
    if found.is_none_or(|standing| standing.data_keys > 0 || standing.key.retired_at.is_none()) {
        return Err(VaultError::Keys {
            place: vault.keeps_keys_in(),
            expected:
                "the id of a retired key that wraps nothing (`hotline vault status` shows them)"
                    .to_owned(),
        });
    }
    vault.holder().discard(id)
}

/// Goes once through every data key that `current` does not wrap; returns how many were wrapped anew.
async fn wrap_all(core: &Core, vault: &Vault, current: Uuid) -> Result<u64, VaultError> {
    let (mut wrapped, mut after) = (0, Uuid::nil());
    loop {
        let (vault, found) = (vault.clone(), Arc::new(std::sync::Mutex::new(None)));
        let out = Arc::clone(&found);
        write(core, "data keys wrapped anew", current, move |work| {
            Box::pin(async move {
                let done = wrap_batch(work, &vault, current, after).await?;
                *out.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(done);
                Ok(())
            })
        })
        .await?;
        let done = found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let Some((count, Some(last))) = done else {
            return Ok(wrapped);
        };
        wrapped += count;
        after = last;
    }
}

/// Wraps the next data keys behind `after` anew; how many, and the last one's id, `None` at the end.
async fn wrap_batch(
    work: &Work,
    vault: &Vault,
    current: Uuid,
    after: Uuid,
) -> Result<(u64, Option<Uuid>), VaultError> {
    let txn = &**work.txn();
    let text = "SELECT id, owner, wrapped FROM data_key WHERE id > $1 AND wrapping_key <> $2 ORDER BY id LIMIT $3";
    let values = vec![after.into(), current.into(), BATCH.into()];
    let rows = txn.query_all_raw(sql(txn, text, values)).await?;
    let (mut count, mut last) = (0, None);
    for row in rows {
        let id: Uuid = row.try_get("", "id")?;
        let (owner, old): (String, Vec<u8>) =
            (row.try_get("", "owner")?, row.try_get("", "wrapped")?);
        let anew = vault.wrapped_anew(id, &owner, &old)?;
        // What it says itself: the key in use may have changed since.
        let wrapping = cipher::key_id(&anew)?;
        let text =
            "UPDATE data_key SET wrapped = $1, wrapping_key = $2 WHERE id = $3 AND wrapped = $4";
        let values = vec![anew.into(), wrapping.into(), id.into(), old.into()];
        count += txn
            .execute_raw(sql(txn, text, values))
            .await?
            .rows_affected();
        last = Some(id);
    }
    Ok((count, last))
}

async fn retire(core: &Core, id: Uuid) -> Result<(), VaultError> {
    write(core, "wrapping key retired", id, move |work| {
        Box::pin(async move {
            let txn = &**work.txn();
            let text = "UPDATE wrapping_key SET retired_at = $1 WHERE id = $2";
            let values = vec![micros(work.now()).into(), id.into()];
            txn.execute_raw(sql(txn, text, values)).await?;
            Ok(())
        })
    })
    .await
}

/// One write of the vault by itself, with its audit row.
async fn write<F>(core: &Core, action: &str, id: Uuid, write: F) -> Result<(), VaultError>
where
    F: for<'a> FnOnce(&'a Work) -> futures::future::BoxFuture<'a, Result<(), VaultError>>
        + Send
        + 'static,
{
    let cause = Cause {
        actor: "vault".to_owned(),
        unit_code: String::new(),
        from_addr: "in-process".to_owned(),
        method: "vault:keys".to_owned(),
        session: String::new(),
        trace_parent: String::new(),
    };
    let context = CommandContext {
        cause: cause.clone(),
        scope: Scope::own_work(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    };
    let entry = AuditEntry {
        resource: "wrapping_key",
        resource_id: id.to_string(),
        version: 0,
        action: action.to_owned(),
        reason: String::new(),
    };
    core.execute(context, move |work| {
        work.audit(&cause, entry);
        write(work)
    })
    .await
}
