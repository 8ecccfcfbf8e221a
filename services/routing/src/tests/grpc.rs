//! The service as callers see it: codes, reasons and the whole journey.

use hotline_proto::routing as rpc;
use hotline_proto::routing::routing_service_server::RoutingService;
use hotline_proto::shared;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::callers::{principal, scope_of};
use super::city::{City, at, matter};
use crate::convert::timestamp;
use crate::grpc::RoutingGrpc;

pub(super) fn asked<T>(unit: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(principal(unit));
    request.extensions_mut().insert(scope_of(unit));
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
    }
}

#[tokio::test]
async fn a_text_that_is_missing_is_asked_for_in_a_whole_sentence() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = city.opens(&matter(1, "有人摆摊")).await.to_string();
        let supervise = rpc::SuperviseTicketRequest {
            ticket_id,
            order: " ".to_owned(),
            ..rpc::SuperviseTicketRequest::default()
        };
        let refused = service
            .supervise_ticket(asked("", supervise))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (
                Code::InvalidArgument,
                "`order` must be what the unit is ordered to do"
            ),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn texts_are_kept_in_one_form_on_every_database() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = dispatched(&city, &service).await.ticket.unwrap().id;
        let sign = rpc::SignTicketRequest {
            ticket_id: ticket_id.clone(),
            ..Default::default()
        };
        service.sign_ticket(asked("UMB", sign)).await.unwrap();
        let handle = rpc::HandleTicketRequest {
            ticket_id,
            handling_report: "已\0劝离".to_owned(),
            reply: "已处理\0\r\n感谢来电\n".to_owned(),
            ..Default::default()
        };
        let answer = service.handle_ticket(asked("UMB", handle)).await.unwrap();
        let ticket = answer.into_inner().ticket.unwrap().ticket.unwrap();
        assert_eq!(
            (ticket.handling_report.as_str(), ticket.reply.as_str()),
            ("已劝离", "已处理\n感谢来电"),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn texts_that_are_too_long_and_codes_that_are_none_are_refused() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = city.opens(&matter(1, "有人摆摊")).await.to_string();
        let supervise = rpc::SuperviseTicketRequest {
            ticket_id: ticket_id.clone(),
            order: "长".repeat(2_001),
            ..Default::default()
        };
        let supervised = service.supervise_ticket(asked("", supervise)).await;
        let handle = rpc::HandleTicketRequest {
            ticket_id,
            reply: "长".repeat(20_001),
            ..Default::default()
        };
        let handled = service.handle_ticket(asked("", handle)).await;
        let list = rpc::ListTicketsRequest {
            unit_code: "UMB\0".to_owned(),
            ..Default::default()
        };
        let listed = service.list_tickets(asked("", list)).await;
        let by = Some(rpc::get_ticket_request::By::Number("\0".to_owned()));
        let shown = service
            .get_ticket(asked("", rpc::GetTicketRequest { by }))
            .await;
        let told = [
            (
                supervised.unwrap_err(),
                "`order` must be at most 2000 characters",
            ),
            (
                handled.unwrap_err(),
                "`reply` must be at most 20000 characters",
            ),
            (
                listed.unwrap_err(),
                "`unit_code` must be the code of a unit",
            ),
            (shown.unwrap_err(), "`by` must be a ticket's id or number"),
        ];
        for (refused, message) in told {
            assert_eq!(
                (refused.code(), refused.message()),
                (Code::InvalidArgument, message),
                "{}",
                city.label
            );
        }
    }
}

#[tokio::test]
async fn a_refused_table_names_its_cells() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
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

/// A ticket that was dispatched to UMB, with corrections.
async fn dispatched(city: &City, service: &RoutingGrpc) -> rpc::TicketView {
    let ticket = city.opens(&matter(1, "城东有人摆摊,住建局不管")).await;
    let dispatch = rpc::DispatchTicketRequest {
        idempotency_key: "d1".to_owned(),
        ticket_id: ticket.to_string(),
        lead_unit_code: "UMB".to_owned(),
        category_code: "02".to_owned(),
        urgency: shared::Urgency::Urgent.into(),
        ..rpc::DispatchTicketRequest::default()
    };
    let answer = service.dispatch_ticket(asked("", dispatch)).await.unwrap();
    answer.into_inner().ticket.unwrap()
}

#[tokio::test]
async fn a_dispatch_corrects_what_was_known() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let rpc::TicketView {
            ticket,
            version,
            overdue,
        } = dispatched(&city, &service).await;
        let ticket = ticket.unwrap();
        assert_eq!(
            ticket.state(),
            shared::TicketState::Dispatched,
            "{}",
            city.label
        );
        assert_eq!(ticket.category_code, "02", "{}", city.label);
        assert_eq!(ticket.urgency(), shared::Urgency::Urgent, "{}", city.label);
        let noon = Some(timestamp(at("2026-09-18 12:00")));
        assert_eq!(ticket.citizen_due_at, noon, "{}: in hours now", city.label);
        assert_eq!((version, overdue), (2, false), "{}", city.label);
    }
}

#[tokio::test]
async fn a_proposal_tells_its_reasons() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket = city.opens(&matter(1, "城东有人摆摊,住建局不管")).await;
        let request = rpc::ProposeDispatchRequest {
            ticket_id: ticket.to_string(),
        };
        let proposed = service
            .propose_dispatch(asked("", request))
            .await
            .unwrap()
            .into_inner();
        let found = (
            proposed.area_code.as_str(),
            proposed.lead_unit_code.as_str(),
            proposed.unambiguous,
        );
        assert_eq!(found, ("E", "HOUSING", false), "{}", city.label);
        let expected = [
            "area E is on the ticket",
            "no keyword speaks for a category",
            "住建局 names unit HOUSING",
        ];
        for reason in expected {
            assert!(
                proposed.reasons.iter().any(|told| told == reason),
                "{}: {reason}",
                city.label
            );
        }
    }
}

#[tokio::test]
async fn a_ticket_goes_through_every_call_to_its_archive() {
    for city in City::all().await {
        let service = RoutingGrpc::new(city.routing.clone());
        let ticket_id = dispatched(&city, &service).await.ticket.unwrap().id;
        let id = || ticket_id.clone();
        let sign = rpc::SignTicketRequest {
            ticket_id: id(),
            ..Default::default()
        };
        service.sign_ticket(asked("UMB", sign)).await.unwrap();
        let handle = rpc::HandleTicketRequest {
            ticket_id: id(),
            handling_report: "已劝离".to_owned(),
            reply: "已处理".to_owned(),
            ..Default::default()
        };
        service.handle_ticket(asked("UMB", handle)).await.unwrap();
        let order = "加快".to_owned();
        let supervise = rpc::SuperviseTicketRequest {
            ticket_id: id(),
            order,
            ..Default::default()
        };
        service
            .supervise_ticket(asked("", supervise))
            .await
            .unwrap();
        let conclude = rpc::ConcludeTicketRequest {
            ticket_id: id(),
            ..Default::default()
        };
        service.conclude_ticket(asked("", conclude)).await.unwrap();
        let archive = rpc::ArchiveTicketRequest {
            ticket_id: id(),
            ..Default::default()
        };
        let view = service
            .archive_ticket(asked("", archive))
            .await
            .unwrap()
            .into_inner()
            .ticket;
        let ticket = view.unwrap().ticket.unwrap();
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

        history_is_whole(&city, &service, &ticket_id).await;
    }
}

/// The seven steps come on two pages.
async fn history_is_whole(city: &City, service: &RoutingGrpc, ticket_id: &str) {
    let history = rpc::GetTicketHistoryRequest {
        ticket_id: ticket_id.to_owned(),
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
    let steps = first.steps.iter().chain(&second.steps);
    let versions: Vec<i64> = steps.map(|step| step.version).collect();
    assert_eq!(versions, (1..=7).collect::<Vec<_>>(), "{}", city.label);
    assert_eq!(second.next_page_token, "", "{}", city.label);
}
