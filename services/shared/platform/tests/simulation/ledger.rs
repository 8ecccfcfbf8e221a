//! The service that is heard: accounts whose versions commands and timers raise by one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures::future::BoxFuture;
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_platform::reaction::{DueTimer, ReactionError, TimerHandler};
use hotline_platform::work::{Cause, NewEvent, NewTimer, Work};
use hotline_proto::event::{Body, RegistryLoaded, body};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

/// Its tables.
pub const TABLES: [&str; 3] = [
    "CREATE TABLE account (id BLOB PRIMARY KEY, version INTEGER NOT NULL)",
    "CREATE TABLE done (key TEXT NOT NULL, account BLOB NOT NULL, version INTEGER NOT NULL)",
    "CREATE TABLE effect (account BLOB NOT NULL, armed_version INTEGER NOT NULL, due_at INTEGER NOT NULL, at INTEGER NOT NULL)",
];

/// What timers do here.
const KIND: &str = "raise";

/// What a client wants done, under a key of its own.
#[derive(Clone, Debug)]
pub struct Command {
    pub key: String,
    pub account: Uuid,
    /// Raises the account so often.
    pub times: u32,
    /// Arms a timer after so many seconds.
    pub timer_after: Option<i64>,
    /// Disarms the account's timers.
    pub disarms: bool,
}

impl Command {
    pub fn context(&self) -> CommandContext {
        CommandContext {
            cause: cause("client"),
            scope: Scope::own_work(),
            idempotency_key: self.key.clone(),
            request_hash: [1; 32],
            expected_version: 0,
        }
    }

    /// Carries it out; the account's version after it.
    pub fn work(
        self,
    ) -> impl for<'a> FnOnce(&'a Work) -> BoxFuture<'a, Result<i64, CoreError>> + Send + 'static
    {
        move |work| Box::pin(async move { self.carry_out(work).await })
    }

    async fn carry_out(&self, work: &Work) -> Result<i64, CoreError> {
        let mut version = 0;
        for _ in 0..self.times {
            version = raise(work, self.account).await?;
        }
        let text = "INSERT INTO done (key, account, version) VALUES ($1, $2, $3)";
        let values = vec![
            self.key.as_str().into(),
            self.account.into(),
            version.into(),
        ];
        work.txn().execute_raw(bound(text, values)).await?;
        if self.disarms {
            work.disarm(self.account, KIND).await?;
        }
        if let Some(after) = self.timer_after {
            work.arm(NewTimer {
                aggregate_id: self.account,
                kind: KIND,
                due_at: work.now() + TimeDelta::seconds(after),
                armed_version: version,
            });
        }
        Ok(version)
    }
}

/// Carries out the ledger's timers; some accounts' fail.
#[derive(Clone, Default)]
pub struct Timers {
    pub troubled: Arc<Mutex<BTreeSet<Uuid>>>,
    /// Accounts that an open transaction elsewhere has locked.
    pub locked: Arc<Mutex<BTreeSet<Uuid>>>,
}

#[async_trait::async_trait]
impl TimerHandler for Timers {
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError> {
        let account = timer.aggregate_id;
        if self.locked.lock().expect("unpoisoned").contains(&account) {
            return Err(ReactionError::Transient("the account is locked".into()));
        }
        let text =
            "INSERT INTO effect (account, armed_version, due_at, at) VALUES ($1, $2, $3, $4)";
        let values = vec![
            account.into(),
            timer.armed_version.into(),
            micros(timer.due_at).into(),
            micros(work.now()).into(),
        ];
        work.txn()
            .execute_raw(bound(text, values))
            .await
            .map_err(CoreError::from)?;
        raise(work, account).await?;
        if self.troubled.lock().expect("unpoisoned").contains(&account) {
            return Err(ReactionError::Unknown("told to fail".into()));
        }
        Ok(())
    }
}

/// Raises an account's version by one and tells so.
async fn raise(work: &Work, account: Uuid) -> Result<i64, CoreError> {
    let text = "INSERT INTO account (id, version) VALUES ($1, 1) \
                ON CONFLICT (id) DO UPDATE SET version = version + 1 RETURNING version";
    let row = work
        .txn()
        .query_one_raw(bound(text, vec![account.into()]))
        .await?;
    let version = row
        .as_ref()
        .map_or(Ok(0), |row| row.try_get::<i64>("", "version"))?;
    let loaded = RegistryLoaded {
        table: "account".to_owned(),
        rows: Vec::new(),
    };
    let event = NewEvent {
        stream_id: account,
        aggregate_id: account,
        version,
        body: Body {
            event: Some(body::Event::RegistryLoaded(loaded)),
        },
    };
    work.publish(&cause("ledger"), event);
    Ok(version)
}

pub fn cause(actor: &str) -> Cause {
    Cause {
        actor: actor.to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: "/ledger/Raise".to_owned(),
        trace_parent: String::new(),
    }
}

pub fn bound(text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(sea_orm::DbBackend::Sqlite, text, values)
}

/// Rows of a query that cannot fail.
pub async fn rows<C: ConnectionTrait>(connection: &C, text: &str) -> Vec<QueryResult> {
    connection
        .query_all_raw(bound(text, vec![]))
        .await
        .expect("readable")
}

/// A column that must be there.
pub fn get<T: sea_orm::TryGetable>(row: &QueryResult, name: &str) -> T {
    row.try_get("", name).expect("a column")
}
