//! The relay gives every visible outbox row the next number of its partition.
//!
//! A row is numbered only when it is committed, so a late committer simply gets a later number: a
//! cursor over insertion ids would lose events (3.4 % measured). The row lock of `outbox_head`
//! decides who numbers a partition; any number of relays may run.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use crate::backoff::Backoff;
use crate::bulk;
use crate::core::{Core, CoreError};
use crate::courier::Courier;
use crate::db::{Txn, skip_locked, sql};
use crate::fault::{self, Bug};
use crate::migration::PARTITIONS;
use crate::{outbox, publisher};

/// Rows numbered in one transaction.
const BATCH_MAX: u64 = 1000;
/// The poll for rows that another process wrote: soon after something came, then more seldom.
const POLL_MIN: Duration = Duration::from_millis(25);
const POLL_MAX: Duration = Duration::from_millis(500);

/// Starts the relay of a service's log, and its publisher if there is a courier.
pub fn start(core: &Core, courier: Option<&Courier>) {
    let owner = core.clone();
    core.tasks().keep("relay", move || run(owner.clone()));
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
                poll = if numbered > 0 || is_behind(&core) {
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

/// Whether something that was committed here has no number yet: another relay held its partition.
fn is_behind(core: &Core) -> bool {
    let signals = core.signals();
    signals.relayed.load(Ordering::SeqCst) != signals.written()
}

/// Numbers everything that is visible now; returns how many rows.
pub(crate) async fn pass(core: &Core) -> Result<u64, CoreError> {
    let signals = core.signals();
    let written = signals.written();
    let mut total = 0;
    // What was committed here needs no look; another process's rows do.
    let is_done = if is_behind(core) || has_work(core.db().read()).await? {
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
    let held = hold(&txn).await?;
    let is_all = held.len() == usize::from(PARTITIONS);
    if held.is_empty() {
        txn.rollback().await?;
        return Ok(Numbered {
            rows: 0,
            is_all: false,
        });
    }
    fault::point("relay.held");
    let touched = assign(&txn, &held).await?;
    fault::point("relay.assigned");
    advance(&txn, &touched).await?;
    fault::point("relay.advanced");
    txn.commit().await?;
    fault::point("relay.committed");
    let rows = touched.len() as u64;
    Ok(Numbered {
        rows,
        is_all: is_all && rows < BATCH_MAX,
    })
}

/// Numbers rows of the partitions that are held, behind each partition's head and in the order of
/// insertion; returns the partition of each.
async fn assign(txn: &Txn, held: &[i32]) -> Result<Vec<i32>, CoreError> {
    // What is to do is found by the index of the unnumbered alone: any other way there goes over what
    // PostgreSQL has not yet cleared away of the rows before they were numbered.
    let text = format!(
        "UPDATE outbox SET pub_seq = batch.number FROM ( \
           SELECT todo.seq AS seq, head.next_seq - 1 + ROW_NUMBER() OVER (PARTITION BY todo.partition ORDER BY todo.seq) AS number \
           FROM (SELECT seq, partition FROM outbox WHERE {} ORDER BY seq LIMIT {BATCH_MAX}) AS todo \
           JOIN outbox_head AS head ON head.partition = todo.partition \
           WHERE todo.partition IN ({}) \
         ) AS batch WHERE outbox.seq = batch.seq RETURNING partition",
        unnumbered(),
        places(held.len())
    );
    let values = held.iter().copied().map(Value::from).collect();
    let rows = txn.query_all_raw(sql(&**txn, text, values)).await?;
    let partition = |row: &QueryResult| row.try_get("", "partition");
    Ok(rows.iter().map(partition).collect::<Result<_, DbErr>>()?)
}

/// Moves the heads of partitions behind their last numbers.
async fn advance(txn: &Txn, touched: &[i32]) -> Result<(), CoreError> {
    let partitions: Vec<i32> = touched
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if partitions.is_empty() {
        return Ok(());
    }
    let partitions = bulk::keys(&partitions);
    let text = format!(
        "UPDATE outbox_head SET next_seq = 1 + COALESCE( \
           (SELECT MAX(pub_seq) FROM outbox WHERE outbox.partition = outbox_head.partition), next_seq - 1) \
         WHERE partition IN ({})",
        places(partitions.len())
    );
    let values = partitions.into_iter().map(Value::from).collect();
    txn.execute_raw(sql(&**txn, text, values)).await?;
    Ok(())
}

fn places(count: usize) -> String {
    let places: Vec<String> = (1..=count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// The rows that have no number yet, wherever they stand.
fn unnumbered() -> &'static str {
    if fault::is_seeded(Bug::NaiveCursor) {
        return "seq > (SELECT COALESCE(MAX(seq), 0) FROM outbox WHERE pub_seq IS NOT NULL)";
    }
    "pub_seq IS NULL"
}

/// Locks the heads of the partitions that nobody else numbers right now.
async fn hold(txn: &Txn) -> Result<Vec<i32>, CoreError> {
    let text = format!(
        "SELECT partition FROM outbox_head ORDER BY partition{}",
        skip_locked(&**txn)
    );
    let rows = txn.query_all_raw(sql(&**txn, text, vec![])).await?;
    let partition = |row: &QueryResult| row.try_get("", "partition");
    Ok(rows.iter().map(partition).collect::<Result<_, DbErr>>()?)
}

#[cfg(test)]
mod tests {
    use hotline_proto::event::{Body, RegistryLoaded, body};
    use uuid::Uuid;

    use super::*;
    use crate::migration;
    use crate::testing::{self, Databases, ManualClock};
    use crate::work::{Cause, NewEvent, Work};

    async fn written(core: &Core, account: u128) -> Work {
        let cause = Cause {
            actor: "operator:li".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: "/ledger/Raise".to_owned(),
            trace_parent: String::new(),
        };
        let event = Some(body::Event::RegistryLoaded(RegistryLoaded::default()));
        let id = Uuid::from_u128(account);
        let work = Work::begin(core).await.unwrap();
        work.publish(
            &cause,
            NewEvent {
                stream_id: id,
                aggregate_id: id,
                version: 1,
                body: Body { event },
            },
        );
        work.flush().await.unwrap();
        work
    }

    /// With SQLite nobody writes beside another, so there the second begins after the first.
    #[tokio::test]
    async fn an_event_that_is_committed_late_gets_its_number_too() {
        for database in Databases::all().await {
            let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
            let core =
                testing::core("ledger", &database.url, migration::migrations(), &clock).await;
            let late = written(&core, 1).await;
            if database.label == "postgres" {
                written(&core, 2).await.commit().await.unwrap();
                assert_eq!(pass(&core).await.unwrap(), 1);
                late.commit().await.unwrap();
            } else {
                late.commit().await.unwrap();
                assert_eq!(pass(&core).await.unwrap(), 1);
                written(&core, 2).await.commit().await.unwrap();
            }
            assert_eq!(
                pass(&core).await.unwrap(),
                1,
                "{}: numbered",
                database.label
            );
        }
    }
}
