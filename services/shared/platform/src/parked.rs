//! Parked events: what could not be applied, and what came behind it in the same stream.
//!
//! A producer's stream is parked, never a partition, nor another producer's events of the same stream.
//! Retrying goes in order; a stream is free when nothing of it is parked any more.

use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_proto::event::Envelope;
use prost::Message;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use crate::apply::react;
use crate::bulk::insert_rows;
use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::fault;
use crate::reaction::{Reaction, ReactionError};
use crate::work::{AuditEntry, Cause, Work};

/// Waits between automatic retries (microseconds): 1 min, 10 min, 1 h, 6 h, then daily.
const RETRY_AFTER: [i64; 5] = [
    60_000_000,
    600_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
];
/// Streams that one automatic round retries.
const ROUND_MAX: u32 = 100;
/// Characters of an error that are kept.
const ERROR_MAX: usize = 500;

/// A parked event as the list shows it.
#[derive(Clone, Debug)]
pub struct ParkedEvent {
    /// Its place in the list.
    pub seq: i64,
    /// The event.
    pub event_id: Uuid,
    /// The service that cannot apply it.
    pub consumer: String,
    /// The service that wrote it.
    pub producer: String,
    /// What is parked with it.
    pub stream_id: Uuid,
    /// Its partition and number there.
    pub partition: i32,
    /// Its number in the partition.
    pub pub_seq: i64,
    /// What happened.
    pub event_type: String,
    /// How often it was tried; 0 if it only stands behind another one.
    pub attempts: i32,
    /// Since when.
    pub parked_at: Timestamp,
    /// When it is retried by itself.
    pub next_at: Timestamp,
    /// Why, or an empty text if it only stands behind another one.
    pub error: String,
    /// The event itself.
    pub envelope: Envelope,
}

/// Why an event is parked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) attempts: i32,
    pub(crate) error: String,
}

/// What a retry of a stream came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retried {
    /// Events that are applied now.
    pub applied: u32,
    /// Why it stopped, if something stays parked.
    pub stopped_by: Option<String>,
}

/// Events that are parked in this service, in the order of parking; `after` is the last `seq` seen.
pub async fn list(
    core: &Core,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<ParkedEvent>, CoreError> {
    let text = format!(
        "SELECT * FROM parked WHERE state = 'parked' AND seq > $1 ORDER BY seq LIMIT {limit}"
    );
    let reader = core.db().read();
    let values = vec![after.unwrap_or_default().into()];
    let rows = reader.query_all_raw(sql(reader, text, values)).await?;
    rows.iter().map(parked_event).collect()
}

/// One parked event; `None` if it is not parked.
pub async fn show(core: &Core, event_id: Uuid) -> Result<Option<ParkedEvent>, CoreError> {
    let text = "SELECT * FROM parked WHERE state = 'parked' AND event_id = $1";
    let reader = core.db().read();
    let row = reader
        .query_one_raw(sql(reader, text, vec![event_id.into()]))
        .await?;
    row.as_ref().map(parked_event).transpose()
}

/// How many events are parked.
pub async fn count(core: &Core) -> Result<u64, CoreError> {
    let text = "SELECT COUNT(*) FROM parked WHERE state = 'parked'";
    let reader = core.db().read();
    let row = reader.query_one_raw(sql(reader, text, vec![])).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Retries what is parked of a producer's stream now, in order, until it is free or something fails
/// again. Other producers' events of that stream are no concern of theirs.
pub async fn retry(
    core: &Core,
    reaction: &dyn Reaction,
    producer: &str,
    stream_id: Uuid,
) -> Result<Retried, CoreError> {
    let mut applied = 0;
    while let Some(head) = head_of(core, producer, stream_id).await? {
        match retry_one(core, reaction, &head).await? {
            Ok(()) => applied += 1,
            Err(error) => {
                postpone(core, &head, &error).await?;
                return Ok(Retried {
                    applied,
                    stopped_by: Some(error.to_string()),
                });
            }
        }
    }
    core.tasks().beat();
    Ok(Retried {
        applied,
        stopped_by: None,
    })
}

/// Retries every stream whose time has come; returns how many events were applied.
pub async fn retry_due(core: &Core, reaction: &dyn Reaction) -> Result<u32, CoreError> {
    let text = format!(
        "SELECT DISTINCT producer, stream_id FROM parked AS head WHERE state = 'parked' AND next_at <= $1 AND NOT EXISTS \
         (SELECT 1 FROM parked AS ahead WHERE ahead.state = 'parked' AND ahead.consumer = head.consumer \
          AND ahead.producer = head.producer AND ahead.stream_id = head.stream_id AND ahead.pub_seq < head.pub_seq) \
         LIMIT {ROUND_MAX}"
    );
    let reader = core.db().read();
    let rows = reader
        .query_all_raw(sql(reader, text, vec![micros(core.now()).into()]))
        .await?;
    let mut applied = 0;
    for row in rows {
        let producer: String = row.try_get("", "producer")?;
        let stream_id = row.try_get("", "stream_id")?;
        applied += retry(core, reaction, &producer, stream_id).await?.applied;
    }
    Ok(applied)
}

/// Gives an event up: it is never applied, and its stream goes on without it. Recorded in the audit trail.
///
/// Returns false if it is not parked.
pub async fn skip(
    core: &Core,
    event_id: Uuid,
    cause: &Cause,
    reason: &str,
) -> Result<bool, CoreError> {
    let work = Work::begin(core).await?;
    let text = "UPDATE parked SET state = 'skipped', skip_reason = $1 WHERE event_id = $2 AND state = 'parked'";
    let statement = sql(&**work.txn(), text, vec![reason.into(), event_id.into()]);
    if work.txn().execute_raw(statement).await?.rows_affected() == 0 {
        work.roll_back().await;
        return Ok(false);
    }
    // What stands behind it is tried at once.
    let text = "UPDATE parked SET next_at = $1 WHERE state = 'parked' AND attempts = 0 \
                AND stream_id = (SELECT stream_id FROM parked WHERE event_id = $2) \
                AND producer = (SELECT producer FROM parked WHERE event_id = $2)";
    work.txn()
        .execute_raw(sql(
            &**work.txn(),
            text,
            vec![micros(work.now()).into(), event_id.into()],
        ))
        .await?;
    let entry = AuditEntry {
        resource: "event",
        resource_id: event_id.to_string(),
        version: 0,
        action: "skipped".to_owned(),
        reason: reason.to_owned(),
    };
    work.audit(cause, entry);
    fault::point("parked.skipped");
    work.commit().await?;
    Ok(true)
}

/// Parks `event`: with its failure, or behind another one of its stream.
pub(crate) async fn insert(
    work: &Work,
    consumer: &str,
    event: &Envelope,
    failure: Option<&Failure>,
) -> Result<(), CoreError> {
    let now = micros(work.now());
    let attempts = failure.map_or(0, |failure| failure.attempts);
    let next_at = if failure.is_some() {
        now + RETRY_AFTER[0]
    } else {
        now
    };
    let error: String = failure.map_or_else(String::new, |failure| {
        failure.error.chars().take(ERROR_MAX).collect()
    });
    let into = "parked (consumer, producer, partition, epoch, pub_seq, event_id, stream_id, type, envelope, \
                attempts, parked_at, next_at, error, state)";
    let row: Vec<Value> = vec![
        consumer.into(),
        event.producer.as_str().into(),
        i32::try_from(event.partition).unwrap_or_default().into(),
        event.epoch.into(),
        event.pub_seq.into(),
        uuid(&event.event_id).into(),
        uuid(&event.stream_id).into(),
        event.r#type.as_str().into(),
        event.encode_to_vec().into(),
        attempts.into(),
        now.into(),
        next_at.into(),
        error.into(),
        "parked".into(),
    ];
    insert_rows(work.txn(), into, vec![row], " ON CONFLICT DO NOTHING").await?;
    metrics::counter!("hotline_events_parked_total", "consumer" => consumer.to_owned())
        .increment(1);
    if let Some(failure) = failure {
        tracing::error!(
            consumer,
            event.id = event.event_id,
            event.r#type = event.r#type,
            event.stream = event.stream_id,
            error = failure.error,
            "an event is parked with its stream"
        );
    }
    Ok(())
}

/// The id in an envelope; nil if a producer wrote none, which none does.
fn uuid(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap_or_default()
}

/// The first parked event of a producer's stream.
async fn head_of(
    core: &Core,
    producer: &str,
    stream_id: Uuid,
) -> Result<Option<ParkedEvent>, CoreError> {
    let text = "SELECT * FROM parked WHERE producer = $1 AND stream_id = $2 AND state = 'parked' \
                ORDER BY pub_seq LIMIT 1";
    let writer = core.db().writer();
    let values = vec![producer.into(), stream_id.into()];
    let row = writer.query_one_raw(sql(writer, text, values)).await?;
    row.as_ref().map(parked_event).transpose()
}

/// Frees and applies one event in one transaction; the inner error is the event's own.
async fn retry_one(
    core: &Core,
    reaction: &dyn Reaction,
    parked: &ParkedEvent,
) -> Result<Result<(), ReactionError>, CoreError> {
    let work = Work::begin(core).await?;
    // Whoever deletes the row applies it; another process waits here and then finds nothing to do.
    let text = "DELETE FROM parked WHERE consumer = $1 AND event_id = $2 AND state = 'parked'";
    let values = vec![parked.consumer.as_str().into(), parked.event_id.into()];
    if work
        .txn()
        .execute_raw(sql(&**work.txn(), text, values))
        .await?
        .rows_affected()
        == 0
    {
        work.roll_back().await;
        return Ok(Ok(()));
    }
    fault::point("parked.freed");
    if let Err(error) = react(&work, reaction, &[&parked.envelope]).await {
        work.roll_back().await;
        return Ok(Err(error));
    }
    fault::point("parked.applied");
    match work.commit().await {
        Ok(()) => {
            fault::point("parked.committed");
            Ok(Ok(()))
        }
        Err(error @ CoreError::Unavailable(_)) => Err(error),
        // What the event published or armed cannot be written: its own failure.
        Err(error) => Ok(Err(error.into())),
    }
}

async fn postpone(
    core: &Core,
    parked: &ParkedEvent,
    error: &ReactionError,
) -> Result<(), CoreError> {
    let tried = usize::try_from(parked.attempts).unwrap_or_default();
    // The first automatic retry is what `attempts` at parking stands for.
    let wait = RETRY_AFTER[tried.min(RETRY_AFTER.len() - 1)];
    let error: String = error.to_string().chars().take(ERROR_MAX).collect();
    let text = "UPDATE parked SET attempts = attempts + 1, next_at = $1, error = $2 \
                WHERE consumer = $3 AND event_id = $4 AND state = 'parked'";
    let values = vec![
        (micros(core.now()) + wait).into(),
        error.into(),
        parked.consumer.as_str().into(),
        parked.event_id.into(),
    ];
    let writer = core.db().writer();
    fault::point("parked.postponing");
    writer.execute_raw(sql(writer, text, values)).await?;
    Ok(())
}

fn parked_event(row: &QueryResult) -> Result<ParkedEvent, CoreError> {
    let instant = |name| -> Result<Timestamp, CoreError> {
        let at: i64 = row.try_get("", name)?;
        from_micros(at).ok_or_else(|| CoreError::Storage("an instant is outside of time".into()))
    };
    let bytes: Vec<u8> = row.try_get("", "envelope")?;
    Ok(ParkedEvent {
        seq: row.try_get("", "seq")?,
        event_id: row.try_get("", "event_id")?,
        consumer: row.try_get("", "consumer")?,
        producer: row.try_get("", "producer")?,
        stream_id: row.try_get("", "stream_id")?,
        partition: row.try_get("", "partition")?,
        pub_seq: row.try_get("", "pub_seq")?,
        event_type: row.try_get("", "type")?,
        attempts: row.try_get("", "attempts")?,
        parked_at: instant("parked_at")?,
        next_at: instant("next_at")?,
        error: row.try_get("", "error")?,
        envelope: Envelope::decode(bytes.as_slice())
            .map_err(|error| CoreError::Storage(Box::new(error)))?,
    })
}
