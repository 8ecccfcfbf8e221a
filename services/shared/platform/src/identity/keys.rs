//! The keys of a city's tokens, as they stand in files: 32 bytes in hexadecimal.

use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a key's id.
const ID_BYTES: usize = 8;

/// What is wrong with a key. Never shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an Ed25519 key of 32 bytes as 64 hexadecimal digits")]
pub struct BadKey;

/// The key that makes tokens: who has it may speak for anybody. Wiped when it is dropped, never shown.
pub struct SignKey(SigningKey);

impl SignKey {
    /// A key of these random bytes.
    #[must_use]
    pub fn new(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// [`BadKey`].
    pub fn read(text: &str) -> Result<Self, BadKey> {
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), seed.as_mut()).map_err(|_| BadKey)?;
        Ok(Self::new(&seed))
    }

    /// The text of its file.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_bytes()))
    }

    /// The key that its tokens are verified with.
    #[must_use]
    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key())
    }

    pub(super) fn inner(&self) -> &SigningKey {
        &self.0
    }
}

impl std::fmt::Debug for SignKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SignKey")
    }
}

/// The key that tokens are verified with. No secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyKey(VerifyingKey);

impl VerifyKey {
    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// [`BadKey`], also for the few keys under which anybody can sign.
    pub fn read(text: &str) -> Result<Self, BadKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| BadKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| BadKey)?;
        if key.is_weak() {
            Err(BadKey)
        } else {
            Ok(Self(key))
        }
    }

    /// The text of its file.
    #[must_use]
    pub fn text(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// What tokens call it by: the beginning of its SHA-256 in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        hex::encode(&digest[..ID_BYTES])
    }

    pub(super) fn inner(&self) -> &VerifyingKey {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_does_not_show_itself() {
        let key = SignKey::new(&Zeroizing::new([7; 32]));
        let again = SignKey::read(&format!("{}\n", *key.text())).expect("its own text");
        assert_eq!(again.verify_key(), key.verify_key());
        assert!(!format!("{key:?}").contains("07"));
        let public = VerifyKey::read(&key.verify_key().text()).expect("its own text");
        assert_eq!(public.id(), key.verify_key().id());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let weak = format!("01{}", "00".repeat(31));
        for text in ["", "07", "zz", &"07".repeat(31), &"07".repeat(33), &weak] {
            assert_eq!(VerifyKey::read(text).err(), Some(BadKey), "{text}");
        }
        assert!(SignKey::read(&"7".repeat(63)).is_err());
    }
}
