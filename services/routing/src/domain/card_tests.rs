//! When cards and reminders fall.

use hotline_kernel::time::Zone;

use super::super::deadline::tests::published;
use super::*;

fn at(text: &str) -> Timestamp {
    Zone::SHANGHAI
        .local(chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
        .unwrap()
}

#[test]
fn cards_fall_at_midnight_around_the_due_day() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let running = |due: &str| Running {
        dispatched_at: at("2026-09-18 10:00"),
        due_at: at(due),
        in_hours: false,
        card: Card::None,
    };
    // (due, now, at once, timers)
    let cases = [
        (
            "2026-09-23 00:00",
            "2026-09-18 10:00",
            None,
            vec![
                (CardTimer::Yellow, "2026-09-21 00:00"),
                (CardTimer::Red, "2026-09-23 00:00"),
                (CardTimer::Reminder, "2026-09-24 00:00"),
            ],
        ),
        // The last working day before the due Monday is the make-up Sunday.
        (
            "2026-09-22 00:00",
            "2026-09-18 10:00",
            None,
            vec![
                (CardTimer::Yellow, "2026-09-20 00:00"),
                (CardTimer::Red, "2026-09-22 00:00"),
                (CardTimer::Reminder, "2026-09-23 00:00"),
            ],
        ),
        // Over the National Day week.
        (
            "2026-10-09 00:00",
            "2026-09-18 10:00",
            None,
            vec![
                (CardTimer::Yellow, "2026-09-30 00:00"),
                (CardTimer::Red, "2026-10-09 00:00"),
                (CardTimer::Reminder, "2026-10-10 00:00"),
            ],
        ),
        // The yellow time has passed already.
        (
            "2026-09-23 00:00",
            "2026-09-21 00:00",
            Some(Card::Yellow),
            vec![
                (CardTimer::Red, "2026-09-23 00:00"),
                (CardTimer::Reminder, "2026-09-24 00:00"),
            ],
        ),
        // So has the deadline.
        (
            "2026-09-23 00:00",
            "2026-09-28 09:00",
            Some(Card::Red),
            vec![(CardTimer::Reminder, "2026-09-29 00:00")],
        ),
        // An imported deadline within a day: the cards still fall at midnight.
        (
            "2026-09-22 17:30",
            "2026-09-18 10:00",
            None,
            vec![
                (CardTimer::Yellow, "2026-09-21 00:00"),
                (CardTimer::Red, "2026-09-23 00:00"),
                (CardTimer::Reminder, "2026-09-24 00:00"),
            ],
        ),
    ];
    for (due, now, at_once, timers) in cases {
        let timers = timers
            .into_iter()
            .map(|(timer, when)| (timer, at(when)))
            .collect();
        assert_eq!(
            plan(&almanac, &running(due), at(now)),
            CardPlan { at_once, timers },
            "due {due} at {now}"
        );
    }
}

#[test]
fn hours_warn_at_half_time_and_at_expiry() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let clock = Running {
        dispatched_at: at("2026-10-03 22:00"),
        due_at: at("2026-10-04 00:00"),
        in_hours: true,
        card: Card::None,
    };
    let timers = vec![
        (CardTimer::Yellow, at("2026-10-03 23:00")),
        (CardTimer::Red, at("2026-10-04 00:00")),
        (CardTimer::Reminder, at("2026-10-05 00:00")),
    ];
    assert_eq!(
        plan(&almanac, &clock, at("2026-10-03 22:00")),
        CardPlan {
            at_once: None,
            timers
        }
    );
}

#[test]
fn a_card_that_is_shown_is_not_planned_again() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let shown = |card| Running {
        dispatched_at: at("2026-09-18 10:00"),
        due_at: at("2026-09-23 00:00"),
        in_hours: false,
        card,
    };
    let reminder = (CardTimer::Reminder, at("2026-09-24 00:00"));
    let red = (CardTimer::Red, at("2026-09-23 00:00"));
    let cases = [
        (
            "2026-09-21 08:00",
            Card::Yellow,
            CardPlan {
                at_once: None,
                timers: vec![red, reminder],
            },
        ),
        (
            "2026-09-23 08:00",
            Card::Yellow,
            CardPlan {
                at_once: Some(Card::Red),
                timers: vec![reminder],
            },
        ),
        (
            "2026-09-23 08:00",
            Card::Red,
            CardPlan {
                at_once: None,
                timers: vec![reminder],
            },
        ),
        (
            "2026-09-18 11:00",
            Card::Red,
            CardPlan {
                at_once: None,
                timers: vec![reminder],
            },
        ),
    ];
    for (now, card, expected) in cases {
        assert_eq!(
            plan(&almanac, &shown(card), at(now)),
            expected,
            "{card:?} at {now}"
        );
    }
}
