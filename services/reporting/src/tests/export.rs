//! The full export: every ticket once, its words harmless, and the audit knows.

use futures::TryStreamExt;
use hotline_proto::event::{MatterMove, TicketChange};
use hotline_proto::reporting::ExportTicketsRequest;
use hotline_proto::reporting::reporting_service_server::ReportingService;
use hotline_proto::shared::{Confidentiality, Kind, Nature, TicketState};
use tonic::Code;

use super::story::{Said, Story, march, wire};
use super::{Bench, benches, context, said};
use crate::app::ExportDays;
use crate::grpc::ReportingGrpc;
use crate::store;

const TICKETS: u128 = 7;
/// The ticket whose content must stay out.
const TIP_OFF: u128 = 4;

fn number(n: u128) -> String {
    format!("26030{n}-TTTT{n}-K")
}

/// The numbers of all tickets, in the order of their ids.
fn numbers() -> Vec<String> {
    (1..=TICKETS).map(number).collect()
}

fn story() -> Story {
    let mut story = Story::default();
    for n in 1..=TICKETS {
        let at = march(u32::try_from(n).unwrap(), 9);
        story.ticket(n, at, TicketChange::Opened, |ticket| {
            ticket.number = number(n);
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
    let answer = grpc.export_tickets(said(request)).await.unwrap();
    let pieces: Vec<_> = answer.into_inner().try_collect().await.unwrap();
    let pieces: Vec<_> = pieces.into_iter().map(|answer| answer.piece).collect();
    rows(&pieces.concat())
}

/// The records of a file behind its header.
fn rows(file: &[u8]) -> Vec<Vec<String>> {
    let body = file
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
        let mut seen: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        seen.sort();
        assert_eq!(seen, numbers(), "{}", bench.label);
        for row in &rows {
            let is_tip_off = row[0] == number(TIP_OFF);
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
        let whole = bench
            .reporting
            .export(context("", 0), ExportDays::default(), 3);
        let pieces: Vec<_> = whole.await.unwrap().try_collect().await.unwrap();
        assert_eq!(pieces.len(), 1 + 3, "{}: header and pages", bench.label);
        let seen: Vec<_> = rows(&pieces.concat())
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        assert_eq!(seen, numbers(), "{}", bench.label);
    }
}

#[tokio::test]
async fn each_ticket_tells_of_its_own_citizens() {
    let mut story = story();
    for (n, on) in [(1, 1), (2, 2), (3, 2), (5, 5)] {
        let said = Said {
            n,
            channel: "tel",
            kind: Kind::Complaint,
            at: march(u32::try_from(n).unwrap(), 9),
            nature: Nature::New,
        };
        story.attached(&said, 1, on, MatterMove::Opened, said.at);
    }
    for bench in benches().await {
        bench.hear(&story.events).await;
        let rows = exported(&bench, ExportTicketsRequest::default()).await;
        let applicants: Vec<_> = rows.iter().map(|row| row[3].as_str()).collect();
        let expected = [
            "市民c1f0",
            "市民c2f0等2件",
            "市民",
            "保密",
            "市民c2f0",
            "市民",
            "市民",
        ];
        assert_eq!(applicants, expected, "{}", bench.label);
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
        let Err(refused) = grpc.export_tickets(said(request)).await else {
            panic!("it is no day");
        };
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("first_day"), "{refused}");
    }
}
