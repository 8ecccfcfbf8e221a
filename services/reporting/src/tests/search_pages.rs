//! Pages of a search, from the newest ticket back to the oldest.

use hotline_kernel::time::Timestamp;
use hotline_proto::event::{MatterMove, TicketChange};
use hotline_proto::reporting::SearchTicketsRequest;
use hotline_proto::shared::{Nature, TicketState};

use super::benches;
use super::search::{answer, asking, said};
use super::story::{Said, Story, march, wire};

/// More tickets than the newest that are looked at one by one.
const MANY: u128 = 1_100;

/// Thirty were received long before all others; each of both in the same instant.
fn received(n: u128) -> Timestamp {
    if n <= 30 {
        march(1, 9) - chrono::Duration::days(90)
    } else {
        march(1, 9)
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_hole_and_without_end() {
    let mut story = Story::default();
    for n in 1..=MANY {
        let said = Said {
            n,
            at: received(n),
            ..said(1)
        };
        // A frequent word, and one that only the oldest ones have.
        let text = if n <= 30 {
            "路灯不亮"
        } else {
            "暖气不热"
        };
        story.attached_saying(&said, 1, (n, MatterMove::Opened, said.at), text);
    }
    for n in 1..=MANY {
        let mut ticket = Story::default();
        ticket.ticket(n, received(n), TicketChange::Opened, |ticket| {
            ticket.number = format!("T{n}");
            ticket.state = TicketState::AwaitingDispatch.into();
            ticket.nature = Nature::New.into();
            ticket.received_at = Some(wire(received(n)));
        });
        story.events.append(&mut ticket.events);
    }
    for bench in benches().await {
        bench.hear(&story.events).await;
        for (query, expected) in [("暖气", MANY - 30), ("路灯", 30), ("不", MANY)] {
            let (mut seen, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let request = SearchTicketsRequest {
                    page_size: if expected > 100 { 200 } else { 7 },
                    page_token,
                    ..asking(query)
                };
                let page = answer(&bench, request).await.unwrap();
                seen.extend(page.tickets.into_iter().map(|ticket| ticket.number));
                page_token = page.next_page_token;
                pages += 1;
                if page_token.is_empty() {
                    break;
                }
            }
            assert!(pages > 4, "{} {query}", bench.label);
            assert_eq!(seen.len() as u128, expected, "{} {query}", bench.label);
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len() as u128, expected, "{} {query}", bench.label);
        }
    }
}
