//! Requests and responses of the service.

use chrono::NaiveDate;
use hotline_kernel::id::{DocumentId, TicketId};
use hotline_kernel::text::normalise;
use hotline_kernel::time::Timestamp;
use hotline_platform::page::{self, Page};
use hotline_proto::reporting as rpc;
use tonic::Status;

use crate::app::{
    Composed, ExportDays, GiveInstruction, IssueDocument, LEADER_CHARS_MAX, Overview,
    TEXT_CHARS_MAX, file_stem, issue_number,
};
use crate::domain::document::{Document, Issued, IssuedHead, IssuedOf, IssuedPlace};
use crate::domain::period::{Days, Period, Series};
use crate::error::ReportingError;
use crate::render::Format;

/// Largest piece of a streamed document, in bytes.
const PIECE_MAX: usize = 64 * 1024;

pub(super) type Decoded<T> = Result<T, ReportingError>;

/// Which document to render, and how.
pub(crate) fn rendering(request: &rpc::RenderDocumentRequest) -> Decoded<(Period, Format)> {
    Ok((
        period(request.series(), &request.period)?,
        format(request.format())?,
    ))
}

/// Which document to issue.
pub(crate) fn issue(request: &rpc::IssueDocumentRequest) -> Decoded<IssueDocument> {
    let period = period(request.series(), &request.period)?;
    key(&request.idempotency_key)?;
    Ok(IssueDocument {
        period,
        editions_seen: request.expected_version,
    })
}

/// Which issued document to show, and how.
pub(crate) fn showing(request: &rpc::GetDocumentRequest) -> Decoded<(DocumentId, Format)> {
    let id = request
        .document_id
        .parse()
        .map_err(|_| invalid("document_id", "an id that IssueDocument gave"))?;
    Ok((id, format(request.format())?))
}

/// Which documents to list.
pub(crate) fn listing(
    request: &rpc::ListDocumentsRequest,
) -> Decoded<(IssuedOf, Page<IssuedPlace>)> {
    let of = match request.series() {
        told if !request.period.is_empty() => IssuedOf::Period(period(told, &request.period)?),
        rpc::Series::Unspecified => IssuedOf::All,
        told => IssuedOf::Series(series(told)?),
    };
    Ok((of, Page::decode(request.page_size, &request.page_token)?))
}

/// Which tickets to export.
pub(crate) fn exporting(request: &rpc::ExportTicketsRequest) -> Decoded<ExportDays> {
    Ok(ExportDays {
        first: maybe_day("first_day", &request.first_day)?,
        last: maybe_day("last_day", &request.last_day)?,
    })
}

/// A day, or none.
pub(super) fn maybe_day(field: &'static str, text: &str) -> Decoded<Option<NaiveDate>> {
    match text {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| invalid(field, "a day such as 2026-03-31, or nothing")),
    }
}

/// What to note.
pub(crate) fn instruction(request: &rpc::GiveInstructionRequest) -> Decoded<GiveInstruction> {
    key(&request.idempotency_key)?;
    let ticket: TicketId = request
        .ticket_id
        .parse()
        .map_err(|_| invalid("ticket_id", "a ticket's id"))?;
    let leader = limited(
        "leader",
        &request.leader,
        LEADER_CHARS_MAX,
        "an office of at most 40 characters",
    )?;
    let text = limited(
        "text",
        &request.text,
        TEXT_CHARS_MAX,
        "a text of at most 2000 characters",
    )?;
    Ok(GiveInstruction {
        ticket,
        leader,
        text,
        instructions_seen: request.expected_version,
    })
}

/// Which days an overview is of; `None` for everything.
pub(crate) fn overview_days(request: &rpc::GetOverviewRequest) -> Decoded<Option<Days>> {
    if request.from_day.is_empty() && request.to_day.is_empty() {
        return Ok(None);
    }
    let first = day("from_day", &request.from_day)?;
    let last = day("to_day", &request.to_day)?;
    if first > last {
        return Err(invalid("to_day", "a day not before from_day"));
    }
    Ok(Some(Days { first, last }))
}

/// The figures of an overview.
pub(crate) fn overview(figures: &Overview) -> rpc::GetOverviewResponse {
    rpc::GetOverviewResponse {
        appeals: figures.counts.appeals,
        channels: figures.counts.channels,
        lines: figures.counts.lines,
        matters: figures.counts.matters,
        tickets: figures.counts.tickets,
        merged_matters: figures.counts.merged_matters,
        answered: figures.answered,
        guided: figures.guided,
        quarantined: figures.quarantined,
        replies: figures.replies,
        concluded: figures.concluded,
        reworked: figures.reworked,
    }
}

/// A page of issued documents.
pub(crate) fn document_page(
    heads: &[IssuedHead],
    next: Option<&IssuedPlace>,
) -> rpc::ListDocumentsResponse {
    let view = |head: &IssuedHead| rpc::IssuedDocument {
        document_id: head.id.to_string(),
        head: Some(listed_head(head)),
        issued_at: Some(timestamp(head.issued_at)),
        issued_by: head.issued_by.clone(),
    };
    rpc::ListDocumentsResponse {
        documents: heads.iter().map(view).collect(),
        next_page_token: next.map(page::token).unwrap_or_default(),
    }
}

/// The head of a document that was issued; all such reconcile.
pub(crate) fn listed_head(head: &IssuedHead) -> rpc::DocumentHead {
    rpc::DocumentHead {
        series: wire_series(head.period.series).into(),
        period: head.period.text(),
        title: head.title.clone(),
        issue_number: issue_number(head.period.year(), head.number),
        reconciles: true,
        differences: Vec::new(),
        data_cut: head.data_cut.map(timestamp),
        file_name: format!("{}-{}", head.period.series.word(), head.period.text()),
    }
}

/// The head of a draft.
pub(crate) fn draft_head(
    period: &Period,
    composed: &Composed,
    format: Format,
) -> rpc::DocumentHead {
    head(period, &composed.document, composed.data_cut, format)
}

/// The head of an issued document.
pub(crate) fn issued_head(issued: &Issued, format: Format) -> rpc::DocumentHead {
    head(
        &issued.head.period,
        &issued.content,
        issued.head.data_cut,
        format,
    )
}

fn head(
    period: &Period,
    document: &Document,
    data_cut: Option<Timestamp>,
    format: Format,
) -> rpc::DocumentHead {
    rpc::DocumentHead {
        series: wire_series(period.series).into(),
        period: period.text(),
        title: document.title.clone(),
        issue_number: document.issue_number.clone().unwrap_or_default(),
        reconciles: document.reconciles(),
        differences: document
            .differences
            .iter()
            .map(ToString::to_string)
            .collect(),
        data_cut: data_cut.map(timestamp),
        file_name: format!("{}.{}", file_stem(period, document), format.extension()),
    }
}

/// A rendered draft in pieces, the head on the first.
pub(crate) fn draft_pieces(
    head: rpc::DocumentHead,
    bytes: &[u8],
) -> Vec<Result<rpc::RenderDocumentResponse, Status>> {
    let mut head = Some(head);
    let piece = |piece: &[u8]| {
        Ok(rpc::RenderDocumentResponse {
            head: head.take(),
            piece: piece.to_vec(),
        })
    };
    pieces(bytes).map(piece).collect()
}

/// A rendered issued document in pieces, the head on the first.
pub(crate) fn issued_pieces(
    head: rpc::DocumentHead,
    bytes: &[u8],
) -> Vec<Result<rpc::GetDocumentResponse, Status>> {
    let mut head = Some(head);
    let piece = |piece: &[u8]| {
        Ok(rpc::GetDocumentResponse {
            head: head.take(),
            piece: piece.to_vec(),
        })
    };
    pieces(bytes).map(piece).collect()
}

fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    // A document of no bytes is one empty piece: its head must arrive.
    let empty = bytes.is_empty().then_some(bytes);
    bytes.chunks(PIECE_MAX).chain(empty)
}

fn period(told: rpc::Series, text: &str) -> Decoded<Period> {
    Ok(Period::parse(series(told)?, text)?)
}

fn series(told: rpc::Series) -> Decoded<Series> {
    match told {
        rpc::Series::Daily => Ok(Series::Daily),
        rpc::Series::Monthly => Ok(Series::Monthly),
        rpc::Series::Quarterly => Ok(Series::Quarterly),
        rpc::Series::Unspecified => Err(invalid("series", "daily, monthly or quarterly")),
    }
}

fn wire_series(series: Series) -> rpc::Series {
    match series {
        Series::Daily => rpc::Series::Daily,
        Series::Monthly => rpc::Series::Monthly,
        Series::Quarterly => rpc::Series::Quarterly,
    }
}

fn format(told: rpc::Format) -> Decoded<Format> {
    match told {
        rpc::Format::Terminal => Ok(Format::Terminal),
        rpc::Format::Markdown => Ok(Format::Markdown),
        rpc::Format::Csv => Ok(Format::Csv),
        rpc::Format::Xlsx => Ok(Format::Xlsx),
        rpc::Format::Unspecified => Err(invalid("format", "terminal, Markdown, CSV or XLSX")),
    }
}

fn day(field: &'static str, text: &str) -> Decoded<NaiveDate> {
    text.parse()
        .map_err(|_| invalid(field, "a day such as 2026-03-31"))
}

fn key(text: &str) -> Decoded<()> {
    if text.is_empty() {
        Err(invalid("idempotency_key", "a key of the caller's choice"))
    } else {
        Ok(())
    }
}

fn limited(
    field: &'static str,
    text: &str,
    chars_max: usize,
    expected: &'static str,
) -> Decoded<String> {
    let text = normalise(text);
    let chars = text.chars().count();
    if (1..=chars_max).contains(&chars) {
        Ok(text)
    } else {
        Err(invalid(field, expected))
    }
}

pub(super) fn invalid(field: &'static str, expected: &'static str) -> ReportingError {
    ReportingError::Invalid { field, expected }
}

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    // Fewer than a billion nanoseconds always fit.
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_streamed_in_pieces_with_its_head_on_the_first() {
        let rows = [
            (0, 1),
            (1, 1),
            (PIECE_MAX, 1),
            (PIECE_MAX + 1, 2),
            (3 * PIECE_MAX, 3),
        ];
        for (length, expected) in rows {
            let bytes = vec![7; length];
            let pieces = draft_pieces(rpc::DocumentHead::default(), &bytes);
            let pieces: Vec<_> = pieces
                .into_iter()
                .map(|piece| piece.expect("a piece"))
                .collect();
            assert_eq!(pieces.len(), expected, "{length}");
            assert!(pieces.iter().all(|piece| piece.piece.len() <= PIECE_MAX));
            assert_eq!(
                pieces.iter().filter(|piece| piece.head.is_some()).count(),
                1
            );
            assert!(pieces[0].head.is_some());
            assert_eq!(
                pieces.iter().map(|piece| piece.piece.len()).sum::<usize>(),
                length
            );
        }
    }

    #[test]
    fn an_overview_is_of_everything_or_of_whole_days() {
        let request = |from: &str, to: &str| rpc::GetOverviewRequest {
            from_day: from.into(),
            to_day: to.into(),
        };
        assert!(matches!(overview_days(&request("", "")), Ok(None)));
        assert!(matches!(
            overview_days(&request("2026-03-01", "2026-03-31")),
            Ok(Some(_))
        ));
        assert!(overview_days(&request("2026-03-31", "2026-03-01")).is_err());
        assert!(overview_days(&request("2026-03-31", "")).is_err());
    }
}
