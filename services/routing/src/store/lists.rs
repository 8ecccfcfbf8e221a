//! Lists of tickets, filtered and paged in the database.

use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use hotline_platform::page::{Page, token};
use hotline_platform::row_fence::Reader;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::ticket::{Column, Entity};
use super::scope::listed;
use super::tickets::with_matters;
use crate::domain::ticket::{Filter, Ticket};
use crate::domain::unit::Tree;
use crate::domain::word::Word;

/// Where a list goes on: behind the ticket received then, of that id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cursor {
    received_at: i64,
    id: Uuid,
}

/// A page of the tickets in the reader's scope, the longest waiting first, and the token of the next page.
pub(crate) async fn page(
    reader: &Reader,
    units: &Tree,
    filter: &Filter,
    page: &Page<Cursor>,
) -> Result<(Vec<Ticket>, String), CoreError> {
    let Some(seen) = listed(reader.scope(), units)? else {
        return Ok((Vec::new(), String::new()));
    };
    let mut wanted = Condition::all().add(seen);
    if filter.states.is_empty() {
        wanted = wanted.add(Column::IsOpen.eq(true));
    } else {
        wanted = wanted.add(Column::State.is_in(filter.states.iter().copied()));
    }
    if !filter.unit_code.is_empty() {
        wanted = wanted.add(Column::LeadUnitCode.eq(filter.unit_code.as_str()));
    }
    if let Some(before) = filter.due_before {
        wanted = wanted.add(Column::UnitDueAt.lt(micros(before)));
    }
    if let Some(card) = filter.card {
        wanted = wanted.add(Column::Card.eq(card.word()));
    }
    if filter.is_escalated {
        wanted = wanted.add(Column::IsEscalated.eq(true));
    }
    if let Some(Cursor { received_at, id }) = &page.after {
        let behind = Condition::any()
            .add(Column::ReceivedAt.gt(*received_at))
            .add(
                Condition::all()
                    .add(Column::ReceivedAt.eq(*received_at))
                    .add(Column::Id.gt(*id)),
            );
        wanted = wanted.add(behind);
    }
    let mut rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::Id)
        .limit(page.size + 1)
        .all(reader)
        .await?;
    let is_more = rows.len() as u64 > page.size;
    rows.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
    let last = rows.last().filter(|_| is_more);
    let next = last
        .map(|row| {
            token(&Cursor {
                received_at: row.received_at,
                id: row.id,
            })
        })
        .unwrap_or_default();
    Ok((with_matters(reader, rows).await?, next))
}
