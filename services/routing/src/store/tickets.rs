//! Tickets: loaded whole, saved whole, against the version that was loaded.

use std::collections::HashMap;

use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::fault::{self, Bug};
use hotline_platform::row_fence::Reader;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::{ticket, ticket_matter};
use super::scope::{may_act, may_read};
use super::{from_json, instant, json, rows};
use crate::domain::matter::MatterOnTicket;
use crate::domain::ticket::Ticket;
use crate::domain::unit::Tree;

/// Loads a ticket that is going to be changed, if `scope` lets it be; PostgreSQL locks its row, SQLite has one
/// writer anyway.
pub(crate) async fn load(
    txn: &Txn,
    scope: &Scope,
    units: &Tree,
    id: TicketId,
) -> Result<Option<Ticket>, CoreError> {
    let row = ticket::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(&**txn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let found = with_matters(&**txn, vec![row]).await?.pop();
    Ok(found.filter(|ticket| may_act(scope, ticket, units)))
}

/// Loads a ticket to look at, if it is in the reader's scope.
pub(crate) async fn find(
    reader: &Reader,
    units: &Tree,
    id: TicketId,
) -> Result<Option<Ticket>, CoreError> {
    let rows: Vec<_> = ticket::Entity::find_by_id(id.uuid())
        .one(reader)
        .await?
        .into_iter()
        .collect();
    let found = with_matters(reader, rows).await?.pop();
    Ok(found.filter(|ticket| may_read(reader.scope(), ticket, units)))
}

/// Loads a ticket to look at, by its number, if it is in the reader's scope.
pub(crate) async fn find_by_number(
    reader: &Reader,
    units: &Tree,
    number: &str,
) -> Result<Option<Ticket>, CoreError> {
    let found = ticket::Entity::find()
        .filter(ticket::Column::Number.eq(number))
        .one(reader)
        .await?;
    let found = with_matters(reader, found.into_iter().collect())
        .await?
        .pop();
    Ok(found.filter(|ticket| may_read(reader.scope(), ticket, units)))
}

/// Open tickets that were not concluded, `limit` of them behind `after`, to be changed.
pub(crate) async fn unconcluded(
    txn: &Txn,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Ticket>, CoreError> {
    let rows = ticket::Entity::find()
        .filter(ticket::Column::IsOpen.eq(true))
        .filter(ticket::Column::State.ne("concluded"))
        .filter(ticket::Column::Id.gt(after))
        .order_by_asc(ticket::Column::Id)
        .limit(limit)
        .lock_exclusive()
        .all(&**txn)
        .await?;
    with_matters(&**txn, rows).await
}

/// The units that open tickets are with.
pub(crate) async fn units_in_use(db: &impl ConnectionTrait) -> Result<Vec<String>, CoreError> {
    let codes: Vec<String> = ticket::Entity::find()
        .select_only()
        .column(ticket::Column::LeadUnitCode)
        .distinct()
        .filter(ticket::Column::IsOpen.eq(true))
        .filter(ticket::Column::LeadUnitCode.ne(""))
        .into_tuple()
        .all(db)
        .await?;
    Ok(codes)
}

/// Inserts a ticket at its opening.
pub(crate) async fn insert(txn: &Txn, ticket: &Ticket) -> Result<(), CoreError> {
    let row = rows::row(ticket)?.into_active_model().reset_all();
    ticket::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    add_matters(txn, ticket.id, ticket.matters.iter()).await
}

/// The version that was loaded.
fn as_it_was(before: &Ticket) -> SimpleExpr {
    if fault::is_seeded(Bug::LostUpdate) {
        return ticket::Column::Version.gt(0);
    }
    ticket::Column::Version.eq(before.version)
}

/// Saves `after` over `before`.
///
/// # Errors
///
/// [`CoreError::Stale`] if the row no longer has the version of `before`.
pub(crate) async fn update(txn: &Txn, before: &Ticket, after: &Ticket) -> Result<(), CoreError> {
    let saved = ticket::Entity::update_many()
        .set(rows::row(after)?.into_active_model().reset_all())
        .filter(ticket::Column::Id.eq(before.id.uuid()))
        .filter(as_it_was(before))
        .exec(&**txn)
        .await?;
    if saved.rows_affected == 0 {
        let current: Option<i64> = ticket::Entity::find_by_id(before.id.uuid())
            .select_only()
            .column(ticket::Column::Version)
            .into_tuple()
            .one(&**txn)
            .await?;
        return Err(CoreError::Stale {
            current: current.unwrap_or_default(),
        });
    }
    let gone: Vec<Uuid> = missing(&before.matters, after)
        .map(|matter| matter.id.uuid())
        .collect();
    if !gone.is_empty() {
        ticket_matter::Entity::delete_many()
            .filter(ticket_matter::Column::TicketId.eq(before.id.uuid()))
            .filter(ticket_matter::Column::MatterId.is_in(gone))
            .exec(&**txn)
            .await?;
    }
    add_matters(txn, after.id, missing(&after.matters, before)).await
}

/// Those of `matters` that are not on `ticket`.
fn missing<'a>(
    matters: &'a [MatterOnTicket],
    ticket: &'a Ticket,
) -> impl Iterator<Item = &'a MatterOnTicket> {
    matters
        .iter()
        .filter(|matter| !ticket.has_matter(matter.id))
}

async fn add_matters<'a>(
    txn: &Txn,
    ticket: TicketId,
    matters: impl Iterator<Item = &'a MatterOnTicket>,
) -> Result<(), CoreError> {
    for matter in matters {
        let row = ticket_matter::Model {
            ticket_id: ticket.uuid(),
            matter_id: matter.id.uuid(),
            received_at: micros(matter.received_at),
            confidentiality: json("ticket_matter.confidentiality", &matter.confidentiality)?,
        };
        let row = row.into_active_model().reset_all();
        ticket_matter::Entity::insert(row)
            .exec_without_returning(&**txn)
            .await?;
    }
    Ok(())
}

/// The tickets of `rows`, in their order, with the matters on them.
pub(super) async fn with_matters(
    db: &impl ConnectionTrait,
    rows: Vec<ticket::Model>,
) -> Result<Vec<Ticket>, CoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found = ticket_matter::Entity::find()
        .filter(ticket_matter::Column::TicketId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(ticket_matter::Column::ReceivedAt)
        .order_by_asc(ticket_matter::Column::MatterId)
        .all(db)
        .await?;
    let mut by_ticket: HashMap<Uuid, Vec<MatterOnTicket>> = HashMap::new();
    for row in found {
        let matter = MatterOnTicket {
            id: MatterId::from(row.matter_id),
            received_at: instant("ticket_matter.received_at", row.received_at)?,
            confidentiality: from_json("ticket_matter.confidentiality", &row.confidentiality)?,
        };
        by_ticket.entry(row.ticket_id).or_default().push(matter);
    }
    rows.into_iter()
        .map(|row| {
            let matters = by_ticket.remove(&row.id).unwrap_or_default();
            rows::ticket(row, matters)
        })
        .collect()
}
