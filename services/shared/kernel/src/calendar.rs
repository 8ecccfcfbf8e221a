//! Working days: Monday to Friday, as changed by the published holidays and make-up days.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

/// What a published calendar says of a day that differs from Monday to Friday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// Nobody works (放假).
    Holiday,
    /// A make-up working day (调休上班).
    Workday,
}

/// Which day counts as day one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountStart {
    /// The first working day after the start (自次日起).
    NextDay,
    /// The start itself, if it is a working day.
    SameDay,
}

/// Where counting working days ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The n-th working day; the deadline is its 24:00.
    pub day: NaiveDate,
    /// Whether a year was touched whose calendar is not loaded: Monday to Friday was assumed there, and the
    /// day must be computed again when the year is loaded.
    pub provisional: bool,
}

/// The published calendar of a city, and which years it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    days: BTreeMap<NaiveDate, DayKind>,
    loaded_years: BTreeSet<i32>,
}

impl Calendar {
    /// A calendar of the listed `days`; every other day follows Monday to Friday.
    pub fn new(
        days: impl IntoIterator<Item = (NaiveDate, DayKind)>,
        loaded_years: impl IntoIterator<Item = i32>,
    ) -> Self {
        Self {
            days: days.into_iter().collect(),
            loaded_years: loaded_years.into_iter().collect(),
        }
    }

    /// Whether the city works on `day`.
    #[must_use]
    pub fn is_working(&self, day: NaiveDate) -> bool {
        match self.days.get(&day) {
            Some(DayKind::Holiday) => false,
            Some(DayKind::Workday) => true,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// Whether the calendar of `year` was loaded.
    #[must_use]
    pub fn is_loaded(&self, year: i32) -> bool {
        self.loaded_years.contains(&year)
    }

    /// The years whose calendar was loaded, in order.
    pub fn loaded_years(&self) -> impl Iterator<Item = i32> + '_ {
        self.loaded_years.iter().copied()
    }

    /// The `n`-th working day from `start`; `start` itself for `n` = 0.
    #[must_use]
    pub fn add_working_days(&self, start: NaiveDate, n: u32, from: CountStart) -> Reached {
        let mut day = start;
        let mut left = n;
        let mut provisional = n == 0 && !self.is_loaded(start.year());
        if from == CountStart::SameDay && n > 0 {
            provisional |= !self.is_loaded(start.year());
            left -= u32::from(self.is_working(start));
        }
        while left > 0 {
            let Some(next) = day.succ_opt() else { break };
            day = next;
            provisional |= !self.is_loaded(day.year());
            left -= u32::from(self.is_working(day));
        }
        Reached { day, provisional }
    }

    /// The last working day before `day`.
    #[must_use]
    pub fn previous_working_day(&self, day: NaiveDate) -> NaiveDate {
        let mut before = day;
        while let Some(earlier) = before.pred_opt() {
            before = earlier;
            if self.is_working(before) {
                break;
            }
        }
        before
    }

    /// The first working day after `day`.
    #[must_use]
    pub fn next_working_day(&self, day: NaiveDate) -> NaiveDate {
        let mut after = day;
        while let Some(later) = after.succ_opt() {
            after = later;
            if self.is_working(after) {
                break;
            }
        }
        after
    }

    /// Working days after `a` up to and including `b`; negative when `b` is before `a`.
    ///
    /// The reverse of [`Calendar::add_working_days`] with [`CountStart::NextDay`].
    #[must_use]
    pub fn working_days_between(&self, a: NaiveDate, b: NaiveDate) -> i64 {
        if b < a {
            return -self.working_days_between(b, a);
        }
        let mut count = 0;
        let mut day = a;
        while day < b {
            let Some(next) = day.succ_opt() else { break };
            day = next;
            count += i64::from(self.is_working(day));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The published calendar of 2024 to 2026: a real file beside the checkout, not part of the project; where it is
    /// absent, the sample city's.
    fn published() -> Calendar {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(3)
            .unwrap();
        let places = [
            root.join("../shared/data/holidays_cn.csv"),
            root.join("deploy/sample/holidays.csv"),
        ];
        let Some(path) = places.iter().find(|path| path.exists()) else {
            panic!("no calendar to test with: none of {places:?} exists");
        };
        let mut reader = csv::Reader::from_path(path).unwrap();
        let days = reader.records().map(|record| {
            let record = record.unwrap();
            let kind = match &record[1] {
                "holiday" => DayKind::Holiday,
                "workday" => DayKind::Workday,
                other => panic!(
                    "kind `{other}` of {}; expected holiday or workday",
                    &record[0]
                ),
            };
            (day(&record[0]), kind)
        });
        Calendar::new(days.collect::<Vec<_>>(), 2024..=2026)
    }

    #[test]
    fn counting_agrees_with_the_published_calendars() {
        let calendar = published();
        let cases = [
            ("2026-09-30", 3, "2026-10-10"), // a make-up Saturday
            ("2026-02-13", 7, "2026-03-02"),
            ("2026-02-13", 15, "2026-03-12"),
            ("2026-04-30", 7, "2026-05-13"),
            ("2026-09-18", 3, "2026-09-22"), // the Sunday between is a working day
            ("2025-01-24", 7, "2025-02-10"),
            ("2024-04-30", 15, "2024-05-23"),
        ];
        for (start, n, expected) in cases {
            let reached = calendar.add_working_days(day(start), n, CountStart::NextDay);
            assert_eq!(
                reached,
                Reached {
                    day: day(expected),
                    provisional: false
                },
                "{start} + {n}"
            );
        }
    }

    #[test]
    fn a_year_has_the_published_number_of_working_days() {
        let calendar = published();
        for (year, expected) in [(2024, 251), (2025, 248), (2026, 248)] {
            let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
            let before = NaiveDate::from_ymd_opt(year - 1, 12, 31).unwrap();
            assert_eq!(
                calendar.working_days_between(before, last),
                expected,
                "{year}"
            );
        }
    }

    #[test]
    fn the_start_counts_only_when_asked_and_only_when_it_is_a_working_day() {
        let calendar = published();
        let cases = [
            ("2026-09-21", 1, CountStart::SameDay, "2026-09-21"),
            ("2026-09-21", 1, CountStart::NextDay, "2026-09-22"),
            ("2026-09-19", 1, CountStart::SameDay, "2026-09-20"),
            ("2026-09-21", 0, CountStart::NextDay, "2026-09-21"),
        ];
        for (start, n, from, expected) in cases {
            let reached = calendar.add_working_days(day(start), n, from);
            assert_eq!(reached.day, day(expected), "{start} + {n} {from:?}");
        }
    }

    #[test]
    fn a_deadline_that_touches_a_year_not_loaded_is_provisional() {
        let calendar = published();
        let inside = calendar.add_working_days(day("2026-12-10"), 15, CountStart::NextDay);
        assert_eq!(
            inside,
            Reached {
                day: day("2026-12-31"),
                provisional: false
            }
        );
        let across = calendar.add_working_days(day("2026-12-11"), 15, CountStart::NextDay);
        assert_eq!(
            across,
            Reached {
                day: day("2027-01-01"),
                provisional: true
            }
        );

        let new_year = [(day("2027-01-01"), DayKind::Holiday)];
        let loaded = Calendar::new(new_year, [2026, 2027]);
        let again = loaded.add_working_days(day("2026-12-31"), 1, CountStart::NextDay);
        assert_eq!(
            again,
            Reached {
                day: day("2027-01-04"),
                provisional: false
            }
        );
    }

    #[test]
    fn neighbouring_working_days_skip_the_national_day_week() {
        let calendar = published();
        assert_eq!(
            calendar.next_working_day(day("2026-09-30")),
            day("2026-10-08")
        );
        assert_eq!(
            calendar.previous_working_day(day("2026-10-08")),
            day("2026-09-30")
        );
        assert!(calendar.is_working(day("2026-10-10")));
        assert!(!calendar.is_working(day("2026-10-11")));
    }

    proptest! {
        #[test]
        fn counting_back_gives_what_was_added(offset in 0_i64..1_000, n in 0_u32..60) {
            let calendar = published();
            let start = day("2024-01-01") + chrono::Duration::days(offset);
            let reached = calendar.add_working_days(start, n, CountStart::NextDay).day;
            prop_assert_eq!(calendar.working_days_between(start, reached), i64::from(n));
            prop_assert_eq!(calendar.working_days_between(reached, start), -i64::from(n));
            if n > 0 {
                prop_assert!(calendar.is_working(reached));
            }
        }
    }
}
