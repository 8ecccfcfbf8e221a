//! One way along the chain: row by row, from seal to seal.

use std::collections::VecDeque;

use hotline_kernel::time::from_micros;
use sea_orm::{ConnectionTrait, DbErr};

use super::{Kind, Report};
use crate::audit::key::{CODE_BYTES, beginning};
use crate::audit::row::{Authentic, COLUMNS, Row};
use crate::audit::seal::Seal;
use crate::audit::seen::Seen;
use crate::core::{Core, CoreError};
use crate::db::sql;

/// Rows read at once.
const ROWS: u32 = 2_000;
/// Seals read at once.
const SEALS: u32 = 1_000;

pub(super) struct Walk<'a> {
    core: &'a Core,
    pub(super) report: Report,
    /// Where the walk ends.
    until: i64,
    /// The last number that was passed, and the chain's hash there.
    number: i64,
    hash: [u8; CODE_BYTES],
    /// The last number that a seal stands behind.
    sealed: i64,
    /// Seals that come next.
    seals: VecDeque<Seal>,
    has_more_seals: bool,
    seen: Seen,
    /// Whether a row with a code was passed: from there on each must have one.
    is_coded: bool,
    segment: Segment,
}

/// What was passed since the last seal.
#[derive(Debug, Default)]
struct Segment {
    /// Something is wrong already.
    is_broken: bool,
    /// A row had no code.
    has_uncoded: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn begin(
        core: &'a Core,
        report: Report,
        start: Option<Seal>,
        until: i64,
        is_coded: bool,
    ) -> Self {
        let mut walk = Self {
            core,
            report,
            until,
            number: 0,
            hash: beginning(core.name()),
            sealed: 0,
            seals: VecDeque::new(),
            has_more_seals: true,
            seen: Seen::default(),
            is_coded,
            segment: Segment::default(),
        };
        if let Some(seal) = start {
            walk.check_ours(&seal);
            (walk.number, walk.sealed, walk.hash) = (seal.chain_seq, seal.chain_seq, seal.hash);
        }
        walk
    }

    pub(super) fn is_coded(&self) -> bool {
        self.is_coded
    }

    pub(super) async fn go(&mut self) -> Result<(), CoreError> {
        let mut after = (self.number, i64::MAX);
        loop {
            let rows = self.page(after).await?;
            let Some(last) = rows.last() else { break };
            after = (last.chain_seq.unwrap_or(self.until), last.seq);
            for row in &rows {
                let number = row.chain_seq.unwrap_or(self.until);
                self.close_before(number).await?;
                self.pass(row, number);
            }
        }
        self.close_before(i64::MAX).await
    }

    async fn page(&self, (number, seq): (i64, i64)) -> Result<Vec<Row>, CoreError> {
        let reader = self.core.db().read();
        // Two rows can have one number, if somebody gave it.
        let text = format!(
            "SELECT {COLUMNS} FROM audit WHERE (chain_seq, seq) > ($1, $2) AND chain_seq <= $3 \
             ORDER BY chain_seq, seq LIMIT {ROWS}"
        );
        let asked = sql(
            reader,
            text,
            vec![number.into(), seq.into(), self.until.into()],
        );
        let found = reader.query_all_raw(asked).await?;
        Ok(found.iter().map(Row::read).collect::<Result<_, DbErr>>()?)
    }

    fn pass(&mut self, row: &Row, number: i64) {
        self.report.rows += 1;
        if number <= self.number {
            self.segment.is_broken = true;
            let what = format!("number {number} stands twice; row {}", row.seq);
            self.report.find(Kind::Inserted, what);
            return;
        }
        if number > self.number + 1 {
            self.lost(self.number + 1, number - 1);
        }
        self.number = number;
        let key = &self.core.pen().key;
        let (authentic, hash) = row.link(&self.hash, number, self.core.name(), key);
        self.hash = hash;
        self.judge(row, authentic, &format!("number {number}, row {}", row.seq));
    }

    /// A row that has no number yet.
    pub(super) fn look_at_unsealed(&mut self, row: &Row) {
        let key = &self.core.pen().key;
        let (authentic, _) = row.link(&self.hash, 0, self.core.name(), key);
        self.judge(row, authentic, &format!("row {}, not sealed yet", row.seq));
    }

    fn judge(&mut self, row: &Row, authentic: Authentic, which: &str) {
        match authentic {
            Authentic::Yes => {
                self.is_coded = true;
                let (writer, number) = (row.content().writer, row.content().writer_seq);
                if !self.seen.note(writer, number) {
                    self.wrong(Kind::Inserted, format!("{which} is a copy of another row"));
                }
            }
            Authentic::Uncoded if self.is_coded => {
                self.wrong(Kind::Inserted, format!("{which} has no code"));
            }
            Authentic::Uncoded => {
                self.report.uncoded += 1;
                self.segment.has_uncoded = true;
            }
            Authentic::No => {
                self.wrong(
                    Kind::Changed,
                    format!("{which} of {} is not as it was written", told(row.at)),
                );
            }
        }
    }

    fn wrong(&mut self, kind: Kind, what: String) {
        self.segment.is_broken = true;
        self.report.find(kind, what);
    }

    fn lost(&mut self, first: i64, last: i64) {
        self.wrong(Kind::Deleted, format!("numbers {first} to {last} are gone"));
    }

    /// Passes the seals that stand before `number`.
    async fn close_before(&mut self, number: i64) -> Result<(), CoreError> {
        loop {
            if self.seals.is_empty() && self.has_more_seals {
                let reader = self.core.db().read();
                let page = Seal::page(reader, self.sealed, self.until, SEALS).await?;
                self.has_more_seals = !page.is_empty();
                self.seals = page.into();
            }
            match self.seals.front() {
                Some(seal) if seal.chain_seq < number => {}
                _ => return Ok(()),
            }
            if let Some(seal) = self.seals.pop_front() {
                self.close(&seal);
            }
        }
    }

    fn close(&mut self, seal: &Seal) {
        self.report.seals += 1;
        let is_ours = self.check_ours(seal);
        if self.number < seal.chain_seq {
            self.lost(self.number + 1, seal.chain_seq);
        }
        if is_ours {
            if seal.first_seq != self.sealed + 1 {
                let (first, last) = (self.sealed + 1, seal.first_seq - 1);
                let what = format!("the seals of numbers {first} to {last} are gone");
                self.report.find(Kind::Deleted, what);
            }
            if seal.hash != self.hash && !self.segment.is_broken {
                let kind = if self.segment.has_uncoded {
                    Kind::Changed
                } else {
                    Kind::Swapped
                };
                let what = format!(
                    "numbers {} to {} are not as they were sealed at {}",
                    seal.first_seq,
                    seal.chain_seq,
                    told(seal.at)
                );
                self.report.find(kind, what);
            }
            // What follows is judged by itself.
            self.hash = seal.hash;
        }
        self.number = self.number.max(seal.chain_seq);
        self.sealed = seal.chain_seq;
        self.segment = Segment::default();
    }

    fn check_ours(&mut self, seal: &Seal) -> bool {
        let is_ours = seal.is_ours(self.core.name(), &self.core.pen().key);
        if !is_ours {
            let what = format!("the seal of number {} is not ours", seal.chain_seq);
            self.wrong(Kind::ForeignSeal, what);
        }
        is_ours
    }
}

/// An instant for people.
pub(super) fn told(at: i64) -> String {
    from_micros(at).map_or_else(
        || format!("{at} µs"),
        |at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
    )
}
