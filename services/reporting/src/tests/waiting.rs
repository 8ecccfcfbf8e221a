//! What the mayor's office reads of tickets that no unit has.

use hotline_kernel::time::Timestamp;
use hotline_proto::event::TicketChange;
use hotline_proto::shared::{Nature, TicketState};

use super::story::{Story, march, wire};
use super::{benches, figure, rows};
use crate::domain::period::Series;

fn opened(story: &mut Story, n: u128, at: Timestamp, due: Timestamp) {
    story.ticket(n, at, TicketChange::Opened, |ticket| {
        ticket.number = format!("2603{n:02}-TTTT{n}-K");
        ticket.state = TicketState::AwaitingDispatch.into();
        ticket.nature = Nature::New.into();
        ticket.received_at = Some(wire(at));
        ticket.citizen_due_at = Some(wire(due));
    });
}

/// 1 is overdue, 2 came back from a unit, 3 has one, 4 was withdrawn, 5 came later.
fn story() -> Story {
    let mut story = Story::default();
    for (n, day, due) in [(1, 2, 10), (2, 3, 20), (3, 3, 10), (4, 4, 10), (5, 12, 20)] {
        opened(&mut story, n, march(day, 9), march(due, 0));
    }
    for n in [2, 3] {
        story.ticket(n, march(5, 9), TicketChange::Dispatched, |ticket| {
            ticket.state = TicketState::Dispatched.into();
            ticket.lead_unit_code = "HOUSING".to_owned();
        });
    }
    story.ticket(2, march(6, 9), TicketChange::ReturnGranted, |ticket| {
        ticket.state = TicketState::AwaitingDispatch.into();
        ticket.lead_unit_code = String::new();
    });
    story.ticket(4, march(6, 9), TicketChange::Archived, |ticket| {
        ticket.state = TicketState::Archived.into();
    });
    story
}

#[tokio::test]
async fn what_no_unit_has_stands_in_the_daily_list_and_says_when_it_is_late() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let list = bench.document(Series::Daily, "2026-03-11").await;
        let waiting: Vec<_> = rows(&list, "待派单")
            .into_iter()
            .map(|row| [row[1].clone(), row[10].clone(), row[14].clone()])
            .collect();
        let expected = [
            ["260301-TTTT1-K", "未派单", "已超期"],
            ["260302-TTTT2-K", "未派单", ""],
        ];
        assert_eq!(waiting, expected, "{}", bench.label);
        assert_eq!(figure(&list, "待派单"), "2", "{}", bench.label);
    }
}
