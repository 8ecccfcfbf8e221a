//! Sums of rollups, and the counts that rollups are checked against.

use std::collections::BTreeMap;

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::fault::{self, Bug};
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    Select,
};

use super::entity::{appeal_view, matter_view, rollup, tenure, ticket_view};
use super::facts::{self, Dimension};
use crate::domain::fact::measure;
use crate::domain::figures::{Counted, Sums, Totals};
use crate::domain::period::Days;
use crate::domain::words::HISTORICAL;

/// Instants of a period: from `start`, before `end`; deadlines up to `as_of` are over.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Its end, or now if that is earlier.
    pub as_of: Timestamp,
}

/// The rollups of some days along every dimension.
pub async fn totals(db: &impl ConnectionTrait, days: Days) -> Result<Totals, CoreError> {
    Ok(Totals {
        units: sums(db, days, Dimension::Unit).await?,
        channels: sums(db, days, Dimension::Channel).await?,
        kinds: sums(db, days, Dimension::Kind).await?,
        categories: sums(db, days, Dimension::Category).await?,
    })
}

/// The rollups of some days by unit.
pub async fn sums_by_unit(db: &impl ConnectionTrait, days: Days) -> Result<Sums, CoreError> {
    sums(db, days, Dimension::Unit).await
}

async fn sums(db: &impl ConnectionTrait, days: Days, by: Dimension) -> Result<Sums, CoreError> {
    let rows: Vec<(String, String, i64)> = rollup::Entity::find()
        .select_only()
        .column(rollup::Column::Measure)
        .column(rollup::Column::Code)
        .column_as(whole(Expr::col(rollup::Column::Count).sum()), "sum")
        .filter(rollup::Column::Dimension.eq(by.word()))
        .filter(facts::of(days))
        .group_by(rollup::Column::Measure)
        .group_by(rollup::Column::Code)
        .into_tuple()
        .all(db)
        .await?;
    let mut sums = Sums::default();
    for (measure, code, sum) in rows {
        for counted in counted_as(&measure) {
            sums.add(counted, &code, sum);
        }
    }
    Ok(sums)
}

/// Measures that a rollup's row counts for: its own.
fn counted_as(measure: &str) -> Vec<&str> {
    if fault::is_seeded(Bug::MixedCohorts) {
        return match measure {
            measure::RECEIVED => vec![measure, measure::DUE],
            measure::CONCLUDED => vec![measure, measure::DUE_ON_TIME],
            measure::DUE | measure::DUE_ON_TIME => vec![],
            _ => vec![measure],
        };
    }
    vec![measure]
}

/// What is counted without rollups.
pub async fn counted(
    db: &impl ConnectionTrait,
    days: Days,
    span: Span,
) -> Result<Counted, CoreError> {
    let concluded = tenure::Entity::find()
        .filter(tenure::Column::UntilAt.gte(micros(span.start)))
        .filter(tenure::Column::UntilAt.lt(micros(span.end)))
        .filter(tenure::Column::Ended.eq(measure::CONCLUDED));
    let appeals = appeal_view::Entity::find().filter(of_days(
        appeal_view::Column::ReceivedDay,
        appeal_view::Column::Nature,
        days,
    ));
    let tickets = ticket_view::Entity::find().filter(of_days(
        ticket_view::Column::ReceivedDay,
        ticket_view::Column::Nature,
        days,
    ));
    let carried = held(db, span.start, span.start).await?;
    let in_hand = held(db, span.end, span.as_of).await?;
    Ok(Counted {
        appeals: signed(appeals.count(db).await?),
        tickets: signed(tickets.count(db).await?),
        concluded: signed(concluded.count(db).await?),
        carried: by_unit(&carried, |held| held.count),
        in_hand: by_unit(&in_hand, |held| held.count),
        overdue: by_unit(&in_hand, |held| held.late),
    })
}

/// Tenures by unit: how many stand at an instant, and of how many of them the deadline is over at `as_of`.
///
/// Those that are open still and those that ended later are asked for one after the other: of both at once
/// PostgreSQL makes a walk through all tenures, of each an index scan.
async fn held(
    db: &impl ConnectionTrait,
    at: Timestamp,
    as_of: Timestamp,
) -> Result<BTreeMap<String, Held>, CoreError> {
    let is_late = tenure::Column::DueAt.lte(micros(as_of));
    let late = Expr::case(is_late, 1).finally(0).sum();
    let begun = tenure::Entity::find()
        .filter(tenure::Column::FromAt.lt(micros(at)))
        .select_only()
        .column(tenure::Column::UnitCode)
        .column_as(whole(Expr::col(Asterisk).count()), "held")
        .column_as(whole(late), "late")
        .group_by(tenure::Column::UnitCode);
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    for stands in [
        tenure::Column::UntilAt.is_null(),
        tenure::Column::UntilAt.gte(micros(at)),
    ] {
        let rows: Vec<(String, i64, i64)> =
            begun.clone().filter(stands).into_tuple().all(db).await?;
        for (unit, count, late) in rows {
            let of_unit = held.entry(unit).or_default();
            of_unit.count += count;
            of_unit.late += late;
        }
    }
    Ok(held)
}

/// How many, and how many of them too late.
#[derive(Clone, Copy, Default)]
struct Held {
    count: i64,
    late: i64,
}

fn by_unit(held: &BTreeMap<String, Held>, of: fn(&Held) -> i64) -> BTreeMap<String, i64> {
    held.iter()
        .map(|(unit, held)| (unit.clone(), of(held)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn of_days<C: ColumnTrait>(day: C, nature: C, days: Days) -> Condition {
    Condition::all()
        .add(day.gte(days.first.to_string()))
        .add(day.lte(days.last.to_string()))
        .add(nature.ne(HISTORICAL))
}

/// Figures of what came and what became of it; natures are not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverviewCounts {
    /// Appeals.
    pub appeals: i64,
    /// Channels they came by.
    pub channels: i64,
    /// Legacy lines that were dialled.
    pub lines: i64,
    /// Matters of the appeals.
    pub matters: i64,
    /// Tickets that hold them.
    pub tickets: i64,
    /// Matters on another ticket than their own.
    pub merged_matters: i64,
}

/// Counts what was received on some days, or ever.
pub async fn overview(
    db: &impl ConnectionTrait,
    days: Option<Days>,
) -> Result<OverviewCounts, CoreError> {
    let within = |column: SimpleExpr| match days {
        None => Condition::all(),
        Some(days) => Condition::all()
            .add(column.clone().gte(days.first.to_string()))
            .add(column.lte(days.last.to_string())),
    };
    let appeals = || {
        appeal_view::Entity::find().filter(within(Expr::col((
            appeal_view::Entity,
            appeal_view::Column::ReceivedDay,
        ))))
    };
    let matters = || {
        matter_view::Entity::find()
            .filter(within(Expr::col((
                matter_view::Entity,
                matter_view::Column::ReceivedDay,
            ))))
            .filter(matter_view::Column::LastMove.ne("withdrawn"))
    };
    let elsewhere = Expr::col(matter_view::Column::TicketId)
        .ne(Expr::col(matter_view::Column::ReservedTicketId));
    let lines = appeals().filter(appeal_view::Column::LineNumber.ne(""));
    Ok(OverviewCounts {
        appeals: signed(appeals().count(db).await?),
        channels: distinct(db, appeals(), appeal_view::Column::ChannelCode).await?,
        lines: distinct(db, lines, appeal_view::Column::LineNumber).await?,
        matters: signed(matters().count(db).await?),
        tickets: distinct(db, matters(), matter_view::Column::TicketId).await?,
        merged_matters: signed(matters().filter(elsewhere).count(db).await?),
    })
}

async fn distinct<E, C>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    column: C,
) -> Result<i64, CoreError>
where
    E: EntityTrait<Column = C>,
    C: ColumnTrait,
{
    let counted: Option<i64> = rows
        .select_only()
        .column_as(whole(Expr::col(column).count_distinct()), "different")
        .into_tuple()
        .one(db)
        .await?;
    Ok(counted.unwrap_or_default())
}

/// A sum or count as a 64-bit integer on both databases (PostgreSQL sums into a decimal).
fn whole(expression: SimpleExpr) -> SimpleExpr {
    expression.cast_as(Alias::new("BIGINT"))
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
