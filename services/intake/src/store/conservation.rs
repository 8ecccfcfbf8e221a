//! The conservation sums (I12 in `docs/architecture.md`), counted in SQL.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::StoreError;
use super::entity::{appeal, matter};
use crate::domain::terms::{AppealState, Term};

/// How many appeals of one channel stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSums {
    /// By state word.
    pub by_state: BTreeMap<String, i64>,
    /// Accepted ones all of whose matters stand on another's ticket; not in `by_state`.
    pub merged: i64,
    /// All of them, counted on their own.
    pub registered: i64,
}

/// The sums of every channel that has an appeal.
pub async fn by_channel(
    db: &impl ConnectionTrait,
) -> Result<BTreeMap<String, ChannelSums>, StoreError> {
    let mut sums: BTreeMap<String, ChannelSums> = BTreeMap::new();
    let totals: Vec<(String, i64)> = appeal::Entity::find()
        .select_only()
        .column(appeal::Column::ChannelCode)
        .column_as(appeal::Column::Id.count(), "appeals")
        .group_by(appeal::Column::ChannelCode)
        .into_tuple()
        .all(db)
        .await?;
    for (channel, count) in totals {
        sums.entry(channel).or_default().registered = count;
    }
    let states: Vec<(String, String, i64)> = appeal::Entity::find()
        .select_only()
        .columns([appeal::Column::ChannelCode, appeal::Column::State])
        .column_as(appeal::Column::Id.count(), "appeals")
        .filter(merged().not())
        .group_by(appeal::Column::ChannelCode)
        .group_by(appeal::Column::State)
        .into_tuple()
        .all(db)
        .await?;
    for (channel, state, count) in states {
        sums.entry(channel)
            .or_default()
            .by_state
            .insert(state, count);
    }
    let merged: Vec<(String, i64)> = appeal::Entity::find()
        .select_only()
        .column(appeal::Column::ChannelCode)
        .column_as(appeal::Column::Id.count(), "appeals")
        .filter(merged())
        .group_by(appeal::Column::ChannelCode)
        .into_tuple()
        .all(db)
        .await?;
    for (channel, count) in merged {
        sums.entry(channel).or_default().merged = count;
    }
    Ok(sums)
}

/// Accepted, and no matter stands on its own ticket.
fn merged() -> sea_orm::sea_query::SimpleExpr {
    let at_home = Query::select()
        .expr(Expr::value(1))
        .from(matter::Entity)
        .and_where(
            Expr::col((matter::Entity, matter::Column::AppealId))
                .equals((appeal::Entity, appeal::Column::Id)),
        )
        .and_where(
            Expr::col((matter::Entity, matter::Column::TicketId))
                .equals((matter::Entity, matter::Column::ReservedTicketId)),
        )
        .to_owned();
    appeal::Column::State
        .eq(AppealState::Accepted.word())
        .and(Expr::exists(at_home).not())
}
