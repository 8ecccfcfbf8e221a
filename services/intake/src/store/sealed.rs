//! What is sealed, and where it stands: a value opens only in its own column of its own row.

use std::collections::HashMap;

use hotline_platform::core::CoreError;
use hotline_platform::vault::{DataKey, Place, Vault, VaultError};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::StoreError;

/// A column with sealed values: its table and its name.
pub type Column = (&'static str, &'static str);

/// Name, phone, e-mail address and account of a contact, as a JSON list.
pub const CONTACT: Column = ("contact", "sealed");
/// What an appeal is called.
pub const APPEAL_SUBJECT: Column = ("appeal", "sealed_subject");
/// What was said.
pub const APPEAL_TEXT: Column = ("appeal", "sealed_text");
/// What a citizen was told directly.
pub const APPEAL_ANSWER: Column = ("appeal", "sealed_answer");
/// What a matter is called.
pub const MATTER_SUBJECT: Column = ("matter", "sealed_subject");
/// What is asked.
pub const MATTER_TEXT: Column = ("matter", "sealed_text");
/// An imported reply.
pub const MATTER_REPLY: Column = ("matter", "sealed_reply");
/// What stood in a refused row: what was found, then its cells, as a JSON list.
pub const REFUSAL: Column = ("import_refusal", "sealed");

/// The vault and the key of one owner. Cheap to clone.
#[derive(Clone)]
pub struct Seal {
    vault: Vault,
    key: DataKey,
}

impl Seal {
    /// Seals for the owner of `key`.
    #[must_use]
    pub fn new(vault: &Vault, key: &DataKey) -> Self {
        Self {
            vault: vault.clone(),
            key: key.clone(),
        }
    }

    /// A text as it is stored; `None` for an empty one.
    pub(super) fn text(
        &self,
        column: Column,
        row: &str,
        text: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if text.is_empty() {
            return Ok(None);
        }
        let sealed = self
            .vault
            .seal(&self.key, &place(column, row), text.as_bytes())?;
        Ok(Some(sealed))
    }

    /// A list of texts as it is stored.
    pub(super) fn list(
        &self,
        column: Column,
        row: &str,
        texts: &[&str],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let json =
            serde_json::to_string(texts).map_err(|error| CoreError::Storage(Box::new(error)))?;
        self.text(column, row, &json)
    }
}

/// Opens values that were read together.
pub struct Opener {
    vault: Vault,
    keys: HashMap<Uuid, DataKey>,
}

impl Opener {
    /// Fetches the keys of `sealed` values. What was erased has none.
    pub async fn of<'a>(
        db: &impl ConnectionTrait,
        vault: &Vault,
        sealed: impl Iterator<Item = &'a Vec<u8>>,
    ) -> Result<Self, StoreError> {
        let mut ids = Vec::new();
        for value in sealed {
            ids.push(Vault::key_id(value)?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Self {
            vault: vault.clone(),
            keys: vault.keys_by_id(db, &ids).await?,
        })
    }

    /// The text that stands there; `None` if it was erased.
    pub(super) fn text(
        &self,
        column: Column,
        row: &str,
        sealed: &[u8],
    ) -> Result<Option<String>, StoreError> {
        let Some(key) = self.keys.get(&Vault::key_id(sealed)?) else {
            return Ok(None);
        };
        let clear = self.vault.open(key, &place(column, row), sealed)?;
        let text = std::str::from_utf8(&clear).map_err(|_| VaultError::Unreadable)?;
        Ok(Some(text.to_owned()))
    }

    /// The list of texts that stands there; `None` if it was erased.
    pub(super) fn list(
        &self,
        column: Column,
        row: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<String>>, StoreError> {
        let text = self.text(column, row, sealed)?;
        let list = text.map(|text| serde_json::from_str(&text)).transpose();
        list.map_err(|_| super::broken(column.1))
    }
}

/// How a refused row is named.
pub(super) fn refusal_row(batch: Uuid, row_no: i64) -> String {
    format!("{}:{row_no}", batch.simple())
}

/// How a row with an id is named.
pub(super) fn row(id: Uuid) -> String {
    id.simple().to_string()
}

fn place(column: Column, row: &str) -> Place<'_> {
    Place {
        schema: "intake",
        table: column.0,
        column: column.1,
        row,
    }
}
