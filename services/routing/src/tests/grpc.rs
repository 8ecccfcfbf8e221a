//! The service as callers see it: codes, reasons, lists and scope.

use hotline_platform::grpc::Principal;
use hotline_proto::routing::routing_service_server::RoutingService;
use hotline_proto::routing::{self as rpc, get_ticket_request::By};
use hotline_proto::shared;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::city::{City, at, matter};
use crate::convert::timestamp;
use crate::grpc::RoutingGrpc;

fn asked<T>(unit: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let principal = Principal::new("dispatcher:zhao", "dispatcher").of_unit(unit);
    request.extensions_mut().insert(principal);
    request
}

fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

#[tokio::test]
async fn refusals_have_codes_and_reasons() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = city.opens(&matter(1, "有人摆摊")).await.to_string();
        let dispatch = |lead: &str, expected_version| rpc::DispatchTicketRequest {
            ticket_id: ticket_id.clone(),
            lead_unit_code: lead.to_owned(),
            expected_version,
            ..rpc::DispatchTicketRequest::default()
        };
        let cases = [
            ("", dispatch("UMB", 9), Code::Aborted, "STALE"),
            (
                "",
                dispatch("NOBODY", 1),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
            (
                "UMB",
                dispatch("UMB", 1),
                Code::NotFound,
                "TICKET_NOT_FOUND",
            ),
        ];
        for (unit, request, code, expected) in cases {
            let refused = service
                .dispatch_ticket(asked(unit, request))
                .await
                .unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (code, expected),
                "{}",
                city.label
            );
        }
        let sign = rpc::SignTicketRequest {
            ticket_id: ticket_id.clone(),
            ..rpc::SignTicketRequest::default()
        };
        let early = service
            .sign_ticket(asked("", sign.clone()))
            .await
            .unwrap_err();
        assert_eq!(
            (early.code(), reason(&early).as_str()),
            (Code::FailedPrecondition, "TICKET_STATE_CONFLICT")
        );
        assert_eq!(
            early.message(),
            "cannot sign a ticket that is awaiting_dispatch"
        );
        let nobody = service.sign_ticket(Request::new(sign)).await.unwrap_err();
        assert_eq!(nobody.code(), Code::Unauthenticated, "{}", city.label);

        let table = shared::RegistryTable {
            name: "units".to_owned(),
            csv: b"code,name\nA,B\n".to_vec(),
        };
        let load = rpc::LoadRegistryRequest { table: Some(table) };
        let refused = service.load_registry(asked("", load)).await.unwrap_err();
        assert_eq!(reason(&refused), "REGISTRY_TABLE_REFUSED", "{}", city.label);
        let told = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(
            told[0].field, "table.csv row 1 column parent_code",
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn a_ticket_goes_through_every_call_to_its_archive() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = city
            .opens(&matter(1, "城东有人摆摊,住建局不管"))
            .await
            .to_string();
        let proposed = service
            .propose_dispatch(asked(
                "",
                rpc::ProposeDispatchRequest {
                    ticket_id: ticket_id.clone(),
                },
            ))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (
                proposed.area_code.as_str(),
                proposed.lead_unit_code.as_str()
            ),
            ("E", "HOUSING")
        );
        assert!(
            !proposed.unambiguous && !proposed.reasons.is_empty(),
            "{}",
            city.label
        );
        let dispatch = rpc::DispatchTicketRequest {
            idempotency_key: "d1".to_owned(),
            ticket_id: ticket_id.clone(),
            lead_unit_code: "UMB".to_owned(),
            category_code: "02".to_owned(),
            urgency: shared::Urgency::Urgent.into(),
            ..rpc::DispatchTicketRequest::default()
        };
        let view = service
            .dispatch_ticket(asked("", dispatch))
            .await
            .unwrap()
            .into_inner()
            .ticket
            .unwrap();
        let ticket = view.ticket.unwrap();
        assert_eq!(
            (ticket.state(), ticket.category_code.as_str()),
            (shared::TicketState::Dispatched, "02")
        );
        assert_eq!(
            ticket.citizen_due_at,
            Some(timestamp(at("2026-09-18 12:00"))),
            "{}: in hours now",
            city.label
        );
        assert_eq!((view.version, view.overdue), (2, false), "{}", city.label);

        let id = || ticket_id.clone();
        let sign = rpc::SignTicketRequest {
            ticket_id: id(),
            ..rpc::SignTicketRequest::default()
        };
        service.sign_ticket(asked("UMB", sign)).await.unwrap();
        let handle = rpc::HandleTicketRequest {
            ticket_id: id(),
            handling_report: "已劝离".to_owned(),
            reply: "已处理".to_owned(),
            ..rpc::HandleTicketRequest::default()
        };
        service.handle_ticket(asked("UMB", handle)).await.unwrap();
        let supervise = rpc::SuperviseTicketRequest {
            ticket_id: id(),
            order: "加快".to_owned(),
            ..rpc::SuperviseTicketRequest::default()
        };
        service
            .supervise_ticket(asked("", supervise))
            .await
            .unwrap();
        let conclude = rpc::ConcludeTicketRequest {
            ticket_id: id(),
            ..rpc::ConcludeTicketRequest::default()
        };
        service.conclude_ticket(asked("", conclude)).await.unwrap();
        let archive = rpc::ArchiveTicketRequest {
            ticket_id: id(),
            ..rpc::ArchiveTicketRequest::default()
        };
        let view = service
            .archive_ticket(asked("", archive))
            .await
            .unwrap()
            .into_inner()
            .ticket
            .unwrap();
        let ticket = view.ticket.unwrap();
        assert_eq!(
            ticket.state(),
            shared::TicketState::Archived,
            "{}",
            city.label
        );
        assert_eq!(
            (ticket.lead_unit_code.as_str(), ticket.reply.as_str()),
            ("UMB", "已处理"),
            "{}",
            city.label
        );

        let history = rpc::GetTicketHistoryRequest {
            ticket_id: id(),
            page_size: 4,
            page_token: String::new(),
        };
        let first = service
            .get_ticket_history(asked("UMB", history.clone()))
            .await
            .unwrap()
            .into_inner();
        let rest = rpc::GetTicketHistoryRequest {
            page_token: first.next_page_token,
            ..history
        };
        let second = service
            .get_ticket_history(asked("UMB", rest))
            .await
            .unwrap()
            .into_inner();
        let versions: Vec<i64> = first
            .steps
            .iter()
            .chain(&second.steps)
            .map(|step| step.version)
            .collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7], "{}", city.label);
        assert_eq!(second.next_page_token, "", "{}", city.label);
    }
}

#[tokio::test]
async fn lists_are_filtered_paged_and_scoped() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        for number in 1..=5 {
            let mut lamp = matter(number, "路灯不亮");
            let minute = format!("2026-09-18 10:0{number}");
            lamp.received_at = Some(timestamp(at(&minute)));
            city.opens(&lamp).await;
        }
        let queued = city.opens(&matter(9, "你好")).await;
        let numbers = async |unit: &str, request: rpc::ListTicketsRequest| {
            let answer = service
                .list_tickets(asked(unit, request))
                .await
                .unwrap()
                .into_inner();
            let found = answer
                .tickets
                .iter()
                .map(|view| view.ticket.as_ref().unwrap().number.clone());
            (found.collect::<Vec<_>>(), answer.next_page_token)
        };
        let any = rpc::ListTicketsRequest::default;
        let queue = rpc::ListTicketsRequest {
            states: vec![shared::TicketState::AwaitingDispatch.into()],
            ..any()
        };
        assert_eq!(
            numbers("", queue).await.0,
            ["260918-00009-2"],
            "{}",
            city.label
        );
        let due = rpc::ListTicketsRequest {
            due_before: Some(timestamp(at("2026-09-29 00:01"))),
            ..any()
        };
        assert_eq!(numbers("", due).await.0.len(), 5, "{}", city.label);
        let not_yet = rpc::ListTicketsRequest {
            due_before: Some(timestamp(at("2026-09-29 00:00"))),
            ..any()
        };
        assert_eq!(numbers("", not_yet).await.0.len(), 0, "{}", city.label);
        city.clock_strikes("2026-09-24 00:00").await;
        let yellow = rpc::ListTicketsRequest {
            card: shared::Card::Yellow.into(),
            ..any()
        };
        assert_eq!(numbers("", yellow).await.0.len(), 5, "{}", city.label);
        let escalated = rpc::ListTicketsRequest {
            escalated: true,
            ..any()
        };
        assert_eq!(numbers("", escalated).await.0.len(), 0, "{}", city.label);

        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = rpc::ListTicketsRequest {
                unit_code: "LAMPS".to_owned(),
                page_size: 2,
                page_token,
                ..any()
            };
            let (found, next) = numbers("", page).await;
            seen.extend(found);
            if next.is_empty() {
                break;
            }
            page_token = next;
        }
        let expected: Vec<String> = (1..=5)
            .map(|number| format!("260918-{number:05}-2"))
            .collect();
        assert_eq!(seen, expected, "{}", city.label);

        for (unit, expected) in [("LAMPS", 5), ("UMB", 5), ("HOUSING", 0), ("", 6)] {
            assert_eq!(
                numbers(unit, any()).await.0.len(),
                expected,
                "{}: {unit}",
                city.label
            );
        }
        for (unit, number, is_found) in [
            ("WATER", "260918-00001-2", true), // assists
            ("UMB", "260918-00001-2", true),   // above the lead
            ("HOUSING", "260918-00001-2", false),
            ("UMB", "260918-00009-2", false),
            ("", "260918-00009-2", true),
        ] {
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
        let get = rpc::GetTicketRequest {
            by: Some(By::TicketId(queued.to_string())),
        };
        assert!(
            service.get_ticket(asked("", get)).await.is_ok(),
            "{}",
            city.label
        );
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
