//! The gRPC face of [`Routing`]: who, decode, call, encode. Nothing is decided here.

use std::sync::Arc;

use async_trait::async_trait;
use hotline_kernel::id::TicketId;
use hotline_platform::core::CommandContext;
use hotline_platform::grpc::{command, core_status, principal, scope};
use hotline_platform::page::Page;
use hotline_proto::routing as rpc;
use hotline_proto::routing::routing_service_server::RoutingService;
use hotline_proto::shared;
use tonic::{Request, Response, Status};

use crate::NAME;
use crate::app::Routing;
use crate::app::order::Order;
use crate::convert;
use crate::domain::ticket::Filter;
use crate::error::RoutingError;

/// The gRPC face of [`Routing`].
pub(crate) struct RoutingGrpc(Arc<Routing>);

impl RoutingGrpc {
    /// Serves `routing`.
    pub(crate) fn new(routing: Arc<Routing>) -> Self {
        Self(routing)
    }

    async fn carry_out(
        &self,
        context: CommandContext,
        ticket_id: &str,
        order: Order,
    ) -> Result<Option<rpc::TicketView>, Status> {
        let id: TicketId = convert::ticket_id(ticket_id)?;
        let ticket = self.0.carry_out(context, id, order).await?;
        Ok(Some(convert::view(&ticket, self.0.is_overdue(&ticket))))
    }
}

/// The context of a command, from a caller who is known.
fn context<T: prost::Message>(
    request: &Request<T>,
    key: &str,
    expected: i64,
) -> Result<CommandContext, Status> {
    principal(request)?;
    Ok(command(request, key, expected))
}

fn page<C>(size: u32, token: &str) -> Result<Page<C>, Status>
where
    C: serde::Serialize + serde::de::DeserializeOwned,
{
    Page::decode(size, token).map_err(|error| core_status(NAME, &error))
}

fn filter(request: &rpc::ListTicketsRequest) -> Result<Filter, RoutingError> {
    // Not `request.states()`: it leaves out numbers it does not know.
    let states = request.states.iter().map(|number| {
        let known = shared::TicketState::try_from(*number).ok();
        known
            .and_then(convert::state_name)
            .ok_or(RoutingError::Invalid {
                field: "states",
                expected: "states of tickets",
            })
    });
    let due_before = request.due_before.as_ref().map(|at| {
        let unknown = RoutingError::Invalid {
            field: "due_before",
            expected: "an instant",
        };
        convert::instant(at).ok_or(unknown)
    });
    Ok(Filter {
        unit_code: convert::unit_code(&request.unit_code)?,
        states: states.collect::<Result<_, _>>()?,
        due_before: due_before.transpose()?,
        card: convert::card(request.card()),
        is_escalated: request.escalated,
    })
}

#[async_trait]
impl RoutingService for RoutingGrpc {
    async fn load_registry(
        &self,
        request: Request<rpc::LoadRegistryRequest>,
    ) -> Result<Response<rpc::LoadRegistryResponse>, Status> {
        let context = context(&request, "", 0)?;
        let shared::RegistryTable { name, csv } = request.into_inner().table.unwrap_or_default();
        let loaded = self.0.load_table(context, &name, &csv).await?;
        Ok(Response::new(rpc::LoadRegistryResponse {
            rows: loaded.rows,
            recomputed: loaded.recomputed,
        }))
    }

    async fn list_units(
        &self,
        request: Request<rpc::ListUnitsRequest>,
    ) -> Result<Response<rpc::ListUnitsResponse>, Status> {
        principal(&request)?;
        let rpc::ListUnitsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let (units, next_page_token) = self.0.units(&page(page_size, &page_token)?).await?;
        let units = units.into_iter().map(|unit| rpc::Unit {
            code: unit.code,
            name: unit.name,
            parent_code: unit.parent_code,
            group: unit.group,
            kind: unit.kind,
        });
        Ok(Response::new(rpc::ListUnitsResponse {
            units: units.collect(),
            next_page_token,
        }))
    }

    async fn list_categories(
        &self,
        request: Request<rpc::ListCategoriesRequest>,
    ) -> Result<Response<rpc::ListCategoriesResponse>, Status> {
        principal(&request)?;
        let rpc::ListCategoriesRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let (categories, next_page_token) =
            self.0.categories(&page(page_size, &page_token)?).await?;
        let categories = categories.into_iter().map(|category| rpc::Category {
            code: category.code,
            name: category.name,
            parent_code: category.parent_code,
        });
        Ok(Response::new(rpc::ListCategoriesResponse {
            categories: categories.collect(),
            next_page_token,
        }))
    }

    async fn propose_dispatch(
        &self,
        request: Request<rpc::ProposeDispatchRequest>,
    ) -> Result<Response<rpc::ProposeDispatchResponse>, Status> {
        let scope = scope(&request)?.clone();
        let id = convert::ticket_id(&request.into_inner().ticket_id)?;
        let proposal = self.0.propose(&scope, id).await?;
        Ok(Response::new(rpc::ProposeDispatchResponse {
            category_code: proposal.category_code,
            area_code: proposal.area_code,
            lead_unit_code: proposal.lead_unit_code,
            assisting_unit_codes: proposal.assisting_unit_codes,
            unambiguous: proposal.is_unambiguous,
            reasons: proposal.reasons,
        }))
    }

    async fn dispatch_ticket(
        &self,
        request: Request<rpc::DispatchTicketRequest>,
    ) -> Result<Response<rpc::DispatchTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let id = sent.ticket_id.clone();
        let order = convert::orders::dispatch(request.into_inner())?;
        let ticket = self.carry_out(context, &id, order).await?;
        Ok(Response::new(rpc::DispatchTicketResponse { ticket }))
    }

    async fn sign_ticket(
        &self,
        request: Request<rpc::SignTicketRequest>,
    ) -> Result<Response<rpc::SignTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let ticket = self
            .carry_out(context, &sent.ticket_id, Order::Sign)
            .await?;
        Ok(Response::new(rpc::SignTicketResponse { ticket }))
    }

    async fn return_ticket(
        &self,
        request: Request<rpc::ReturnTicketRequest>,
    ) -> Result<Response<rpc::ReturnTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let id = sent.ticket_id.clone();
        let order = convert::orders::give_back(request.into_inner())?;
        let ticket = self.carry_out(context, &id, order).await?;
        Ok(Response::new(rpc::ReturnTicketResponse { ticket }))
    }

    async fn decide_return(
        &self,
        request: Request<rpc::DecideReturnRequest>,
    ) -> Result<Response<rpc::DecideReturnResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let id = sent.ticket_id.clone();
        let order = convert::orders::return_decision(request.into_inner())?;
        let ticket = self.carry_out(context, &id, order).await?;
        Ok(Response::new(rpc::DecideReturnResponse { ticket }))
    }

    async fn decide_consultation(
        &self,
        request: Request<rpc::DecideConsultationRequest>,
    ) -> Result<Response<rpc::DecideConsultationResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let id = sent.ticket_id.clone();
        let order = convert::orders::consultation(request.into_inner())?;
        let ticket = self.carry_out(context, &id, order).await?;
        Ok(Response::new(rpc::DecideConsultationResponse { ticket }))
    }

    async fn handle_ticket(
        &self,
        request: Request<rpc::HandleTicketRequest>,
    ) -> Result<Response<rpc::HandleTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let order = convert::orders::handling(sent)?;
        let ticket = self.carry_out(context, &sent.ticket_id, order).await?;
        Ok(Response::new(rpc::HandleTicketResponse { ticket }))
    }

    async fn send_back_ticket(
        &self,
        request: Request<rpc::SendBackTicketRequest>,
    ) -> Result<Response<rpc::SendBackTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let order = convert::orders::send_back(sent)?;
        let ticket = self.carry_out(context, &sent.ticket_id, order).await?;
        Ok(Response::new(rpc::SendBackTicketResponse { ticket }))
    }

    async fn conclude_ticket(
        &self,
        request: Request<rpc::ConcludeTicketRequest>,
    ) -> Result<Response<rpc::ConcludeTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let ticket = self
            .carry_out(context, &sent.ticket_id, Order::Conclude)
            .await?;
        Ok(Response::new(rpc::ConcludeTicketResponse { ticket }))
    }

    async fn rework_ticket(
        &self,
        request: Request<rpc::ReworkTicketRequest>,
    ) -> Result<Response<rpc::ReworkTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let order = convert::orders::rework(sent)?;
        let ticket = self.carry_out(context, &sent.ticket_id, order).await?;
        Ok(Response::new(rpc::ReworkTicketResponse { ticket }))
    }

    async fn archive_ticket(
        &self,
        request: Request<rpc::ArchiveTicketRequest>,
    ) -> Result<Response<rpc::ArchiveTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let ticket = self
            .carry_out(context, &sent.ticket_id, Order::Archive)
            .await?;
        Ok(Response::new(rpc::ArchiveTicketResponse { ticket }))
    }

    async fn supervise_ticket(
        &self,
        request: Request<rpc::SuperviseTicketRequest>,
    ) -> Result<Response<rpc::SuperviseTicketResponse>, Status> {
        let sent = request.get_ref();
        let context = context(&request, &sent.idempotency_key, sent.expected_version)?;
        let order = convert::orders::supervision(sent)?;
        let ticket = self.carry_out(context, &sent.ticket_id, order).await?;
        Ok(Response::new(rpc::SuperviseTicketResponse { ticket }))
    }

    async fn get_ticket(
        &self,
        request: Request<rpc::GetTicketRequest>,
    ) -> Result<Response<rpc::GetTicketResponse>, Status> {
        let scope = scope(&request)?.clone();
        let name = convert::name(request.into_inner().by)?;
        let ticket = self.0.ticket(&scope, &name).await?;
        let view = convert::view(&ticket, self.0.is_overdue(&ticket));
        Ok(Response::new(rpc::GetTicketResponse { ticket: Some(view) }))
    }

    async fn list_tickets(
        &self,
        request: Request<rpc::ListTicketsRequest>,
    ) -> Result<Response<rpc::ListTicketsResponse>, Status> {
        let scope = scope(&request)?.clone();
        let sent = request.into_inner();
        let page = page(sent.page_size, &sent.page_token)?;
        let (tickets, next_page_token) = self.0.tickets(&scope, &filter(&sent)?, &page).await?;
        let tickets = tickets
            .iter()
            .map(|ticket| convert::view(ticket, self.0.is_overdue(ticket)));
        Ok(Response::new(rpc::ListTicketsResponse {
            tickets: tickets.collect(),
            next_page_token,
        }))
    }

    async fn get_ticket_history(
        &self,
        request: Request<rpc::GetTicketHistoryRequest>,
    ) -> Result<Response<rpc::GetTicketHistoryResponse>, Status> {
        let scope = scope(&request)?.clone();
        let sent = request.into_inner();
        let page = page(sent.page_size, &sent.page_token)?;
        let (steps, next_page_token) = self
            .0
            .history(&scope, convert::ticket_id(&sent.ticket_id)?, &page)
            .await?;
        let steps = steps.into_iter().map(convert::step_message).collect();
        Ok(Response::new(rpc::GetTicketHistoryResponse {
            steps,
            next_page_token,
        }))
    }

    async fn list_catalogue_proposals(
        &self,
        request: Request<rpc::ListCatalogueProposalsRequest>,
    ) -> Result<Response<rpc::ListCatalogueProposalsResponse>, Status> {
        principal(&request)?;
        let sent = request.into_inner();
        let page = page(sent.page_size, &sent.page_token)?;
        let (proposals, next_page_token) = self
            .0
            .catalogue_proposals(&page)
            .await
            .map_err(RoutingError::from)?;
        let proposals = proposals
            .into_iter()
            .map(convert::proposal_message)
            .collect();
        Ok(Response::new(rpc::ListCatalogueProposalsResponse {
            proposals,
            next_page_token,
        }))
    }
}
