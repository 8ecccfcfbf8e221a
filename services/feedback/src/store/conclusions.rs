//! Tickets and their conclusions, from routing's events.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::entity::{conclusion, conclusion_matter, ticket};
use super::{count, instant, stored, words};
use crate::domain::conclusion::{Conclusion, Ticket, Verdict};

/// A ticket that was concluded at least once.
pub(crate) async fn find_ticket(
    db: &impl ConnectionTrait,
    id: TicketId,
) -> Result<Option<Ticket>, CoreError> {
    let found = ticket::Entity::find_by_id(id.uuid()).one(db).await?;
    Ok(found.map(|row| Ticket {
        id: row.id.into(),
        version: row.version,
        standing: row.standing,
    }))
}

/// Locks a ticket until the transaction ends, and tells where it stands.
///
/// Whoever changes a follow-up of a ticket holds this, so that of two that end at the same moment
/// the second sees the first, and the verdict is given.
pub(crate) async fn lock_ticket(txn: &Txn, id: TicketId) -> Result<Ticket, CoreError> {
    let unheard = ticket::ActiveModel {
        id: Set(id.uuid()),
        version: Set(0),
        standing: Set(None),
    };
    // Setting the id to itself changes nothing and takes the lock.
    let take = OnConflict::column(ticket::Column::Id)
        .update_column(ticket::Column::Id)
        .to_owned();
    ticket::Entity::insert(unheard)
        .on_conflict(take)
        .exec_without_returning(&**txn)
        .await?;
    let ticket = find_ticket(&**txn, id).await?;
    Ok(ticket.unwrap_or(Ticket {
        id,
        version: 0,
        standing: None,
    }))
}

/// Saves where a locked ticket stands.
pub(crate) async fn save_ticket(txn: &Txn, ticket: &Ticket) -> Result<(), CoreError> {
    ticket::Entity::update_many()
        .col_expr(ticket::Column::Version, ticket.version.into())
        .col_expr(ticket::Column::Standing, ticket.standing.into())
        .filter(ticket::Column::Id.eq(ticket.id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Adds a conclusion with its matters.
pub(crate) async fn insert(txn: &Txn, conclusion: &Conclusion) -> Result<(), CoreError> {
    let row = conclusion::ActiveModel {
        ticket_id: Set(conclusion.ticket_id.uuid()),
        ticket_version: Set(conclusion.ticket_version),
        round: Set(stored(conclusion.round)),
        reply: Set(conclusion.reply.clone()),
        lead_unit_code: Set(conclusion.lead_unit_code.clone()),
        concluded_at: Set(micros(conclusion.concluded_at)),
        verdict: Set(conclusion.verdict.word().to_owned()),
    };
    conclusion::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    for matter in &conclusion.matter_ids {
        let row = conclusion_matter::ActiveModel {
            ticket_id: Set(conclusion.ticket_id.uuid()),
            ticket_version: Set(conclusion.ticket_version),
            matter_id: Set(matter.uuid()),
        };
        conclusion_matter::Entity::insert(row)
            .exec_without_returning(&**txn)
            .await?;
    }
    Ok(())
}

/// Saves the final verdict of a conclusion.
pub(crate) async fn save_verdict(txn: &Txn, conclusion: &Conclusion) -> Result<(), CoreError> {
    conclusion::Entity::update_many()
        .col_expr(
            conclusion::Column::Verdict,
            conclusion.verdict.word().into(),
        )
        .filter(conclusion::Column::TicketId.eq(conclusion.ticket_id.uuid()))
        .filter(conclusion::Column::TicketVersion.eq(conclusion.ticket_version))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// One conclusion.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    ticket: TicketId,
    ticket_version: i64,
) -> Result<Option<Conclusion>, CoreError> {
    let found = conclusion::Entity::find_by_id((ticket.uuid(), ticket_version))
        .one(db)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let matters = conclusion_matter::Entity::find()
        .filter(conclusion_matter::Column::TicketId.eq(ticket.uuid()))
        .filter(conclusion_matter::Column::TicketVersion.eq(ticket_version))
        .order_by_asc(conclusion_matter::Column::MatterId)
        .all(db)
        .await?;
    Ok(Some(Conclusion {
        ticket_id: row.ticket_id.into(),
        ticket_version: row.ticket_version,
        round: count("conclusions.round", row.round)?,
        reply: row.reply,
        lead_unit_code: row.lead_unit_code,
        concluded_at: instant("conclusions.concluded_at", row.concluded_at)?,
        matter_ids: matters
            .into_iter()
            .map(|row| row.matter_id.into())
            .collect(),
        verdict: words::read(
            "conclusions.verdict",
            &Verdict::ALL,
            Verdict::word,
            &row.verdict,
        )?,
    }))
}

/// The conclusions a matter was part of, by ticket and version.
pub(crate) async fn of_matter(
    db: &impl ConnectionTrait,
    matter: MatterId,
) -> Result<Vec<(TicketId, i64)>, CoreError> {
    let rows = conclusion_matter::Entity::find()
        .filter(conclusion_matter::Column::MatterId.eq(matter.uuid()))
        .order_by_asc(conclusion_matter::Column::TicketId)
        .order_by_asc(conclusion_matter::Column::TicketVersion)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.ticket_id.into(), row.ticket_version))
        .collect())
}
