//! How fast secrets may be guessed. A guess is counted before it is evaluated, so that a thousand at the same
//! moment are not a thousand evaluated ones.

use chrono::TimeDelta;
use hotline_kernel::time::{Timestamp, from_micros, micros};

/// Failures in a row that cost nothing.
const FREE: u32 = 5;
/// So many failures in a row lock.
pub(crate) const LOCKS_AT: usize = 10;
/// How long.
const LOCK: TimeDelta = TimeDelta::minutes(30);
/// And no more than [`LOCKS_AT`] guesses are evaluated in so long, or each end of a lock would give one more.
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// Failures that are so old are forgotten.
pub(crate) const FORGET_AFTER: TimeDelta = TimeDelta::hours(24);
/// So many failures from one address …
pub(crate) const ADDRESS_MAX: usize = 30;
/// … in so long close it.
pub(crate) const ADDRESS_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The failures of one counter: of an account and a device that is known to it, or of an account and all devices
/// that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// In a row, since the last success.
    pub(crate) count: u32,
    /// When the last of them were counted, in microseconds, oldest first; at most as many as matter.
    pub(crate) recent: Vec<i64>,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBefore(pub(crate) Timestamp);

impl Failures {
    /// Counts a guess at `now` on an account as failed; a success takes the counter away.
    pub(crate) fn guess(self, now: Timestamp) -> Result<Self, NotBefore> {
        let known = if self.is_forgotten(now) {
            Self::default()
        } else {
            self
        };
        match known.not_before() {
            Some(until) if now < until => Err(NotBefore(until)),
            _ => Ok(known.counted(now, LOCKS_AT)),
        }
    }

    /// Counts a guess at `now` from an address as failed.
    pub(crate) fn knock(self, now: Timestamp) -> Result<Self, NotBefore> {
        let full = (self.recent.len() >= ADDRESS_MAX).then(|| self.recent.first());
        let until = full
            .flatten()
            .and_then(|first| from_micros(*first))
            .map(|first| first + ADDRESS_WINDOW);
        match until {
            Some(until) if now < until => Err(NotBefore(until)),
            _ => Ok(self.counted(now, ADDRESS_MAX)),
        }
    }

    /// Takes back what was counted at `at`, for it was none of a guesser's.
    pub(crate) fn without(mut self, at: Timestamp) -> Self {
        if let Some(place) = self.recent.iter().rposition(|seen| *seen == micros(at)) {
            self.recent.remove(place);
            self.count = self.count.saturating_sub(1);
        }
        self
    }

    fn counted(mut self, now: Timestamp, kept: usize) -> Self {
        self.count = self.count.saturating_add(1);
        self.recent.push(micros(now));
        let surplus = self.recent.len().saturating_sub(kept);
        self.recent.drain(..surplus);
        self
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        let last = self.recent.last().and_then(|last| from_micros(*last));
        last.is_none_or(|last| now - last > FORGET_AFTER)
    }

    /// When the next guess is evaluated; `None`: at once.
    fn not_before(&self) -> Option<Timestamp> {
        let last = from_micros(*self.recent.last()?)?;
        if self.count < FREE {
            return None;
        }
        if usize::try_from(self.count).is_ok_and(|count| count < LOCKS_AT) {
            let seconds = 1_i64 << (self.count - FREE);
            return Some(last + TimeDelta::seconds(seconds));
        }
        let first = from_micros(*self.recent.first()?)?;
        let window_ends = if self.recent.len() >= LOCKS_AT {
            first + WINDOW
        } else {
            first
        };
        Some(window_ends.max(last + LOCK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        from_micros(1_780_000_000_000_000 + seconds * 1_000_000).unwrap()
    }

    #[test]
    fn five_failures_are_free_then_waits_double_and_the_tenth_locks() {
        let mut failures = Failures::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let next = loop {
                match failures.clone().guess(at(now)) {
                    Ok(next) => break next,
                    Err(NotBefore(until)) => {
                        waits.push((until - at(now)).num_seconds());
                        now += (until - at(now)).num_seconds();
                    }
                }
            };
            failures = next;
        }
        // The eleventh waits until the first of the ten is an hour old, which is later than half an hour.
        assert_eq!(waits, [1, 2, 4, 8, 16, 3600 - 31, 1800]);
    }

    #[test]
    fn a_guesser_who_never_rests_has_ten_evaluated_guesses_an_hour() {
        let mut failures = Failures::default();
        let mut evaluated = Vec::new();
        for second in 0..24 * 3600 {
            if let Ok(next) = failures.clone().guess(at(second)) {
                failures = next;
                evaluated.push(second);
            }
        }
        for (index, first) in evaluated.iter().enumerate() {
            let within = evaluated[index..]
                .iter()
                .filter(|second| **second < first + 3600);
            assert!(within.count() <= 10, "from {first}");
        }
        assert!(evaluated.len() > 20, "{}", evaluated.len());
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut failures = Failures::default();
        for second in 0..9 {
            failures = failures.guess(at(second * 60)).unwrap();
        }
        let later = failures.guess(at(9 * 60 + 25 * 3600)).unwrap();
        assert_eq!(later.count, 1);
    }

    #[test]
    fn an_address_has_thirty_failures_in_any_ten_minutes() {
        let mut failures = Failures::default();
        for second in 0..30 {
            failures = failures.knock(at(second)).unwrap();
        }
        let full = failures.clone();
        assert_eq!(full.clone().knock(at(599)), Err(NotBefore(at(600))));
        assert!(full.knock(at(600)).is_ok());
        let mended = failures.without(at(29));
        assert!(
            mended.knock(at(30)).is_ok(),
            "a success gives its place back"
        );
    }
}
