//! Intake's registry, over gRPC.

use hotline_platform::grpc::command;
use hotline_proto::intake as pb;
use tonic::{Request, Response};

use super::{Answer, next_page, page};
use crate::app::Intake;
use crate::convert::responses;
use crate::domain::Invalid;

pub(super) async fn load_registry(
    intake: &Intake,
    request: Request<pb::LoadRegistryRequest>,
) -> Answer<pb::LoadRegistryResponse> {
    let context = command(&request, "", 0);
    let table = request
        .into_inner()
        .table
        .ok_or_else(|| Invalid::new("table", "present"))?;
    let rows = intake
        .load_registry(context, &table.name, &table.csv)
        .await?;
    Ok(Response::new(pb::LoadRegistryResponse { rows }))
}

pub(super) async fn list_channels(
    intake: &Intake,
    request: Request<pb::ListChannelsRequest>,
) -> Answer<pb::ListChannelsResponse> {
    let asked = request.into_inner();
    let page = page(asked.page_size, &asked.page_token)?;
    let (channels, next) = intake.channels(&page).await?;
    let next_page_token = next_page(next.as_ref());
    let channels = channels.into_iter().map(responses::channel).collect();
    Ok(Response::new(pb::ListChannelsResponse {
        channels,
        next_page_token,
    }))
}

pub(super) async fn list_lines(
    intake: &Intake,
    request: Request<pb::ListLinesRequest>,
) -> Answer<pb::ListLinesResponse> {
    let asked = request.into_inner();
    let page = page(asked.page_size, &asked.page_token)?;
    let (lines, next) = intake.lines(&page).await?;
    let next_page_token = next_page(next.as_ref());
    let lines = lines.into_iter().map(responses::line).collect();
    Ok(Response::new(pb::ListLinesResponse {
        lines,
        next_page_token,
    }))
}
