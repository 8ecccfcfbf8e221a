//! Deadlines: from an instant and the terms that apply to the instant by which it must be done.

use chrono::{Days, Duration, NaiveDate};
use hotline_kernel::calendar::{Calendar, CountStart, Reached};
use hotline_kernel::time::{Timestamp, Zone};
use serde::{Deserialize, Serialize};

use super::policy::{Counting, Terms};

/// By when something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The first instant at which it is late.
    pub at: Timestamp,
    /// It reaches a year whose calendar is not loaded; it is computed again when the year is loaded.
    pub is_provisional: bool,
}

/// The city's working days and its zone: what every deadline is counted with.
#[derive(Clone, Copy, Debug)]
pub struct Almanac<'a> {
    /// Working days.
    pub calendar: &'a Calendar,
    /// Where its days begin.
    pub zone: Zone,
}

impl Almanac<'_> {
    /// By when a ticket must be done whose clock started at `from`.
    ///
    /// Day n ends at 24:00 of the n-th day, counted from the next one, or from the day itself if the profile says so.
    #[must_use]
    pub fn due(&self, from: Timestamp, terms: &Terms) -> Due {
        if let Some(hours) = terms.hours {
            return Due {
                at: from + Duration::hours(i64::from(hours)),
                is_provisional: false,
            };
        }
        match terms.counting {
            Counting::Workdays => self.after_workdays(from, terms.days, terms.count_start),
            Counting::NaturalDays => {
                let counted = match terms.count_start {
                    CountStart::NextDay => terms.days,
                    CountStart::SameDay => terms.days.saturating_sub(1),
                };
                let last = days_after(self.zone.day(from), counted);
                Due {
                    at: self.zone.end_of(last),
                    is_provisional: false,
                }
            }
        }
    }

    /// By when a unit must have signed for what it got at `dispatched_at`.
    #[must_use]
    pub fn sign_due(&self, dispatched_at: Timestamp, terms: &Terms) -> Option<Due> {
        if terms.hours.is_some() {
            return Some(self.due(dispatched_at, terms));
        }
        terms
            .sign_workdays
            .map(|days| self.after_workdays(dispatched_at, days, terms.count_start))
    }

    /// From when on a unit may not return what it signed for at `signed_at`.
    #[must_use]
    pub fn return_until(&self, signed_at: Timestamp, terms: &Terms) -> Timestamp {
        self.after_workdays(signed_at, terms.return_workdays, CountStart::NextDay)
            .at
    }

    fn after_workdays(&self, from: Timestamp, days: u32, start: CountStart) -> Due {
        let Reached { day, provisional } =
            self.calendar
                .add_working_days(self.zone.day(from), days, start);
        Due {
            at: self.zone.end_of(day),
            is_provisional: provisional,
        }
    }

    /// The last day on which something due at `at` is in time.
    #[must_use]
    pub fn last_day(&self, at: Timestamp) -> NaiveDate {
        self.zone.day(at - Duration::microseconds(1))
    }
}

/// The day `days` after `day`, or the last one there is.
#[must_use]
pub fn days_after(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days)))
        .unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
#[path = "deadline_tests.rs"]
pub(super) mod tests;
