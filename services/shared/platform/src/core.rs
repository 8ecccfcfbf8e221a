//! What every service is built on: database, clock, ids, log, and the one way to write.

use std::sync::Arc;

use futures::future::BoxFuture;
use hotline_kernel::time::{Clock, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::{BoxError, Db};
use crate::work::{Cause, Work};

/// A service's base. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    // name, db, clock, ids, tasks, wakers
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    db: Db,
    clock: Arc<dyn Clock>,
}

/// A command as its caller sent it.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// Who, from where, by which method.
    pub cause: Cause,
    /// The caller's key; empty means the command is not remembered.
    pub idempotency_key: String,
    /// SHA-256 of method and request, to tell a repetition from a reused key.
    pub request_hash: [u8; 32],
    /// The version the caller saw; 0 means none was stated.
    pub expected_version: i64,
}

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
    /// The service's name: intake, routing, feedback, reporting.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Its database.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Runs a command: once per (actor, key), state and events and audit together, to the end even
    /// if the caller goes away.
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
        let _ = (context, work);
        todo!()
    }
}
