//! Cards and reminders: when an assignment's warnings fall.

use chrono::Duration;
use hotline_kernel::time::Timestamp;

use super::deadline::{Almanac, days_after};
use super::word::{Card, Word};

/// A durable timer of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardTimer {
    /// 黄牌.
    Yellow,
    /// 红牌.
    Red,
    /// 催办.
    Reminder,
}

impl Word for CardTimer {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Yellow, "yellow_card"),
        (Self::Red, "red_card"),
        (Self::Reminder, "reminder"),
    ];
}

/// The clock a plan is made for.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Since when the unit has the ticket.
    pub dispatched_at: Timestamp,
    /// Until when.
    pub due_at: Timestamp,
    /// Whether it counts natural hours.
    pub in_hours: bool,
    /// What it shows already.
    pub card: Card,
}

/// What follows from a clock at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPlan {
    /// A card whose time has passed already; it is shown at once.
    pub at_once: Option<Card>,
    /// What is still to come.
    pub timers: Vec<(CardTimer, Timestamp)>,
}

/// Plans the warnings of a clock as seen at `now`.
///
/// Yellow falls at 00:00 of the working day before the due day, red at 00:00 of the first day after it;
/// of hours, yellow falls at half time and red at expiry. The reminder follows at 00:00 of
/// the day after the red card, or after `now` where red was long past.
#[must_use]
pub fn plan(almanac: &Almanac<'_>, clock: &Running, now: Timestamp) -> CardPlan {
    let (yellow_at, red_at) = card_times(almanac, clock);
    let due_card = match () {
        () if red_at <= now => Card::Red,
        () if yellow_at <= now => Card::Yellow,
        () => Card::None,
    };
    let reminder_day = days_after(almanac.zone.day(red_at.max(now)), 1);
    let coming = [
        (CardTimer::Yellow, yellow_at, Card::Yellow),
        (CardTimer::Red, red_at, Card::Red),
    ];
    let mut timers: Vec<_> = coming
        .into_iter()
        .filter(|(_, at, card)| *at > now && *card > clock.card)
        .map(|(timer, at, _)| (timer, at))
        .collect();
    timers.push((CardTimer::Reminder, almanac.zone.start_of(reminder_day)));
    CardPlan {
        at_once: (due_card > clock.card).then_some(due_card),
        timers,
    }
}

fn card_times(almanac: &Almanac<'_>, clock: &Running) -> (Timestamp, Timestamp) {
    if clock.in_hours {
        let half = Duration::microseconds(
            (clock.due_at - clock.dispatched_at)
                .num_microseconds()
                .unwrap_or(0)
                / 2,
        );
        return (clock.dispatched_at + half, clock.due_at);
    }
    let due_day = almanac.last_day(clock.due_at);
    let day_before = almanac.calendar.previous_working_day(due_day);
    (
        almanac.zone.start_of(day_before),
        almanac.zone.end_of(due_day),
    )
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
