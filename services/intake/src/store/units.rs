//! Units as routing tells of them: who leads a ticket, and who stands above whom.

use hotline_kernel::id::TicketId;
use hotline_platform::bulk;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::{ticket_lead, unit_above};
use super::{IN_LIST_MAX, StoreError};

/// Remembers who leads a ticket; empty if nobody does.
pub async fn leads(txn: &Txn, ticket: TicketId, unit_code: &str) -> Result<(), StoreError> {
    let row = ticket_lead::ActiveModel {
        ticket_id: Set(ticket.uuid()),
        unit_code: Set(unit_code.to_owned()),
    };
    let newer = OnConflict::column(ticket_lead::Column::TicketId)
        .update_column(ticket_lead::Column::UnitCode)
        .to_owned();
    ticket_lead::Entity::insert(row)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Who leads `tickets`, as far as somebody does.
pub async fn leading(
    db: &impl ConnectionTrait,
    tickets: &[TicketId],
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for tickets in tickets.chunks(IN_LIST_MAX) {
        let ids = tickets.iter().map(|id| id.uuid());
        let rows = ticket_lead::Entity::find()
            .filter(ticket_lead::Column::TicketId.is_in(ids))
            .filter(ticket_lead::Column::UnitCode.ne(""))
            .all(db)
            .await?;
        found.extend(rows.into_iter().map(|row| row.unit_code));
    }
    Ok(found)
}

/// Puts (code, code above) pairs in the place of what was known.
pub async fn replace(txn: &Txn, units: &[(String, String)]) -> Result<(), StoreError> {
    unit_above::Entity::delete_many().exec(&**txn).await?;
    let rows = units.iter().map(|(code, parent)| unit_above::ActiveModel {
        code: Set(code.clone()),
        parent_code: Set(parent.clone()),
    });
    bulk::insert(txn, rows.collect()).await?;
    Ok(())
}

/// `unit` and those above it, nearest first, `depth` at most; empty if it is not known.
pub async fn chain(
    db: &impl ConnectionTrait,
    unit: &str,
    depth: usize,
) -> Result<Vec<String>, StoreError> {
    let mut chain = Vec::new();
    let mut next = unit.to_owned();
    while chain.len() < depth {
        let Some(row) = unit_above::Entity::find_by_id(next.as_str())
            .one(db)
            .await?
        else {
            break;
        };
        chain.push(row.code);
        next = row.parent_code;
    }
    Ok(chain)
}
