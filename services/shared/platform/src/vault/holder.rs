//! Who wraps data keys.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{KEY_BYTES, Suite};
use super::error::VaultError;
use super::ring::{KeyRing, KeyText};

/// Keeps the keys that wrap data keys, outside every database.
///
/// All of it is called inside transactions and answers without waiting for a network. A holder of a key management
/// service (KMS) therefore has its wrapping keys unwrapped there once, at [`KeyHolder::establish`] or when an id is
/// new to it, and wraps by itself; one of a module (PKCS#11, SDF) asks the module for each data key.
pub trait KeyHolder: Send + Sync {
    /// The key that wraps from now on.
    ///
    /// # Errors
    ///
    /// Keys that cannot be read.
    fn current(&self) -> Result<Uuid, VaultError>;

    /// Whether it has the key with this id.
    ///
    /// # Errors
    ///
    /// Keys that cannot be read.
    fn has(&self, id: Uuid) -> Result<bool, VaultError>;

    /// Wraps a data key with the current key. What comes out names the key that it was wrapped with, as
    /// [`super::Vault::key_id`] reads it.
    ///
    /// # Errors
    ///
    /// Keys that cannot be read.
    fn wrap(&self, data_key: &[u8; KEY_BYTES], context: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Unwraps a data key with the key that it names.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyMissing`], or [`VaultError::Unreadable`] if it was wrapped in another context.
    fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError>;

    /// Makes the first key where there is none yet.
    ///
    /// # Errors
    ///
    /// A place that cannot be written, or where keys cannot be made.
    fn establish(&self) -> Result<(), VaultError>;

    /// Puts a new key in front of the others; returns its id.
    ///
    /// # Errors
    ///
    /// As [`KeyHolder::establish`].
    fn renew(&self) -> Result<Uuid, VaultError>;

    /// Throws away a key that wraps nothing any more.
    ///
    /// # Errors
    ///
    /// As [`KeyHolder::establish`]; the current key is kept.
    fn discard(&self, id: Uuid) -> Result<(), VaultError>;

    /// Where the keys are, for people.
    fn place(&self) -> String;
}

/// Keys that came with the environment of the process.
pub struct KeyEnvironment(KeyRing);

impl KeyEnvironment {
    /// Takes the keys out of `text`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Keys`] says what was expected.
    pub fn new(suite: Suite, text: &KeyText) -> Result<Self, VaultError> {
        Ok(Self(KeyRing::parse(suite, text, PLACE)?))
    }
}

const PLACE: &str = "[vault] keys";

fn only_by_hand() -> VaultError {
    VaultError::Keys {
        place: PLACE.to_owned(),
        expected: "them to be changed where the environment is set: `hotline vault new-key` makes a key to put in \
                   front of the others; restart every process, then rotate"
            .to_owned(),
    }
}

impl KeyHolder for KeyEnvironment {
    fn current(&self) -> Result<Uuid, VaultError> {
        Ok(self.0.current())
    }

    fn has(&self, id: Uuid) -> Result<bool, VaultError> {
        Ok(self.0.has(id))
    }

    fn wrap(&self, data_key: &[u8; KEY_BYTES], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.wrap(data_key, context)
    }

    fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
        self.0.unwrap(wrapped, context)
    }

    fn establish(&self) -> Result<(), VaultError> {
        Ok(())
    }

    /// The current key is the new one: who set the environment put it in front.
    fn renew(&self) -> Result<Uuid, VaultError> {
        Ok(self.0.current())
    }

    fn discard(&self, _: Uuid) -> Result<(), VaultError> {
        Err(only_by_hand())
    }

    fn place(&self) -> String {
        PLACE.to_owned()
    }
}
