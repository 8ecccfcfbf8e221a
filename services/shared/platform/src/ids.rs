//! Ids and randomness, from a port, so that a demo is repeatable.

use std::sync::{Arc, Mutex, PoisonError};

use hotline_kernel::time::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Makes ids and draws random numbers. Cheap to clone; clones share one sequence.
#[derive(Clone, Debug)]
pub struct Ids {
    inner: Arc<Mutex<StdRng>>,
}

impl Ids {
    /// Randomness from the operating system.
    #[must_use]
    pub fn from_os() -> Self {
        Self::from_rng(StdRng::from_os_rng())
    }

    /// The same sequence for the same seed and stream name.
    #[must_use]
    pub fn seeded(seed: u64, stream: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(stream)
            .finalize();
        Self::from_rng(StdRng::from_seed(digest.into()))
    }

    /// A UUIDv7 of `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.lock().fill_bytes(&mut random);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A number below `bound`; 0 if `bound` is 0.
    #[must_use]
    pub fn draw(&self, bound: u32) -> u32 {
        if bound == 0 {
            0
        } else {
            self.lock().random_range(0..bound)
        }
    }

    /// Any number.
    #[must_use]
    pub fn draw_wide(&self) -> u64 {
        self.lock().next_u64()
    }

    fn from_rng(rng: StdRng) -> Self {
        Self {
            inner: Arc::new(Mutex::new(rng)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::Ids;

    #[test]
    fn the_same_seed_and_stream_give_the_same_ids() {
        let now = DateTime::from_timestamp_millis(1_760_000_000_000).expect("a valid instant");
        let drawn = |seed, stream: &str| {
            let ids = Ids::seeded(seed, stream);
            [ids.next(now), ids.next(now)]
        };
        assert_eq!(drawn(7, "intake"), drawn(7, "intake"));
        assert_ne!(drawn(7, "intake"), drawn(8, "intake"), "another seed");
        assert_ne!(drawn(7, "intake"), drawn(7, "routing"), "another stream");
        assert_eq!(drawn(7, "intake")[0].get_version_num(), 7);
    }

    #[test]
    fn a_draw_is_below_its_bound() {
        let ids = Ids::seeded(1, "draw");
        assert!((0..1000).all(|_| ids.draw(3) < 3));
        assert_eq!(ids.draw(0), 0);
    }
}
