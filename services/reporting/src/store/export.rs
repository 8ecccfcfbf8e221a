//! Tickets in the order of their ids, a page at a time.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use hotline_platform::core::CoreError;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::{matter_view, ticket_view};
use super::views::ticket_from;
use crate::domain::listing::Ticket;

/// At most `limit` tickets behind `after` that were received on these days, with their citizens.
pub async fn tickets_behind(
    db: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Vec<Ticket>, CoreError> {
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
    let ids: Vec<Uuid> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut citizens = citizens(db, &ids).await?;
    for ticket in &mut tickets {
        ticket.citizens = citizens.remove(&ticket.id).unwrap_or_default();
    }
    Ok(tickets)
}

/// The citizens of the matters on these tickets.
async fn citizens(
    db: &impl ConnectionTrait,
    tickets: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<String>>, CoreError> {
    let rows: Vec<(Uuid, String)> = matter_view::Entity::find()
        .select_only()
        .column(matter_view::Column::TicketId)
        .column(matter_view::Column::Citizen)
        .filter(matter_view::Column::TicketId.is_in(tickets.iter().copied()))
        .filter(matter_view::Column::LastMove.ne("withdrawn"))
        .order_by_asc(matter_view::Column::TicketId)
        .order_by_asc(matter_view::Column::ReceivedAt)
        .order_by_asc(matter_view::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let mut citizens = BTreeMap::<Uuid, Vec<String>>::new();
    for (ticket, citizen) in rows {
        citizens.entry(ticket).or_default().push(citizen);
    }
    Ok(citizens)
}
