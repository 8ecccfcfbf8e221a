//! Time: UTC, whole microseconds, from one port.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant, UTC, in whole microseconds (what both databases can keep).
pub type Timestamp = DateTime<Utc>;

/// Where every timestamp and every timer comparison comes from.
pub trait Clock: Send + Sync {
    /// The present instant, truncated to microseconds.
    fn now(&self) -> Timestamp;
}

/// Microseconds since 1970, as columns hold it.
#[must_use]
pub fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// The instant of a column; `None` if it is out of chrono's range.
#[must_use]
pub fn from_micros(micros: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_micros(micros)
}

/// The city's time zone: it decides number dates, working days and report days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Asia/Shanghai, the default.
    pub const SHANGHAI: Self = Self(Tz::Asia__Shanghai);

    /// A zone by its IANA name.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] if the name is not in the IANA list.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        name.parse()
            .map(Self)
            .map_err(|_| UnknownZone(name.to_owned()))
    }

    /// The city's calendar day at `at`.
    #[must_use]
    pub fn day(self, at: Timestamp) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// The first instant of `day` in the city (00:00; later where a clock change skips it).
    #[must_use]
    pub fn start_of(self, day: NaiveDate) -> Timestamp {
        self.at(day, 0, 0)
    }

    /// The first instant after `day` in the city: its 24:00.
    #[must_use]
    pub fn end_of(self, day: NaiveDate) -> Timestamp {
        day.succ_opt()
            .map_or(DateTime::<Utc>::MAX_UTC, |next| self.start_of(next))
    }

    /// The instant of a wall-clock time in the city; the earlier one where a clock change repeats it.
    #[must_use]
    pub fn at(self, day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
        let minutes = i64::from(hour) * 60 + i64::from(minute);
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let mut wall = midnight + chrono::Duration::minutes(minutes);
        loop {
            if let Some(found) = self.0.from_local_datetime(&wall).earliest() {
                return found.with_timezone(&Utc);
            }
            wall += chrono::Duration::minutes(30);
        }
    }

    /// Reads a wall-clock time of the city.
    #[must_use]
    pub fn local(self, wall: chrono::NaiveDateTime) -> Option<Timestamp> {
        self.0
            .from_local_datetime(&wall)
            .earliest()
            .map(|found| found.with_timezone(&Utc))
    }

    /// The city's wall-clock time at `at`.
    #[must_use]
    pub fn wall(self, at: Timestamp) -> chrono::NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }
}

/// The name is not in the IANA list of zones.
#[derive(Debug, thiserror::Error)]
#[error("no time zone `{0}`; expected an IANA name such as Asia/Shanghai")]
pub struct UnknownZone(String);
