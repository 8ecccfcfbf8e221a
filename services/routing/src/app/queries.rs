//! Looking at tickets and the registry.

use hotline_kernel::id::TicketId;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::page::{Page, token};
use hotline_platform::row_fence::Reader;

use super::Routing;
use crate::domain::catalogue::CatalogueProposal;
use crate::domain::proposal::{Proposal, propose};
use crate::domain::registry::{Category, Registry, Unit};
use crate::domain::ticket::{Filter, Step, Ticket};
use crate::error::RoutingError;
use crate::store::lists::{self, Cursor};
use crate::store::{proposals, steps, tickets};

/// How a ticket is named.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// By id.
    Id(TicketId),
    /// By number.
    Number(String),
}

impl Routing {
    /// Whether `ticket` is late now: its unit, or the city, owes something that was due.
    pub(crate) fn is_overdue(&self, ticket: &Ticket) -> bool {
        let now = self.core.now();
        let unit_due = ticket.state.assignment().map(|held| held.due);
        let due = unit_due.or(ticket.citizen_due);
        ticket.state.is_unconcluded() && due.is_some_and(|due| due.at <= now)
    }

    /// A ticket, if it is in the caller's scope.
    pub(crate) async fn ticket(&self, scope: &Scope, name: &Name) -> Result<Ticket, RoutingError> {
        let registry = self.registry_now().await?;
        let reader = self.core.db().reader(scope).await?;
        look_up(&reader, &registry, name).await
    }

    /// A page of the tickets in the caller's scope, and the next page's token.
    pub(crate) async fn tickets(
        &self,
        scope: &Scope,
        filter: &Filter,
        page: &Page<Cursor>,
    ) -> Result<(Vec<Ticket>, String), RoutingError> {
        let registry = self.registry_now().await?;
        let reader = self.core.db().reader(scope).await?;
        Ok(lists::page(&reader, &registry.unit_tree, filter, page).await?)
    }

    /// A page of a ticket's history, and the next page's token.
    pub(crate) async fn history(
        &self,
        scope: &Scope,
        id: TicketId,
        page: &Page<i64>,
    ) -> Result<(Vec<Step>, String), RoutingError> {
        let registry = self.registry_now().await?;
        let reader = self.core.db().reader(scope).await?;
        let ticket = look_up(&reader, &registry, &Name::Id(id)).await?;
        Ok(steps::page(&reader, &ticket, page).await?)
    }

    /// What the registry proposes for a ticket today.
    pub(crate) async fn propose(
        &self,
        scope: &Scope,
        id: TicketId,
    ) -> Result<Proposal, RoutingError> {
        let ticket = self.ticket(scope, &Name::Id(id)).await?;
        let registry = self.registry_now().await?;
        let complained = ticket.confidentiality().complained_unit_codes;
        Ok(propose(
            &registry,
            &ticket.demand,
            &complained,
            self.zone.day(self.core.now()),
        ))
    }

    /// A page of changes that consultations proposed for the catalogue, and the next page's token.
    pub(crate) async fn catalogue_proposals(
        &self,
        page: &Page<proposals::Cursor>,
    ) -> Result<(Vec<CatalogueProposal>, String), CoreError> {
        proposals::page(self.core.db().read(), page).await
    }

    /// A page of units by code, and the next page's token.
    pub(crate) async fn units(
        &self,
        page: &Page<String>,
    ) -> Result<(Vec<Unit>, String), RoutingError> {
        let registry = self.registry_now().await?;
        Ok(cut(registry.units.values(), page, |unit| &unit.code))
    }

    /// A page of categories by code, and the next page's token.
    pub(crate) async fn categories(
        &self,
        page: &Page<String>,
    ) -> Result<(Vec<Category>, String), RoutingError> {
        let registry = self.registry_now().await?;
        Ok(cut(registry.categories.values(), page, |category| {
            &category.code
        }))
    }
}

async fn look_up(
    reader: &Reader,
    registry: &Registry,
    name: &Name,
) -> Result<Ticket, RoutingError> {
    let units = &registry.unit_tree;
    let (found, wanted) = match name {
        Name::Id(id) => (tickets::find(reader, units, *id).await?, id.to_string()),
        Name::Number(number) => (
            tickets::find_by_number(reader, units, number).await?,
            number.clone(),
        ),
    };
    found.ok_or(RoutingError::TicketNotFound(wanted))
}

/// The page of `rows`, which are in the order of their codes.
fn cut<'a, T: Clone + 'a>(
    rows: impl Iterator<Item = &'a T>,
    page: &Page<String>,
    code: impl Fn(&T) -> &String,
) -> (Vec<T>, String) {
    let behind = page.after.as_deref().unwrap_or_default();
    let mut rest = rows.filter(|row| code(row).as_str() > behind);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let found: Vec<T> = rest.by_ref().take(size).cloned().collect();
    let next = rest
        .next()
        .and(found.last())
        .map(|row| token(code(row)))
        .unwrap_or_default();
    (found, next)
}
