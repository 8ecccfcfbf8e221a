//! A unit that walks through others' ids and numbers learns nothing: what exists is told like what does not (T38).

use std::collections::BTreeSet;

use hotline_platform::ids::Ids;
use hotline_proto::routing::get_ticket_request::By;
use hotline_proto::routing::routing_service_server::RoutingService;
use hotline_proto::routing::{self as rpc};
use tonic::Status;
use uuid::Uuid;

use super::city::{City, matter};
use super::grpc::asked;
use crate::grpc::RoutingGrpc;

/// Ids that are walked on each arrangement, by three calls each and a number.
const IDS: u32 = 2_500;
const TICKETS: u32 = 40;

/// A refusal without what was asked for; its length stays, for the answer counts its bytes.
fn without(refused: &Status, asked: &str) -> (usize, String) {
    let told = format!("{refused:?}").replace(asked, "WHAT WAS ASKED FOR");
    (asked.len(), told)
}

#[tokio::test]
async fn what_is_anothers_is_told_like_what_does_not_exist() {
    for city in City::all().await {
        let mut others = Vec::new();
        for number in 0..TICKETS {
            let told = matter(u128::from(number) + 1, "有人摆摊");
            let ticket = city.opens(&told).await;
            // A few wait for their dispatch: they are nobody's.
            if number % 8 != 0 {
                city.dispatches(ticket, "WATER").await;
            }
            others.push((ticket.to_string(), told.number));
        }
        let service = RoutingGrpc::new(city.routing.clone());
        let draws = Ids::seeded(38, "walk");
        let (mut told, mut calls) = (BTreeSet::new(), 0);
        for step in 0..IDS {
            let place = usize::try_from(draws.draw(TICKETS)).unwrap();
            let (id, number) = if step % 2 == 0 {
                others[place].clone()
            } else {
                let absent = Uuid::from_u64_pair(draws.draw_wide(), draws.draw_wide());
                (absent.to_string(), format!("260918-{step:05}-3"))
            };
            let by_id = rpc::GetTicketRequest {
                by: Some(By::TicketId(id.clone())),
            };
            let found = service.get_ticket(asked("HOUSING", by_id)).await;
            told.insert(without(&found.unwrap_err(), &id));
            let by_number = rpc::GetTicketRequest {
                by: Some(By::Number(number.clone())),
            };
            let found = service.get_ticket(asked("HOUSING", by_number)).await;
            told.insert(without(&found.unwrap_err(), &number));
            let history = rpc::GetTicketHistoryRequest {
                ticket_id: id.clone(),
                ..rpc::GetTicketHistoryRequest::default()
            };
            let found = service.get_ticket_history(asked("HOUSING", history)).await;
            told.insert(without(&found.unwrap_err(), &id));
            let sign = rpc::SignTicketRequest {
                ticket_id: id.clone(),
                ..rpc::SignTicketRequest::default()
            };
            let found = service.sign_ticket(asked("HOUSING", sign)).await;
            told.insert(without(&found.unwrap_err(), &id));
            calls += 4;
        }
        // One answer to ids, whatever was called, and one to numbers.
        assert_eq!((calls, told.len()), (10_000, 2), "{}: {told:?}", city.label);
        let all = rpc::ListTicketsRequest {
            page_size: 200,
            ..rpc::ListTicketsRequest::default()
        };
        let listed = service.list_tickets(asked("HOUSING", all)).await.unwrap();
        assert_eq!(listed.into_inner().tickets, [], "{}", city.label);
    }
}
