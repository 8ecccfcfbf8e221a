//! Sessions: on the server, so that signing out is real.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use uuid::Uuid;

/// Nothing was asked for so long: the session is over (GB/T 22239-2019 8.1.4.1 b).
pub(crate) const IDLE_MAX: TimeDelta = TimeDelta::minutes(15);
/// No session is longer, however busy.
pub(crate) const LENGTH_MAX: TimeDelta = TimeDelta::hours(8);
/// A use is written down when the last one that was is so old: not every call is a write.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// A device that nobody signed in from for so long is known no more.
pub(crate) const DEVICE_LASTS: TimeDelta = TimeDelta::days(90);
/// Devices that one account remembers.
pub(crate) const DEVICES_MAX: u64 = 10;
/// Sessions that one account has at once; the one that was silent longest goes.
pub(crate) const SESSIONS_MAX: u64 = 10;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Its id: no secret.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) account_id: Uuid,
    /// From which address it began.
    pub(crate) from_addr: String,
    /// With which program, as that says of itself.
    pub(crate) agent: String,
    /// When it began.
    pub(crate) made_at: Timestamp,
    /// When it was last noted to be used.
    pub(crate) seen_at: Timestamp,
    /// When a second factor was last given in it.
    pub(crate) stepped_up_at: Option<Timestamp>,
}

impl Session {
    /// Whether it still counts. What is noted late makes it end early, never late.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        now - self.seen_at <= IDLE_MAX && now < self.ends_at()
    }

    /// Whether this use is worth a write.
    pub(crate) fn is_to_be_noted(&self, now: Timestamp) -> bool {
        now - self.seen_at >= NOTED_EVERY
    }

    /// When it ends, however busy.
    pub(crate) fn ends_at(&self) -> Timestamp {
        self.made_at + LENGTH_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_a_quarter_of_an_hour_of_silence_and_after_eight_hours() {
        let begun = hotline_kernel::time::from_micros(1_780_000_000_000_000).unwrap();
        let session = |seen: TimeDelta| Session {
            id: Uuid::nil(),
            account_id: Uuid::nil(),
            from_addr: String::new(),
            agent: String::new(),
            made_at: begun,
            seen_at: begun + seen,
            stepped_up_at: None,
        };
        let cases = [
            (0, 15, true),
            (0, 16, false),
            (470, 479, true),
            (470, 480, false),
        ];
        for (seen, now, expected) in cases {
            let found = session(TimeDelta::minutes(seen)).is_alive(begun + TimeDelta::minutes(now));
            assert_eq!(found, expected, "seen {seen}, now {now}");
        }
    }
}
