//! The sealer gives visible audit rows dense numbers, chains them and puts a seal behind them.
//!
//! A row is written in its business transaction without a lock that others wait for; only when it is committed does
//! it get its place. The row lock of `audit_head` decides who seals; any number of sealers may run.

mod watch;

use std::time::Duration;

use hotline_kernel::time::micros;
use metrics::counter;
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::Instant;

use super::anchor::Anchors;
use super::key::{CODE_BYTES, beginning};
use super::row::{self, Authentic, Row};
use super::seal::{Before, Seal};
use crate::backoff::Backoff;
use crate::core::{Core, CoreError};
use crate::db::{Txn, skip_locked, sql};
use crate::fault::{self, Bug};

/// Rows sealed in one transaction.
pub const BATCH_MAX: u64 = 1_000;
/// What came in such a time is sealed together, so that sealing costs few transactions under load.
const GATHER: Duration = Duration::from_millis(500);
/// The look for rows that another process wrote.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An anchor is cast after such a time, if anything was sealed.
const ANCHOR_EVERY: Duration = Duration::from_mins(1);
/// An anchor is cast after so many rows.
const ANCHOR_ROWS: i64 = 1_000;
/// Clocks of two processes differ by less, in microseconds.
const SKEW_MICROS: i64 = 60_000_000;

/// Starts the sealer of a service's audit trail; it casts its anchors to `anchors`.
pub fn start(core: &Core, anchors: Anchors) {
    let owner = core.clone();
    core.tasks()
        .keep("sealer", move || run(Sealer::new(&owner), anchors.clone()));
}

async fn run(mut sealer: Sealer, anchors: Anchors) {
    let core = sealer.core.clone();
    let stop = core.tasks().stop().clone();
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
    loop {
        let is_last = stop.is_cancelled();
        let rest = match sealer.pass().await {
            Ok(_) => {
                backoff.reset();
                GATHER
            }
            Err(error) => {
                tracing::warn!(service = core.name(), %error, "the sealer waits for storage");
                backoff.next(core.ids())
            }
        };
        sealer.cast(&anchors, is_last).await;
        if is_last {
            return;
        }
        if stop
            .run_until_cancelled(tokio::time::sleep(rest))
            .await
            .is_none()
        {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = core.pen().written.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Seals everything that is visible now; returns how many rows. For commands and tests, which run no sealer.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn seal_all(core: &Core) -> Result<u64, CoreError> {
    Sealer::new(core).pass().await
}

/// Seals what this process wrote and nobody sealed yet, and casts an anchor behind it: for programs that end without a
/// sealer having run. Of a process whose rows are all sealed it asks nothing of the database.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn seal_rest(core: &Core, anchors: &Anchors) -> Result<u64, CoreError> {
    if core.pen().awaited().is_empty() {
        return Ok(0);
    }
    let mut sealer = Sealer::new(core);
    let rows = sealer.pass().await?;
    sealer.cast(anchors, true).await;
    Ok(rows)
}

/// Casts an anchor of the last seal, if there is one. For commands and tests, as [`seal_all`].
///
/// # Errors
///
/// A database that cannot be read.
pub async fn anchor(core: &Core, anchors: &Anchors) -> Result<(), CoreError> {
    let mut sealer = Sealer::new(core);
    sealer.known = Seal::last(core.db().read()).await?;
    sealer.cast(anchors, true).await;
    Ok(())
}

/// What one process knows of a chain.
pub(crate) struct Sealer {
    core: Core,
    /// The last seal that it saw.
    known: Option<Seal>,
    /// The number behind which it has not seen who wrote the rows.
    looked_until: Option<i64>,
    anchored: i64,
    anchored_at: Option<Instant>,
    /// Since when somebody else holds the chain while rows wait.
    held_since: Option<Instant>,
    /// That the chain was cut back, in words, until it is written down.
    cut_back: Option<String>,
}

/// What one transaction of sealing did.
pub(super) enum Batch {
    /// Another sealer is at it.
    Held,
    /// So many rows are sealed now.
    Sealed(u64),
}

impl Sealer {
    pub(crate) fn new(core: &Core) -> Self {
        Self {
            core: core.clone(),
            known: None,
            looked_until: None,
            anchored: 0,
            anchored_at: None,
            held_since: None,
            cut_back: None,
        }
    }

    /// Seals everything that is visible now, and looks whether all that this process wrote is still there.
    pub(crate) async fn pass(&mut self) -> Result<u64, CoreError> {
        let awaited = self.core.pen().awaited();
        let mut total = 0;
        if self.looked_until.is_none() {
            // Another sealer may have sealed what this process wrote since it lives.
            let reader = self.core.db().read();
            let since = self.core.pen().born - SKEW_MICROS;
            let last = Seal::before(reader, Before::Instant, since).await?;
            self.looked_until = Some(last.map_or(0, |seal| seal.chain_seq));
        }
        if !self.has_work().await? {
            self.held_since = None;
            self.look_at_head().await?;
            self.miss(&awaited).await?;
            return Ok(0);
        }
        loop {
            match self.batch().await? {
                Batch::Held => {
                    self.complain_of_holder();
                    return Ok(total);
                }
                Batch::Sealed(rows) => {
                    self.held_since = None;
                    total += rows;
                    if rows < BATCH_MAX {
                        break;
                    }
                }
            }
        }
        counter!("hotline_audit_rows_sealed_total", "service" => self.core.name()).increment(total);
        self.miss(&awaited).await?;
        Ok(total)
    }

    async fn has_work(&self) -> Result<bool, CoreError> {
        let reader = self.core.db().read();
        let text = "SELECT seq FROM audit WHERE chain_seq IS NULL ORDER BY chain_seq, seq LIMIT 1";
        Ok(reader
            .query_one_raw(sql(reader, text, vec![]))
            .await?
            .is_some())
    }

    /// One transaction of sealing.
    pub(super) async fn batch(&mut self) -> Result<Batch, CoreError> {
        let core = self.core.clone();
        let txn = core.db().begin_write().await?;
        if !hold(&txn).await? {
            txn.rollback().await?;
            return Ok(Batch::Held);
        }
        let last = Seal::last(&*txn).await?;
        self.look_back(last.as_ref(), &*txn).await?;
        self.look_at_others(last.as_ref(), &*txn).await?;
        let (number, hash) = last.as_ref().map_or_else(
            || (0, beginning(core.name())),
            |seal| (seal.chain_seq, seal.hash),
        );
        let rows = assign(&txn, number).await?;
        fault::point("sealer.assigned");
        let (number_now, hash) = self.chain(&rows, number, hash);
        if rows.is_empty() {
            // Somebody else was faster.
            txn.rollback().await?;
            self.known = last;
            self.tell_of_cut().await?;
            return Ok(Batch::Sealed(0));
        }
        let made = (number + 1, number_now);
        let at = micros(core.now());
        let seal = Seal::new(core.name(), &core.pen().key, made, hash, at);
        seal.save(&txn).await?;
        txn.commit().await?;
        fault::point("sealer.committed");
        for row in &rows {
            core.pen().sealed(row.writer, row.writer_seq);
        }
        self.looked_until = Some(number_now);
        self.known = Some(seal);
        self.tell_of_cut().await?;
        Ok(Batch::Sealed(rows.len() as u64))
    }

    /// Number and hash behind `rows`.
    fn chain(
        &self,
        rows: &[Row],
        mut number: i64,
        mut hash: [u8; CODE_BYTES],
    ) -> (i64, [u8; CODE_BYTES]) {
        let core = &self.core;
        for (index, row) in rows.iter().enumerate() {
            number += 1;
            if fault::is_seeded(Bug::SealerSkipsRow) && index + 1 == rows.len() {
                continue;
            }
            let (authentic, linked) = row.link(&hash, number, core.name(), &core.pen().key);
            hash = linked;
            if authentic == Authentic::No {
                // It keeps its place in the chain: `verify` names it for ever.
                counter!("hotline_audit_foreign_rows_total", "service" => core.name()).increment(1);
                tracing::error!(
                    service = core.name(),
                    number,
                    "an audit row is not as it was written"
                );
            }
        }
        (number, hash)
    }

    /// Casts an anchor if it is time. What fails is tried again at the next pass.
    async fn cast(&mut self, anchors: &Anchors, is_last: bool) {
        let Some(seal) = self.known.clone() else {
            return;
        };
        let behind = seal.chain_seq - self.anchored;
        let is_due = is_last
            || behind >= ANCHOR_ROWS
            || self
                .anchored_at
                .is_none_or(|cast_at| cast_at.elapsed() >= ANCHOR_EVERY);
        if behind == 0 || !is_due {
            return;
        }
        let (name, key) = (self.core.name(), &self.core.pen().key);
        if !seal.is_ours(name, key) {
            tracing::error!(
                service = name,
                number = seal.chain_seq,
                "the last seal of the audit trail is not ours; it gets no anchor"
            );
            return;
        }
        match anchors.cast(name, key, &seal, self.core.now()).await {
            Ok(()) => {
                fault::point("sealer.anchored");
                self.anchored = seal.chain_seq;
                self.anchored_at = Some(Instant::now());
            }
            Err(error) => {
                counter!("hotline_audit_anchors_failed_total", "service" => name).increment(1);
                tracing::error!(service = name, %error, "an anchor of the audit trail was not cast");
            }
        }
    }
}

/// Locks the chain, unless somebody else has it.
async fn hold(txn: &Txn) -> Result<bool, CoreError> {
    let text = format!("SELECT id FROM audit_head{}", skip_locked(&**txn));
    Ok(txn
        .query_one_raw(sql(&**txn, text, vec![]))
        .await?
        .is_some())
}

/// Gives the oldest rows without a number the next ones; returns them in their order.
async fn assign(txn: &Txn, number: i64) -> Result<Vec<Row>, CoreError> {
    let text = format!(
        "UPDATE audit SET chain_seq = batch.number FROM ( \
           SELECT todo.id AS id, {number} + ROW_NUMBER() OVER (ORDER BY todo.id) AS number \
           FROM (SELECT seq AS id FROM audit WHERE chain_seq IS NULL ORDER BY chain_seq, seq LIMIT {BATCH_MAX}) AS todo \
         ) AS batch WHERE audit.seq = batch.id RETURNING {}",
        row::COLUMNS
    );
    let found = txn.query_all_raw(sql(&**txn, text, vec![])).await?;
    let mut rows = found
        .iter()
        .map(Row::read)
        .collect::<Result<Vec<_>, DbErr>>()?;
    rows.sort_by_key(|row| row.chain_seq);
    Ok(rows)
}
