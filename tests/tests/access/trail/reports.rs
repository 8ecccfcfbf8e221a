//! Documents, searches, exports, instructions.

use hotline_proto::reporting::{
    ExportTicketsRequest, Format, GetDocumentRequest, GetOverviewRequest, GiveInstructionRequest,
    GiveInstructionResponse, IssueDocumentRequest, IssueDocumentResponse, ListDocumentsRequest,
    RenderDocumentRequest, SearchTicketsRequest, Series,
};

use super::Trail;
use super::appeals::Life;

fn path(method: &str) -> String {
    format!("/hotline.reporting.v1.ReportingService/{method}")
}

/// Everything that is asked of reporting.
pub async fn all(trail: &mut Trail<'_>, life: &Life) {
    let of = |period: &str| RenderDocumentRequest {
        series: Series::Daily.into(),
        period: period.to_owned(),
        format: Format::Csv.into(),
        ..RenderDocumentRequest::default()
    };
    trail
        .reading(&path("RenderDocument"), &of("2026-09-01"), &of("yesterday"))
        .await;
    let document_id = issued(trail).await;
    let of = |document_id: &str| GetDocumentRequest {
        document_id: document_id.to_owned(),
        format: Format::Csv.into(),
    };
    trail
        .reading(&path("GetDocument"), &of(&document_id), &of("nothing"))
        .await;
    let of = |page_token: &str| ListDocumentsRequest {
        page_token: page_token.to_owned(),
        ..ListDocumentsRequest::default()
    };
    trail
        .reading(&path("ListDocuments"), &of(""), &of("nothing"))
        .await;
    let of = |first_day: &str| ExportTicketsRequest {
        first_day: first_day.to_owned(),
        last_day: "2026-09-30".to_owned(),
    };
    trail
        .reading(&path("ExportTickets"), &of("2026-09-01"), &of("yesterday"))
        .await;
    let of = |query: &str| SearchTicketsRequest {
        query: query.to_owned(),
        ..SearchTicketsRequest::default()
    };
    trail
        .reading(&path("SearchTickets"), &of("路灯"), &of(""))
        .await;
    let of = |from_day: &str| GetOverviewRequest {
        from_day: from_day.to_owned(),
        to_day: "2026-09-30".to_owned(),
    };
    trail
        .reading(&path("GetOverview"), &of("2026-09-01"), &of("yesterday"))
        .await;
    instructed(trail, life).await;
}

async fn issued(trail: &mut Trail<'_>) -> String {
    let who = trail.able(&path("IssueDocument"));
    let mut visit = trail.visit(&path("IssueDocument")).await;
    let of = |key: &str, period: &str| IssueDocumentRequest {
        idempotency_key: key.to_owned(),
        expected_version: 0,
        series: Series::Daily.into(),
        period: period.to_owned(),
    };
    let answer: IssueDocumentResponse = visit.allowed(&who, &of("issue", "2026-09-01")).await;
    visit.calls(&answer.document_id, "document");
    visit.repeated().await;
    let used = of("issue", "2026-08-31");
    visit
        .refused("the key with something else", &who, &used)
        .await;
    visit
        .refused("invalid", &who, &of("bad", "yesterday"))
        .await;
    visit.ends().await;
    answer.document_id
}

async fn instructed(trail: &mut Trail<'_>, life: &Life) {
    let who = trail.able(&path("GiveInstruction"));
    let mut visit = trail.visit(&path("GiveInstruction")).await;
    let of = |text: &str| GiveInstructionRequest {
        idempotency_key: "instruct".to_owned(),
        expected_version: 0,
        ticket_id: life.ticket.clone(),
        leader: "市长".to_owned(),
        text: text.to_owned(),
    };
    let answer: GiveInstructionResponse = visit.allowed(&who, &of("请尽快办理")).await;
    visit.calls(&answer.instruction_id, "instruction");
    visit.repeated().await;
    let other = of("请再办理");
    visit
        .refused("the key with something else", &who, &other)
        .await;
    visit.refused("invalid", &who, &of("")).await;
    visit.ends().await;
}
