//! Tickets as intake last heard of them.

use hotline_kernel::id::TicketId;
use hotline_kernel::time::micros;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::ticket_seen;
use super::{IN_LIST_MAX, StoreError, optional_instant, term};
use crate::domain::matter::SeenTicket;
use crate::domain::terms::Term;

/// What was last heard of `tickets`.
pub async fn seen(
    db: &impl ConnectionTrait,
    tickets: &[TicketId],
) -> Result<Vec<SeenTicket>, StoreError> {
    let mut found = Vec::new();
    for tickets in tickets.chunks(IN_LIST_MAX) {
        let ids = tickets.iter().map(|id| id.uuid());
        for row in ticket_seen::Entity::find()
            .filter(ticket_seen::Column::Id.is_in(ids))
            .all(db)
            .await?
        {
            found.push(SeenTicket {
                id: row.id.into(),
                number: row.number,
                state: term("state", &row.state)?,
                due_at: optional_instant("due_at", row.due_at)?,
                version: row.version,
            });
        }
    }
    Ok(found)
}

/// Remembers a ticket as it was just heard of.
pub async fn remember(txn: &Txn, ticket: &SeenTicket) -> Result<(), StoreError> {
    let model = ticket_seen::ActiveModel {
        id: Set(ticket.id.uuid()),
        number: Set(ticket.number.clone()),
        state: Set(ticket.state.word().to_owned()),
        due_at: Set(ticket.due_at.map(micros)),
        version: Set(ticket.version),
    };
    let newer = OnConflict::column(ticket_seen::Column::Id)
        .update_columns([
            ticket_seen::Column::Number,
            ticket_seen::Column::State,
            ticket_seen::Column::DueAt,
            ticket_seen::Column::Version,
        ])
        .to_owned();
    ticket_seen::Entity::insert(model)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}
