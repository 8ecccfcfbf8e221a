//! The narrow facts that daily rollups are summed from.
//!
//! A rollup row is the sum of what every appeal, ticket, tenure and follow-up contributes as it
//! stands. An event changes one of them; the rollup changes by the difference. So the rollups do
//! not depend on the order in which producers' logs are heard.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use hotline_kernel::time::{Timestamp, Zone};

use super::tenure::{Ended, Subject, Tenure};
use super::words::HISTORICAL;

/// What a rollup row counts. Words of the column `measure`.
pub mod measure {
    /// Appeals by the day they were received, with channel and kind.
    pub const APPEAL: &str = "appeal";
    /// Prefix of appeals by state, such as `appeal_guided`.
    pub const APPEAL_STATE: &str = "appeal_";
    /// Historical imports, outside assessment, by day received.
    pub const HISTORICAL_APPEAL: &str = "historical";
    /// Tickets by the day they were received, with channel, kind and category.
    pub const TICKET: &str = "ticket";
    /// Tenures begun by first dispatch.
    pub const RECEIVED: &str = "received";
    /// Tenures begun by transfer.
    pub const TRANSFERRED_IN: &str = "transferred_in";
    /// Tenures begun by rework.
    pub const REWORKED: &str = "reworked";
    /// Tenures ended by conclusion.
    pub const CONCLUDED: &str = "concluded";
    /// Tenures ended by transfer.
    pub const TRANSFERRED_OUT: &str = "transferred_out";
    /// Tenures ended by absorption.
    pub const ABSORBED: &str = "absorbed";
    /// Tenures ended by withdrawal.
    pub const WITHDRAWN: &str = "withdrawn";
    /// Tenures by the day they were due, without those that left before.
    pub const DUE: &str = "due";
    /// Of those, concluded by the deadline.
    pub const DUE_ON_TIME: &str = "due_on_time";
    /// Tenures by the day they were to be signed for, without those that left before.
    pub const SIGN_DUE: &str = "sign_due";
    /// Of those, signed for in time.
    pub const SIGNED_ON_TIME: &str = "signed_on_time";
    /// Returns asked for, by day and unit.
    pub const RETURNED: &str = "returned";
    /// Supervision orders, by day and unit.
    pub const SUPERVISED: &str = "supervised";
    /// Praise received, by the day of the first dispatch and unit.
    pub const PRAISED: &str = "praised";
    /// Follow-ups by the day of the conclusion they ask about.
    pub const FOLLOW_UP: &str = "follow_up";
    /// Of those, three attempts in vain.
    pub const UNREACHABLE: &str = "unreachable";
    /// Replies of ours by day and channel.
    pub const REPLY: &str = "reply";
}

/// A row of the daily rollup without its count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactKey {
    /// The day it counts for.
    pub day: NaiveDate,
    /// What it counts.
    pub measure: String,
    /// Whose, empty if nobody's.
    pub unit_code: String,
    /// Channel, empty if it does not matter.
    pub channel_code: String,
    /// Kind word, empty if it does not matter.
    pub kind: String,
    /// Category, empty if it does not matter.
    pub category_code: String,
}

impl FactKey {
    /// A fact of a day without unit, channel, kind and category.
    #[must_use]
    pub fn bare(day: NaiveDate, measure: &str) -> Self {
        Self {
            day,
            measure: measure.to_owned(),
            unit_code: String::new(),
            channel_code: String::new(),
            kind: String::new(),
            category_code: String::new(),
        }
    }

    fn of(day: NaiveDate, measure: &str, unit_code: &str, subject: &Subject) -> Self {
        Self {
            day,
            measure: measure.to_owned(),
            unit_code: unit_code.to_owned(),
            channel_code: subject.channel_code.clone(),
            kind: subject.kind.clone(),
            category_code: subject.category_code.clone(),
        }
    }
}

/// Changes of rollup rows, in the order of their keys.
pub type Deltas = BTreeMap<FactKey, i64>;

/// By how much rollups change when something contributed `before` and now contributes `after`.
#[must_use]
pub fn deltas(before: &[FactKey], after: &[FactKey]) -> Deltas {
    let mut changes = Deltas::new();
    for key in before {
        *changes.entry(key.clone()).or_default() -= 1;
    }
    for key in after {
        *changes.entry(key.clone()).or_default() += 1;
    }
    changes.retain(|_, change| *change != 0);
    changes
}

/// The day that a deadline ends: 24:00 of a day belongs to that day.
#[must_use]
pub fn due_day(zone: Zone, due_at: Timestamp) -> NaiveDate {
    zone.day(due_at - Duration::microseconds(1))
}

/// What an appeal contributes.
#[must_use]
pub fn of_appeal(
    received: NaiveDate,
    nature: &str,
    state: &str,
    channel_code: &str,
    kind: &str,
) -> Vec<FactKey> {
    let subject = Subject {
        channel_code: channel_code.to_owned(),
        kind: kind.to_owned(),
        category_code: String::new(),
    };
    if nature == HISTORICAL {
        return vec![FactKey::of(
            received,
            measure::HISTORICAL_APPEAL,
            "",
            &subject,
        )];
    }
    let by_state = format!("{}{state}", measure::APPEAL_STATE);
    vec![
        FactKey::of(received, measure::APPEAL, "", &subject),
        FactKey::bare(received, &by_state),
    ]
}

/// What a ticket contributes.
#[must_use]
pub fn of_ticket(received: NaiveDate, nature: &str, subject: &Subject) -> Vec<FactKey> {
    if nature == HISTORICAL {
        Vec::new()
    } else {
        vec![FactKey::of(received, measure::TICKET, "", subject)]
    }
}

/// What a tenure contributes.
#[must_use]
pub fn of_tenure(zone: Zone, tenure: &Tenure) -> Vec<FactKey> {
    let mut facts = Vec::new();
    let mut add = |day, measure| {
        let key = FactKey::of(day, measure, &tenure.unit_code, &tenure.subject);
        facts.push(key);
    };
    let began = zone.day(tenure.from);
    add(began, tenure.began.word());
    if tenure.ordinal == 1 && tenure.subject.kind == "praise" {
        add(began, measure::PRAISED);
    }
    if let Some((at, ended)) = tenure.end {
        add(zone.day(at), ended.word());
    }
    // One that left the unit before a deadline is not in that deadline's cohort.
    let left_before = |due: Timestamp| {
        tenure
            .end
            .is_some_and(|(at, ended)| ended != Ended::Concluded && at <= due)
    };
    if let Some(due) = tenure.clocks.due_at.filter(|due| !left_before(*due)) {
        add(due_day(zone, due), measure::DUE);
        if tenure
            .end
            .is_some_and(|(at, ended)| ended == Ended::Concluded && at <= due)
        {
            add(due_day(zone, due), measure::DUE_ON_TIME);
        }
    }
    if let Some(due) = tenure.clocks.sign_due_at.filter(|due| !left_before(*due)) {
        add(due_day(zone, due), measure::SIGN_DUE);
        let concluded_unsigned = tenure.end.is_some_and(|(at, _)| at <= due);
        if tenure.clocks.signed_at.is_some_and(|at| at <= due) || concluded_unsigned {
            add(due_day(zone, due), measure::SIGNED_ON_TIME);
        }
    }
    facts
}

/// A follow-up as far as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Day of the conclusion it asks about.
    pub day: NaiveDate,
    /// Who concluded.
    pub unit_code: String,
    /// State word.
    pub state: String,
    /// What the citizen said, empty while unknown.
    pub solved: String,
    /// How satisfied, empty while unknown.
    pub satisfaction: String,
}

/// What a follow-up contributes. A cancelled one contributes nothing.
#[must_use]
pub fn of_follow_up(follow_up: &FollowUp) -> Vec<FactKey> {
    if follow_up.state == "cancelled" {
        return Vec::new();
    }
    let mut words = vec![measure::FOLLOW_UP];
    if follow_up.state == measure::UNREACHABLE {
        words.push(measure::UNREACHABLE);
    } else {
        words.extend([follow_up.solved.as_str(), follow_up.satisfaction.as_str()]);
    }
    let keys = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| FactKey {
            unit_code: follow_up.unit_code.clone(),
            ..FactKey::bare(follow_up.day, word)
        });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::tenure::{Began, Clocks};
    use super::*;

    fn at(day: u32, hour: u32) -> Timestamp {
        Zone::SHANGHAI.at(
            NaiveDate::from_ymd_opt(2026, 3, day).expect("a day"),
            hour,
            0,
        )
    }

    fn tenure(due: Option<Timestamp>, end: Option<(Timestamp, Ended)>) -> Tenure {
        Tenure {
            ticket_id: Uuid::nil(),
            ordinal: 1,
            unit_code: "HOUSING".to_owned(),
            from: at(2, 9),
            began: Began::Received,
            end,
            clocks: Clocks {
                due_at: due,
                ..Clocks::default()
            },
            subject: Subject::default(),
        }
    }

    fn words(tenure: &Tenure) -> Vec<String> {
        of_tenure(Zone::SHANGHAI, tenure)
            .iter()
            .map(|key| format!("{} {}", key.day.format("%d"), key.measure))
            .collect()
    }

    /// Label, how it ended, and day and measure of what it contributes.
    type Row<'a> = (&'a str, Option<(Timestamp, Ended)>, &'a [&'a str]);

    #[test]
    fn a_tenure_is_in_the_cohort_of_its_deadline_unless_it_left_before() {
        let due = Some(at(10, 0)); // 24:00 of the 9th
        let rows: [Row<'_>; 6] = [
            ("held", None, &["02 received", "09 due"]),
            (
                "in time",
                Some((at(5, 1), Ended::Concluded)),
                &["02 received", "05 concluded", "09 due", "09 due_on_time"],
            ),
            (
                "on the minute",
                Some((at(10, 0), Ended::Concluded)),
                &["02 received", "10 concluded", "09 due", "09 due_on_time"],
            ),
            (
                "late",
                Some((at(11, 0), Ended::Concluded)),
                &["02 received", "11 concluded", "09 due"],
            ),
            (
                "left before",
                Some((at(5, 0), Ended::TransferredOut)),
                &["02 received", "05 transferred_out"],
            ),
            (
                "left late",
                Some((at(12, 0), Ended::Absorbed)),
                &["02 received", "12 absorbed", "09 due"],
            ),
        ];
        for (label, end, expected) in rows {
            assert_eq!(words(&tenure(due, end)), expected, "{label}");
        }
    }

    #[test]
    fn rollups_change_by_the_difference_only() {
        let before = of_tenure(Zone::SHANGHAI, &tenure(Some(at(10, 0)), None));
        let after = of_tenure(Zone::SHANGHAI, &tenure(Some(at(12, 0)), None));
        let changes = deltas(&before, &after);
        let words: Vec<_> = changes
            .iter()
            .map(|(key, n)| format!("{} {} {n}", key.day, key.measure))
            .collect();
        assert_eq!(words, ["2026-03-09 due -1", "2026-03-11 due 1"]);
        assert!(deltas(&after, &after).is_empty());
    }

    #[test]
    fn historical_imports_are_counted_apart() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
        let facts = of_appeal(day, HISTORICAL, "accepted", "people_board", "help");
        assert_eq!(
            facts
                .iter()
                .map(|key| key.measure.as_str())
                .collect::<Vec<_>>(),
            ["historical"]
        );
        assert!(of_ticket(day, HISTORICAL, &Subject::default()).is_empty());
    }

    #[test]
    fn unreachable_and_cancelled_follow_ups_are_outside_the_denominator() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
        let rows: [(&str, &str, &[&str]); 4] = [
            ("open", "", &["follow_up"]),
            ("closed", "solved", &["follow_up", "solved", "satisfied"]),
            ("unreachable", "", &["follow_up", "unreachable"]),
            ("cancelled", "solved", &[]),
        ];
        for (state, solved, expected) in rows {
            let satisfaction = if solved.is_empty() { "" } else { "satisfied" };
            let follow_up = FollowUp {
                day,
                unit_code: "HOUSING".to_owned(),
                state: state.to_owned(),
                solved: solved.to_owned(),
                satisfaction: satisfaction.to_owned(),
            };
            let found: Vec<_> = of_follow_up(&follow_up)
                .into_iter()
                .map(|key| key.measure)
                .collect();
            assert_eq!(found, expected, "{state}");
        }
    }
}
