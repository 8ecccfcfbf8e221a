//! Deadlines over the published calendars of 2024 to 2026, holidays and make-up workdays, through profile, kind
//! and urgency.

use hotline_kernel::calendar::DayKind;

use super::super::policy::Policy;
use super::super::word::{Kind, Urgency};
use super::*;

/// The published days around the vectors' starts, 2024 to 2026.
pub(in super::super) fn published() -> Calendar {
    let holidays = [
        ("2024-05-01", 5),
        ("2025-01-28", 8),
        ("2026-01-01", 3),
        ("2026-02-15", 9),
        ("2026-04-04", 3),
        ("2026-05-01", 5),
        ("2026-06-19", 3),
        ("2026-09-25", 3),
        ("2026-10-01", 7),
    ];
    let make_up = [
        "2024-04-28",
        "2024-05-11",
        "2025-01-26",
        "2025-02-08",
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ];
    let off = holidays.iter().flat_map(|(first, count)| {
        let first: NaiveDate = first.parse().unwrap();
        (0..*count).map(move |later| (days_after(first, later), DayKind::Holiday))
    });
    let on = make_up
        .iter()
        .map(|day| (day.parse().unwrap(), DayKind::Workday));
    Calendar::new(off.chain(on).collect::<Vec<_>>(), 2024..=2026)
}

fn noon(day: &str) -> Timestamp {
    Zone::SHANGHAI.at(day.parse().unwrap(), 12, 0)
}

#[test]
fn a_profile_counts_the_published_vectors() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    // (received, kind, last day, provisional)
    let cases = [
        ("2026-09-30", Kind::Consult, "2026-10-10", false),
        ("2026-02-13", Kind::Help, "2026-03-02", false),
        ("2026-02-13", Kind::Complaint, "2026-03-12", false),
        ("2026-04-30", Kind::Suggest, "2026-05-13", false),
        ("2026-09-18", Kind::Consult, "2026-09-22", false),
        ("2025-01-24", Kind::Help, "2025-02-10", false),
        ("2024-04-30", Kind::Report, "2024-05-23", false),
        ("2026-12-10", Kind::Complaint, "2026-12-31", false),
        ("2026-12-11", Kind::Complaint, "2027-01-01", true),
    ];
    for (received, kind, last_day, is_provisional) in cases {
        let terms = Policy::sichuan_2025().terms(kind, Urgency::Normal, None);
        let due = almanac.due(noon(received), &terms);
        let expected = Due {
            at: Zone::SHANGHAI.end_of(last_day.parse().unwrap()),
            is_provisional,
        };
        assert_eq!(due, expected, "{received} {kind:?}");
        assert_eq!(
            almanac.last_day(due.at),
            last_day.parse().unwrap(),
            "{received} {kind:?}"
        );
    }
}

#[test]
fn switches_change_what_is_counted() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let policy = Policy::sichuan_2025();
    let natural = Policy {
        counting: Counting::NaturalDays,
        ..policy.clone()
    };
    let same_day = Policy {
        count_start: CountStart::SameDay,
        ..policy.clone()
    };
    let natural_same_day = Policy {
        count_start: CountStart::SameDay,
        ..natural.clone()
    };
    let end = |day: &str| Zone::SHANGHAI.end_of(day.parse().unwrap());
    let cases = [
        ("working days", &policy, Urgency::Normal, end("2026-10-10")),
        (
            "the day itself",
            &same_day,
            Urgency::Normal,
            end("2026-10-09"),
        ),
        ("natural days", &natural, Urgency::Normal, end("2026-10-03")),
        (
            "natural days, the day itself",
            &natural_same_day,
            Urgency::Normal,
            end("2026-10-02"),
        ),
        (
            "urgent hours",
            &policy,
            Urgency::Urgent,
            noon("2026-09-30") + Duration::hours(2),
        ),
        (
            "critical hours",
            &natural,
            Urgency::Critical,
            noon("2026-09-30") + Duration::hours(2),
        ),
    ];
    for (label, policy, urgency, expected) in cases {
        let terms = policy.terms(Kind::Consult, urgency, None);
        assert_eq!(
            almanac.due(noon("2026-09-30"), &terms).at,
            expected,
            "{label}"
        );
    }
}

#[test]
fn a_day_begins_in_the_citys_zone() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let terms = Policy::sichuan_2025().terms(Kind::Consult, Urgency::Normal, None);
    // 2026-11-03 17:00 UTC is already the 4th in the city.
    let late = "2026-11-03T17:00:00Z".parse().unwrap();
    assert_eq!(
        almanac.last_day(almanac.due(late, &terms).at),
        "2026-11-09".parse().unwrap()
    );
}

#[test]
fn signing_and_returning_have_their_own_days() {
    let calendar = published();
    let almanac = Almanac {
        calendar: &calendar,
        zone: Zone::SHANGHAI,
    };
    let policy = Policy::sichuan_2025();
    let normal = policy.terms(Kind::Complaint, Urgency::Normal, None);
    let urgent = policy.terms(Kind::Complaint, Urgency::Urgent, None);
    let end = Zone::SHANGHAI.end_of("2026-10-08".parse().unwrap());
    let from = noon("2026-09-30");
    assert_eq!(
        almanac.sign_due(from, &normal),
        Some(Due {
            at: end,
            is_provisional: false
        })
    );
    assert_eq!(
        almanac.sign_due(from, &urgent).map(|due| due.at),
        Some(from + Duration::hours(2))
    );
    assert_eq!(almanac.return_until(from, &normal), end);
    let silent = Policy {
        sign_workdays: None,
        ..policy
    }
    .terms(Kind::Complaint, Urgency::Normal, None);
    assert_eq!(almanac.sign_due(from, &silent), None);
}
