//! For simulations: what the loops of a process do, one step at a time.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use hotline_proto::event::Envelope;
use sea_orm::ConnectionTrait;
use tokio::sync::watch;
use uuid::Uuid;

use crate::consumer::{Feed, Source};
use crate::core::{Core, CoreError};
use crate::courier::Courier;
use crate::db::{BoxError, Db, sql};
use crate::publisher::Publisher;
use crate::reaction::{Reaction, TimerHandler};
use crate::signal::{Heads, Progress};
use crate::work::Work;
use crate::{relay, timers};

/// One connection to a SQLite file for everything, with nothing that makes it durable.
///
/// # Errors
///
/// A file that cannot be opened.
pub async fn open(path: &Path) -> Result<Db, CoreError> {
    Db::open_single(path).await
}

/// Numbers everything that is visible now; returns how many events.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn number(core: &Core) -> Result<u64, CoreError> {
    relay::pass(core).await
}

/// Fires timers that are due; returns how many were dealt with.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn fire(core: &Core, handler: &dyn TimerHandler) -> Result<u32, CoreError> {
    timers::fire_batch(core, handler).await
}

/// Carries out `write` under the insertion id `seq`, which was drawn before: other writers that drew
/// later ids may have committed already, as sequences of PostgreSQL allow.
///
/// # Errors
///
/// What `write` fails with, or a database that cannot be written.
pub async fn write_late(
    core: &Core,
    seq: i64,
    write: impl for<'a> FnOnce(&'a Work) -> BoxFuture<'a, Result<i64, CoreError>>,
) -> Result<i64, CoreError> {
    let work = Work::begin(core).await?;
    let outcome = match write(&work).await {
        Ok(outcome) => outcome,
        Err(error) => {
            work.roll_back().await;
            return Err(error);
        }
    };
    work.flush().await?;
    let text = "UPDATE outbox SET seq = $1 WHERE seq = (SELECT MAX(seq) FROM outbox)";
    let statement = sql(&**work.txn(), text, vec![seq.into()]);
    work.txn().execute_raw(statement).await?;
    work.commit().await?;
    Ok(outcome)
}

/// The versions of one thing that stand in the audit trail, in the order of writing.
///
/// # Errors
///
/// A database that cannot be read.
pub async fn audited(core: &Core, resource_id: &str) -> Result<Vec<i64>, CoreError> {
    let text = "SELECT version FROM audit WHERE resource_id = $1 ORDER BY seq";
    let reader = core.db().read();
    let rows = reader
        .query_all_raw(sql(reader, text, vec![resource_id.into()]))
        .await?;
    rows.iter()
        .map(|row| Ok(row.try_get("", "version")?))
        .collect()
}

/// Draws an insertion id of the log's, to be used by [`write_late`].
///
/// # Errors
///
/// A database that cannot be written.
pub async fn draw_seq(core: &Core) -> Result<i64, CoreError> {
    let text = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'outbox' RETURNING seq";
    let writer = core.db().writer();
    let row = writer.query_one_raw(sql(writer, text, vec![])).await?;
    let row = row.ok_or_else(|| CoreError::Storage("nothing was written yet".into()))?;
    Ok(row.try_get("", "seq")?)
}

/// A consumer's reader of one log.
pub struct Reading(Feed);

impl Reading {
    /// Of `source`, by `reaction`.
    #[must_use]
    pub fn new(core: &Core, reaction: Arc<dyn Reaction>, source: Source) -> Self {
        let progress = Arc::new(Progress::of(source.producer, source.end.clone()));
        Self(Feed::new(core, reaction, source, progress))
    }

    /// Who it is to leases.
    #[must_use]
    pub fn owner(&self) -> Uuid {
        self.0.lease.owner
    }

    /// Takes or renews its lease and gets the next events.
    ///
    /// # Errors
    ///
    /// A database or log that does not answer.
    pub async fn look(&mut self) -> Result<Vec<Envelope>, CoreError> {
        self.0.look().await
    }

    /// Applies what [`Reading::look`] got.
    ///
    /// # Errors
    ///
    /// A database that does not answer.
    pub async fn apply(&mut self, events: &[Envelope]) -> Result<(), CoreError> {
        self.0.apply_all(events).await
    }

    /// Does what follows a failure.
    pub fn failed(&mut self) {
        self.0.leased_at = None;
    }
}

/// A publisher of one log.
pub struct Publishing {
    publisher: Publisher,
    end: watch::Receiver<Heads>,
}

impl Publishing {
    /// Of `core`'s log, to `courier`.
    #[must_use]
    pub fn new(core: &Core, courier: Courier) -> Self {
        Self {
            publisher: Publisher::new(core, courier),
            end: core.log_end().0,
        }
    }

    /// Publishes up to the end of the log.
    ///
    /// # Errors
    ///
    /// A courier that does not take it.
    pub async fn publish(&mut self) -> Result<(), BoxError> {
        self.publisher.publish(&mut self.end).await
    }
}
