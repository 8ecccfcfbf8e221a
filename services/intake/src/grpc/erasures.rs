//! The gRPC face of erasures: who, decode, call, encode. Nothing is decided here.

use hotline_platform::grpc::{command, scope};
use hotline_platform::page::{Page, token};
use hotline_proto::intake as pb;
use hotline_proto::intake::erasure_service_server::ErasureService;
use tonic::{Request, Response, Status};

use crate::app::Intake;
use crate::convert::erasures;
use crate::error::IntakeError;

/// Serves `hotline.intake.v1.ErasureService`.
pub struct ErasureGrpc(pub Intake);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ErasureService for ErasureGrpc {
    async fn request_erasure(
        &self,
        request: Request<pb::RequestErasureRequest>,
    ) -> Answer<pb::RequestErasureResponse> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let asked = request.into_inner();
        let target = erasures::target(asked.by)?;
        let erasure = self
            .0
            .request_erasure(context, target, asked.reason)
            .await?;
        Ok(Response::new(pb::RequestErasureResponse {
            erasure: Some(erasures::erasure(erasure)),
        }))
    }

    async fn approve_erasure(
        &self,
        request: Request<pb::ApproveErasureRequest>,
    ) -> Answer<pb::ApproveErasureResponse> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let id = erasures::approval(&asked.approval_id)?;
        let erasure = self.0.approve_erasure(context, id).await?;
        Ok(Response::new(pb::ApproveErasureResponse {
            erasure: Some(erasures::erasure(erasure)),
        }))
    }

    async fn list_erasures(
        &self,
        request: Request<pb::ListErasuresRequest>,
    ) -> Answer<pb::ListErasuresResponse> {
        let scope = scope(&request)?.clone();
        let asked = request.into_inner();
        let page = Page::decode(asked.page_size, &asked.page_token).map_err(IntakeError::from)?;
        let (found, next) = self.0.erasures(&scope, &page).await?;
        Ok(Response::new(pb::ListErasuresResponse {
            erasures: found.into_iter().map(erasures::erasure).collect(),
            next_page_token: next.as_ref().map(token).unwrap_or_default(),
        }))
    }
}
