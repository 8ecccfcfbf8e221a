//! Tickets in the order of their ids, a page at a time.

use chrono::NaiveDate;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::{matter_view, ticket_view};
use super::views::ticket_from;
use crate::domain::listing::Ticket;

/// At most `limit` tickets behind `after` that were received on these days, without their citizens; none for a
/// scope that is not everybody's.
pub async fn tickets_behind(
    db: &impl ConnectionTrait,
    scope: &Scope,
    after: Uuid,
    limit: u64,
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Vec<Ticket>, CoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = ticket_view::Entity::find()
        .filter(ticket_view::Column::Id.gt(after))
        .order_by_asc(ticket_view::Column::Id)
        .limit(limit);
    if let Some(first) = first {
        query = query.filter(ticket_view::Column::ReceivedDay.gte(first.to_string()));
    }
    if let Some(last) = last {
        query = query.filter(ticket_view::Column::ReceivedDay.lte(last.to_string()));
    }
    let rows = query.all(db).await?;
    let mut tickets = Vec::with_capacity(rows.len());
    for row in rows {
        tickets.push(ticket_from(row)?.shown);
    }
    Ok(tickets)
}

/// Puts the citizens of their matters on tickets that are in the order of their ids.
pub async fn add_citizens(
    db: &impl ConnectionTrait,
    tickets: &mut [Ticket],
) -> Result<(), CoreError> {
    let rows: Vec<(Uuid, String)> = matter_view::Entity::find()
        .select_only()
        .column(matter_view::Column::TicketId)
        .column(matter_view::Column::Citizen)
        .filter(matter_view::Column::TicketId.is_in(tickets.iter().map(|ticket| ticket.id)))
        .filter(matter_view::Column::LastMove.ne("withdrawn"))
        .order_by_asc(matter_view::Column::TicketId)
        .order_by_asc(matter_view::Column::ReceivedAt)
        .order_by_asc(matter_view::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let mut rows = rows.into_iter().peekable();
    for ticket in tickets {
        while let Some((_, citizen)) = rows.next_if(|(id, _)| *id == ticket.id) {
            ticket.citizens.push(citizen);
        }
    }
    Ok(())
}
