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
    let running = |due_at| Running {
        dispatched_at: at("2026-09-18 10:00"),
        due_at,
        in_hours: false,
        card: Card::None,
    };
    // (label; due; now; at once; yellow; red; reminder)
    let cases = [
        "plain; 09-23 00:00; 09-18 10:00; ; 09-21 00:00; 09-23 00:00; 09-24 00:00",
        "the day before is a make-up Sunday; 09-22 00:00; 09-18 10:00; ; 09-20 00:00; 09-22 00:00; 09-23 00:00",
        "over the National Day week; 10-09 00:00; 09-18 10:00; ; 09-30 00:00; 10-09 00:00; 10-10 00:00",
        "yellow has passed; 09-23 00:00; 09-21 00:00; yellow; ; 09-23 00:00; 09-24 00:00",
        "the deadline has passed; 09-23 00:00; 09-28 09:00; red; ; ; 09-29 00:00",
        "imported, within a day; 09-22 17:30; 09-18 10:00; ; 09-21 00:00; 09-23 00:00; 09-24 00:00",
    ];
    for case in cases {
        let cells: Vec<&str> = case.split(';').map(str::trim).collect();
        let when = |cell: &str| (!cell.is_empty()).then(|| at(&format!("2026-{cell}")));
        let kinds = [CardTimer::Yellow, CardTimer::Red, CardTimer::Reminder];
        let timers = kinds.into_iter().zip(&cells[4..]);
        let expected = CardPlan {
            at_once: Card::parse(cells[3]),
            timers: timers
                .filter_map(|(kind, cell)| Some((kind, when(cell)?)))
                .collect(),
        };
        let planned = plan(
            &almanac,
            &running(when(cells[1]).unwrap()),
            when(cells[2]).unwrap(),
        );
        assert_eq!(planned, expected, "{}", cells[0]);
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
