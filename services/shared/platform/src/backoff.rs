//! Waiting longer after each failure, with full jitter, so that many do not come back at once.

use std::time::Duration;

use crate::ids::Ids;

/// Exponential back-off with full jitter.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits below `base`, then below twice as much and so on, never beyond `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            failures: 0,
        }
    }

    /// It worked again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure: at least a millisecond.
    pub fn next(&mut self, ids: &Ids) -> Duration {
        let ceiling = self
            .base
            .saturating_mul(1 << self.failures.min(20))
            .min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let millis = u32::try_from(ceiling.as_millis()).unwrap_or(u32::MAX);
        Duration::from_millis(u64::from(1 + ids.draw(millis)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;
    use crate::ids::Ids;

    #[test]
    fn waits_grow_to_the_cap_and_start_again_after_a_success() {
        let ids = Ids::seeded(1, "backoff");
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for ceiling_ms in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next(&ids);
            assert!(
                wait <= Duration::from_millis(ceiling_ms),
                "{wait:?} is above {ceiling_ms} ms"
            );
        }
        backoff.reset();
        assert!(backoff.next(&ids) <= Duration::from_millis(100));
    }
}
