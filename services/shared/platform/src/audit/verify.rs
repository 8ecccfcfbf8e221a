//! Is the audit trail as it was written and sealed? Walks the chain once, with little memory, and names what is not.

mod anchors;
mod walk;

use std::fmt;

use hotline_kernel::time::{Timestamp, micros};
use sea_orm::ConnectionTrait;

use super::row::{COLUMNS, Row};
use super::seal::{Before, Seal};
use crate::core::{Core, CoreError};
use crate::db::sql;

pub use anchors::{AnchorsError, verify_anchors};
use walk::Walk;

/// Findings that are told one by one; the rest is counted.
const TOLD_MAX: usize = 100;
/// Rows without a number that are looked at.
const UNSEALED_MAX: u32 = 10_000;
/// Rows were sealed so long after one that was left unsealed, in microseconds: longer than any write takes.
const UNSEALED_MAX_MICROS: i64 = 5 * 60 * 1_000_000;

/// What can be wrong with a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A row is not as its writer wrote it.
    Changed,
    /// Rows or seals are gone.
    Deleted,
    /// A row was put in that no process of the installation wrote, or one stands twice.
    Inserted,
    /// Rows are not in the order in which they were sealed.
    Swapped,
    /// The chain is shorter than, or another one than, an anchor says.
    Truncated,
    /// A row waits for its number while the trail goes on.
    UnsealedTooLong,
    /// A seal or an anchor was not made with the installation's key.
    ForeignSeal,
}

impl Kind {
    /// Its name for people and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Inserted => "inserted",
            Self::Swapped => "swapped",
            Self::Truncated => "truncated",
            Self::UnsealedTooLong => "unsealed too long",
            Self::ForeignSeal => "foreign seal",
        }
    }
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// Which rows. Numbers and instants only.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.word(), self.what)
    }
}

/// Which part of a trail is walked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// From the last seal that was made before this instant; `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// To the first seal that was made after this instant; `None`: to the end.
    pub to: Option<Timestamp>,
    /// The last rows only, about so many; the later beginning counts.
    pub rows_max: Option<i64>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rows whose place in the chain was looked at.
    pub rows: u64,
    /// Those of them that are older than the codes: nothing tells of what was done to them before they were sealed.
    pub uncoded: u64,
    /// Seals that were looked at.
    pub seals: u64,
    /// The last number sealed.
    pub end: i64,
    /// Rows that have no number yet.
    pub unsealed: u64,
    /// Anchors that were compared.
    pub anchors: u64,
    /// Lines of the anchors' file that cannot be read, as a dying process leaves them.
    pub unreadable: u64,
    /// What is wrong, the first hundred.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub found: u64,
}

impl Report {
    pub(super) fn find(&mut self, kind: Kind, what: String) {
        self.found += 1;
        if self.findings.len() < TOLD_MAX {
            self.findings.push(Finding { kind, what });
        }
    }
}

/// Walks a part of a service's trail.
///
/// A row that stands twice is found if both stand in the part. What was cut off at the end is found by
/// [`verify_anchors`] alone.
///
/// # Errors
///
/// A database that cannot be read.
pub async fn verify(core: &Core, part: &Part) -> Result<Report, CoreError> {
    let reader = core.db().read();
    let mut report = Report::default();
    look_at_head(core, &mut report).await?;
    let last = Seal::last(reader).await?;
    let end = last.as_ref().map_or(0, |seal| seal.chain_seq);
    let (start, until) = bounds(core, part, end).await?;
    let is_coded = start.is_some() && is_coded_before(core, start.as_ref()).await?;
    let mut walk = Walk::begin(core, report, start, until, is_coded);
    walk.go().await?;
    if part.to.is_none() {
        look_behind(core, &mut walk.report).await?;
        unsealed(core, &mut walk, last.map(|seal| seal.at)).await?;
    }
    walk.report.end = end;
    Ok(walk.report)
}

/// Behind which seal the walk begins, and at which number it ends.
async fn bounds(core: &Core, part: &Part, end: i64) -> Result<(Option<Seal>, i64), CoreError> {
    let reader = core.db().read();
    let mut start = match part.from {
        Some(from) => Seal::before(reader, Before::Instant, micros(from)).await?,
        None => None,
    };
    if let Some(rows) = part.rows_max {
        let by_rows = Seal::before(reader, Before::Number, end.saturating_sub(rows) + 1).await?;
        let number = |seal: Option<&Seal>| seal.map_or(0, |seal| seal.chain_seq);
        if number(by_rows.as_ref()) > number(start.as_ref()) {
            start = by_rows;
        }
    }
    let Some(to) = part.to else {
        return Ok((start, end));
    };
    let text = "SELECT MIN(chain_seq) FROM audit_seal WHERE at > $1";
    let row = reader
        .query_one_raw(sql(reader, text, vec![micros(to).into()]))
        .await?;
    let until: Option<i64> = row.map_or(Ok(None), |row| row.try_get_by_index(0))?;
    Ok((start, until.unwrap_or(end)))
}

/// Whether rows had codes already where the walk begins: then each must have one.
async fn is_coded_before(core: &Core, start: Option<&Seal>) -> Result<bool, CoreError> {
    let reader = core.db().read();
    let until = start.map_or(0, |seal| seal.chain_seq);
    let text = "SELECT seq FROM audit WHERE chain_seq <= $1 AND mac IS NOT NULL LIMIT 1";
    let row = reader
        .query_one_raw(sql(reader, text, vec![until.into()]))
        .await?;
    Ok(row.is_some())
}

/// The row that the sealer locks: without it nothing is sealed any more.
async fn look_at_head(core: &Core, report: &mut Report) -> Result<(), CoreError> {
    let reader = core.db().read();
    let text = "SELECT id FROM audit_head";
    let rows = reader.query_all_raw(sql(reader, text, vec![])).await?;
    let ids = rows
        .iter()
        .map(|row| row.try_get_by_index::<i32>(0))
        .collect::<Result<Vec<_>, _>>()?;
    if ids != [1] {
        let what = format!("the row that the sealer locks: {ids:?} instead of [1]");
        report.find(Kind::Changed, what);
    }
    Ok(())
}

/// A number behind the last seal was not given by the sealer.
async fn look_behind(core: &Core, report: &mut Report) -> Result<(), CoreError> {
    let reader = core.db().read();
    let text = "SELECT MIN(chain_seq), COUNT(*) FROM audit \
                WHERE chain_seq > (SELECT COALESCE(MAX(chain_seq), 0) FROM audit_seal)";
    let row = reader.query_one_raw(sql(reader, text, vec![])).await?;
    let Some(row) = row else { return Ok(()) };
    let first: Option<i64> = row.try_get_by_index(0)?;
    if let Some(first) = first {
        let count: i64 = row.try_get_by_index(1)?;
        let what = format!("{count} rows from number {first} stand behind the last seal");
        report.find(Kind::Inserted, what);
    }
    Ok(())
}

/// Rows without a number: are they ours, and do they wait too long?
async fn unsealed(
    core: &Core,
    walk: &mut Walk<'_>,
    sealed_at: Option<i64>,
) -> Result<(), CoreError> {
    let reader = core.db().read();
    let text = "SELECT COUNT(*) FROM audit WHERE chain_seq IS NULL";
    let row = reader.query_one_raw(sql(reader, text, vec![])).await?;
    let Some(row) = row else { return Ok(()) };
    let count: i64 = row.try_get_by_index(0)?;
    walk.report.unsealed = count.unsigned_abs();
    let text = format!(
        "SELECT {COLUMNS} FROM audit WHERE chain_seq IS NULL ORDER BY chain_seq, seq LIMIT {UNSEALED_MAX}"
    );
    for row in reader.query_all_raw(sql(reader, text, vec![])).await? {
        let row = Row::read(&row)?;
        walk.look_at_unsealed(&row);
        // Passed over: what a killed process or a command left for the next sealer is no finding.
        let is_late = sealed_at.is_some_and(|at| at - row.at > UNSEALED_MAX_MICROS);
        if is_late && walk.is_coded() {
            let what = format!("row {} of {}", row.seq, walk::told(row.at));
            walk.report.find(Kind::UnsealedTooLong, what);
        }
    }
    Ok(())
}
