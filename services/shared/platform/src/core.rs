//! What every service is built on: database, clock, ids, log, and the one way to write.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use hotline_kernel::time::{Timestamp, micros};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::access::Scope;
use crate::audit::AuditKey;
use crate::audit::pen::Pen;
use crate::clock::Timepiece;
use crate::db::{BoxError, Db, sql};
use crate::ids::Ids;
use crate::signal::{LogEnd, Signals};
use crate::tasks::Tasks;
use crate::work::{Cause, Work};
use crate::{fault, row_fence};

/// A service's base. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    inner: Arc<Inner>,
}

struct Inner {
    parts: CoreParts,
    pen: Pen,
    signals: Signals,
}

/// What a [`Core`] is put together from.
pub struct CoreParts {
    /// The service's name: intake, routing, feedback, reporting.
    pub name: &'static str,
    /// Its database, with every migration applied.
    pub db: Db,
    /// Gives every timestamp and decides when timers fall due.
    pub clock: Arc<dyn Timepiece>,
    /// Gives ids and randomness.
    pub ids: Ids,
    /// The process's tasks.
    pub tasks: Tasks,
    /// What its audit rows, and what it keeps of commands' requests, are coded with.
    pub audit_key: AuditKey,
}

/// A command as its caller sent it, and the rows that it may touch.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// Who, from where, by which method.
    pub cause: Cause,
    /// The rows it may touch.
    pub scope: Scope,
    /// The caller's key; empty means the command is not remembered.
    pub idempotency_key: String,
    /// SHA-256 of method and request, to tell a repetition from a reused key. It is kept under a key only: a short request
    /// (a telephone number) could be tried out of it.
    pub request_hash: [u8; 32],
    /// The version the caller saw; 0 means none was stated.
    pub expected_version: i64,
}

/// The longest idempotency key, in bytes.
const KEY_MAX: usize = 500;
/// How what is kept of a request begins if it is coded with a key.
const KEYED: u8 = 1;

/// What the plumbing itself can refuse or fail with. Service errors hold it `#[from]`.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// Somebody else changed the row since it was loaded.
    #[error("it was changed by somebody else; load it again (its version is now {current})")]
    Stale {
        /// The version it has now, 0 if not known.
        current: i64,
    },
    /// The idempotency key was used before for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The idempotency key is longer than 500 bytes or holds control characters, which PostgreSQL
    /// and SQLite would not treat alike.
    #[error("the idempotency key is too long or holds control characters")]
    KeyUnfit,
    /// A page token that this server did not give.
    #[error("the page token was not given by this list")]
    BadPageToken,
    /// The database cannot answer now; a repetition with the same key is safe.
    #[error("storage is unavailable; repeat with the same key")]
    Unavailable(#[source] BoxError),
    /// The database failed. The cause is for the log only.
    #[error("storage failed")]
    Storage(#[source] BoxError),
}

impl Core {
    /// Puts a service's base together. Nothing runs yet.
    #[must_use]
    pub fn new(parts: CoreParts) -> Self {
        Self {
            inner: Arc::new(Inner {
                pen: Pen::new(parts.audit_key.clone(), parts.clock.now()),
                parts,
                signals: Signals::default(),
            }),
        }
    }

    /// The service's name: intake, routing, feedback, reporting.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.inner.parts.name
    }

    /// Its database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.inner.parts.db
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }

    /// Its clock, to wait on.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Timepiece> {
        &self.inner.parts.clock
    }

    /// Its ids and randomness.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.inner.parts.ids
    }

    /// The process's tasks.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.inner.parts.tasks
    }

    /// The end of its log, for consumers of this process.
    #[must_use]
    pub fn log_end(&self) -> LogEnd {
        LogEnd(self.signals().heads.subscribe())
    }

    /// What it writes audit rows with.
    pub(crate) fn pen(&self) -> &Pen {
        &self.inner.pen
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// Runs a command: once per (actor, key), state and events and audit together, to the end even
    /// if the caller goes away. `work` runs behind the second fence if the scope is narrow
    /// ([`crate::row_fence`]).
    ///
    /// A repetition with the same key and request returns the stored outcome without running `work`.
    ///
    /// # Errors
    ///
    /// What `work` refuses with (nothing is written then), or a [`CoreError`].
    pub async fn execute<O, E, F>(&self, context: CommandContext, work: F) -> Result<O, E>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
        E: From<CoreError> + Send + 'static,
        F: for<'a> FnOnce(&'a Work) -> BoxFuture<'a, Result<O, E>> + Send + 'static,
    {
        let core = self.clone();
        let span =
            tracing::info_span!("command", service = self.name(), method = %context.cause.method);
        let running = self
            .tasks()
            .spawn(async move { core.run(context, work).await }.instrument(span));
        let ended = running.await;
        let result = ended.unwrap_or_else(|error| Err(CoreError::Storage(Box::new(error)).into()));
        let outcome = if result.is_ok() { "done" } else { "refused" };
        metrics::counter!("hotline_commands_total", "service" => self.name(), "outcome" => outcome)
            .increment(1);
        result
    }

    async fn run<O, E, F>(&self, context: CommandContext, work: F) -> Result<O, E>
    where
        O: Serialize + DeserializeOwned + Send,
        E: From<CoreError> + Send,
        F: for<'a> FnOnce(&'a Work) -> BoxFuture<'a, Result<O, E>> + Send,
    {
        let key = &context.idempotency_key;
        if key.len() > KEY_MAX || key.contains(char::is_control) {
            return Err(CoreError::KeyUnfit.into());
        }
        let unit = Work::begin(self).await?;
        let is_remembered = !key.is_empty();
        let kept = self.kept_of(&context.request_hash);
        if is_remembered && !claim(&unit, &context, kept).await? {
            unit.roll_back().await;
            return Ok(self.remembered(&context).await?);
        }
        fault::point("command.claimed");
        let is_fenced = row_fence::enter(&**unit.txn(), &context.scope).await?;
        let outcome = match work(&unit).await {
            Ok(outcome) => outcome,
            Err(refusal) => {
                unit.roll_back().await;
                return Err(refusal);
            }
        };
        fault::point("command.decided");
        if is_fenced {
            row_fence::leave(&**unit.txn()).await?;
        }
        if is_remembered {
            let told = serde_json::to_vec(&outcome)
                .map_err(|error| CoreError::Storage(Box::new(error)))?;
            remember(&unit, &context, told).await?;
            fault::point("command.remembered");
        }
        unit.commit().await?;
        fault::point("command.committed");
        Ok(outcome)
    }

    /// The outcome of an earlier run of the same command.
    async fn remembered<O: DeserializeOwned>(
        &self,
        context: &CommandContext,
    ) -> Result<O, CoreError> {
        let text = "SELECT request_hash, outcome FROM command WHERE actor = $1 AND key = $2";
        let values = vec![
            context.cause.actor.as_str().into(),
            context.idempotency_key.as_str().into(),
        ];
        let reader = self.db().writer();
        let row = reader.query_one_raw(sql(reader, text, values)).await?;
        // The row can be gone if its command was refused, or was forgotten, just now.
        let row = row.ok_or_else(|| {
            CoreError::Unavailable("the same command was refused just now".into())
        })?;
        let kept: Vec<u8> = row.try_get("", "request_hash")?;
        if !self.is_kept_of(&kept, &context.request_hash) {
            return Err(CoreError::KeyReused);
        }
        let outcome: Vec<u8> = row.try_get("", "outcome")?;
        serde_json::from_slice(&outcome).map_err(|error| CoreError::Storage(Box::new(error)))
    }

    /// What is kept of a request, to know it again.
    fn kept_of(&self, request_hash: &[u8; 32]) -> Vec<u8> {
        let mut kept = vec![KEYED];
        kept.extend(self.inner.pen.key.request(request_hash));
        kept
    }

    /// Whether `kept` is of the same request. What was kept by versions before had no key; it is forgotten with its
    /// command, so that this can go when no row is older than the update.
    fn is_kept_of(&self, kept: &[u8], request_hash: &[u8; 32]) -> bool {
        match kept.split_first() {
            Some((&KEYED, code)) if code.len() == request_hash.len() => {
                self.inner.pen.key.is_request(request_hash, code)
            }
            _ => kept == request_hash,
        }
    }

    /// Forgets commands that are older than `before`; returns how many.
    pub(crate) async fn forget_commands(&self, before: Timestamp) -> Result<u64, CoreError> {
        let writer = self.db().writer();
        let statement = sql(
            writer,
            "DELETE FROM command WHERE at < $1",
            vec![micros(before).into()],
        );
        Ok(writer.execute_raw(statement).await?.rows_affected())
    }
}

/// Takes the key for this run; false if it is taken. PostgreSQL waits here for a run that is under way.
async fn claim(work: &Work, context: &CommandContext, kept: Vec<u8>) -> Result<bool, CoreError> {
    let text = "INSERT INTO command (actor, key, method, request_hash, at) VALUES ($1, $2, $3, $4, $5) \
                ON CONFLICT DO NOTHING";
    let values = vec![
        context.cause.actor.as_str().into(),
        context.idempotency_key.as_str().into(),
        context.cause.method.as_str().into(),
        kept.into(),
        micros(work.now()).into(),
    ];
    let inserted = work
        .txn()
        .execute_raw(sql(&**work.txn(), text, values))
        .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn remember(
    work: &Work,
    context: &CommandContext,
    outcome: Vec<u8>,
) -> Result<(), CoreError> {
    let text = "UPDATE command SET outcome = $1 WHERE actor = $2 AND key = $3";
    let values = vec![
        outcome.into(),
        context.cause.actor.as_str().into(),
        context.idempotency_key.as_str().into(),
    ];
    work.txn()
        .execute_raw(sql(&**work.txn(), text, values))
        .await?;
    Ok(())
}

impl fmt::Debug for Core {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Core")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
