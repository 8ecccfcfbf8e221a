//! Keys and nonces: from the operating system's randomness always, also where a seed makes all else repeatable.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use zeroize::Zeroizing;

use super::cipher::{KEY_BYTES, NONCE_BYTES};

/// A generator that was seeded by the operating system.
pub(super) struct Random(Mutex<StdRng>);

impl Random {
    pub(super) fn from_os() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }

    /// A nonce that was never given before, but by a chance of 2⁻⁹⁶ each.
    pub(super) fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        self.fill(&mut nonce);
        nonce
    }

    /// The bytes of a key.
    pub(super) fn key(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        self.fill(key.as_mut());
        key
    }

    /// An id that nothing else has.
    pub(super) fn id(&self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(bytes);
    }
}
