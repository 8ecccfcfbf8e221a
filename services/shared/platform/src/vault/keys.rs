//! Data keys: found or made inside a transaction, many a statement.

use std::collections::HashMap;
use std::sync::Arc;

use hotline_kernel::time::micros;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::cipher::Key;
use super::error::VaultError;
use super::{Vault, cipher};
use crate::bulk;
use crate::db::sql;
use crate::work::Work;

/// Most values in one IN list.
const IN_LIST_MAX: usize = 500;
/// A table and its columns, as text between `INSERT INTO` and the rows.
const INTO: &str = "data_key (id, owner, wrapping_key, wrapped, made_at)";

/// The unwrapped key of one owner. Cheap to clone; never printed.
#[derive(Clone)]
pub struct DataKey(pub(super) Arc<Key>);

impl DataKey {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    pub(super) fn key(&self) -> &Key {
        &self.0
    }
}

/// A data key as it stands in the database.
struct Row {
    id: Uuid,
    owner: String,
    wrapped: Vec<u8>,
}

impl Row {
    fn of(found: &QueryResult) -> Result<Self, VaultError> {
        Ok(Self {
            id: found.try_get("", "id")?,
            owner: found.try_get("", "owner")?,
            wrapped: found.try_get("", "wrapped")?,
        })
    }
}

impl Vault {
    /// The keys of `owners`, made where there is none. Who holds one of them in this transaction keeps erasures
    /// waiting until it ends, so that nothing is sealed with a key that is gone.
    ///
    /// # Errors
    ///
    /// A unique key that another process took at the same moment, and what storage fails with.
    pub async fn keys_of(
        &self,
        work: &Work,
        owners: &[String],
    ) -> Result<HashMap<String, DataKey>, VaultError> {
        let txn = &**work.txn();
        let lock = match txn.get_database_backend() {
            DbBackend::Postgres => " FOR KEY SHARE",
            _ => "",
        };
        let mut keys = HashMap::with_capacity(owners.len());
        for row in rows(txn, "owner", owners, lock).await? {
            let key = self.unwrapped(&row)?;
            keys.insert(row.owner, key);
        }
        let missing: Vec<String> = owners
            .iter()
            .filter(|owner| !keys.contains_key(*owner))
            .cloned()
            .collect();
        keys.extend(self.make_keys(work, missing).await?);
        Ok(keys)
    }

    /// Makes keys for owners that have none.
    ///
    /// # Errors
    ///
    /// As [`Vault::keys_of`], also for an owner that has a key.
    pub async fn make_keys(
        &self,
        work: &Work,
        mut owners: Vec<String>,
    ) -> Result<HashMap<String, DataKey>, VaultError> {
        owners.sort_unstable();
        owners.dedup();
        let mut keys = HashMap::with_capacity(owners.len());
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(owners.len());
        for owner in owners {
            let key = Key {
                id: work.new_id(),
                bytes: self.0.random.key(),
            };
            let wrapped = self.holder().wrap(&key.bytes, &context(key.id, &owner))?;
            rows.push(vec![
                key.id.into(),
                owner.as_str().into(),
                cipher::key_id(&wrapped)?.into(),
                wrapped.into(),
                micros(work.now()).into(),
            ]);
            keys.insert(owner, self.remembered(key));
        }
        bulk::insert_rows(work.txn(), INTO, rows, "").await?;
        Ok(keys)
    }

    /// Whether `owner` has a key.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn has_key(&self, work: &Work, owner: &str) -> Result<bool, VaultError> {
        let txn = &**work.txn();
        let text = "SELECT id FROM data_key WHERE owner = $1";
        let found = txn
            .query_one_raw(sql(txn, text, vec![owner.into()]))
            .await?;
        Ok(found.is_some())
    }

    /// The keys with these ids, as far as they are still there.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn keys_by_id(
        &self,
        db: &impl ConnectionTrait,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, DataKey>, VaultError> {
        let mut keys = HashMap::with_capacity(ids.len());
        for row in rows(db, "id", ids, "").await? {
            keys.insert(row.id, self.unwrapped(&row)?);
        }
        for id in ids.iter().filter(|id| !keys.contains_key(id)) {
            self.0.unwrapped.forget(*id); // another process destroyed it
        }
        Ok(keys)
    }

    /// A data key wrapped anew by the wrapping key in use.
    pub(super) fn wrapped_anew(
        &self,
        id: Uuid,
        owner: &str,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let context = context(id, owner);
        let bytes = self.holder().unwrap(wrapped, &context)?;
        self.holder().wrap(&bytes, &context)
    }

    pub(super) fn forget(&self, id: Uuid) {
        self.0.unwrapped.forget(id);
    }

    fn unwrapped(&self, row: &Row) -> Result<DataKey, VaultError> {
        if let Some(known) = self.0.unwrapped.get(row.id) {
            return Ok(DataKey(known));
        }
        let bytes = self
            .holder()
            .unwrap(&row.wrapped, &context(row.id, &row.owner))?;
        Ok(self.remembered(Key { id: row.id, bytes }))
    }

    fn remembered(&self, key: Key) -> DataKey {
        let key = Arc::new(key);
        self.0.unwrapped.put(Arc::clone(&key));
        DataKey(key)
    }
}

/// What pins a wrapped key to its row.
fn context(id: Uuid, owner: &str) -> Vec<u8> {
    format!("data_key|{}|{owner}", id.simple()).into_bytes()
}

async fn rows<T: Clone + Into<Value>>(
    db: &impl ConnectionTrait,
    column: &str,
    wanted: &[T],
    suffix: &str,
) -> Result<Vec<Row>, VaultError> {
    let mut found = Vec::new();
    for wanted in wanted.chunks(IN_LIST_MAX) {
        let keys = bulk::keys(wanted);
        let places: Vec<_> = (1..=keys.len()).map(|place| format!("${place}")).collect();
        let text = format!(
            "SELECT id, owner, wrapped FROM data_key WHERE {column} IN ({}){suffix}",
            places.join(", ")
        );
        let values = keys.into_iter().map(Into::into).collect();
        for row in db.query_all_raw(sql(db, text, values)).await? {
            found.push(Row::of(&row)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
impl DataKey {
    pub(super) fn for_tests() -> Self {
        let random = super::random::Random::from_os();
        let (id, bytes) = (random.id(), random.key());
        Self(Arc::new(Key { id, bytes }))
    }
}
