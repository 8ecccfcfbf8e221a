//! Policy profiles: how many days a kind of demand may take, as data versioned by date.

use chrono::NaiveDate;
use hotline_kernel::calendar::CountStart;
use serde::{Deserialize, Serialize};

use super::word::{Kind, Urgency, Word};

/// What a profile's days are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counting {
    /// 工作日.
    Workdays,
    /// 自然日.
    NaturalDays,
}

impl Word for Counting {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Workdays, "workdays"),
        (Self::NaturalDays, "natural_days"),
    ];
}

/// Days by kind; a kind that is not listed takes [`Policy::days_of`]'s fallback.
pub type KindDays = Vec<(Kind, u32)>;

/// One version of a policy profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, such as `sichuan-2025`.
    pub profile: String,
    /// It holds for receipts and dispatches from this day on, until its next version.
    pub valid_from: NaiveDate,
    /// What the days are.
    pub counting: Counting,
    /// Which day counts as day one.
    pub count_start: CountStart,
    /// Days by kind.
    pub days: KindDays,
    /// Working days in which the unit must sign; `None` if it says nothing.
    pub sign_workdays: Option<u32>,
    /// Working days after signing in which the unit may return the ticket.
    pub return_workdays: u32,
    /// Natural hours for urgent and critical tickets; `None` if they take the days of their kind.
    pub urgent_hours: Option<u32>,
}

/// Where a category's deadlines differ from the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryDeadlines {
    /// Days by kind.
    pub days: KindDays,
    /// Natural hours for urgent and critical tickets.
    pub urgent_hours: Option<u32>,
}

/// What applies to one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Natural hours; they win over days.
    pub hours: Option<u32>,
    /// Days until it must be concluded.
    pub days: u32,
    /// What the days are.
    pub counting: Counting,
    /// Which day counts as day one.
    pub count_start: CountStart,
    /// Working days in which the unit must sign.
    pub sign_workdays: Option<u32>,
    /// Working days after signing in which it may be returned.
    pub return_workdays: u32,
}

impl Policy {
    /// What is used while the configured profile has not been loaded: the Sichuan measure of 2025, with
    /// choices of our own for what its published text leaves open, such as praise.
    #[must_use]
    pub fn sichuan_2025() -> Self {
        Self {
            profile: "sichuan-2025".to_owned(),
            valid_from: NaiveDate::default(),
            counting: Counting::Workdays,
            count_start: CountStart::NextDay,
            days: vec![
                (Kind::Consult, 3),
                (Kind::Help, 7),
                (Kind::Suggest, 7),
                (Kind::Complaint, 15),
                (Kind::Report, 15),
                (Kind::Praise, 7),
                (Kind::Other, 7),
            ],
            sign_workdays: Some(1),
            return_workdays: 1,
            urgent_hours: Some(2),
        }
    }

    /// The days of `kind`; where the profile says nothing those of `other`, else its longest.
    #[must_use]
    pub fn days_of(&self, kind: Kind) -> u32 {
        let longest = self
            .days
            .iter()
            .map(|(_, days)| *days)
            .max()
            .unwrap_or_default();
        listed(&self.days, kind)
            .or_else(|| listed(&self.days, Kind::Other))
            .unwrap_or(longest)
    }

    /// What applies to a ticket; a category counts only where it says something.
    #[must_use]
    pub fn terms(
        &self,
        kind: Kind,
        urgency: Urgency,
        category: Option<&CategoryDeadlines>,
    ) -> Terms {
        let category_hours = category.and_then(|category| category.urgent_hours);
        let hours = if urgency.counts_hours() {
            category_hours.or(self.urgent_hours)
        } else {
            None
        };
        let category_days = category.and_then(|category| listed(&category.days, kind));
        Terms {
            hours,
            days: category_days.unwrap_or_else(|| self.days_of(kind)),
            counting: self.counting,
            count_start: self.count_start,
            sign_workdays: self.sign_workdays,
            return_workdays: self.return_workdays,
        }
    }
}

fn listed(days: &KindDays, kind: Kind) -> Option<u32> {
    days.iter()
        .find(|(listed, _)| *listed == kind)
        .map(|(_, days)| *days)
}

/// The version of `profile` that holds on `day`: the newest begun by then, else its first.
#[must_use]
pub fn version_on<'a>(policies: &'a [Policy], profile: &str, day: NaiveDate) -> Option<&'a Policy> {
    let versions = || policies.iter().filter(|policy| policy.profile == profile);
    let begun = versions()
        .filter(|policy| policy.valid_from <= day)
        .max_by_key(|policy| policy.valid_from);
    begun.or_else(|| versions().min_by_key(|policy| policy.valid_from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_overrides_only_where_it_says_something() {
        let policy = Policy::sichuan_2025();
        let website = CategoryDeadlines {
            days: vec![(Kind::Consult, 5), (Kind::Complaint, 3)],
            urgent_hours: None,
        };
        let outage = CategoryDeadlines {
            days: vec![],
            urgent_hours: Some(4),
        };
        let cases = [
            (
                "profile's days",
                Kind::Complaint,
                Urgency::Normal,
                None,
                (None, 15),
            ),
            (
                "category's days",
                Kind::Complaint,
                Urgency::Normal,
                Some(&website),
                (None, 3),
            ),
            (
                "kind the category leaves",
                Kind::Help,
                Urgency::Normal,
                Some(&website),
                (None, 7),
            ),
            (
                "profile's hours",
                Kind::Help,
                Urgency::Urgent,
                Some(&website),
                (Some(2), 7),
            ),
            (
                "category's hours",
                Kind::Help,
                Urgency::Critical,
                Some(&outage),
                (Some(4), 7),
            ),
            (
                "hours only when urgent",
                Kind::Help,
                Urgency::Normal,
                Some(&outage),
                (None, 7),
            ),
        ];
        for (label, kind, urgency, category, expected) in cases {
            let terms = policy.terms(kind, urgency, category);
            assert_eq!((terms.hours, terms.days), expected, "{label}");
        }
    }

    #[test]
    fn a_kind_the_profile_leaves_open_takes_other_or_the_longest() {
        let mut policy = Policy::sichuan_2025();
        policy.days = vec![(Kind::Complaint, 15), (Kind::Other, 9)];
        assert_eq!(policy.days_of(Kind::Help), 9);
        policy.days = vec![(Kind::Complaint, 15), (Kind::Consult, 3)];
        assert_eq!(policy.days_of(Kind::Help), 15);
    }

    #[test]
    fn the_newest_version_begun_holds() {
        let on = |from: &str| Policy {
            valid_from: from.parse().unwrap(),
            ..Policy::sichuan_2025()
        };
        let policies = [on("2025-01-01"), on("2026-07-01"), on("2026-01-01")];
        let cases = [
            ("2024-05-01", "2025-01-01"), // before the first: the first
            ("2025-12-31", "2025-01-01"),
            ("2026-01-01", "2026-01-01"),
            ("2026-08-01", "2026-07-01"),
        ];
        for (day, expected) in cases {
            let found = version_on(&policies, "sichuan-2025", day.parse().unwrap());
            assert_eq!(
                found.map(|policy| policy.valid_from),
                Some(expected.parse().unwrap()),
                "{day}"
            );
        }
        assert_eq!(
            version_on(&policies, "henan-2022", "2026-01-01".parse().unwrap()),
            None
        );
    }
}
