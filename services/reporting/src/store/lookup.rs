//! Tickets and appeals by id, in bulk, with the citizens on them.

use std::collections::BTreeMap;

use hotline_platform::core::CoreError;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::CHUNK;
use super::entity::{appeal_view, matter_view, ticket_view};
use super::views::{appeal_from, ticket_from};
use crate::domain::listing::Ticket;
use crate::domain::view::AppealView;

/// Tickets by id, with their citizens.
pub async fn tickets(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Ticket>, CoreError> {
    let mut found = BTreeMap::new();
    for chunk in unique(ids).chunks(CHUNK) {
        let rows = ticket_view::Entity::find()
            .filter(ticket_view::Column::Id.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        for row in rows {
            let ticket = ticket_from(row)?.shown;
            found.insert(ticket.id, ticket);
        }
        let matters = matter_view::Entity::find()
            .filter(matter_view::Column::TicketId.is_in(chunk.iter().copied()))
            .filter(matter_view::Column::LastMove.ne("withdrawn"))
            .order_by_asc(matter_view::Column::ReceivedAt)
            .order_by_asc(matter_view::Column::Id)
            .all(db)
            .await?;
        for matter in matters {
            if let Some(ticket) = found.get_mut(&matter.ticket_id) {
                ticket.citizens.push(matter.citizen);
            }
        }
    }
    Ok(found)
}

/// Tickets by id, in the order of `ids`, without their citizens.
pub async fn in_order(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Ticket>, CoreError> {
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = ticket_view::Entity::find()
            .filter(ticket_view::Column::Id.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        for row in rows {
            let ticket = ticket_from(row)?.shown;
            found.insert(ticket.id, ticket);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Appeals by id.
pub async fn appeals(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, AppealView>, CoreError> {
    let mut found = BTreeMap::new();
    for chunk in unique(ids).chunks(CHUNK) {
        let rows = appeal_view::Entity::find()
            .filter(appeal_view::Column::Id.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        for row in rows {
            let appeal = appeal_from(row)?;
            found.insert(appeal.id, appeal);
        }
    }
    Ok(found)
}

fn unique(ids: &[Uuid]) -> Vec<Uuid> {
    ids.iter()
        .copied()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}
