//! What consultations proposed to change in the dispatch catalogue.

use hotline_kernel::id::TicketId;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::{Page, token};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::catalogue_proposal::{Column, Entity, Model};
use super::instant;
use crate::domain::catalogue::CatalogueProposal;
use crate::domain::ticket::Ticket;

/// Where the list goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cursor {
    decided_at: i64,
    ticket_id: Uuid,
}

/// Writes down what the consultation on `ticket`, as it stands after it, means for the catalogue.
pub(crate) async fn insert(
    txn: &Txn,
    ticket: &Ticket,
    decision: &str,
    now: Timestamp,
) -> Result<(), CoreError> {
    let lead = ticket
        .state
        .assignment()
        .map(|assignment| assignment.lead_unit_code.clone());
    let row = Model {
        ticket_id: ticket.id.uuid(),
        version: ticket.version,
        ticket_number: ticket.number.clone(),
        category_code: ticket.demand.category_code.clone(),
        area_code: ticket.demand.area_code.clone(),
        lead_unit_code: lead.unwrap_or_default(),
        decision: decision.to_owned(),
        decided_at: micros(now),
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A page of proposals, oldest first, and the token of the next page.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    page: &Page<Cursor>,
) -> Result<(Vec<CatalogueProposal>, String), CoreError> {
    let mut query = Entity::find();
    if let Some(Cursor {
        decided_at,
        ticket_id,
    }) = &page.after
    {
        let behind = Condition::any().add(Column::DecidedAt.gt(*decided_at)).add(
            Condition::all()
                .add(Column::DecidedAt.eq(*decided_at))
                .add(Column::TicketId.gt(*ticket_id)),
        );
        query = query.filter(behind);
    }
    let mut rows = query
        .order_by_asc(Column::DecidedAt)
        .order_by_asc(Column::TicketId)
        .limit(page.size + 1)
        .all(db)
        .await?;
    let is_more = rows.len() as u64 > page.size;
    rows.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
    let last = rows.last().filter(|_| is_more);
    let next = last.map(|row| {
        token(&Cursor {
            decided_at: row.decided_at,
            ticket_id: row.ticket_id,
        })
    });
    let proposals: Result<Vec<CatalogueProposal>, CoreError> =
        rows.into_iter().map(proposal).collect();
    Ok((proposals?, next.unwrap_or_default()))
}

fn proposal(row: Model) -> Result<CatalogueProposal, CoreError> {
    Ok(CatalogueProposal {
        ticket_id: TicketId::from(row.ticket_id),
        ticket_number: row.ticket_number,
        category_code: row.category_code,
        area_code: row.area_code,
        lead_unit_code: row.lead_unit_code,
        decision: row.decision,
        decided_at: instant("catalogue_proposal.decided_at", row.decided_at)?,
    })
}
