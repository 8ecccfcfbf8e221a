//! Ids and randomness, from a port, so that a demo is repeatable.

use std::sync::Arc;

use hotline_kernel::time::Timestamp;
use uuid::Uuid;

/// Makes ids and draws random numbers. Cheap to clone.
#[derive(Clone)]
pub struct Ids {
    inner: Arc<std::sync::Mutex<rand::rngs::StdRng>>,
}

impl Ids {
    /// Randomness from the operating system.
    #[must_use]
    pub fn from_os() -> Self {
        todo!()
    }

    /// The same sequence for the same seed and stream name.
    #[must_use]
    pub fn seeded(seed: u64, stream: &str) -> Self {
        let _ = (seed, stream);
        todo!()
    }

    /// A UUIDv7 of `now`.
    pub fn next(&self, now: Timestamp) -> Uuid {
        let _ = now;
        todo!()
    }

    /// A number below `bound`.
    pub fn draw(&self, bound: u32) -> u32 {
        let _ = bound;
        todo!()
    }
}
