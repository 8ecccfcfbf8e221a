//! Issued documents, instructions, the overview, and the gRPC face.

use hotline_platform::core::CoreError;
use hotline_platform::grpc::Principal;
use hotline_platform::page::Page;
use hotline_platform::testing;
use hotline_proto::event::body::Event;
use hotline_proto::reporting as rpc;
use hotline_proto::reporting::reporting_service_server::ReportingService;
use tokio_stream::StreamExt;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::story::{march, story, ticket_id};
use super::{Bench, benches, context, rows};
use crate::app::{GiveInstruction, IssueDocument};
use crate::domain::period::{Period, Series};
use crate::error::ReportingError;
use crate::grpc::ReportingGrpc;
use crate::store::{Days, Issued};

async fn issue(
    bench: &Bench,
    key: &str,
    period: &str,
    seen: i64,
) -> Result<Issued, ReportingError> {
    let series = if period.len() == 7 {
        Series::Monthly
    } else {
        Series::Daily
    };
    let command = IssueDocument {
        period: Period::parse(series, period).unwrap(),
        editions_seen: seen,
    };
    bench.reporting.issue(context(key, seen), command).await
}

#[tokio::test]
async fn an_issued_document_is_numbered_and_frozen() {
    for bench in benches().await {
        let events = story().events;
        let (early, late) = events.split_at(events.len() / 2);
        bench.hear(early).await;
        let first = issue(&bench, "k1", "2026-03-02", 0).await.unwrap();
        assert_eq!(first.content.issue_number.as_deref(), Some("2026年第1期"));
        bench.hear(late).await;
        let again = issue(&bench, "k1", "2026-03-02", 0).await.unwrap();
        assert_eq!(
            again, first,
            "{}: a repetition answers the same",
            bench.label
        );
        let frozen = bench
            .reporting
            .document(first.head.id.into())
            .await
            .unwrap();
        assert_eq!(
            frozen, first,
            "{}: later events change nothing",
            bench.label
        );

        let second = issue(&bench, "k2", "2026-03-03", 0).await.unwrap();
        assert_eq!(second.content.issue_number.as_deref(), Some("2026年第2期"));
        let monthly = issue(&bench, "k3", "2026-03", 0).await.unwrap();
        assert_eq!(
            monthly.content.issue_number.as_deref(),
            Some("2026年第1期"),
            "each series counts its own"
        );

        let stale = issue(&bench, "k4", "2026-03-02", 0).await;
        assert!(
            matches!(
                stale,
                Err(ReportingError::Core(CoreError::Stale { current: 1 }))
            ),
            "{stale:?}"
        );
        let corrected = issue(&bench, "k5", "2026-03-02", 1).await.unwrap();
        assert_eq!((corrected.head.edition, corrected.head.number), (2, 3));

        let logged: Vec<_> = testing::log(&bench.core).await;
        let numbers: Vec<_> = logged
            .iter()
            .filter_map(|(_, body)| match &body.event {
                Some(Event::DocumentIssued(issued)) => {
                    Some(format!("{} {}", issued.series, issued.issue_number))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            numbers,
            [
                "daily 2026年第1期",
                "daily 2026年第2期",
                "monthly 2026年第1期",
                "daily 2026年第3期"
            ]
        );
    }
}

#[tokio::test]
async fn what_does_not_reconcile_cannot_be_issued() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        bench.tamper("UPDATE daily_fact SET count = count + 1 WHERE measure = 'received' AND day = '2026-03-02'").await;
        let refused = issue(&bench, "k1", "2026-03-02", 0).await;
        assert!(
            matches!(refused, Err(ReportingError::NotReconciled(1))),
            "{}: {refused:?}",
            bench.label
        );
        let status = tonic::Status::from(refused.unwrap_err());
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(
            status.get_details_error_info().unwrap().reason,
            "NOT_RECONCILED"
        );
        assert!(testing::log(&bench.core).await.is_empty());
        let future = issue(&bench, "k2", "2026-04-02", 0).await;
        assert!(
            matches!(future, Err(ReportingError::PeriodNotBegun)),
            "{future:?}"
        );
    }
}

#[tokio::test]
async fn issued_documents_are_listed_newest_first_by_pages() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        for day in 2..=6 {
            bench.clock.advance(std::time::Duration::from_mins(1));
            issue(&bench, &format!("k{day}"), &format!("2026-03-{day:02}"), 0)
                .await
                .unwrap();
        }
        issue(&bench, "m", "2026-03", 0).await.unwrap();
        let mut listed = Vec::new();
        let mut page = Page {
            size: 2,
            after: None,
        };
        loop {
            let (heads, next) = bench
                .reporting
                .documents(Some(Series::Daily), &page)
                .await
                .unwrap();
            listed.extend(heads.into_iter().map(|head| head.period.text()));
            let Some(next) = next else { break };
            page.after = Some(next);
        }
        assert_eq!(
            listed,
            [
                "2026-03-06",
                "2026-03-05",
                "2026-03-04",
                "2026-03-03",
                "2026-03-02"
            ],
            "{}",
            bench.label
        );
        let (all, _) = bench
            .reporting
            .documents(
                None,
                &Page {
                    size: 50,
                    after: None,
                },
            )
            .await
            .unwrap();
        assert_eq!(all.len(), 6);
    }
}

fn instruction(number: u128, text: &str, seen: i64) -> GiveInstruction {
    GiveInstruction {
        ticket: ticket_id(number).into(),
        leader: "市长".to_owned(),
        text: text.to_owned(),
        instructions_seen: seen,
    }
}

#[tokio::test]
async fn an_instruction_reaches_the_log_and_the_daily_list() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let told = instruction(3, "请住建局限期办结,联系人电话19900000001", 0);
        let given = bench
            .reporting
            .instruct(context("i1", 0), told.clone())
            .await
            .unwrap();
        assert_eq!(
            bench
                .reporting
                .instruct(context("i1", 0), told)
                .await
                .unwrap(),
            given,
            "{}",
            bench.label
        );

        let list = bench.document(Series::Daily, "2026-04-01").await;
        let listed = rows(&list, "领导批示件");
        assert_eq!(listed.len(), 1, "{}", bench.label);
        assert!(
            listed[0][14].starts_with("市长批示:请住建局限期办结"),
            "{}",
            listed[0][14]
        );
        assert!(!listed[0][14].contains("19900000001"), "{}", listed[0][14]);

        let stale = bench
            .reporting
            .instruct(context("i2", 0), instruction(3, "再催", 0))
            .await;
        assert!(
            matches!(
                stale,
                Err(ReportingError::Core(CoreError::Stale { current: 1 }))
            ),
            "{stale:?}"
        );
        let unknown = bench
            .reporting
            .instruct(context("i3", 0), instruction(99, "催", 0))
            .await;
        assert!(
            matches!(unknown, Err(ReportingError::TicketNotFound(_))),
            "{unknown:?}"
        );

        let logged = testing::log(&bench.core).await;
        assert_eq!(logged.len(), 1);
        let (envelope, body) = &logged[0];
        assert_eq!(
            envelope.stream_id,
            ticket_id(3).to_string(),
            "the stream is the ticket"
        );
        let Some(Event::InstructionGiven(event)) = &body.event else {
            panic!("{body:?}")
        };
        assert_eq!(event.instruction_id, given.to_string());
        // A replay keeps it: it is not derived.
        bench.reset().await;
        bench.hear(&story().events).await;
        assert_eq!(
            rows(
                &bench.document(Series::Daily, "2026-04-01").await,
                "领导批示件"
            ),
            listed
        );
    }
}

#[tokio::test]
async fn the_overview_tells_how_appeals_became_tickets() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let all = bench.reporting.overview(None).await.unwrap();
        let counts = all.counts;
        assert_eq!(
            (counts.appeals, counts.channels, counts.lines),
            (8, 5, 1),
            "{}",
            bench.label
        );
        assert_eq!(
            (counts.matters, counts.tickets, counts.merged_matters),
            (6, 5, 1),
            "{}",
            bench.label
        );
        assert_eq!((all.answered, all.guided, all.quarantined), (1, 1, 0));
        assert_eq!((all.replies, all.concluded, all.reworked), (2, 2, 1));
        let day = march(4, 0).date_naive().succ_opt().unwrap();
        let fourth = bench
            .reporting
            .overview(Some(Days {
                first: day,
                last: day,
            }))
            .await
            .unwrap();
        assert_eq!((fourth.counts.appeals, fourth.counts.tickets), (2, 1));
    }
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .extensions_mut()
        .insert(Principal::new("reviewer:zhao", "reviewer"));
    request
}

#[tokio::test]
async fn every_format_arrives_in_pieces_through_grpc() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let face = ReportingGrpc::new(bench.reporting.clone());
        let issued = rpc::IssueDocumentRequest {
            idempotency_key: "k1".to_owned(),
            expected_version: 0,
            series: rpc::Series::Daily.into(),
            period: "2026-03-31".to_owned(),
        };
        let issued = face
            .issue_document(request(issued))
            .await
            .unwrap()
            .into_inner();
        let rows = [
            (
                rpc::Format::Terminal,
                "daily-2026-03-31.txt",
                "2026年3月31日群众诉求日清单(2026年第1期)".as_bytes(),
            ),
            (
                rpc::Format::Markdown,
                "daily-2026-03-31.md",
                "# 2026年3月31日".as_bytes(),
            ),
            (
                rpc::Format::Csv,
                "daily-2026-03-31.csv",
                b"\xef\xbb\xbf\"".as_slice(),
            ),
            (rpc::Format::Xlsx, "daily-2026-03-31.xlsx", b"PK".as_slice()),
        ];
        for (format, file_name, beginning) in rows {
            let asked = rpc::GetDocumentRequest {
                document_id: issued.document_id.clone(),
                format: format.into(),
            };
            let mut stream = face
                .get_document(request(asked))
                .await
                .unwrap()
                .into_inner();
            let first = stream.next().await.unwrap().unwrap();
            assert_eq!(first.head.unwrap().file_name, file_name, "{}", bench.label);
            assert!(first.piece.starts_with(beginning), "{file_name}");
        }
        let draft = rpc::RenderDocumentRequest {
            series: rpc::Series::Monthly.into(),
            period: "2026-03".to_owned(),
            format: rpc::Format::Terminal.into(),
            blocks: vec!["units".to_owned()],
        };
        let mut stream = face
            .render_document(request(draft))
            .await
            .unwrap()
            .into_inner();
        let first = stream.next().await.unwrap().unwrap();
        let text = String::from_utf8(first.piece).unwrap();
        assert!(
            text.contains("四、承办单位办理情况") && !text.contains("来源渠道"),
            "{text}"
        );
        let head = first.head.unwrap();
        assert_eq!((head.reconciles, head.issue_number.as_str()), (true, ""));
        assert_eq!(head.data_cut.unwrap().seconds, march(31, 9).timestamp());
    }
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_refused_by_its_field() {
    for bench in benches().await {
        let face = ReportingGrpc::new(bench.reporting.clone());
        let asked =
            |series: rpc::Series, period: &str, format: rpc::Format| rpc::RenderDocumentRequest {
                series: series.into(),
                period: period.to_owned(),
                format: format.into(),
                blocks: Vec::new(),
            };
        let rows = [
            (
                asked(rpc::Series::Unspecified, "2026-03", rpc::Format::Csv),
                "series",
            ),
            (
                asked(rpc::Series::Monthly, "2026-03-31", rpc::Format::Csv),
                "period",
            ),
            (
                asked(rpc::Series::Monthly, "2026-03", rpc::Format::Unspecified),
                "format",
            ),
            (
                rpc::RenderDocumentRequest {
                    blocks: vec!["ranking".to_owned()],
                    ..asked(rpc::Series::Monthly, "2026-03", rpc::Format::Csv)
                },
                "blocks",
            ),
        ];
        for (message, field) in rows {
            let Err(status) = face.render_document(request(message)).await else {
                panic!("{field} was taken")
            };
            assert_eq!(status.code(), Code::InvalidArgument, "{field}");
            assert_eq!(
                status.get_details_bad_request().unwrap().field_violations[0].field,
                field
            );
        }
    }
}
