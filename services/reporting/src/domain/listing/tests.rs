//! Order, discretion and length of the list's lines.

use chrono::DateTime;

use super::*;

pub fn ticket(number: &str, channel_code: &str, minute: i64) -> Ticket {
    Ticket {
        id: Uuid::nil(),
        number: number.to_owned(),
        state: "dispatched".to_owned(),
        kind: "complaint".to_owned(),
        urgency: "normal".to_owned(),
        category_code: "0101".to_owned(),
        summary: "小区路灯不亮，夜间出行不便".to_owned(),
        channel_code: channel_code.to_owned(),
        lead_unit_code: "HOUSING".to_owned(),
        assisting_unit_codes: vec!["TRAFFIC".to_owned()],
        round: 1,
        received_at: DateTime::from_timestamp(1_774_900_000 + minute * 60, 0).expect("in range"),
        signed_at: None,
        sign_due_at: None,
        concluded_at: None,
        due_at: None,
        due_provisional: false,
        returns: 0,
        card: "none".to_owned(),
        supervision_orders: 0,
        escalated: false,
        reply: String::new(),
        discretion: Discretion::default(),
        citizens: vec!["3f9a2c77".to_owned()],
    }
}

pub fn context(names: &Names) -> Context<'_> {
    Context {
        zone: Zone::SHANGHAI,
        names,
        as_of: DateTime::from_timestamp(1_775_000_000, 0).expect("in range"),
    }
}

#[test]
fn the_mayors_mailbox_stands_first_then_the_urgent_then_the_oldest() {
    let names = Names::default();
    let urgent = Ticket {
        urgency: "critical".to_owned(),
        ..ticket("C", "tel12345", 9)
    };
    let tickets = [
        ticket("B", "tel12345", 2),
        ticket("A", "tel12345", 1),
        urgent,
        ticket("D", "mayor_mailbox", 8),
    ];
    let lines = tickets
        .iter()
        .map(|ticket| of_ticket(context(&names), ticket, &[]))
        .collect();
    let table = table("当日受理", Lines { lines, left_out: 0 });
    let numbers: Vec<_> = table.rows.iter().map(|row| row[1].shown()).collect();
    assert_eq!(numbers, ["D", "C", "A", "B"]);
    assert!(
        table
            .rows
            .iter()
            .all(|row| row.len() == table.columns.len())
    );
}

#[test]
fn nobody_is_named() {
    let known = vec!["3f9a2c77".to_owned()];
    let two = vec!["3f9a2c77".to_owned(), String::new()];
    let flags = |anonymous, confidential, tip_off| Discretion {
        anonymous,
        confidential,
        tip_off,
    };
    let rows = [
        (flags(false, false, false), &known, "市民3f9a"),
        (flags(true, false, false), &known, "匿名"),
        (flags(false, true, false), &known, "保密"),
        (flags(true, false, true), &known, "保密"),
        (flags(false, false, false), &two, "市民3f9a等2件"),
    ];
    for (discretion, citizens, expected) in rows {
        assert_eq!(applicant(discretion, citizens), expected);
    }
    assert_eq!(
        summary(flags(false, false, true), "某单位"),
        "举报件，摘要从略"
    );
}

#[test]
fn a_summary_is_one_line_of_limited_length() {
    let text = "路灯\n不亮。".repeat(40);
    assert_eq!(shortened(&text).chars().count(), SUMMARY_CHARS);
    assert!(shortened(&text).ends_with('…'));
    assert_eq!(shortened(" 路灯\r\n不亮 "), "路灯 不亮");
}
