//! Lists: filtered, paged and scoped in the database.

use hotline_proto::routing::routing_service_server::RoutingService;
use hotline_proto::routing::{self as rpc, get_ticket_request::By};
use hotline_proto::shared;
use tonic::Code;

use super::city::{City, at, matter};
use super::grpc::asked;
use crate::convert::timestamp;
use crate::grpc::RoutingGrpc;

/// Five tickets of LAMPS, a minute apart, and one that nobody has.
async fn six_tickets(city: &City) -> RoutingGrpc {
    for number in 1..=5 {
        let mut lamp = matter(number, "路灯不亮");
        lamp.received_at = Some(timestamp(at(&format!("2026-09-18 10:0{number}"))));
        city.opens(&lamp).await;
    }
    city.opens(&matter(9, "你好")).await;
    RoutingGrpc::new(city.routing.clone())
}

async fn listed(
    service: &RoutingGrpc,
    unit: &str,
    request: rpc::ListTicketsRequest,
) -> (Vec<String>, String) {
    let answer = service
        .list_tickets(asked(unit, request))
        .await
        .unwrap()
        .into_inner();
    let found = answer
        .tickets
        .into_iter()
        .map(|view| view.ticket.unwrap().number);
    (found.collect(), answer.next_page_token)
}

/// Requests by what they ask for, and how many tickets answer them.
fn filters() -> Vec<(&'static str, rpc::ListTicketsRequest, usize)> {
    let any = rpc::ListTicketsRequest::default;
    let states = |states| rpc::ListTicketsRequest { states, ..any() };
    let card = |card: shared::Card| rpc::ListTicketsRequest {
        card: card.into(),
        ..any()
    };
    let due = |text| rpc::ListTicketsRequest {
        due_before: Some(timestamp(at(text))),
        ..any()
    };
    let of = |unit: &str| rpc::ListTicketsRequest {
        unit_code: unit.to_owned(),
        ..any()
    };
    let escalated = rpc::ListTicketsRequest {
        escalated: true,
        ..any()
    };
    vec![
        ("open", any(), 6),
        ("queue", states(vec![1]), 1),
        ("queue and dispatched", states(vec![1, 2]), 6),
        ("archived", states(vec![9]), 0),
        ("due before a minute later", due("2026-09-30 00:01"), 5),
        ("due before that", due("2026-09-30 00:00"), 0),
        ("yellow", card(shared::Card::Yellow), 5),
        ("red", card(shared::Card::Red), 0),
        ("escalated", escalated, 0),
        ("of a unit", of("LAMPS"), 5),
        ("of another", of("UMB"), 0),
    ]
}

#[tokio::test]
async fn lists_are_filtered() {
    for city in City::all().await {
        let service = six_tickets(&city).await;
        city.clock_strikes("2026-09-28 00:00").await;
        for (label, request, expected) in filters() {
            let found = listed(&service, "", request).await.0;
            assert_eq!(found.len(), expected, "{}: {label}: {found:?}", city.label);
        }
    }
}

#[tokio::test]
async fn lists_go_on_page_by_page() {
    for city in City::all().await {
        let service = six_tickets(&city).await;
        let mut seen = Vec::new();
        let mut page = rpc::ListTicketsRequest {
            unit_code: "LAMPS".to_owned(),
            page_size: 2,
            ..Default::default()
        };
        loop {
            let (found, next) = listed(&service, "", page.clone()).await;
            assert!(found.len() <= 2, "{}", city.label);
            seen.extend(found);
            if next.is_empty() {
                break;
            }
            page.page_token = next;
        }
        let expected: Vec<String> = (1..=5)
            .map(|number| format!("260918-{number:05}-2"))
            .collect();
        assert_eq!(seen, expected, "{}", city.label);
    }
}

#[tokio::test]
async fn a_unit_sees_what_it_or_a_unit_under_it_has() {
    for city in City::all().await {
        let service = six_tickets(&city).await;
        for (unit, expected) in [("LAMPS", 5), ("UMB", 5), ("HOUSING", 0), ("", 6)] {
            let found = listed(&service, unit, rpc::ListTicketsRequest::default())
                .await
                .0;
            assert_eq!(found.len(), expected, "{}: {unit}", city.label);
        }
        let cases = [
            ("WATER", "260918-00001-2", true), // assists
            ("UMB", "260918-00001-2", true),   // above the lead
            ("HOUSING", "260918-00001-2", false),
            ("UMB", "260918-00009-2", false),
            ("", "260918-00009-2", true),
        ];
        for (unit, number, is_found) in cases {
            let get = rpc::GetTicketRequest {
                by: Some(By::Number(number.to_owned())),
            };
            let got = service.get_ticket(asked(unit, get)).await;
            assert_eq!(
                got.is_ok(),
                is_found,
                "{}: {unit} reads {number}",
                city.label
            );
        }
    }
}

#[tokio::test]
async fn units_and_categories_are_listed_page_by_page() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ask = |page_token: String| rpc::ListUnitsRequest {
            page_size: 3,
            page_token,
        };
        let first = service
            .list_units(asked("", ask(String::new())))
            .await
            .unwrap()
            .into_inner();
        let second = service
            .list_units(asked("", ask(first.next_page_token)))
            .await
            .unwrap()
            .into_inner();
        let codes: Vec<&str> = first
            .units
            .iter()
            .chain(&second.units)
            .map(|unit| unit.code.as_str())
            .collect();
        assert_eq!(
            codes,
            ["HOUSING", "LAMPS", "UMB", "WATER"],
            "{}",
            city.label
        );
        assert_eq!(second.next_page_token, "", "{}", city.label);
        let all = service
            .list_categories(asked("", rpc::ListCategoriesRequest::default()))
            .await;
        assert_eq!(
            all.unwrap().into_inner().categories.len(),
            3,
            "{}",
            city.label
        );
        let bad = rpc::ListUnitsRequest {
            page_size: 3,
            page_token: "zz".to_owned(),
        };
        let refused = service.list_units(asked("", bad)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{}", city.label);
    }
}

#[tokio::test]
async fn a_state_that_nobody_knows_is_refused() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let unknown = rpc::ListTicketsRequest {
            states: vec![99],
            ..Default::default()
        };
        let refused = service.list_tickets(asked("", unknown)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{}", city.label);
    }
}
