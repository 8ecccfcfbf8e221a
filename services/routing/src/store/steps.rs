//! The history of tickets: one row per version.

use hotline_kernel::id::TicketId;
use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::{Page, token};
use hotline_platform::row_fence::Reader;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entity::ticket_step::{Column, Entity, Model};
use super::{instant, word};
use crate::domain::ticket::{Step, Ticket};

/// Adds a step to a ticket's history.
pub(crate) async fn append(txn: &Txn, ticket: TicketId, step: &Step) -> Result<(), CoreError> {
    use crate::domain::word::Word;
    let row = Model {
        ticket_id: ticket.uuid(),
        version: step.version,
        change: step.change.word().to_owned(),
        state: step.state.clone(),
        at: micros(step.at),
        actor: step.actor.clone(),
        unit_code: step.unit_code.clone(),
        note: step.note.clone(),
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A page of the history of a ticket that somebody may read, oldest first, and the token of the next page.
pub(crate) async fn page(
    reader: &Reader,
    ticket: &Ticket,
    page: &Page<i64>,
) -> Result<(Vec<Step>, String), CoreError> {
    let mut rows = Entity::find()
        .filter(Column::TicketId.eq(ticket.id.uuid()))
        .filter(Column::Version.gt(page.after.unwrap_or_default()))
        .order_by_asc(Column::Version)
        .limit(page.size + 1)
        .all(reader)
        .await?;
    let is_more = rows.len() as u64 > page.size;
    rows.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
    let next = rows
        .last()
        .filter(|_| is_more)
        .map(|row| token(&row.version))
        .unwrap_or_default();
    let steps: Result<Vec<Step>, CoreError> = rows.into_iter().map(step).collect();
    Ok((steps?, next))
}

fn step(row: Model) -> Result<Step, CoreError> {
    Ok(Step {
        version: row.version,
        change: word("ticket_step.change", &row.change)?,
        state: row.state,
        at: instant("ticket_step.at", row.at)?,
        actor: row.actor,
        unit_code: row.unit_code,
        note: row.note,
    })
}
