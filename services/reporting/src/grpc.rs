//! The gRPC face of [`Reporting`]: decode, call, encode. Nothing is decided here.

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use hotline_platform::grpc::{command, scope};
use hotline_proto::reporting as rpc;
use hotline_proto::reporting::reporting_service_server::ReportingService;
use tokio_stream::Iter;
use tonic::{Request, Response, Status};

use crate::app::{PAGE, Reporting};
use crate::convert;
use crate::domain::document::Document;
use crate::error::ReportingError;
use crate::render::{self, Format};

type Pieces<T> = Iter<std::vec::IntoIter<Result<T, Status>>>;

/// Serves [`Reporting`] over gRPC.
pub(crate) struct ReportingGrpc(Reporting);

impl ReportingGrpc {
    /// The face of `reporting`.
    pub(crate) fn new(reporting: Reporting) -> Self {
        Self(reporting)
    }
}

#[tonic::async_trait]
impl ReportingService for ReportingGrpc {
    type RenderDocumentStream = Pieces<rpc::RenderDocumentResponse>;
    type GetDocumentStream = Pieces<rpc::GetDocumentResponse>;
    type ExportTicketsStream = BoxStream<'static, Result<rpc::ExportTicketsResponse, Status>>;

    async fn render_document(
        &self,
        request: Request<rpc::RenderDocumentRequest>,
    ) -> Result<Response<Self::RenderDocumentStream>, Status> {
        let (period, format) = convert::rendering(request.get_ref())?;
        let scope = scope(&request)?.clone();
        let blocks = request.into_inner().blocks;
        let composed = self.0.compose(&scope, period).await?.only(&blocks)?;
        let head = convert::draft_head(&period, &composed, format);
        let bytes = rendered(composed.document, format).await?;
        Ok(Response::new(tokio_stream::iter(convert::draft_pieces(
            head, &bytes,
        ))))
    }

    async fn issue_document(
        &self,
        request: Request<rpc::IssueDocumentRequest>,
    ) -> Result<Response<rpc::IssueDocumentResponse>, Status> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let issued = self.0.issue(context, convert::issue(asked)?).await?;
        let document_id = issued.head.id.to_string();
        Ok(Response::new(rpc::IssueDocumentResponse {
            document_id,
            head: Some(convert::listed_head(&issued.head)),
        }))
    }

    async fn list_documents(
        &self,
        request: Request<rpc::ListDocumentsRequest>,
    ) -> Result<Response<rpc::ListDocumentsResponse>, Status> {
        let (of, page) = convert::listing(request.get_ref())?;
        let (heads, next) = self.0.documents(scope(&request)?, of, &page).await?;
        Ok(Response::new(convert::document_page(&heads, next.as_ref())))
    }

    async fn get_document(
        &self,
        request: Request<rpc::GetDocumentRequest>,
    ) -> Result<Response<Self::GetDocumentStream>, Status> {
        let (id, format) = convert::showing(request.get_ref())?;
        let issued = self.0.document(scope(&request)?, id).await?;
        let head = convert::issued_head(&issued, format);
        let bytes = rendered(issued.content, format).await?;
        Ok(Response::new(tokio_stream::iter(convert::issued_pieces(
            head, &bytes,
        ))))
    }

    async fn export_tickets(
        &self,
        request: Request<rpc::ExportTicketsRequest>,
    ) -> Result<Response<Self::ExportTicketsStream>, Status> {
        let days = convert::exporting(request.get_ref())?;
        let context = command(&request, "", 0);
        let pieces = self.0.export(context, days, PAGE).await?;
        let told = pieces.map_ok(|piece| rpc::ExportTicketsResponse { piece });
        Ok(Response::new(told.map_err(Status::from).boxed()))
    }

    async fn search_tickets(
        &self,
        request: Request<rpc::SearchTicketsRequest>,
    ) -> Result<Response<rpc::SearchTicketsResponse>, Status> {
        let (search, page) = convert::searching(self.0.zone(), request.get_ref())?;
        let found = self.0.search(scope(&request)?, &search, &page).await?;
        Ok(Response::new(convert::found(&found)))
    }

    async fn give_instruction(
        &self,
        request: Request<rpc::GiveInstructionRequest>,
    ) -> Result<Response<rpc::GiveInstructionResponse>, Status> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let id = self
            .0
            .instruct(context, convert::instruction(asked)?)
            .await?;
        Ok(Response::new(rpc::GiveInstructionResponse {
            instruction_id: id.to_string(),
        }))
    }

    async fn get_overview(
        &self,
        request: Request<rpc::GetOverviewRequest>,
    ) -> Result<Response<rpc::GetOverviewResponse>, Status> {
        let days = convert::overview_days(request.get_ref())?;
        let figures = self.0.overview(scope(&request)?, days).await?;
        Ok(Response::new(convert::overview(&figures)))
    }
}

/// The document in a format.
async fn rendered(document: Document, format: Format) -> Result<Vec<u8>, ReportingError> {
    Ok(render::away(move || render::render(&document, format)).await?)
}
