//! The relay gives every visible outbox row the next number of its partition.
//!
//! A row is numbered only when it is committed, so a late committer simply gets a later number: a
//! cursor over insertion ids would lose events (3.4 % measured). The row lock of `outbox_head`
//! decides who numbers a partition; any number of relays may run.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::backoff::Backoff;
use crate::core::{Core, CoreError};
use crate::courier::Courier;
use crate::db::{Txn, skip_locked, sql};
use crate::{fault, outbox, publisher};

/// Rows numbered in one transaction.
const BATCH_MAX: u64 = 1000;
/// The poll for rows that another process wrote: soon after something came, then more seldom.
const POLL_MIN: Duration = Duration::from_millis(25);
const POLL_MAX: Duration = Duration::from_millis(500);

/// Starts the relay of a service's log, and its publisher if there is a courier.
pub fn start(core: &Core, courier: Option<&Courier>) {
    core.tasks().spawn(run(core.clone()));
    if let Some(courier) = courier {
        publisher::start(core, courier.clone());
    }
}

async fn run(core: Core) {
    let stop = core.tasks().stop().clone();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let mut poll = POLL_MIN;
    loop {
        let rest = match pass(&core).await {
            Ok(numbered) => {
                backoff.reset();
                poll = if numbered > 0 {
                    POLL_MIN
                } else {
                    (poll * 2).min(POLL_MAX)
                };
                poll
            }
            Err(error) => {
                tracing::warn!(service = core.name(), %error, "the relay waits for storage");
                backoff.next(core.ids())
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = core.signals().relay.notified() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Numbers everything that is visible now; returns how many rows.
pub(crate) async fn pass(core: &Core) -> Result<u64, CoreError> {
    let signals = core.signals();
    let written = signals.written();
    let mut total = 0;
    // What was committed here needs no look; another process's rows do.
    let is_known = signals.relayed.load(Ordering::SeqCst) != written;
    let is_done = if is_known || has_work(core.db().read()).await? {
        loop {
            let numbered = number(core).await?;
            total += numbered.rows;
            if numbered.is_all {
                break true;
            }
            if numbered.rows == 0 {
                // Nothing is left, or another relay holds what is.
                break !has_work(core.db().read()).await?;
            }
        }
    } else {
        true
    };
    let heads = outbox::heads(core.db().read()).await?;
    signals
        .heads
        .send_if_modified(|known| std::mem::replace(known, heads) != heads);
    if is_done && signals.relayed.swap(written, Ordering::SeqCst) != written {
        core.tasks().beat();
    }
    if total > 0 {
        metrics::counter!("hotline_events_numbered_total", "service" => core.name())
            .increment(total);
    }
    Ok(total)
}

async fn has_work<C: ConnectionTrait>(connection: &C) -> Result<bool, CoreError> {
    let text = "SELECT seq FROM outbox WHERE pub_seq IS NULL LIMIT 1";
    Ok(connection
        .query_one_raw(sql(connection, text, vec![]))
        .await?
        .is_some())
}

/// What one transaction of numbering did.
struct Numbered {
    rows: u64,
    /// Whether everything that was visible has its number now.
    is_all: bool,
}

/// One transaction of numbering: the partitions that no other relay holds.
async fn number(core: &Core) -> Result<Numbered, CoreError> {
    let txn = core.db().begin_write().await?;
    let Held {
        partitions: held,
        is_all,
    } = hold(&txn).await?;
    if held.is_empty() {
        txn.rollback().await?;
        return Ok(Numbered { rows: 0, is_all });
    }
    fault::point("relay.held");
    let places: Vec<String> = (1..=held.len()).map(|place| format!("${place}")).collect();
    let places = places.join(", ");
    let values = || held.iter().copied().map(Value::from).collect::<Vec<_>>();
    // Numbers continue behind each partition's head, in the order of insertion.
    let assign = format!(
        "UPDATE outbox SET pub_seq = batch.number FROM ( \
           SELECT todo.seq AS seq, head.next_seq - 1 + ROW_NUMBER() OVER (PARTITION BY todo.partition ORDER BY todo.seq) AS number \
           FROM (SELECT seq, partition FROM outbox WHERE pub_seq IS NULL AND partition IN ({places}) \
                 ORDER BY seq LIMIT {BATCH_MAX}) AS todo \
           JOIN outbox_head AS head ON head.partition = todo.partition \
         ) AS batch WHERE outbox.seq = batch.seq"
    );
    let rows = txn
        .execute_raw(sql(&*txn, assign, values()))
        .await?
        .rows_affected();
    fault::point("relay.assigned");
    let advance = format!(
        "UPDATE outbox_head SET next_seq = 1 + COALESCE( \
           (SELECT MAX(pub_seq) FROM outbox WHERE outbox.partition = outbox_head.partition), next_seq - 1) \
         WHERE partition IN ({places})"
    );
    txn.execute_raw(sql(&*txn, advance, values())).await?;
    fault::point("relay.advanced");
    txn.commit().await?;
    fault::point("relay.committed");
    Ok(Numbered {
        rows,
        is_all: is_all && rows < BATCH_MAX,
    })
}

/// Partitions whose heads are locked by a transaction.
struct Held {
    partitions: Vec<i32>,
    /// Whether they are all that have rows to number.
    is_all: bool,
}

/// Locks the heads of the partitions that nobody else numbers right now.
async fn hold(txn: &Txn) -> Result<Held, CoreError> {
    let text = format!(
        "SELECT partition, (SELECT COUNT(DISTINCT partition) FROM outbox WHERE pub_seq IS NULL) AS waiting \
         FROM outbox_head WHERE partition IN (SELECT partition FROM outbox WHERE pub_seq IS NULL) \
         ORDER BY partition{}",
        skip_locked(&**txn)
    );
    let rows = txn.query_all_raw(sql(&**txn, text, vec![])).await?;
    let partitions: Result<Vec<i32>, DbErr> = rows
        .iter()
        .map(|row| row.try_get("", "partition"))
        .collect();
    let waiting = rows
        .first()
        .map(|row| row.try_get::<i64>("", "waiting"))
        .transpose()?;
    let partitions = partitions?;
    let is_all = waiting.is_some_and(|waiting| i64::try_from(partitions.len()) == Ok(waiting));
    Ok(Held { partitions, is_all })
}
