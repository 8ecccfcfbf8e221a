//! Issued documents, instructions, the overview.

use hotline_platform::core::CoreError;
use hotline_platform::page::Page;
use hotline_platform::testing;
use hotline_proto::event::body::Event;
use tonic::Code;
use tonic_types::StatusExt;

use super::eight_appeals::story;
use super::story::{march, ticket_id};
use super::{Bench, benches, context, everybodys, rows};
use crate::app::{GiveInstruction, IssueDocument};
use crate::domain::document::{Issued, IssuedOf};
use crate::domain::period::{Days, Period, Series};
use crate::error::ReportingError;

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
            .document(&everybodys(), first.head.id.into())
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
        bench.tamper("UPDATE rollup SET count = count + 1 WHERE measure = 'received' AND period = '2026-03-02'").await;
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
        let whole = Page {
            size: 50,
            after: None,
        };
        let mut listed = Vec::new();
        let mut page = Page {
            size: 2,
            after: None,
        };
        loop {
            let (heads, next) = bench
                .reporting
                .documents(&everybodys(), IssuedOf::Series(Series::Daily), &page)
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
            .documents(&everybodys(), IssuedOf::All, &whole)
            .await
            .unwrap();
        assert_eq!(all.len(), 6);
        let fourth = Period::parse(Series::Daily, "2026-03-04").unwrap();
        let (of_it, _) = bench
            .reporting
            .documents(&everybodys(), IssuedOf::Period(fourth), &whole)
            .await
            .unwrap();
        let of_it: Vec<_> = of_it.iter().map(|head| head.period.text()).collect();
        assert_eq!(of_it, ["2026-03-04"], "{}", bench.label);
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
        let told = instruction(3, "请住建局限期办结，联系人电话19900000001", 0);
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
            listed[0][14].starts_with("市长批示：请住建局限期办结"),
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
        let all = bench.reporting.overview(&everybodys(), None).await.unwrap();
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
            .overview(
                &everybodys(),
                Some(Days {
                    first: day,
                    last: day,
                }),
            )
            .await
            .unwrap();
        assert_eq!((fourth.counts.appeals, fourth.counts.tickets), (2, 1));
    }
}
