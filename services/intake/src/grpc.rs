//! The gRPC face of [`Intake`]: who, decode, call, encode. Nothing is decided here.

mod erasures;
mod registry;
mod reveals;

use hotline_platform::core::CommandContext;
use hotline_platform::grpc::{cause, command, principal, scope};
use hotline_platform::page::{Page, token};
use hotline_proto::intake as pb;
use hotline_proto::intake::get_appeal_request::By;
use hotline_proto::intake::intake_service_server::IntakeService;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::{Request, Response, Status};

use crate::app::Intake;
use crate::app::register::Submission;
use crate::app::triage::Decision;
use crate::convert;
use crate::convert::{Keyed, imports, parse_id, requests, responses};
use crate::domain::Invalid;
use crate::error::IntakeError;

pub use self::erasures::ErasureGrpc;

/// Serves `hotline.intake.v1.IntakeService`.
pub struct IntakeGrpc(pub Intake);

type Answer<T> = Result<Response<T>, Status>;

/// Who asks and what.
fn opened<T: Keyed + Message>(request: Request<T>) -> (CommandContext, T) {
    let context = command(
        &request,
        request.get_ref().key(),
        request.get_ref().seen_version(),
    );
    (context, request.into_inner())
}

fn page<C: Serialize + DeserializeOwned>(size: u32, token: &str) -> Result<Page<C>, IntakeError> {
    Ok(Page::decode(size, token)?)
}

fn next_page<C: Serialize>(next: Option<&C>) -> String {
    next.map(token).unwrap_or_default()
}

impl IntakeGrpc {
    /// Carries out a decision about an appeal and answers with the appeal.
    async fn triage(
        &self,
        context: CommandContext,
        appeal_id: &str,
        decision: Decision,
    ) -> Result<Option<pb::AppealView>, Status> {
        let id = parse_id("appeal_id", appeal_id)?;
        let view = self.0.triage(context, id, decision).await?;
        Ok(Some(responses::appeal_view(&view)))
    }
}

#[tonic::async_trait]
impl IntakeService for IntakeGrpc {
    async fn register_appeal(
        &self,
        request: Request<pb::RegisterAppealRequest>,
    ) -> Answer<pb::RegisterAppealResponse> {
        let (cause, channel) = (cause(&request), principal(&request)?.channel_code.clone());
        let registration = requests::registration(request.into_inner())?;
        let submission = Submission::new(cause, registration).by_key_of(&channel);
        let receipt = self.0.register(submission).await?;
        Ok(Response::new(pb::RegisterAppealResponse {
            receipt: Some(responses::receipt(receipt)),
        }))
    }

    async fn accept_appeal(
        &self,
        request: Request<pb::AcceptAppealRequest>,
    ) -> Answer<pb::AcceptAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Accept {
                    corrections: requests::new_matters(asked.matters)?,
                },
            )
            .await?;
        Ok(Response::new(pb::AcceptAppealResponse { appeal }))
    }

    async fn answer_appeal(
        &self,
        request: Request<pb::AnswerAppealRequest>,
    ) -> Answer<pb::AnswerAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Answer {
                    answer: asked.answer,
                },
            )
            .await?;
        Ok(Response::new(pb::AnswerAppealResponse { appeal }))
    }

    async fn guide_appeal(
        &self,
        request: Request<pb::GuideAppealRequest>,
    ) -> Answer<pb::GuideAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(context, &id, requests::guidance(asked)?)
            .await?;
        Ok(Response::new(pb::GuideAppealResponse { appeal }))
    }

    async fn divert_appeal(
        &self,
        request: Request<pb::DivertAppealRequest>,
    ) -> Answer<pb::DivertAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Divert {
                    to: asked.diverted_to,
                },
            )
            .await?;
        Ok(Response::new(pb::DivertAppealResponse { appeal }))
    }

    async fn quarantine_appeal(
        &self,
        request: Request<pb::QuarantineAppealRequest>,
    ) -> Answer<pb::QuarantineAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Quarantine {
                    reason: asked.reason,
                },
            )
            .await?;
        Ok(Response::new(pb::QuarantineAppealResponse { appeal }))
    }

    async fn release_appeal(
        &self,
        request: Request<pb::ReleaseAppealRequest>,
    ) -> Answer<pb::ReleaseAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Release {
                    reason: asked.reason,
                },
            )
            .await?;
        Ok(Response::new(pb::ReleaseAppealResponse { appeal }))
    }

    async fn withdraw_appeal(
        &self,
        request: Request<pb::WithdrawAppealRequest>,
    ) -> Answer<pb::WithdrawAppealResponse> {
        let (context, asked) = opened(request);
        let id = asked.appeal_id.clone();
        let appeal = self
            .triage(
                context,
                &id,
                Decision::Withdraw {
                    reason: asked.reason,
                },
            )
            .await?;
        Ok(Response::new(pb::WithdrawAppealResponse { appeal }))
    }

    async fn merge_matter(
        &self,
        request: Request<pb::MergeMatterRequest>,
    ) -> Answer<pb::MergeMatterResponse> {
        let (context, asked) = opened(request);
        let (matter, ticket) = (
            parse_id("matter_id", &asked.matter_id)?,
            parse_id("ticket_id", &asked.ticket_id)?,
        );
        let view = self.0.merge(context, matter, ticket).await?;
        Ok(Response::new(pb::MergeMatterResponse {
            matter: Some(responses::matter_view(&view)),
        }))
    }

    async fn unmerge_matter(
        &self,
        request: Request<pb::UnmergeMatterRequest>,
    ) -> Answer<pb::UnmergeMatterResponse> {
        let (context, asked) = opened(request);
        let matter = parse_id("matter_id", &asked.matter_id)?;
        let view = self.0.unmerge(context, matter, asked.reason).await?;
        Ok(Response::new(pb::UnmergeMatterResponse {
            matter: Some(responses::matter_view(&view)),
        }))
    }

    async fn split_appeal(
        &self,
        request: Request<pb::SplitAppealRequest>,
    ) -> Answer<pb::SplitAppealResponse> {
        let (context, asked) = opened(request);
        let told = asked
            .matter
            .ok_or_else(|| Invalid::new("matter", "present"))?;
        let (appeal, told) = (
            parse_id("appeal_id", &asked.appeal_id)?,
            requests::new_matter(told)?,
        );
        let view = self.0.split(context, appeal, told).await?;
        Ok(Response::new(pb::SplitAppealResponse {
            appeal: Some(responses::appeal_view(&view)),
        }))
    }

    async fn get_appeal(
        &self,
        request: Request<pb::GetAppealRequest>,
    ) -> Answer<pb::GetAppealResponse> {
        let scope = scope(&request)?.clone();
        let view = match request.into_inner().by {
            Some(By::AppealId(id)) => self.0.appeal(&scope, parse_id("appeal_id", &id)?).await?,
            Some(By::Number(number)) => self.0.appeal_by_number(&scope, number.trim()).await?,
            None => return Err(Invalid::new("by", "an appeal_id or a number").into()),
        };
        Ok(Response::new(pb::GetAppealResponse {
            appeal: Some(responses::appeal_view(&view)),
        }))
    }

    async fn list_appeals(
        &self,
        request: Request<pb::ListAppealsRequest>,
    ) -> Answer<pb::ListAppealsResponse> {
        let scope = scope(&request)?.clone();
        let asked = request.into_inner();
        let page = page(asked.page_size, &asked.page_token)?;
        let filter = requests::filter(&asked)?;
        let (views, next) = self.0.appeals(&scope, &filter, &page).await?;
        Ok(Response::new(pb::ListAppealsResponse {
            appeals: views.iter().map(responses::appeal_view).collect(),
            next_page_token: next_page(next.as_ref()),
        }))
    }

    async fn query_progress(
        &self,
        request: Request<pb::QueryProgressRequest>,
    ) -> Answer<pb::QueryProgressResponse> {
        let context = command(&request, "", 0);
        let question = convert::reveals::question(&request)?;
        let progress = self.0.progress(context, question).await?;
        Ok(Response::new(responses::progress(progress)))
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Answer<pb::GetContactResponse> {
        let context = command(&request, "", 0);
        let asked = request.into_inner();
        let id = parse_id("contact_ref", &asked.contact_ref)?;
        let contact = self.0.contact(context, id, asked.purpose).await?;
        Ok(Response::new(pb::GetContactResponse {
            contact: Some(responses::contact(contact)),
        }))
    }

    async fn reveal_contact(
        &self,
        request: Request<pb::RevealContactRequest>,
    ) -> Answer<pb::RevealContactResponse> {
        reveals::reveal_contact(&self.0, request).await
    }

    async fn request_reveal(
        &self,
        request: Request<pb::RequestRevealRequest>,
    ) -> Answer<pb::RequestRevealResponse> {
        reveals::request_reveal(&self.0, request).await
    }

    async fn approve_reveal(
        &self,
        request: Request<pb::ApproveRevealRequest>,
    ) -> Answer<pb::ApproveRevealResponse> {
        reveals::approve_reveal(&self.0, request).await
    }

    async fn list_reveal_requests(
        &self,
        request: Request<pb::ListRevealRequestsRequest>,
    ) -> Answer<pb::ListRevealRequestsResponse> {
        reveals::list_reveal_requests(&self.0, request).await
    }

    async fn list_reveals(
        &self,
        request: Request<pb::ListRevealsRequest>,
    ) -> Answer<pb::ListRevealsResponse> {
        reveals::list_reveals(&self.0, request).await
    }

    async fn load_registry(
        &self,
        request: Request<pb::LoadRegistryRequest>,
    ) -> Answer<pb::LoadRegistryResponse> {
        registry::load_registry(&self.0, request).await
    }

    async fn list_channels(
        &self,
        request: Request<pb::ListChannelsRequest>,
    ) -> Answer<pb::ListChannelsResponse> {
        registry::list_channels(&self.0, request).await
    }

    async fn list_lines(
        &self,
        request: Request<pb::ListLinesRequest>,
    ) -> Answer<pb::ListLinesResponse> {
        registry::list_lines(&self.0, request).await
    }

    async fn start_import(
        &self,
        request: Request<pb::StartImportRequest>,
    ) -> Answer<pb::StartImportResponse> {
        let context = command(&request, "", 0);
        let import = imports::new_import(request.into_inner())?;
        let progress = self.0.start_import(context, import).await?;
        Ok(Response::new(imports::started(&progress)))
    }

    async fn import_rows(
        &self,
        request: Request<pb::ImportRowsRequest>,
    ) -> Answer<pb::ImportRowsResponse> {
        let context = command(&request, "", 0);
        let asked = request.into_inner();
        let batch = parse_id("batch_id", &asked.batch_id)?;
        let progress = self
            .0
            .import_rows(context, batch, imports::raw_rows(asked.rows))
            .await?;
        Ok(Response::new(imports::progress(&progress)))
    }

    async fn finish_import(
        &self,
        request: Request<pb::FinishImportRequest>,
    ) -> Answer<pb::FinishImportResponse> {
        let context = command(&request, "", 0);
        let batch = parse_id("batch_id", &request.into_inner().batch_id)?;
        let progress = self.0.finish_import(context, batch).await?;
        Ok(Response::new(imports::finished(&progress)))
    }

    async fn list_refused_rows(
        &self,
        request: Request<pb::ListRefusedRowsRequest>,
    ) -> Answer<pb::ListRefusedRowsResponse> {
        let context = command(&request, "", 0);
        let asked = request.into_inner();
        let page = page(asked.page_size, &asked.page_token)?;
        let batch = parse_id("batch_id", &asked.batch_id)?;
        let (rows, next) = self.0.refused_rows(context, batch, &page).await?;
        let next_page_token = next_page(next.as_ref());
        let rows = rows.into_iter().map(imports::refused_row).collect();
        Ok(Response::new(pb::ListRefusedRowsResponse {
            rows,
            next_page_token,
        }))
    }

    async fn get_conservation(
        &self,
        _request: Request<pb::GetConservationRequest>,
    ) -> Answer<pb::GetConservationResponse> {
        let sums = self.0.conservation().await?;
        Ok(Response::new(responses::conservation(sums)))
    }
}
