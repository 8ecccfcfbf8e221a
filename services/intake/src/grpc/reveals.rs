//! Looks at contacts, over gRPC.

use hotline_platform::grpc::{command, scope};
use hotline_proto::intake as pb;
use tonic::{Request, Response};

use super::{Answer, next_page, page};
use crate::app::Intake;
use crate::convert::{parse_id, responses, reveals, timestamp};

pub(super) async fn reveal_contact(
    intake: &Intake,
    request: Request<pb::RevealContactRequest>,
) -> Answer<pb::RevealContactResponse> {
    let context = command(&request, "", 0);
    let (wish, approval) = reveals::wish(request.into_inner())?;
    let contact = intake.reveal(context, wish, approval).await?;
    Ok(Response::new(pb::RevealContactResponse {
        contact: Some(responses::contact(contact)),
    }))
}

pub(super) async fn request_reveal(
    intake: &Intake,
    request: Request<pb::RequestRevealRequest>,
) -> Answer<pb::RequestRevealResponse> {
    let sent = request.get_ref();
    let context = command(&request, &sent.idempotency_key, sent.expected_version);
    let wish = reveals::wish_for_approval(request.into_inner())?;
    let (id, until) = intake.ask_reveal(context, wish).await?;
    Ok(Response::new(pb::RequestRevealResponse {
        approval_id: id.to_string(),
        approve_until: Some(timestamp(until)),
    }))
}

pub(super) async fn approve_reveal(
    intake: &Intake,
    request: Request<pb::ApproveRevealRequest>,
) -> Answer<pb::ApproveRevealResponse> {
    let sent = request.get_ref();
    let context = command(&request, &sent.idempotency_key, sent.expected_version);
    let asked = request.into_inner();
    let id = reveals::approval_id(&asked.approval_id)?;
    let until = intake.approve_reveal(context, id, asked.reason).await?;
    Ok(Response::new(pb::ApproveRevealResponse {
        valid_until: Some(timestamp(until)),
    }))
}

pub(super) async fn list_reveal_requests(
    intake: &Intake,
    request: Request<pb::ListRevealRequestsRequest>,
) -> Answer<pb::ListRevealRequestsResponse> {
    let scope = scope(&request)?.clone();
    let asked = request.into_inner();
    let page = page(asked.page_size, &asked.page_token)?;
    let (found, next) = intake.pending_reveals(&scope, &page).await?;
    Ok(Response::new(pb::ListRevealRequestsResponse {
        next_page_token: next_page(next.as_ref()),
        requests: found.into_iter().map(reveals::pending).collect(),
    }))
}

pub(super) async fn list_reveals(
    intake: &Intake,
    request: Request<pb::ListRevealsRequest>,
) -> Answer<pb::ListRevealsResponse> {
    let scope = scope(&request)?.clone();
    let asked = request.into_inner();
    let page = page(asked.page_size, &asked.page_token)?;
    let appeal = match asked.appeal_id.as_str() {
        "" => None,
        id => Some(parse_id("appeal_id", id)?),
    };
    let (found, next) = intake
        .reveals(&scope, (appeal, &asked.actor), &page)
        .await?;
    Ok(Response::new(pb::ListRevealsResponse {
        next_page_token: next_page(next.as_ref()),
        reveals: found.into_iter().map(reveals::reveal).collect(),
    }))
}
