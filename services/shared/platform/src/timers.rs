//! Durable timers: each fires exactly once, never early, in one transaction with its effect.
//!
//! The claim is the row's change from `armed` to `fired` in the transaction that carries out the
//! effect, so a kill rolls both back and two runners cannot both fire one timer.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hotline_kernel::time::{Timestamp, from_micros, micros};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::core::{Core, CoreError};
use crate::db::{skip_locked, sql};
use crate::fault::{self, Bug};
use crate::reaction::{DueTimer, ReactionError, TimerHandler, guarded};
use crate::work::{AuditEntry, Cause, Work};

/// Timers that share a transaction.
const BATCH_MAX: u32 = 50;
/// After this many failures of an unknown kind a timer is set aside as failed.
const ATTEMPTS_MAX: i16 = 8;
/// The first retries follow at once: most failures are a race with a command.
const ATTEMPTS_AT_ONCE: i16 = 3;
/// How often timers that another process armed are looked for.
const POLL: Duration = Duration::from_secs(2);
/// Rest while another runner holds what is due.
const HELD_ELSEWHERE: Duration = Duration::from_millis(20);

/// A timer that failed for good, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedTimer {
    /// Its number in this service.
    pub seq: i64,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// What it does.
    pub kind: String,
    /// When it should have fired.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i16,
    /// Why it failed.
    pub error: String,
}

/// Timers that failed for good, oldest first; `after` is the last `seq` seen.
///
/// # Errors
///
/// A database that cannot be read.
pub async fn failed(
    core: &Core,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<FailedTimer>, CoreError> {
    let text = format!(
        "SELECT seq, aggregate_id, kind, due_at, armed_version, attempts, error FROM timer \
         WHERE state = 'failed' AND seq > $1 ORDER BY seq LIMIT {limit}"
    );
    let reader = core.db().read();
    let values = vec![after.unwrap_or_default().into()];
    let rows = reader.query_all_raw(sql(reader, text, values)).await?;
    let failed = |row: &QueryResult| {
        let Claimed {
            seq,
            attempts,
            timer,
        } = claimed(row)?;
        let error: Option<String> = row.try_get("", "error")?;
        Ok(FailedTimer {
            seq,
            aggregate_id: timer.aggregate_id,
            kind: timer.kind,
            due_at: timer.due_at,
            attempts,
            error: error.unwrap_or_default(),
        })
    };
    rows.iter().map(failed).collect()
}

/// Arms a failed timer again; it fires as soon as a process runs its service. Recorded in the audit trail.
///
/// Returns false if it has not failed.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn rearm(core: &Core, seq: i64, cause: &Cause) -> Result<bool, CoreError> {
    let work = Work::begin(core).await?;
    let text = "UPDATE timer SET state = 'armed', attempts = 0, next_at = $1, ended_at = NULL \
                WHERE seq = $2 AND state = 'failed'";
    let values = vec![micros(work.now()).into(), seq.into()];
    let statement = sql(&**work.txn(), text, values);
    if work.txn().execute_raw(statement).await?.rows_affected() == 0 {
        work.roll_back().await;
        return Ok(false);
    }
    let entry = AuditEntry {
        resource: "timer",
        resource_id: seq.to_string(),
        version: 0,
        action: "armed again".to_owned(),
        reason: String::new(),
    };
    work.audit(cause, entry);
    fault::point("timer.rearmed");
    work.commit().await?;
    core.signals().timers.notify_one();
    Ok(true)
}

/// Starts the runner of a service's timers.
pub fn start(core: &Core, handler: Arc<dyn TimerHandler>) {
    core.signals()
        .next_due_is(i64::MIN, core.signals().armings());
    let owner = core.clone();
    core.tasks()
        .keep("timers", move || run(owner.clone(), handler.clone()));
}

async fn run(core: Core, handler: Arc<dyn TimerHandler>) {
    let stop = core.tasks().stop().clone();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_mins(1));
    while !stop.is_cancelled() {
        let armings = core.signals().armings();
        let rest = match fire_all(&core, handler.as_ref()).await {
            Ok(next) => {
                backoff.reset();
                core.signals()
                    .next_due_is(next.map_or(i64::MAX, micros), armings);
                core.tasks().beat();
                if next.is_some_and(|next| next <= core.now()) {
                    HELD_ELSEWHERE
                } else {
                    POLL
                }
            }
            Err(error) => {
                tracing::warn!(service = core.name(), %error, "timers wait for storage");
                backoff.next(core.ids())
            }
        };
        let next = from_micros(core.signals().next_due()).filter(|next| *next > core.now());
        let is_due = async {
            match next {
                Some(next) if core.clock().is_trusted() => core.clock().wait_until(next).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = core.signals().timers.notified() => {}
            () = is_due => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Fires what is due and tells when the next timer is; nothing while the clock is not trusted.
async fn fire_all(core: &Core, handler: &dyn TimerHandler) -> Result<Option<Timestamp>, CoreError> {
    let stop = core.tasks().stop();
    while core.clock().is_trusted() && !stop.is_cancelled() {
        if fire_batch(core, handler).await? == 0 {
            break;
        }
    }
    let text = "SELECT MIN(next_at) FROM timer WHERE state = 'armed'";
    let row = core
        .db()
        .read()
        .query_one_raw(sql(core.db().read(), text, vec![]))
        .await?;
    let next: Option<i64> = row.map_or(Ok(None), |row| row.try_get_by_index(0))?;
    Ok(next.and_then(from_micros))
}

/// Fires timers that are due, in due order; returns how many were dealt with, 0 if none is due.
pub(crate) async fn fire_batch(core: &Core, handler: &dyn TimerHandler) -> Result<u32, CoreError> {
    let together = fire_together(core, handler, BATCH_MAX).await?;
    let Some(failure) = together.failure else {
        return Ok(together.fired);
    };
    // Something failed and nothing was written: again one by one, so that only the culprit fails.
    let mut fired = 0;
    loop {
        let alone = fire_together(core, handler, 1).await?;
        fired += alone.fired;
        if let Some(failed) = alone.failure {
            set_aside(core, &failed).await?;
            return Ok(fired + 1);
        }
        if alone.fired == 0 || fired >= failure.ahead {
            return Ok(fired.max(1));
        }
    }
}

struct Fired {
    fired: u32,
    failure: Option<Failure>,
}

impl Fired {
    /// `culprit` failed behind `ahead` others, and nothing was written.
    fn nothing(culprit: Claimed, ahead: u32, error: ReactionError) -> Self {
        let Claimed {
            seq,
            attempts,
            timer,
        } = culprit;
        let failure = Failure {
            seq,
            attempts,
            kind: timer.kind,
            ahead,
            error,
        };
        Self {
            fired: 0,
            failure: Some(failure),
        }
    }
}

struct Failure {
    seq: i64,
    attempts: i16,
    kind: String,
    /// How many timers of the batch were fine before it.
    ahead: u32,
    error: ReactionError,
}

struct Claimed {
    seq: i64,
    attempts: i16,
    timer: DueTimer,
}

async fn fire_together(
    core: &Core,
    handler: &dyn TimerHandler,
    limit: u32,
) -> Result<Fired, CoreError> {
    let work = Work::begin(core).await?;
    let mut fired = 0;
    let mut last = None;
    for claimed in due(&work, limit).await? {
        let due_at = micros(claimed.timer.due_at);
        if work.soonest_armed().is_some_and(|armed| armed < due_at) {
            break; // what was armed just now comes first; it is claimed by the next batch
        }
        if !mark_fired(&work, claimed.seq).await? {
            continue; // disarmed by a timer of this batch
        }
        fault::point("timer.claimed");
        if let Err(error) = guarded(handler.fire(&work, &claimed.timer)).await {
            work.roll_back().await;
            return Ok(Fired::nothing(claimed, fired, error));
        }
        fault::point("timer.fired");
        let late_ms = u32::try_from((work.now() - claimed.timer.due_at).num_milliseconds())
            .unwrap_or(u32::MAX);
        metrics::histogram!("hotline_timer_late_ms", "service" => core.name())
            .record(f64::from(late_ms));
        fired += 1;
        last = Some(claimed);
    }
    if let Err(error) = work.commit().await {
        return match (error, last) {
            (error @ CoreError::Unavailable(_), _) | (error, None) => Err(error),
            // What a timer published or armed cannot be written; of several, one by one tells which.
            (error, Some(claimed)) => Ok(Fired::nothing(claimed, fired, error.into())),
        };
    }
    if fired > 0 {
        fault::point("timer.committed");
        metrics::counter!("hotline_timers_fired_total", "service" => core.name())
            .increment(fired.into());
        core.tasks().beat();
    }
    Ok(Fired {
        fired,
        failure: None,
    })
}

async fn due(work: &Work, limit: u32) -> Result<Vec<Claimed>, CoreError> {
    let text = format!(
        "SELECT seq, aggregate_id, kind, due_at, armed_version, attempts FROM timer \
         WHERE state = 'armed' AND next_at <= $1 ORDER BY due_at, seq LIMIT {limit}{}",
        skip_locked(&**work.txn())
    );
    let until = if fault::is_seeded(Bug::TimerEarly) {
        work.now() + TimeDelta::seconds(1)
    } else {
        work.now()
    };
    let rows = work
        .txn()
        .query_all_raw(sql(&**work.txn(), text, vec![micros(until).into()]))
        .await?;
    rows.iter().map(claimed).collect()
}

fn claimed(row: &QueryResult) -> Result<Claimed, CoreError> {
    let due_at: i64 = row.try_get("", "due_at")?;
    let due_at = from_micros(due_at)
        .ok_or_else(|| CoreError::Storage("a timer is due outside of time".into()))?;
    let timer = DueTimer {
        aggregate_id: row.try_get::<Uuid>("", "aggregate_id")?,
        kind: row.try_get("", "kind")?,
        due_at,
        armed_version: row.try_get("", "armed_version")?,
    };
    Ok(Claimed {
        seq: row.try_get("", "seq")?,
        attempts: row.try_get("", "attempts")?,
        timer,
    })
}

async fn mark_fired(work: &Work, seq: i64) -> Result<bool, CoreError> {
    let text = "UPDATE timer SET state = 'fired', ended_at = $1 WHERE seq = $2 AND state = 'armed'";
    let values = vec![micros(work.now()).into(), seq.into()];
    Ok(work
        .txn()
        .execute_raw(sql(&**work.txn(), text, values))
        .await?
        .rows_affected()
        == 1)
}

/// Notes a failure: tried again later, or `failed` for a person to look at.
async fn set_aside(core: &Core, failure: &Failure) -> Result<(), CoreError> {
    let attempts = failure.attempts.saturating_add(1);
    let is_over = match &failure.error {
        ReactionError::Transient(cause) => {
            return Err(CoreError::Unavailable(cause.to_string().into()));
        }
        ReactionError::Permanent(_) => true,
        ReactionError::Unknown(_) => attempts >= ATTEMPTS_MAX,
    };
    let now = micros(core.now());
    let delay = 1_000_000_i64 << (attempts - ATTEMPTS_AT_ONCE).clamp(0, 6);
    let next_at = if attempts <= ATTEMPTS_AT_ONCE {
        now
    } else {
        now + delay
    };
    let ended_at = is_over.then_some(now);
    let values: Vec<Value> = vec![
        if is_over { "failed" } else { "armed" }.into(),
        attempts.into(),
        next_at.into(),
        ended_at.into(),
        failure.error.to_string().into(),
        failure.seq.into(),
    ];
    let text = "UPDATE timer SET state = $1, attempts = $2, next_at = $3, ended_at = $4, error = $5 \
                WHERE seq = $6 AND state = 'armed'";
    let writer = core.db().writer();
    fault::point("timer.setting_aside");
    writer.execute_raw(sql(writer, text, values)).await?;
    if is_over {
        metrics::counter!("hotline_timers_failed_total", "service" => core.name()).increment(1);
        tracing::error!(service = core.name(), timer.kind = %failure.kind, error = %failure.error, "a timer failed for good");
    } else {
        tracing::warn!(service = core.name(), timer.kind = %failure.kind, error = %failure.error, attempts, "a timer failed");
    }
    Ok(())
}
