//! A few wrapping keys in memory, the first of them in use.

use serde::Deserialize;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::cipher::{self, KEY_BYTES, Key, Suite};
use super::error::VaultError;
use super::random::Random;

/// Wrapping keys at most.
const KEYS_MAX: usize = 100;
/// What an entry must be.
const EXPECTED: &str = "keys as `id:key`, 32 and 64 hexadecimal digits, one a line or separated by commas, the one \
                        in use first, each id once";

/// Wrapping keys as text: `id:key` in hexadecimal digits, one a line or separated by commas. Lines that begin with
/// `#` say nothing. Never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Deserialize)]
#[serde(transparent)]
pub struct KeyText(String);

impl KeyText {
    /// Keys as they stand in a file.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// A fresh key, as it stands in a list.
    #[must_use]
    pub fn fresh() -> Self {
        let random = Random::from_os();
        Self::of(&Key {
            id: random.id(),
            bytes: random.key(),
        })
    }

    fn of(key: &Key) -> Self {
        let digits = Zeroizing::new(hex::encode(key.bytes.as_ref()));
        Self(format!("{}:{}", key.id.simple(), *digits))
    }

    /// The text itself, for the one place that writes it down.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for KeyText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyText")
    }
}

/// Wrapping keys, the first of them in use.
pub(super) struct KeyRing {
    suite: Suite,
    place: String,
    keys: Vec<Key>,
    random: Random,
}

impl KeyRing {
    /// Reads keys; `place` is where they come from, for people.
    pub(super) fn parse(suite: Suite, text: &KeyText, place: &str) -> Result<Self, VaultError> {
        let unfit = || VaultError::Keys {
            place: place.to_owned(),
            expected: EXPECTED.to_owned(),
        };
        let mut keys: Vec<Key> = Vec::new();
        for line in text.0.lines().filter(|line| !line.starts_with('#')) {
            let entries = line.split(',').map(str::trim);
            for entry in entries.filter(|entry| !entry.is_empty()) {
                let key = key_of(entry).ok_or_else(unfit)?;
                if keys.iter().any(|known| known.id == key.id) || keys.len() == KEYS_MAX {
                    return Err(unfit());
                }
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Err(unfit());
        }
        Ok(Self {
            suite,
            place: place.to_owned(),
            keys,
            random: Random::from_os(),
        })
    }

    pub(super) fn current(&self) -> Uuid {
        self.keys.first().map(|key| key.id).unwrap_or_default()
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    pub(super) fn wrap(
        &self,
        data_key: &[u8; KEY_BYTES],
        context: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = self.keys.first().ok_or(VaultError::Unreadable)?;
        cipher::seal(self.suite, key, self.random.nonce(), context, data_key)
    }

    pub(super) fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
        let id = cipher::key_id(wrapped)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| VaultError::KeyMissing {
            id,
            place: self.place.clone(),
        })?;
        let clear = cipher::open(key, context, wrapped)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if clear.len() != KEY_BYTES {
            return Err(VaultError::Unreadable);
        }
        bytes.copy_from_slice(&clear);
        Ok(bytes)
    }

    /// Its keys as lines, a fresh one in front; and that one's id.
    ///
    /// # Errors
    ///
    /// [`VaultError::Keys`] if there would be more than can be read again.
    pub(super) fn with_a_fresh_one(&self) -> Result<(Zeroizing<String>, Uuid), VaultError> {
        if self.keys.len() >= KEYS_MAX {
            return Err(VaultError::Keys {
                place: self.place.clone(),
                expected: format!(
                    "{KEYS_MAX} keys at most; throw retired ones away first (`hotline vault discard`)"
                ),
            });
        }
        let fresh = Key {
            id: self.random.id(),
            bytes: self.random.key(),
        };
        let keys = lines(std::iter::once(&fresh).chain(&self.keys));
        Ok((keys, fresh.id))
    }

    /// Its keys as lines, without one of them.
    pub(super) fn without(&self, id: Uuid) -> Zeroizing<String> {
        lines(self.keys.iter().filter(|key| key.id != id))
    }
}

fn lines<'a>(keys: impl Iterator<Item = &'a Key>) -> Zeroizing<String> {
    let mut all = Zeroizing::new(String::new());
    for key in keys {
        all.push_str(KeyText::of(key).reveal());
        all.push('\n');
    }
    all
}

fn key_of(entry: &str) -> Option<Key> {
    let (id, digits) = entry.split_once(':')?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(digits, bytes.as_mut()).ok()?;
    let id = Uuid::try_parse(id).ok()?;
    Some(Key { id, bytes })
}
