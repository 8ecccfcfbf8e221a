//! Values sealed at rest.
//!
//! Every owner of values has a data key of his own. Data keys stand in the database, each wrapped by a key that no
//! database holds ([`KeyHolder`]); whoever has only the database has nothing, and destroying an owner's data key
//! makes his values unreadable wherever a copy of them is. A sealed value is pinned to its [`Place`] by associated
//! data: moved to another row, column or owner it does not open.
//!
//! Start reading with [`Vault`]. [`rotation`] wraps data keys anew while others read and write, [`erasure`] destroys
//! them so that a restored database forgets them again.

mod cache;
mod cipher;
mod durable;
pub mod erasure;
mod error;
mod holder;
mod key_file;
mod keys;
mod random;
mod ring;
pub mod rotation;
pub mod tables;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use self::cache::Cache;
use self::erasure::ErasedFile;
use self::random::Random;
use crate::core::{Core, CoreError};

pub use self::cipher::Suite;
pub use self::error::VaultError;
pub use self::holder::{KeyEnvironment, KeyHolder};
pub use self::key_file::KeyFile;
pub use self::keys::DataKey;
pub use self::ring::KeyText;

/// Data keys that stay unwrapped in memory at most; the one that was not used for longest goes first.
pub const UNWRAPPED_MAX: usize = 10_000;

/// Where a sealed value stands. It opens nowhere else. No part but `row` may hold `|`.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The service whose database it is in.
    pub schema: &'a str,
    /// Its table.
    pub table: &'a str,
    /// Its column.
    pub column: &'a str,
    /// The key of its row.
    pub row: &'a str,
}

impl Place<'_> {
    fn context(&self) -> Vec<u8> {
        [self.schema, self.table, self.column, self.row]
            .join("|")
            .into_bytes()
    }
}

/// Seals values and opens them. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    suite: Suite,
    holder: Arc<dyn KeyHolder>,
    erased: ErasedFile,
    random: Random,
    unwrapped: Cache,
}

/// What a [`Vault`] is made of.
pub struct VaultParts {
    /// What values are sealed with from now on; older ones are opened with what they say themselves.
    pub suite: Suite,
    /// Who wraps data keys.
    pub holder: Arc<dyn KeyHolder>,
    /// Where it is kept which data keys were destroyed.
    pub erased: ErasedFile,
}

impl Vault {
    /// A vault of these parts; nothing is read before [`Vault::start`].
    #[must_use]
    pub fn new(parts: VaultParts) -> Self {
        Self(Arc::new(Inner {
            suite: parts.suite,
            holder: parts.holder,
            erased: parts.erased,
            random: Random::from_os(),
            unwrapped: Cache::holding(UNWRAPPED_MAX),
        }))
    }

    /// Makes the first wrapping key of a database that has none, and refuses one whose wrapping keys are not here.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyMissing`] that names the key and where it was looked for.
    pub async fn start(&self, core: &Core) -> Result<(), VaultError> {
        if rotation::wrapping_keys(core).await?.is_empty() {
            self.holder().establish()?;
            rotation::enter_first(core, self.holder().current()?).await?;
        }
        for known in rotation::wrapping_keys(core).await? {
            if known.retired_at.is_none() && !self.holder().has(known.id)? {
                return Err(self.missing(known.id));
            }
        }
        // Somebody may have put a new key in front of the others.
        rotation::enter(core, self.holder().current()?).await
    }

    /// Seals `clear` for the owner of `key`, to stand at `place`.
    ///
    /// # Errors
    ///
    /// [`VaultError::TooLong`] for more than a cipher takes.
    pub fn seal(
        &self,
        key: &DataKey,
        place: &Place<'_>,
        clear: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let nonce = self.0.random.nonce();
        cipher::seal(self.0.suite, key.key(), nonce, &place.context(), clear)
    }

    /// Opens a value that stands at `place`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Unreadable`] for one that was changed, or sealed for another place or owner.
    pub fn open(
        &self,
        key: &DataKey,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        cipher::open(key.key(), &place.context(), sealed)
    }

    /// The id of the data key that a value was sealed with.
    ///
    /// # Errors
    ///
    /// [`VaultError::Unreadable`] for what is no sealed value.
    pub fn key_id(sealed: &[u8]) -> Result<Uuid, VaultError> {
        cipher::key_id(sealed)
    }

    /// Where its wrapping keys are kept, for people.
    #[must_use]
    pub fn keeps_keys_in(&self) -> String {
        self.0.holder.place()
    }

    fn holder(&self) -> &dyn KeyHolder {
        self.0.holder.as_ref()
    }

    fn missing(&self, id: Uuid) -> VaultError {
        VaultError::KeyMissing {
            id,
            place: self.0.holder.place(),
        }
    }
}

impl From<VaultError> for CoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Core(core) => core,
            other => Self::Storage(Box::new(other)),
        }
    }
}
