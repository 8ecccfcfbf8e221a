//! The gRPC face of [`Feedback`]: decode, call, encode. Nothing is decided here.

use hotline_platform::grpc::{command, scope};
use hotline_proto::feedback as rpc;
use hotline_proto::feedback::feedback_service_server::FeedbackService;
use tonic::{Request, Response, Status};

use crate::app::Feedback;
use crate::convert;

/// Serves [`Feedback`] over gRPC.
pub(crate) struct FeedbackGrpc(Feedback);

impl FeedbackGrpc {
    /// The face of `feedback`.
    pub(crate) fn new(feedback: Feedback) -> Self {
        Self(feedback)
    }
}

#[tonic::async_trait]
impl FeedbackService for FeedbackGrpc {
    async fn list_replies(
        &self,
        request: Request<rpc::ListRepliesRequest>,
    ) -> Result<Response<rpc::ListRepliesResponse>, Status> {
        let (filter, page) = convert::reply_query(request.get_ref())?;
        let found = self.0.replies(scope(&request)?, &filter, &page).await?;
        Ok(Response::new(convert::reply_page(found, &page)))
    }

    async fn list_follow_ups(
        &self,
        request: Request<rpc::ListFollowUpsRequest>,
    ) -> Result<Response<rpc::ListFollowUpsResponse>, Status> {
        let (filter, page) = convert::follow_up_query(request.get_ref())?;
        let found = self.0.follow_ups(scope(&request)?, &filter, &page).await?;
        Ok(Response::new(convert::follow_up_page(found, &page)))
    }

    async fn record_attempt(
        &self,
        request: Request<rpc::RecordAttemptRequest>,
    ) -> Result<Response<rpc::RecordAttemptResponse>, Status> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let changed = self
            .0
            .record_attempt(context, convert::attempt(asked)?)
            .await?;
        Ok(Response::new(rpc::RecordAttemptResponse {
            follow_up: Some(convert::follow_up_view(&changed)),
        }))
    }

    async fn classify_failure(
        &self,
        request: Request<rpc::ClassifyFailureRequest>,
    ) -> Result<Response<rpc::ClassifyFailureResponse>, Status> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let changed = self
            .0
            .classify_failure(context, convert::failure(asked)?)
            .await?;
        Ok(Response::new(rpc::ClassifyFailureResponse {
            follow_up: Some(convert::follow_up_view(&changed)),
        }))
    }
}
