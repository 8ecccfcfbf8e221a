//! The two ciphers and the format of a sealed value.
//!
//! version(1) suite(1) key id(16) nonce(12) ciphertext tag(16). Associated data are the first 18 bytes and the
//! context of the value. AES-256-GCM is NIST SP 800-38D; SM4-GCM is RFC 8998 with the same construction.

use aes_gcm::aead::array::typenum::{U12, U16};
use aes_gcm::{AeadInOut, Aes256Gcm, AesGcm, KeyInit};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::error::VaultError;
use crate::fault::{self, Bug};

/// Bytes of every key, whatever the suite.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(super) const NONCE_BYTES: usize = 12;
/// Bytes of a tag.
const TAG_BYTES: usize = 16;
/// Version, suite and key id.
const HEADER_BYTES: usize = 18;
/// Bytes of an SM4 key (GB/T 32907-2016).
const SM4_KEY_BYTES: usize = 16;
/// The version of the format.
const VERSION: u8 = 1;

/// SM4 in Galois/counter mode with 96-bit nonces (RFC 8998).
type Sm4Gcm = AesGcm<sm4::Sm4, U12>;

/// Either cipher: 96-bit nonces, 128-bit tags.
trait Gcm: KeyInit + AeadInOut<NonceSize = U12, TagSize = U16> {}

impl<C: KeyInit + AeadInOut<NonceSize = U12, TagSize = U16>> Gcm for C {}

/// What values are sealed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Suite {
    /// AES with a 256-bit key in Galois/counter mode.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// SM4 in Galois/counter mode (商用密码).
    #[serde(rename = "sm4-gcm")]
    Sm4Gcm,
}

impl Suite {
    const ALL: [Self; 2] = [Self::Aes256Gcm, Self::Sm4Gcm];

    fn byte(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Sm4Gcm => 2,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.byte() == byte)
    }

    /// Its word in configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Sm4Gcm => "sm4-gcm",
        }
    }
}

/// A key and its id. Overwritten when it is dropped; never printed.
pub(super) struct Key {
    pub(super) id: Uuid,
    pub(super) bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl Key {
    /// The 128-bit key for SM4: the key of one suite tells nothing about that of the other.
    fn for_sm4(&self) -> Zeroizing<[u8; SM4_KEY_BYTES]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.bytes.as_ref())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(b"hotline-vault-sm4-v1");
        let derived = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        let mut key = Zeroizing::new([0; SM4_KEY_BYTES]);
        key.copy_from_slice(&derived[..SM4_KEY_BYTES]);
        key
    }
}

/// Seals `clear` with `key`. No nonce may come twice with one key.
pub(super) fn seal(
    suite: Suite,
    key: &Key,
    nonce: [u8; NONCE_BYTES],
    context: &[u8],
    clear: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let body = HEADER_BYTES + NONCE_BYTES;
    let mut sealed = Vec::with_capacity(body + clear.len() + TAG_BYTES);
    sealed.extend([VERSION, suite.byte()]);
    sealed.extend(key.id.as_bytes());
    sealed.extend(nonce);
    sealed.extend(clear);
    let (head, text) = sealed.split_at_mut(body);
    let associated = associated(&head[..HEADER_BYTES], context);
    let tag = encrypt(suite, key, nonce, &associated, text).ok_or(VaultError::TooLong)?;
    sealed.extend(tag);
    Ok(sealed)
}

/// Opens what [`seal`] made of it with the same key and context.
pub(super) fn open(
    key: &Key,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (head, rest) = header(sealed)?;
    let suite = Suite::of(head[1]).ok_or(VaultError::Unreadable)?;
    if key_id(sealed)? != key.id {
        return Err(VaultError::Unreadable);
    }
    let (nonce, rest) = rest.split_first_chunk().ok_or(VaultError::Unreadable)?;
    let (text, tag) = rest.split_last_chunk().ok_or(VaultError::Unreadable)?;
    let mut clear = Zeroizing::new(text.to_vec());
    let associated = associated(head, context);
    decrypt(suite, key, *nonce, &associated, (&mut clear, *tag)).ok_or(VaultError::Unreadable)?;
    Ok(clear)
}

/// The id of the key that a value says it was sealed with.
pub(super) fn key_id(sealed: &[u8]) -> Result<Uuid, VaultError> {
    let (head, _) = header(sealed)?;
    Uuid::from_slice(&head[2..]).map_err(|_| VaultError::Unreadable)
}

fn header(sealed: &[u8]) -> Result<(&[u8], &[u8]), VaultError> {
    let split = sealed.split_at_checked(HEADER_BYTES);
    split
        .filter(|(head, _)| head[0] == VERSION)
        .ok_or(VaultError::Unreadable)
}

fn associated(head: &[u8], context: &[u8]) -> Vec<u8> {
    if fault::is_seeded(Bug::NoAssociatedData) {
        return Vec::new();
    }
    [head, context].concat()
}

fn encrypt(
    suite: Suite,
    key: &Key,
    nonce: [u8; NONCE_BYTES],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG_BYTES]> {
    match suite {
        Suite::Aes256Gcm => encrypt_by::<Aes256Gcm>(key.bytes.as_ref(), nonce, associated, text),
        Suite::Sm4Gcm => encrypt_by::<Sm4Gcm>(key.for_sm4().as_ref(), nonce, associated, text),
    }
}

fn encrypt_by<C: Gcm>(
    key: &[u8],
    nonce: [u8; NONCE_BYTES],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG_BYTES]> {
    let cipher = C::new_from_slice(key).ok()?;
    let tag = cipher.encrypt_inout_detached(&nonce.into(), associated, text.into());
    tag.ok().map(Into::into)
}

fn decrypt(
    suite: Suite,
    key: &Key,
    nonce: [u8; NONCE_BYTES],
    associated: &[u8],
    text: (&mut [u8], [u8; TAG_BYTES]),
) -> Option<()> {
    match suite {
        Suite::Aes256Gcm => decrypt_by::<Aes256Gcm>(key.bytes.as_ref(), nonce, associated, text),
        Suite::Sm4Gcm => decrypt_by::<Sm4Gcm>(key.for_sm4().as_ref(), nonce, associated, text),
    }
}

fn decrypt_by<C: Gcm>(
    key: &[u8],
    nonce: [u8; NONCE_BYTES],
    associated: &[u8],
    (text, tag): (&mut [u8], [u8; TAG_BYTES]),
) -> Option<()> {
    let cipher = C::new_from_slice(key).ok()?;
    let opened = cipher.decrypt_inout_detached(&nonce.into(), associated, text.into(), &tag.into());
    opened.ok()
}

#[cfg(test)]
#[path = "cipher_tests.rs"]
mod tests;
