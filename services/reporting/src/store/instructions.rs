//! Leaders' instructions: written by a command, kept for ever.

use chrono::NaiveDate;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::entity::instruction;

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its id.
    pub id: Uuid,
    /// The ticket it is about.
    pub ticket_id: Uuid,
    /// 1 for the ticket's first.
    pub ordinal: i64,
    /// Who instructs, by office.
    pub leader: String,
    /// What, masked.
    pub text: String,
    /// When.
    pub given_at: Timestamp,
    /// The city's day of that.
    pub given_day: NaiveDate,
    /// Principal that wrote it down.
    pub given_by: String,
}

/// How many instructions a ticket has.
pub async fn count(txn: &Txn, ticket_id: Uuid) -> Result<i64, CoreError> {
    let count = instruction::Entity::find()
        .filter(instruction::Column::TicketId.eq(ticket_id))
        .count(&**txn)
        .await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Writes one.
pub async fn insert(txn: &Txn, given: &Instruction) -> Result<(), CoreError> {
    let row = instruction::ActiveModel {
        id: Set(given.id),
        ticket_id: Set(given.ticket_id),
        ordinal: Set(given.ordinal),
        leader: Set(given.leader.clone()),
        text: Set(given.text.clone()),
        given_at: Set(micros(given.given_at)),
        given_day: Set(given.given_day.to_string()),
        given_by: Set(given.given_by.clone()),
    };
    instruction::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}
