//! What is kept sealed or as a code only its key makes.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::second_factor::SharedSecret;
use crate::error::GatewayError;

/// How a sealed value begins: the form, for the day when there is another one.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 12;

/// A key for message authentication codes.
pub(crate) struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// A key of these bytes.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// HMAC-SHA-256 of several parts, none of which can be taken for a part of another.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether `expected` is the code of `parts`; takes as long for a wrong one.
    pub(crate) fn is_right(&self, parts: &[&[u8]], expected: &[u8]) -> bool {
        self.mac(parts).ct_eq(expected).into()
    }
}

/// Seals what only we read again: AES-256-GCM. Authenticators' secrets are bound to the account they are for.
pub(crate) struct Seal(Aes256Gcm);

impl Seal {
    /// One with this key.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        let cipher = Aes256Gcm::new_from_slice(key.as_slice());
        Self(cipher.unwrap_or_else(|_| unreachable!("the key has 32 bytes")))
    }

    /// Seals `secret` for the account `place`.
    pub(crate) fn seal(
        &self,
        place: Uuid,
        secret: &SharedSecret,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, GatewayError> {
        self.seal_bytes(&bound_to(place), secret.bytes(), nonce)
    }

    /// Seals `bytes`, to be opened as `what` they are and as nothing else.
    pub(crate) fn seal_bytes(
        &self,
        what: &[u8],
        bytes: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, GatewayError> {
        let payload = Payload {
            msg: bytes,
            aad: what,
        };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| GatewayError::Failed("a secret could not be sealed"))?;
        let mut value = vec![FORM];
        value.extend(nonce);
        value.extend(sealed);
        Ok(value)
    }

    /// Opens what was sealed for the account `place`.
    pub(crate) fn open(&self, place: Uuid, value: &[u8]) -> Result<SharedSecret, GatewayError> {
        Ok(SharedSecret::new(self.open_bytes(&bound_to(place), value)?))
    }

    /// Opens what was sealed as `what` it is.
    pub(crate) fn open_bytes(&self, what: &[u8], value: &[u8]) -> Result<Vec<u8>, GatewayError> {
        let failed = GatewayError::Failed("a sealed secret does not open");
        let Some((&FORM, rest)) = value.split_first() else {
            return Err(failed);
        };
        let Some((nonce, sealed)) = rest.split_first_chunk::<NONCE_BYTES>() else {
            return Err(failed);
        };
        let payload = Payload {
            msg: sealed,
            aad: what,
        };
        let opened = self.0.decrypt(&Nonce::from(*nonce), payload);
        opened.map_err(|_| failed)
    }
}

fn bound_to(place: Uuid) -> Vec<u8> {
    [b"gateway|shared_secret|".as_slice(), place.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_in_its_place_only() {
        let seal = Seal::new([1; 32]);
        let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let secret = SharedSecret::new(vec![5; 20]);
        let value = seal.seal(here, &secret, [9; 12]).unwrap();
        assert_eq!(seal.open(here, &value).unwrap().bytes(), secret.bytes());
        assert!(!value.windows(20).any(|window| window == secret.bytes()));
        assert!(seal.open(there, &value).is_err(), "another account's");
        assert!(
            Seal::new([2; 32]).open(here, &value).is_err(),
            "another installation's"
        );
        for place in 0..value.len() {
            let mut bent = value.clone();
            bent[place] ^= 1;
            assert!(seal.open(here, &bent).is_err(), "{place}");
        }
        assert!(seal.open(here, &value[..12]).is_err());
    }

    #[test]
    fn a_code_depends_on_where_its_parts_end() {
        let key = MacKey::new([1; 32]);
        let code = key.mac(&[b"ab", b"c"]);
        assert!(key.is_right(&[b"ab", b"c"], &code));
        assert!(!key.is_right(&[b"a", b"bc"], &code));
        assert!(!MacKey::new([2; 32]).is_right(&[b"ab", b"c"], &code));
    }
}
