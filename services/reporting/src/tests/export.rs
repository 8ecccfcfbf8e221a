//! The full export: every ticket once, its words harmless, and the audit knows.

use futures::TryStreamExt;
use hotline_proto::event::TicketChange;
use hotline_proto::reporting::ExportTicketsRequest;
use hotline_proto::reporting::reporting_service_server::ReportingService;
use hotline_proto::shared::{Confidentiality, Nature, TicketState};
use tonic::{Code, Request};
use uuid::Uuid;

use super::story::{Story, march, ticket_id, wire};
use super::{Bench, benches, context};
use crate::app::ExportDays;
use crate::grpc::ReportingGrpc;
use crate::store;

const TICKETS: u128 = 7;
/// The ticket whose content must stay out.
const TIP_OFF: u128 = 4;

fn story() -> Story {
    let mut story = Story::default();
    for n in 1..=TICKETS {
        let at = march(u32::try_from(n).unwrap(), 9);
        story.ticket(n, at, TicketChange::Opened, |ticket| {
            ticket.number = format!("26030{n}-TTTT{n}-K");
            ticket.state = TicketState::AwaitingDispatch.into();
            ticket.nature = Nature::New.into();
            ticket.received_at = Some(wire(at));
            ticket.text = format!("=第{n}件：小区路灯不亮");
            ticket.confidentiality = Some(Confidentiality {
                tip_off: n == TIP_OFF,
                ..Confidentiality::default()
            });
        });
    }
    story
}

async fn exported(bench: &Bench, request: ExportTicketsRequest) -> Vec<Vec<String>> {
    let grpc = ReportingGrpc::new(bench.reporting.clone());
    let answer = grpc.export_tickets(Request::new(request)).await.unwrap();
    let pieces: Vec<_> = answer.into_inner().try_collect().await.unwrap();
    let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.piece).collect();
    let body = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .expect("a byte-order mark");
    let mut reader = csv::Reader::from_reader(body);
    assert_eq!(reader.headers().unwrap().get(0), Some("受理编号"));
    let fields = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|row| fields(row.unwrap())).collect()
}

#[tokio::test]
async fn every_ticket_is_exported_once_and_harmless() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let rows = exported(&bench, ExportTicketsRequest::default()).await;
        let mut numbers: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        numbers.sort();
        let all: Vec<_> = (1..=TICKETS)
            .map(|n| format!("26030{n}-TTTT{n}-K"))
            .collect();
        assert_eq!(numbers, all, "{}", bench.label);
        for row in &rows {
            let is_tip_off = row[0] == format!("26030{TIP_OFF}-TTTT{TIP_OFF}-K");
            assert_eq!(is_tip_off, !row[6].contains("路灯"), "{row:?}");
            assert!(is_tip_off || row[6].starts_with("'="), "{row:?}");
        }
        let days = ExportTicketsRequest {
            first_day: "2026-03-02".to_owned(),
            last_day: "2026-03-03".to_owned(),
        };
        assert_eq!(exported(&bench, days).await.len(), 2, "{}", bench.label);
        let audit = store::audited(bench.core.db().read(), "exported").await;
        assert_eq!(audit, 2, "{}", bench.label);
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_hole() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let begun = bench
            .reporting
            .begin_export(context("", 0), ExportDays::default());
        let export = begun.await.unwrap();
        let (mut after, mut seen) = (Uuid::nil(), Vec::new());
        loop {
            let page = bench
                .reporting
                .export_page(&export, after, 3)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            seen.extend(page.iter().map(|ticket| ticket.id));
        }
        let all: Vec<_> = (1..=TICKETS).map(ticket_id).collect();
        assert_eq!(seen, all, "{}", bench.label);
    }
}

#[tokio::test]
async fn a_day_that_is_none_is_refused_by_its_field() {
    for bench in benches().await {
        let grpc = ReportingGrpc::new(bench.reporting.clone());
        let request = ExportTicketsRequest {
            first_day: "yesterday".to_owned(),
            last_day: String::new(),
        };
        let Err(refused) = grpc.export_tickets(Request::new(request)).await else {
            panic!("it is no day");
        };
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("first_day"), "{refused}");
    }
}
