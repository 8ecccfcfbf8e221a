//! Two tickets that really lived: what a filled database is made of.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hotline_proto::feedback::{ListFollowUpsRequest, RecordAttemptRequest};
use hotline_proto::intake::{AcceptAppealRequest, NewMatter};
use hotline_proto::routing::{
    ConcludeTicketRequest, DispatchTicketRequest, GetTicketRequest, HandleTicketRequest,
    SignTicketRequest, TicketView, get_ticket_request,
};
use hotline_proto::shared::{Satisfaction, Solved, TicketState};

use super::ground::Ground;
use super::program::Program;
use super::server::Server;
use super::texts;
use crate::demo::city::{Clients, by, by_unit, said};
use crate::demo::founding;
use crate::services::Name;

/// How long one step of a life may take to be heard.
const HEARD_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Who handles the sample's tickets.
const UNIT: &str = "HOUSING";

/// Ids of a ticket that really lived.
#[derive(Clone, Debug)]
pub(super) struct Lived {
    pub(super) appeal: String,
    pub(super) matter: String,
    pub(super) ticket: String,
}

/// Lets one ticket live to its archive, and one to its unit's hands, in a city that then ends. An older release is
/// not asked whether all of it was heard everywhere: of it no more than intake and routing may be read.
pub(super) async fn live(ground: &Ground) -> anyhow::Result<(Lived, Lived)> {
    if let Program::Before(_) = ground.program {
        let server = Server::start(ground, &[], &[]).await?;
        let clients = server.clients()?;
        founding::load_tables(&clients, Name::FLOW).await?;
        let lived = both(clients).await;
        server.stop().await?;
        return lived;
    }
    let city = ground.city().await?;
    let clients = Clients::new(|service| city.transport(service));
    let lived = both(clients).await;
    let settled = city.settle().await;
    city.stop().await;
    settled.and(lived)
}

async fn both(mut clients: Clients) -> anyhow::Result<(Lived, Lived)> {
    let closed = open(&mut clients, 1).await?;
    close(&mut clients, &closed.ticket).await?;
    let opened = open(&mut clients, 2).await?;
    Ok((closed, opened))
}

async fn open(clients: &mut Clients, index: u64) -> anyhow::Result<Lived> {
    let request = texts::usual("sample", index);
    let receipt = said(
        clients
            .intake
            .register_appeal(by("channel", "bench", request))
            .await,
    )?;
    let receipt = receipt.receipt.context("a receipt")?;
    let request = AcceptAppealRequest {
        idempotency_key: format!("accept-{index}"),
        appeal_id: receipt.appeal_id.clone(),
        matters: vec![NewMatter {
            category_code: "0101".to_owned(),
            area_code: "99990101".to_owned(),
            ..NewMatter::default()
        }],
        ..AcceptAppealRequest::default()
    };
    let accepted = said(
        clients
            .intake
            .accept_appeal(by("operator", "bench", request))
            .await,
    )?;
    let view = accepted.appeal.context("an appeal")?;
    let matter = view.matters.into_iter().next();
    let matter = matter.and_then(|view| view.matter).context("a matter")?;
    let ticket = heard(clients, &matter.ticket_id, TicketState::Unspecified).await?;
    if state(&ticket) == TicketState::AwaitingDispatch {
        let request = DispatchTicketRequest {
            idempotency_key: format!("dispatch-{index}"),
            ticket_id: matter.ticket_id.clone(),
            lead_unit_code: UNIT.to_owned(),
            ..DispatchTicketRequest::default()
        };
        said(
            clients
                .routing
                .dispatch_ticket(by("dispatcher", "bench", request))
                .await,
        )?;
    }
    let ticket = heard(clients, &matter.ticket_id, TicketState::Dispatched).await?;
    let unit = ticket.ticket.unwrap_or_default().lead_unit_code;
    let request = SignTicketRequest {
        idempotency_key: format!("sign-{index}"),
        ticket_id: matter.ticket_id.clone(),
        ..SignTicketRequest::default()
    };
    said(clients.routing.sign_ticket(by_unit(&unit, request)).await)?;
    Ok(Lived {
        appeal: receipt.appeal_id,
        matter: matter.id,
        ticket: matter.ticket_id,
    })
}

async fn close(clients: &mut Clients, ticket_id: &str) -> anyhow::Result<()> {
    let ticket = heard(clients, ticket_id, TicketState::Signed).await?;
    let unit = ticket.ticket.unwrap_or_default().lead_unit_code;
    let request = HandleTicketRequest {
        idempotency_key: "handle".to_owned(),
        ticket_id: ticket_id.to_owned(),
        handling_report: "已现场核实并处理完毕。".to_owned(),
        reply: "您反映的问题已处理，感谢您的监督。".to_owned(),
        ..HandleTicketRequest::default()
    };
    said(clients.routing.handle_ticket(by_unit(&unit, request)).await)?;
    let request = ConcludeTicketRequest {
        idempotency_key: "conclude".to_owned(),
        ticket_id: ticket_id.to_owned(),
        ..ConcludeTicketRequest::default()
    };
    said(
        clients
            .routing
            .conclude_ticket(by("dispatcher", "bench", request))
            .await,
    )?;
    let begun = Instant::now();
    let follow_up = loop {
        let request = ListFollowUpsRequest {
            ticket_id: ticket_id.to_owned(),
            ..ListFollowUpsRequest::default()
        };
        let listed = said(
            clients
                .feedback
                .list_follow_ups(by("follow_up_agent", "bench", request))
                .await,
        )?;
        if let Some(view) = listed.follow_ups.into_iter().next() {
            break view;
        }
        patience(begun, "a follow-up").await?;
    };
    let request = RecordAttemptRequest {
        idempotency_key: "attempt".to_owned(),
        expected_version: follow_up.version,
        follow_up_id: follow_up.follow_up.unwrap_or_default().id,
        reached: true,
        solved: Solved::Solved.into(),
        satisfaction: Satisfaction::Satisfied.into(),
        ..RecordAttemptRequest::default()
    };
    said(
        clients
            .feedback
            .record_attempt(by("follow_up_agent", "bench", request))
            .await,
    )?;
    heard(clients, ticket_id, TicketState::Archived).await?;
    Ok(())
}

fn state(view: &TicketView) -> TicketState {
    view.ticket.as_ref().map_or(
        TicketState::Unspecified,
        hotline_proto::event::Ticket::state,
    )
}

/// A ticket once routing knows it, in `wanted` if that is a state.
async fn heard(
    clients: &mut Clients,
    ticket_id: &str,
    wanted: TicketState,
) -> anyhow::Result<TicketView> {
    let begun = Instant::now();
    loop {
        let request = GetTicketRequest {
            by: Some(get_ticket_request::By::TicketId(ticket_id.to_owned())),
        };
        let found = clients
            .routing
            .get_ticket(by("dispatcher", "bench", request))
            .await;
        let found = found.ok().and_then(|found| found.into_inner().ticket);
        let is_wanted =
            |view: &TicketView| wanted == TicketState::Unspecified || state(view) == wanted;
        if let Some(view) = found.filter(is_wanted) {
            return Ok(view);
        }
        patience(begun, &format!("ticket {wanted:?}")).await?;
    }
}

async fn patience(begun: Instant, wanted: &str) -> anyhow::Result<()> {
    if begun.elapsed() > HEARD_MAX {
        bail!("waited in vain for {wanted}");
    }
    tokio::time::sleep(LOOK).await;
    Ok(())
}
