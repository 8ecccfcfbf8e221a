//! Which tickets a circular may hold up as typical.

use hotline_kernel::time::micros;
use hotline_platform::core::CoreError;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::counts::Span;
use super::entity::{follow_up_view, ticket_view};
use super::lookup::tickets;
use crate::domain::listing::Ticket;
use crate::domain::words::HISTORICAL;

/// Solved tickets that cases are chosen from.
const CANDIDATES_MAX: u64 = 200;

/// Tickets concluded in a period, solved by the word of every citizen who gave one and satisfying to one at
/// least, and free to be told: those of most citizens first.
pub async fn typical(
    db: &impl ConnectionTrait,
    span: Span,
    wanted: usize,
) -> Result<Vec<Ticket>, CoreError> {
    let asked = ticket_view::Entity::belongs_to(follow_up_view::Entity)
        .from(ticket_view::Column::Id)
        .to(follow_up_view::Column::TicketId)
        .into();
    let ids: Vec<Uuid> = ticket_view::Entity::find()
        .select_only()
        .column(ticket_view::Column::Id)
        .distinct()
        .join(JoinType::InnerJoin, asked)
        .filter(ticket_view::Column::ConcludedAt.gte(micros(span.start)))
        .filter(ticket_view::Column::ConcludedAt.lt(micros(span.end)))
        .filter(ticket_view::Column::State.is_in(["concluded", "archived"]))
        .filter(ticket_view::Column::Nature.ne(HISTORICAL))
        .filter(ticket_view::Column::Kind.ne("report"))
        .filter(ticket_view::Column::Reply.ne(""))
        .filter(ticket_view::Column::IsConfidential.eq(false))
        .filter(ticket_view::Column::IsTipOff.eq(false))
        .filter(follow_up_view::Column::State.eq("closed"))
        .filter(follow_up_view::Column::Solved.eq("solved"))
        .filter(follow_up_view::Column::Satisfaction.is_in(["very_satisfied", "satisfied"]))
        .filter(Expr::exists(contradicting()).not())
        .order_by_asc(ticket_view::Column::Id)
        .limit(CANDIDATES_MAX)
        .into_tuple()
        .all(db)
        .await?;
    let mut found: Vec<_> = tickets(db, &ids).await?.into_values().collect();
    found.sort_by(|left, right| {
        right
            .citizens
            .len()
            .cmp(&left.citizens.len())
            .then_with(|| left.number.cmp(&right.number))
    });
    found.truncate(wanted);
    Ok(found)
}

/// What speaks against a satisfied follow-up: another word on the same conclusion, or a later conclusion.
/// A follow-up's day is its conclusion's, so those of one conclusion share it.
fn contradicting() -> SelectStatement {
    let other = Alias::new("other");
    let of_other = |column| Expr::col((other.clone(), column));
    let own = |column| (follow_up_view::Entity, column);
    let is_unsolved = of_other(follow_up_view::Column::Day)
        .equals(own(follow_up_view::Column::Day))
        .and(of_other(follow_up_view::Column::State).ne("cancelled"))
        .and(of_other(follow_up_view::Column::Solved).is_in(["partly", "unsolved"]));
    let is_later =
        of_other(follow_up_view::Column::Day).gt(Expr::col(own(follow_up_view::Column::Day)));
    Query::select()
        .expr(Expr::value(1))
        .from_as(follow_up_view::Entity, other.clone())
        .and_where(
            of_other(follow_up_view::Column::TicketId)
                .equals(own(follow_up_view::Column::TicketId)),
        )
        .cond_where(Condition::any().add(is_unsolved).add(is_later))
        .to_owned()
}
