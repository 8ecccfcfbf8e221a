//! Figures of a small March, for the documents' tests.

use super::super::period::Series;
use super::*;

/// Two units, three channels, all sums in balance.
pub fn march(series: Series, period: &str) -> PeriodFigures {
    let mut now = Totals::default();
    for (channel, kind, state, count) in [
        ("mayor_mailbox", "complaint", "accepted", 20),
        ("tel12345", "consult", "answered", 15),
        ("wechat", "help", "guided", 5),
    ] {
        now.channels.add(measure::APPEAL, channel, count);
        now.kinds.add(measure::APPEAL, kind, count);
        now.categories.add(measure::APPEAL, "", count);
        now.units.add(measure::APPEAL, "", count);
        now.units.add(&format!("appeal_{state}"), "", count);
    }
    for (unit, received, moved_in, concluded, moved_out) in
        [("HOUSING", 14, 1, 12, 2), ("TRAFFIC", 6, 2, 5, 1)]
    {
        now.units.add(measure::RECEIVED, unit, received);
        now.units.add(measure::TRANSFERRED_IN, unit, moved_in);
        now.units.add(measure::CONCLUDED, unit, concluded);
        now.units.add(measure::TRANSFERRED_OUT, unit, moved_out);
        now.units.add(measure::FOLLOW_UP, unit, concluded);
        now.units.add("solved", unit, concluded - 2);
        now.units.add("unsolved", unit, 2);
        now.units.add("satisfied", unit, concluded - 2);
        now.units.add("unsatisfied", unit, 2);
    }
    now.categories.add(measure::TICKET, "0101", 14);
    now.categories.add(measure::TICKET, "0301", 6);
    now.units.add(measure::TICKET, "", 20);
    let mut due = Sums::default();
    due.add(measure::DUE, "HOUSING", 13);
    due.add(measure::DUE_ON_TIME, "HOUSING", 11);
    due.add(measure::DUE, "TRAFFIC", 5);
    due.add(measure::DUE_ON_TIME, "TRAFFIC", 5);
    let mut previous = Totals::default();
    previous.units.add(measure::APPEAL, "", 32);
    previous.categories.add(measure::TICKET, "0101", 7);
    let held = |housing, traffic| {
        BTreeMap::from([
            ("HOUSING".to_owned(), housing),
            ("TRAFFIC".to_owned(), traffic),
        ])
    };
    PeriodFigures {
        period: Period::parse(series, period).expect("a period"),
        now,
        previous,
        year_before: Totals::default(),
        due,
        counted: Counted {
            appeals: 40,
            tickets: 20,
            concluded: 17,
            carried: held(3, 0),
            in_hand: held(4, 2),
            overdue: BTreeMap::from([("HOUSING".to_owned(), 2)]),
        },
    }
}
