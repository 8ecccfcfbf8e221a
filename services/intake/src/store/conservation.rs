//! The conservation sums (I12 in `docs/architecture.md`), counted in SQL.

use std::collections::BTreeMap;

use hotline_kernel::id::ImportBatchId;
use hotline_platform::core::CoreError;
use hotline_platform::fault::{self, Bug};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::StoreError;
use super::entity::{appeal, import_batch, import_refusal, import_row, matter};
use crate::domain::import::{ImportSums, RowOutcome};
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
        let added = i64::from(fault::is_seeded(Bug::ConservationOffByOne));
        sums.entry(channel).or_default().registered = count + added;
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

/// One run of an import: what it says, and what is there of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: ImportBatchId,
    /// The channel it went to; empty if there is no run of this id.
    pub channel_code: String,
    /// Rows before the one that comes next.
    pub rows_read: i64,
    /// What became of them, as the run says.
    pub sums: ImportSums,
    /// What is there of them; zeros if nobody counted.
    pub counted: Counted,
}

/// What is there of a run of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Its rows by what became of them.
    pub rows: ImportSums,
    /// Its rows that are kept with what was expected.
    pub refusals: i64,
    /// Its appeals.
    pub appeals: i64,
}

/// The sums of a run as its row holds them, by id, channel and next row.
type Said = (Uuid, String, i64, i64, i64, i64, i64, i64);

/// Every run as it says of itself; nothing is counted.
pub async fn runs(db: &impl ConnectionTrait) -> Result<Vec<Run>, CoreError> {
    let rows: Vec<Said> = import_batch::Entity::find()
        .select_only()
        .columns([
            import_batch::Column::Id,
            import_batch::Column::ChannelCode,
            import_batch::Column::NextRow,
            import_batch::Column::Present,
            import_batch::Column::Refused,
            import_batch::Column::Registered,
            import_batch::Column::Quarantined,
            import_batch::Column::Attached,
        ])
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(run_of).collect())
}

fn run_of(row: Said) -> Run {
    let (id, channel_code, next_row, present, refused, registered, quarantined, attached) = row;
    Run {
        id: id.into(),
        channel_code,
        rows_read: next_row - 1,
        sums: ImportSums {
            present,
            refused,
            registered,
            quarantined,
            attached,
        },
        counted: Counted::default(),
    }
}

/// Every run, and every id of one that rows, refusals or appeals name, with what is there of it.
pub async fn counted_runs(db: &impl ConnectionTrait) -> Result<Vec<Run>, CoreError> {
    let said = runs(db).await?;
    let mut runs: BTreeMap<Uuid, Run> = said.into_iter().map(|run| (run.id.uuid(), run)).collect();
    let rows: Vec<(Uuid, String, i64)> = import_row::Entity::find()
        .select_only()
        .columns([import_row::Column::BatchId, import_row::Column::Outcome])
        .column_as(import_row::Column::RowNo.count(), "rows")
        .group_by(import_row::Column::BatchId)
        .group_by(import_row::Column::Outcome)
        .into_tuple()
        .all(db)
        .await?;
    for (id, word, count) in rows {
        // An outcome that nobody knows is none: the sums show it.
        if let Some(outcome) = RowOutcome::parse(&word) {
            counted(&mut runs, id).rows.count(outcome, count);
        }
    }
    let refusals: Vec<(Uuid, i64)> = import_refusal::Entity::find()
        .select_only()
        .column(import_refusal::Column::BatchId)
        .column_as(import_refusal::Column::RowNo.count(), "rows")
        .group_by(import_refusal::Column::BatchId)
        .into_tuple()
        .all(db)
        .await?;
    for (id, count) in refusals {
        counted(&mut runs, id).refusals = count;
    }
    let appeals: Vec<(Uuid, i64)> = appeal::Entity::find()
        .select_only()
        .column(appeal::Column::ImportBatchId)
        .column_as(appeal::Column::Id.count(), "appeals")
        .filter(appeal::Column::ImportBatchId.is_not_null())
        .group_by(appeal::Column::ImportBatchId)
        .into_tuple()
        .all(db)
        .await?;
    for (id, count) in appeals {
        counted(&mut runs, id).appeals = count;
    }
    Ok(runs.into_values().collect())
}

fn counted(runs: &mut BTreeMap<Uuid, Run>, id: Uuid) -> &mut Counted {
    let unknown = || run_of((id, String::new(), 1, 0, 0, 0, 0, 0));
    &mut runs.entry(id).or_insert_with(unknown).counted
}
