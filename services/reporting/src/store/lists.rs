//! What stands in the blocks of documents: which tickets, in what order, with which remarks.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use super::convert::day;
use super::counts::Span;
use super::entity::{appeal_view, instruction, matter_view, tenure, ticket_step, ticket_view};
use super::lookup::{appeals, tickets};
use super::views::appeal_from;
use crate::domain::listing::Ticket;
use crate::domain::period::Days;
use crate::domain::view::{AppealView, RETURN_ASKED, SUPERVISED};
use crate::domain::words::HISTORICAL;

/// Lines of one block; what is beyond is counted and said.
const LINES_MAX: u64 = 50_000;
/// States of tickets that nobody has to act on.
const OVER: [&str; 3] = ["absorbed", "archived", "concluded"];
/// Tickets that a circular names in one table.
const NAMED_MAX: u64 = 200;

/// What a query found, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// At most [`LINES_MAX`].
    pub items: Vec<T>,
    /// The others.
    pub left_out: i64,
}

/// A ticket and what its line says besides.
pub type Told = (Ticket, Vec<String>);

/// Appeals received on a day, each with the tickets of its matters: a ticket, and whether it is another
/// matter's. None for an appeal on no ticket.
pub async fn received(
    db: &impl ConnectionTrait,
    on: NaiveDate,
) -> Result<Found<(AppealView, Vec<(Ticket, bool)>)>, CoreError> {
    let query = appeal_view::Entity::find()
        .filter(appeal_view::Column::ReceivedDay.eq(on.to_string()))
        .filter(appeal_view::Column::Nature.ne(HISTORICAL));
    let total = query.clone().count(db).await?;
    let rows = query
        .order_by_asc(appeal_view::Column::ReceivedAt)
        .order_by_asc(appeal_view::Column::Id)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    let matters = matter_view::Entity::find()
        .filter(matter_view::Column::ReceivedDay.eq(on.to_string()))
        .filter(matter_view::Column::Nature.ne(HISTORICAL))
        .filter(matter_view::Column::LastMove.ne("withdrawn"))
        .order_by_asc(matter_view::Column::Ordinal)
        .order_by_asc(matter_view::Column::Id)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    let ids: Vec<_> = matters.iter().map(|matter| matter.ticket_id).collect();
    let tickets = tickets(db, &ids).await?;
    let mut of_appeal: BTreeMap<Uuid, Vec<(Ticket, bool)>> = BTreeMap::new();
    for matter in matters {
        if let Some(ticket) = tickets.get(&matter.ticket_id) {
            let is_merged = matter.ticket_id != matter.reserved_ticket_id;
            of_appeal
                .entry(matter.appeal_id)
                .or_default()
                .push((ticket.clone(), is_merged));
        }
    }
    let mut items = Vec::new();
    for row in rows {
        let appeal = appeal_from(row)?;
        let on_tickets = of_appeal.remove(&appeal.id).unwrap_or_default();
        items.push((appeal, on_tickets));
    }
    Ok(Found {
        left_out: beyond(total, items.len()),
        items,
    })
}

/// Matters received on a day that stand on another ticket than their own: a repetition of it.
pub async fn repeated(
    db: &impl ConnectionTrait,
    on: NaiveDate,
) -> Result<Found<(AppealView, Ticket)>, CoreError> {
    let elsewhere = Expr::col(matter_view::Column::TicketId)
        .ne(Expr::col(matter_view::Column::ReservedTicketId));
    let query = matter_view::Entity::find()
        .filter(matter_view::Column::ReceivedDay.eq(on.to_string()))
        .filter(matter_view::Column::Nature.ne(HISTORICAL))
        .filter(matter_view::Column::LastMove.ne("withdrawn"))
        .filter(elsewhere);
    let total = query.clone().count(db).await?;
    let rows = query
        .order_by_asc(matter_view::Column::Id)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    let tickets = tickets(
        db,
        &rows.iter().map(|row| row.ticket_id).collect::<Vec<_>>(),
    )
    .await?;
    let appeals = appeals(
        db,
        &rows.iter().map(|row| row.appeal_id).collect::<Vec<_>>(),
    )
    .await?;
    let mut items = Vec::new();
    for row in &rows {
        if let (Some(appeal), Some(ticket)) =
            (appeals.get(&row.appeal_id), tickets.get(&row.ticket_id))
        {
            items.push((appeal.clone(), ticket.clone()));
        }
    }
    Ok(Found {
        left_out: beyond(total, rows.len()),
        items,
    })
}

/// Conclusions of a period, each with its ticket.
pub async fn concluded(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let query = tenure::Entity::find()
        .filter(tenure::Column::UntilAt.gte(micros(span.start)))
        .filter(tenure::Column::UntilAt.lt(micros(span.end)))
        .filter(tenure::Column::Ended.eq("concluded"));
    of_tenures(db, query, tenure::Column::UntilAt).await
}

/// Tenures whose deadline falls in a period and that had not left before it.
pub async fn due(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let stayed = Condition::any()
        .add(tenure::Column::Ended.is_in(["", "concluded"]))
        .add(Expr::col(tenure::Column::UntilAt).gt(Expr::col(tenure::Column::DueAt)));
    let query = tenure::Entity::find()
        .filter(tenure::Column::DueAt.gt(micros(span.start)))
        .filter(tenure::Column::DueAt.lte(micros(span.end)))
        .filter(stayed);
    of_tenures(db, query, tenure::Column::DueAt).await
}

/// Tenures open at the end of a period whose deadline is over.
pub async fn overdue(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let query = held_at(span.end).filter(tenure::Column::DueAt.lte(micros(span.as_of)));
    of_tenures(db, query, tenure::Column::DueAt).await
}

/// Tickets received before the end of a period that stand with no unit now; the overdue ones say so.
pub async fn waiting(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let query = ticket_view::Entity::find()
        .filter(ticket_view::Column::LeadUnitCode.eq(""))
        .filter(ticket_view::Column::State.is_not_in(OVER))
        .filter(ticket_view::Column::Nature.ne(HISTORICAL))
        .filter(ticket_view::Column::ReceivedAt.lt(micros(span.end)));
    let total = query.clone().count(db).await?;
    let rows: Vec<(Uuid, Option<i64>)> = query
        .select_only()
        .column(ticket_view::Column::Id)
        .column(ticket_view::Column::DueAt)
        .order_by_asc(ticket_view::Column::ReceivedAt)
        .order_by_asc(ticket_view::Column::Id)
        .limit(LINES_MAX)
        .into_tuple()
        .all(db)
        .await?;
    let remark = |(id, due): (Uuid, Option<i64>)| {
        let is_late = due.is_some_and(|due| due <= micros(span.as_of));
        (id, is_late.then(|| "已超期".to_owned()))
    };
    told(db, rows.into_iter().map(remark).collect(), total).await
}

/// Tenures open at the end of a period that were not signed for by then.
pub async fn unsigned(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let not_yet = Condition::any()
        .add(tenure::Column::SignedAt.is_null())
        .add(tenure::Column::SignedAt.gte(micros(span.end)));
    of_tenures(
        db,
        held_at(span.end).filter(not_yet),
        tenure::Column::FromAt,
    )
    .await
}

/// Returns asked for on some days, with the reason.
pub async fn returned(db: &impl ConnectionTrait, days: Days) -> Result<Found<Told>, CoreError> {
    let query = steps(RETURN_ASKED, days);
    let total = query.clone().count(db).await?;
    let rows = query
        .order_by_asc(ticket_step::Column::At)
        .order_by_asc(ticket_step::Column::TicketId)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    let remarks = rows
        .iter()
        .map(|row| (row.ticket_id, Some(format!("退单理由：{}", row.note))))
        .collect();
    told(db, remarks, total).await
}

/// Instructions given on some days.
pub async fn instructed(db: &impl ConnectionTrait, days: Days) -> Result<Found<Told>, CoreError> {
    let query = instruction::Entity::find()
        .filter(instruction::Column::GivenDay.gte(days.first.to_string()))
        .filter(instruction::Column::GivenDay.lte(days.last.to_string()));
    let total = query.clone().count(db).await?;
    let rows = query
        .order_by_asc(instruction::Column::GivenAt)
        .order_by_asc(instruction::Column::Id)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    let remarks = rows
        .iter()
        .map(|row| {
            let remark = format!("{}批示：{}", row.leader, row.text);
            (row.ticket_id, Some(remark))
        })
        .collect();
    told(db, remarks, total).await
}

/// Urgent and critical tickets that were received or open in a period.
pub async fn urgent(db: &impl ConnectionTrait, span: Span) -> Result<Found<Told>, CoreError> {
    let alive = Condition::any()
        .add(ticket_view::Column::State.is_not_in(OVER))
        .add(ticket_view::Column::ConcludedAt.gte(micros(span.start)))
        .add(ticket_view::Column::ReceivedAt.gte(micros(span.start)));
    let query = ticket_view::Entity::find()
        .filter(ticket_view::Column::Urgency.is_in(["urgent", "critical"]))
        .filter(ticket_view::Column::Nature.ne(HISTORICAL))
        .filter(ticket_view::Column::ReceivedAt.lt(micros(span.end)))
        .filter(alive);
    let total = query.clone().count(db).await?;
    let ids: Vec<Uuid> = query
        .select_only()
        .column(ticket_view::Column::Id)
        .order_by_asc(ticket_view::Column::ReceivedAt)
        .order_by_asc(ticket_view::Column::Id)
        .limit(LINES_MAX)
        .into_tuple()
        .all(db)
        .await?;
    bare(db, ids, total).await
}

/// Tickets under a supervision order of some days, with the day of the last one.
pub async fn supervised(
    db: &impl ConnectionTrait,
    days: Days,
) -> Result<Vec<(Ticket, NaiveDate)>, CoreError> {
    let rows: Vec<(Uuid, String)> = steps(SUPERVISED, days)
        .select_only()
        .column(ticket_step::Column::TicketId)
        .column_as(ticket_step::Column::Day.max(), "last_day")
        .group_by(ticket_step::Column::TicketId)
        .order_by(last_day(), Order::Asc)
        .order_by_asc(ticket_step::Column::TicketId)
        .limit(NAMED_MAX)
        .into_tuple()
        .all(db)
        .await?;
    let tickets = tickets(db, &rows.iter().map(|row| row.0).collect::<Vec<_>>()).await?;
    let mut found = Vec::new();
    for (id, on) in rows {
        if let Some(ticket) = tickets.get(&id) {
            found.push((ticket.clone(), day("day", &on)?));
        }
    }
    Ok(found)
}

/// Tickets whose return was asked for more than once on some days.
pub async fn returned_often(
    db: &impl ConnectionTrait,
    days: Days,
) -> Result<Vec<Ticket>, CoreError> {
    let ids: Vec<Uuid> = steps(RETURN_ASKED, days)
        .select_only()
        .column(ticket_step::Column::TicketId)
        .group_by(ticket_step::Column::TicketId)
        .having(Expr::col(ticket_step::Column::Version).count().gt(1))
        .order_by_asc(ticket_step::Column::TicketId)
        .limit(NAMED_MAX)
        .into_tuple()
        .all(db)
        .await?;
    let mut found: Vec<_> = tickets(db, &ids).await?.into_values().collect();
    found.sort_by(|left, right| {
        right
            .returns
            .cmp(&left.returns)
            .then_with(|| left.number.cmp(&right.number))
    });
    Ok(found)
}

fn last_day() -> SimpleExpr {
    Expr::col(ticket_step::Column::Day).max()
}

fn steps(change: &str, days: Days) -> Select<ticket_step::Entity> {
    ticket_step::Entity::find()
        .filter(ticket_step::Column::Change.eq(change))
        .filter(ticket_step::Column::Day.gte(days.first.to_string()))
        .filter(ticket_step::Column::Day.lte(days.last.to_string()))
}

/// Tenures that are open at an instant: begun before it, not ended before it.
fn held_at(at: Timestamp) -> Select<tenure::Entity> {
    let at = micros(at);
    let open = Condition::any()
        .add(tenure::Column::UntilAt.is_null())
        .add(tenure::Column::UntilAt.gte(at));
    tenure::Entity::find()
        .filter(tenure::Column::FromAt.lt(at))
        .filter(open)
}

async fn of_tenures(
    db: &impl ConnectionTrait,
    query: Select<tenure::Entity>,
    order: tenure::Column,
) -> Result<Found<Told>, CoreError> {
    let total = query.clone().count(db).await?;
    let ids: Vec<Uuid> = query
        .select_only()
        .column(tenure::Column::TicketId)
        .order_by_asc(order)
        .order_by_asc(tenure::Column::TicketId)
        .limit(LINES_MAX)
        .into_tuple()
        .all(db)
        .await?;
    bare(db, ids, total).await
}

async fn bare(
    db: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    total: u64,
) -> Result<Found<Told>, CoreError> {
    told(db, ids.into_iter().map(|id| (id, None)).collect(), total).await
}

async fn told(
    db: &impl ConnectionTrait,
    remarks: Vec<(Uuid, Option<String>)>,
    total: u64,
) -> Result<Found<Told>, CoreError> {
    let found = tickets(db, &remarks.iter().map(|row| row.0).collect::<Vec<_>>()).await?;
    let with = |(id, remark): (Uuid, Option<String>)| {
        Some((found.get(&id)?.clone(), remark.into_iter().collect()))
    };
    let items: Vec<_> = remarks.into_iter().filter_map(with).collect();
    Ok(Found {
        left_out: beyond(total, items.len()),
        items,
    })
}

fn beyond(total: u64, listed: usize) -> i64 {
    let listed = u64::try_from(listed).unwrap_or(u64::MAX);
    i64::try_from(total.saturating_sub(listed)).unwrap_or(i64::MAX)
}
