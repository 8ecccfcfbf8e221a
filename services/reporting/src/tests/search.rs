//! Searching in Chinese: what was said is found, where it stands now, and nothing that was masked.

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_platform::testing;
use hotline_proto::event::{MatterMove, TicketChange};
use hotline_proto::reporting::reporting_service_server::ReportingService;
use hotline_proto::reporting::{SearchTicketsRequest, SearchTicketsResponse};
use hotline_proto::shared::{Confidentiality, Kind, Nature, TicketState};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::story::{Said, Story, march, shuffled, wire};
use super::{Bench, benches};
use crate::grpc::ReportingGrpc;

const LAMP: u128 = 1;
const HEATING: u128 = 2;
const BUS: u128 = 3;
const TIP_OFF: u128 = 4;

/// What each citizen said, masked as events have it.
const TEXTS: [(u128, &str); 4] = [
    (LAMP, "阳光花园小区路灯不亮，请回电199****0007"),
    (HEATING, "翠湖苑暖气不热，路灯也不亮"),
    (BUS, "公交311路早高峰不进站"),
    (TIP_OFF, "阳光花园的物业私设路灯收费"),
];

pub(super) fn said(n: u128) -> Said {
    Said {
        n,
        channel: "tel12345",
        kind: Kind::Complaint,
        at: march(u32::try_from(n).unwrap(), 9),
        nature: Nature::New,
    }
}

/// Four appeals, a ticket each; the second one's unit is HOUSING.
fn story() -> Story {
    let mut story = Story::default();
    story.registry("routing", 70, "units", &[("HOUSING", "住建局", "", "")]);
    for (n, text) in TEXTS {
        let said = said(n);
        story.attached_saying(&said, 1, (n, MatterMove::Opened, said.at), text);
        story.ticket(n, said.at, TicketChange::Opened, |ticket| {
            ticket.number = format!("2603{n:02}-TTTT{n}-K");
            ticket.state = TicketState::AwaitingDispatch.into();
            ticket.nature = Nature::New.into();
            ticket.received_at = Some(wire(said.at));
            ticket.text = text.to_owned();
            ticket.category_code = "0101".to_owned();
            ticket.confidentiality = Some(Confidentiality {
                tip_off: n == TIP_OFF,
                ..Confidentiality::default()
            });
        });
    }
    story.ticket(HEATING, march(5, 9), TicketChange::Dispatched, |ticket| {
        ticket.lead_unit_code = "HOUSING".to_owned();
        ticket.state = TicketState::Dispatched.into();
    });
    story
}

pub(super) fn asking(query: &str) -> SearchTicketsRequest {
    SearchTicketsRequest {
        query: query.to_owned(),
        ..SearchTicketsRequest::default()
    }
}

pub(super) async fn answer(
    bench: &Bench,
    request: SearchTicketsRequest,
) -> Result<SearchTicketsResponse, Status> {
    let mut request = Request::new(request);
    let operator = Principal::new("operator:li", Role::Operator);
    let scope = testing::scope(&operator, "SearchTickets");
    request.extensions_mut().insert(scope);
    let face = ReportingGrpc::new(bench.reporting.clone());
    Ok(face.search_tickets(request).await?.into_inner())
}

/// The story's numbers of the tickets found, in their order.
async fn found(bench: &Bench, request: SearchTicketsRequest) -> Vec<u128> {
    let answer = answer(bench, request).await.unwrap();
    let n = |number: &str| number[4..6].parse().unwrap();
    let numbers = answer.tickets.iter().map(|ticket| n(&ticket.number));
    numbers.collect()
}

#[tokio::test]
async fn tickets_are_found_by_what_was_said_the_newest_first() {
    let rows: [(&str, &[u128]); 14] = [
        ("路灯", &[HEATING, LAMP]),
        ("路燈 不亮", &[HEATING, LAMP]),
        ("灯", &[HEATING, LAMP]),
        ("暖气不热", &[HEATING]),
        ("翠湖苑", &[HEATING]),
        ("翠湖苑 路灯", &[HEATING]),
        ("阳光花园", &[LAMP]),
        ("311路", &[BUS]),
        ("公交311", &[BUS]),
        ("11路", &[]),
        ("260301-TTTT1-K", &[LAMP]),
        ("260302-aaaa2-k", &[HEATING]),
        ("260304TTTT4K", &[TIP_OFF]),
        ("' OR \" * 路灯 AND", &[]),
    ];
    for bench in benches().await {
        bench.hear(&story().events).await;
        for (query, expected) in rows {
            assert_eq!(
                found(&bench, asking(query)).await,
                expected,
                "{} {query}",
                bench.label
            );
        }
        let heating = answer(&bench, asking("暖气"))
            .await
            .unwrap()
            .tickets
            .remove(0);
        assert_eq!(heating.state(), TicketState::Dispatched);
        assert_eq!(heating.lead_unit_name, "住建局");
        assert_eq!(heating.summary, TEXTS[1].1);
        assert_eq!(heating.received_at, Some(wire(march(2, 9))));
    }
}

#[tokio::test]
async fn what_must_not_be_found_is_not() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        for query in [
            "0007",
            "199",
            "19900000007",
            "199****0007路灯",
            "私设",
            "物业",
        ] {
            let is_refused = answer(&bench, asking(query)).await;
            let is_nothing = is_refused.is_ok_and(|answer| {
                answer
                    .tickets
                    .iter()
                    .all(|ticket| query.contains("路灯") && !ticket.number.contains("TTTT4"))
            });
            assert!(is_nothing, "{} {query}", bench.label);
        }
        let tip_off = answer(&bench, asking("260304-TTTT4-K")).await.unwrap();
        assert!(!tip_off.tickets[0].summary.contains("路灯"), "{tip_off:?}");
    }
}

type Narrow = fn(&mut SearchTicketsRequest);

#[tokio::test]
async fn a_search_is_narrowed_by_unit_category_and_days() {
    let narrowed: [(Narrow, &[u128]); 6] = [
        (|asked| asked.unit_code = "HOUSING".to_owned(), &[HEATING]),
        (|asked| asked.unit_code = "housing".to_owned(), &[]),
        (
            |asked| asked.category_code = "0101".to_owned(),
            &[HEATING, LAMP],
        ),
        (|asked| asked.category_code = "01".to_owned(), &[]),
        (
            |asked| asked.first_day = "2026-03-02".to_owned(),
            &[HEATING],
        ),
        (|asked| asked.last_day = "2026-03-01".to_owned(), &[LAMP]),
    ];
    for bench in benches().await {
        bench.hear(&story().events).await;
        for (index, (narrow, expected)) in narrowed.iter().enumerate() {
            let mut request = asking("路灯");
            narrow(&mut request);
            assert_eq!(
                found(&bench, request).await,
                *expected,
                "{} row {index}",
                bench.label
            );
        }
    }
}

/// The third citizen's matter moves onto the first one's ticket, and back.
fn merged() -> (Story, Story) {
    let mut merge = story();
    let (bus, at) = (said(BUS), march(6, 9));
    merge.detached(&bus, 2, BUS, LAMP, at);
    merge.attached_saying(&bus, 2, (LAMP, MatterMove::Merged, at), TEXTS[2].1);
    merge.ticket(BUS, at, TicketChange::Absorbed, |ticket| {
        ticket.state = TicketState::Absorbed.into();
    });
    let mut back = Story {
        events: merge.events.clone(),
    };
    let at = march(7, 9);
    back.attached_saying(&bus, 3, (BUS, MatterMove::Unmerged, at), TEXTS[2].1);
    back.ticket(BUS, at, TicketChange::Reopened, |ticket| {
        ticket.state = TicketState::AwaitingDispatch.into();
    });
    (merge, back)
}

#[tokio::test]
async fn what_was_merged_is_found_once_where_it_stands_and_back_again() {
    let (merge, back) = merged();
    for bench in benches().await {
        for seed in 0..4 {
            bench.reset().await;
            bench.hear(&shuffled(&merge.events, seed)).await;
            for query in ["公交311路", "260303-TTTT3-K", "阳光花园 311"] {
                assert_eq!(
                    found(&bench, asking(query)).await,
                    [LAMP],
                    "{} {query}",
                    bench.label
                );
            }
            assert_eq!(
                found(&bench, asking("路灯")).await,
                [HEATING, LAMP],
                "{}",
                bench.label
            );
        }
        bench.hear(&back.events[merge.events.len()..]).await;
        assert_eq!(
            found(&bench, asking("公交311路")).await,
            [BUS],
            "{}",
            bench.label
        );
        assert!(
            found(&bench, asking("阳光花园 311")).await.is_empty(),
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn a_replay_finds_the_same() {
    let (_, story) = merged();
    for bench in benches().await {
        let queries = ["路灯", "公交311路", "不", "阳光花园"];
        bench.hear(&story.events).await;
        let mut before = Vec::new();
        for query in queries {
            before.push(found(&bench, asking(query)).await);
        }
        bench.reset().await;
        for query in queries {
            assert!(
                found(&bench, asking(query)).await.is_empty(),
                "{}",
                bench.label
            );
        }
        bench.hear(&story.events).await;
        for (query, before) in queries.into_iter().zip(before) {
            assert!(!before.is_empty());
            assert_eq!(
                found(&bench, asking(query)).await,
                before,
                "{} {query}",
                bench.label
            );
        }
    }
}

#[tokio::test]
async fn nothing_of_what_was_forgotten_is_found_in_what_is_heard_next() {
    let (merge, _) = merged();
    for bench in benches().await {
        bench.hear(&merge.events).await;
        let both = "阳光花园 311";
        assert_eq!(found(&bench, asking(both)).await, [LAMP], "{}", bench.label);
        bench.reset().await;
        bench.hear(&story().events).await;
        assert!(
            found(&bench, asking(both)).await.is_empty(),
            "{}",
            bench.label
        );
        assert_eq!(found(&bench, asking("311")).await, [BUS], "{}", bench.label);
    }
}

#[tokio::test]
async fn a_search_that_is_not_understood_is_refused_by_its_field() {
    let rows: [(SearchTicketsRequest, &str); 6] = [
        (asking(""), "query"),
        (asking("  。，！？ "), "query"),
        (asking(&"灯".repeat(201)), "query"),
        (
            SearchTicketsRequest {
                first_day: "昨天".to_owned(),
                ..asking("路灯")
            },
            "first_day",
        ),
        (
            SearchTicketsRequest {
                last_day: "2026-13-01".to_owned(),
                ..asking("路灯")
            },
            "last_day",
        ),
        (
            SearchTicketsRequest {
                page_token: "zz".to_owned(),
                ..asking("路灯")
            },
            "page_token",
        ),
    ];
    for bench in benches().await {
        for (request, field) in rows.clone() {
            let refused = answer(&bench, request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
            let details = refused.get_details_bad_request().unwrap();
            assert_eq!(details.field_violations[0].field, field, "{refused}");
        }
        let longest = asking(&"灯".repeat(200));
        assert!(answer(&bench, longest).await.is_ok(), "{}", bench.label);
    }
}
