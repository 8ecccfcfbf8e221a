//! Destroyed data keys, and the file that makes a restored database forget them again.
//!
//! Which keys were destroyed stands in the database (`erased_key`), where the transaction that destroys them writes
//! it, and in a file beside the wrapping keys, where it is copied after the commit, before the answer. A database that is restored to
//! an earlier time has the keys again; at the next start the file says which of them must go.

use std::collections::{BTreeSet, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hotline_kernel::time::micros;
use sea_orm::{ConnectionTrait, DatabaseConnection, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::VaultError;
use super::{Vault, durable};
use crate::bulk;
use crate::core::Core;
use crate::db::sql;
use crate::work::Work;

/// Most values in one IN list, and owners of one step.
const IN_LIST_MAX: usize = 500;
/// Owners that are looked at in one statement.
const OWNERS_AT_ONCE: i64 = 10_000;

/// A destroyed data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedKey {
    /// Its id.
    pub id: Uuid,
    /// When, in microseconds UTC.
    pub erased_at: i64,
    /// The request that asked for it.
    pub request: String,
    /// What its owner is known by, should a database have him under another key; empty in what versions before wrote.
    pub owner_tag: String,
}

/// What an owner is known by in the file: a hash, which tells who has him already and nobody else.
fn tag_of(owner: &str) -> String {
    let digest = Sha256::new()
        .chain_update("hotline erased owner 1")
        .chain_update(owner)
        .finalize();
    hex::encode(&digest[..16])
}

impl ErasedKey {
    fn line(&self) -> String {
        let (id, at, request, tag) = (
            self.id.simple(),
            self.erased_at,
            &self.request,
            &self.owner_tag,
        );
        format!("{id} {at} {request} {tag}\n")
    }

    fn of(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            id: Uuid::try_parse(words.next()?).ok()?,
            erased_at: words.next()?.parse().ok()?,
            request: words.next()?.to_owned(),
            owner_tag: words.next().unwrap_or_default().to_owned(),
        })
    }
}

/// A file of destroyed data keys, one a line: id, microseconds UTC, request, tag of the owner. It only grows.
pub struct ErasedFile(PathBuf);

impl ErasedFile {
    /// The file at `path`; made when the first key is destroyed.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// What it holds. A line that a power failure cut short was never answered; it is skipped.
    fn read(&self) -> Result<Vec<ErasedKey>, VaultError> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.lines().filter_map(ErasedKey::of).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(VaultError::File {
                path: self.0.clone(),
                source,
            }),
        }
    }

    fn append(&self, keys: &[ErasedKey]) -> Result<(), VaultError> {
        if keys.is_empty() {
            return Ok(());
        }
        // A line that was cut short must not swallow the next one.
        let lines: String = keys.iter().map(ErasedKey::line).collect();
        let is_whole = std::fs::read(&self.0)
            .ok()
            .is_none_or(|text| text.last().is_none_or(|byte| *byte == b'\n'));
        let lines = if is_whole {
            lines
        } else {
            format!("\n{lines}")
        };
        durable::append(&self.0, &lines)
    }
}

/// Data keys that must go, as the file says, and the owners of those that are there.
pub struct Unapplied {
    /// The keys.
    pub keys: Vec<ErasedKey>,
    /// Owners of those of them that the database still has.
    pub owners: Vec<String>,
}

impl Vault {
    /// Destroys the keys of `owners` in this transaction; returns how many there were. What they sealed can never
    /// be opened again. [`Vault::note_erasures`] must follow the commit.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn destroy(
        &self,
        work: &Work,
        owners: &[String],
        request: &str,
    ) -> Result<usize, VaultError> {
        let txn = &**work.txn();
        let mut destroyed = Vec::new();
        for owners in owners.chunks(IN_LIST_MAX) {
            let owners = bulk::keys(owners);
            let text = format!(
                "DELETE FROM data_key WHERE owner IN ({}) RETURNING id, owner",
                places(owners.len())
            );
            let values = owners.into_iter().map(Into::into).collect();
            for row in txn.query_all_raw(sql(txn, text, values)).await? {
                let owner: String = row.try_get("", "owner")?;
                destroyed.push((row.try_get::<Uuid>("", "id")?, tag_of(&owner)));
            }
        }
        let erased: Vec<ErasedKey> = destroyed
            .iter()
            .map(|(id, owner_tag)| ErasedKey {
                id: *id,
                erased_at: micros(work.now()),
                request: request.to_owned(),
                owner_tag: owner_tag.clone(),
            })
            .collect();
        self.enter_erased(work, &erased).await?;
        for (id, _) in &destroyed {
            self.forget(*id);
        }
        Ok(destroyed.len())
    }

    /// Writes down that these keys were destroyed, in this transaction.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn enter_erased(&self, work: &Work, keys: &[ErasedKey]) -> Result<(), VaultError> {
        let row = |key: &ErasedKey| -> Vec<Value> {
            vec![
                key.id.into(),
                key.erased_at.into(),
                key.request.as_str().into(),
                key.owner_tag.as_str().into(),
            ]
        };
        let rows = keys.iter().map(row).collect();
        let into = "erased_key (id, erased_at, request, owner_tag)";
        bulk::insert_rows(work.txn(), into, rows, " ON CONFLICT DO NOTHING").await?;
        Ok(())
    }

    /// Copies to the file which keys a committed request destroyed. A repetition writes them again, which is harmless.
    ///
    /// # Errors
    ///
    /// As [`Vault::note_erasures`].
    pub async fn note_request(&self, core: &Core, request: &str) -> Result<(), VaultError> {
        let db = core.db().read();
        let text = "SELECT id, erased_at, request, owner_tag FROM erased_key WHERE request = $1 ORDER BY id";
        let keys = read(db, text, vec![request.into()]).await?;
        self.0.erased.append(&keys)
    }

    /// Copies to the file what only the database knows of destroyed keys.
    ///
    /// # Errors
    ///
    /// A file that cannot be written: the keys are destroyed, but a restored database would not know it.
    pub async fn note_erasures(&self, core: &Core) -> Result<(), VaultError> {
        let noted: HashSet<Uuid> = self.0.erased.read()?.iter().map(|key| key.id).collect();
        let mut missing = erased(core).await?;
        missing.retain(|key| !noted.contains(&key.id));
        self.0.erased.append(&missing)
    }

    /// What the file says was destroyed and the database does not know of, a step at a time; `None` when there is no
    /// more. Such a database is from before those erasures, and so is all that it has of their owners, also where it
    /// has them under another key: one from before there was a vault was given fresh ones.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, and what storage fails with.
    pub async fn unapplied_erasures(&self, core: &Core) -> Result<Option<Unapplied>, VaultError> {
        let known: HashSet<Uuid> = erased(core).await?.iter().map(|key| key.id).collect();
        let mut keys = self.0.erased.read()?;
        keys.retain(|key| !known.contains(&key.id));
        keys.truncate(IN_LIST_MAX);
        if keys.is_empty() {
            return Ok(None);
        }
        let db = core.db().read();
        let text = format!(
            "SELECT owner FROM data_key WHERE id IN ({})",
            places(keys.len())
        );
        let values = keys.iter().map(|key| key.id.into()).collect();
        let rows = db.query_all_raw(sql(db, text, values)).await?;
        let mut owners: BTreeSet<String> = BTreeSet::new();
        for row in rows {
            owners.insert(row.try_get("", "owner")?);
        }
        owners.extend(tagged(db, &keys).await?);
        Ok(Some(Unapplied {
            keys,
            owners: owners.into_iter().collect(),
        }))
    }
}

/// Owners of data keys that are known by the tags of `keys`.
async fn tagged(db: &DatabaseConnection, keys: &[ErasedKey]) -> Result<Vec<String>, VaultError> {
    let tags: HashSet<&str> = keys
        .iter()
        .map(|key| key.owner_tag.as_str())
        .filter(|tag| !tag.is_empty())
        .collect();
    let (mut found, mut after) = (Vec::new(), String::new());
    while !tags.is_empty() {
        let text = "SELECT owner FROM data_key WHERE owner > $1 ORDER BY owner LIMIT $2";
        let values = vec![after.as_str().into(), OWNERS_AT_ONCE.into()];
        let rows = db.query_all_raw(sql(db, text, values)).await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.try_get("", "owner")?;
        for row in &rows {
            let owner: String = row.try_get("", "owner")?;
            if tags.contains(tag_of(&owner).as_str()) {
                found.push(owner);
            }
        }
    }
    Ok(found)
}

async fn erased(core: &Core) -> Result<Vec<ErasedKey>, VaultError> {
    let text = "SELECT id, erased_at, request, owner_tag FROM erased_key ORDER BY erased_at, id";
    read(core.db().read(), text, Vec::new()).await
}

async fn read(
    db: &DatabaseConnection,
    text: &str,
    values: Vec<Value>,
) -> Result<Vec<ErasedKey>, VaultError> {
    let rows = db.query_all_raw(sql(db, text, values)).await?;
    rows.iter()
        .map(|row| {
            Ok(ErasedKey {
                id: row.try_get("", "id")?,
                erased_at: row.try_get("", "erased_at")?,
                request: row.try_get("", "request")?,
                owner_tag: row
                    .try_get::<Option<String>>("", "owner_tag")?
                    .unwrap_or_default(),
            })
        })
        .collect()
}

fn places(count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|place| format!("${place}")).collect();
    places.join(", ")
}
