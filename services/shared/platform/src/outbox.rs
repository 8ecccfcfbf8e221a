//! A service's log of events: rows written with the state they tell of.

use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_proto::event::Envelope;
use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use uuid::Uuid;

use crate::core::CoreError;
use crate::db::sql;
use crate::migration::PARTITIONS;
use crate::signal::Heads;
use crate::work::{Cause, NewEvent, Work};

/// The version of the event schema that this program writes.
const SCHEMA_VERSION: i32 = 1;

/// Table and columns of [`rows`].
pub(crate) const INTO: &str = "outbox (event_id, partition, stream_id, aggregate_id, version, type, \
                               schema_version, occurred_at, actor, trace_parent, body)";

/// Columns of [`envelope`].
const COLUMNS: &str = "event_id, partition, pub_seq, stream_id, aggregate_id, version, type, \
                       schema_version, occurred_at, actor, trace_parent, body";

/// The partition of a stream: FNV-1a of its id. It is stored, so it must never change.
#[must_use]
pub fn partition(stream_id: Uuid) -> u16 {
    let hash = stream_id
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    // The low bits of FNV-1a alone are weak; fold the high half in.
    u16::try_from((hash ^ (hash >> 32)) % u64::from(PARTITIONS)).unwrap_or_default()
}

pub(crate) fn rows(work: &Work, events: &[(Cause, NewEvent)]) -> Vec<Vec<Value>> {
    let occurred_at = micros(work.now());
    let row = |(cause, event): &(Cause, NewEvent)| {
        vec![
            work.new_id().into(),
            i32::from(partition(event.stream_id)).into(),
            event.stream_id.into(),
            event.aggregate_id.into(),
            event.version.into(),
            event.body.type_name().into(),
            SCHEMA_VERSION.into(),
            occurred_at.into(),
            cause.actor.as_str().into(),
            cause.trace_parent.as_str().into(),
            event.body.encode_to_vec().into(),
        ]
    };
    events.iter().map(row).collect()
}

/// How far each partition is numbered.
pub(crate) async fn heads<C: ConnectionTrait>(connection: &C) -> Result<Heads, CoreError> {
    let text = "SELECT partition, epoch, next_seq, (SELECT id FROM log) AS log \
                FROM outbox_head ORDER BY partition";
    let mut heads = Heads::default();
    for row in connection
        .query_all_raw(sql(connection, text, vec![]))
        .await?
    {
        let partition: i32 = row.try_get("", "partition")?;
        let next: i64 = row.try_get("", "next_seq")?;
        heads.epoch = row.try_get("", "epoch")?;
        heads.log = row.try_get("", "log")?;
        if let Some(last) = usize::try_from(partition)
            .ok()
            .and_then(|index| heads.last.get_mut(index))
        {
            *last = next - 1;
        }
    }
    Ok(heads)
}

/// Where a reader stands in one partition of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) epoch: i32,
    pub(crate) partition: u16,
    pub(crate) after: i64,
}

/// Events of one partition behind a position, in order; none if the log is in another epoch.
pub(crate) async fn read<C: ConnectionTrait>(
    connection: &C,
    producer: &str,
    from: Position,
    limit: u32,
) -> Result<Vec<Envelope>, CoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM outbox WHERE partition = $1 AND pub_seq > $2 \
         AND (SELECT epoch FROM outbox_head WHERE partition = $1) = $3 ORDER BY pub_seq LIMIT {limit}"
    );
    let values = vec![
        i32::from(from.partition).into(),
        from.after.into(),
        from.epoch.into(),
    ];
    let rows = connection
        .query_all_raw(sql(connection, text, values))
        .await?;
    rows.iter()
        .map(|row| Ok(envelope(row, producer, from.epoch)?))
        .collect()
}

/// Every event of the log in the order of writing, numbered or not.
pub(crate) async fn read_all<C: ConnectionTrait>(
    connection: &C,
    producer: &str,
) -> Result<Vec<Envelope>, CoreError> {
    let text = format!("SELECT {COLUMNS} FROM outbox ORDER BY seq");
    let rows = connection
        .query_all_raw(sql(connection, text, vec![]))
        .await?;
    rows.iter()
        .map(|row| Ok(envelope(row, producer, 1)?))
        .collect()
}

fn envelope(row: &QueryResult, producer: &str, epoch: i32) -> Result<Envelope, DbErr> {
    let uuid = |name| row.try_get::<Uuid>("", name).map(|id| id.to_string());
    let small = |name| {
        row.try_get::<i32>("", name)
            .map(|number| u32::try_from(number).unwrap_or_default())
    };
    let occurred_at: i64 = row.try_get("", "occurred_at")?;
    Ok(Envelope {
        event_id: uuid("event_id")?,
        producer: producer.to_owned(),
        partition: small("partition")?,
        pub_seq: row
            .try_get::<Option<i64>>("", "pub_seq")?
            .unwrap_or_default(),
        epoch,
        stream_id: uuid("stream_id")?,
        aggregate_id: uuid("aggregate_id")?,
        version: row.try_get("", "version")?,
        r#type: row.try_get("", "type")?,
        schema_version: small("schema_version")?,
        occurred_at: from_micros(occurred_at).map(wire_time),
        actor: row.try_get("", "actor")?,
        trace_parent: row.try_get("", "trace_parent")?,
        body: row.try_get("", "body")?,
    })
}

fn wire_time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::partition;
    use crate::ids::Ids;
    use crate::migration::PARTITIONS;

    #[test]
    fn a_stream_keeps_its_partition_for_ever() {
        // Worked out apart from this program.
        let cases = [
            (Uuid::nil(), 12),
            (Uuid::max(), 13),
            (
                Uuid::from_u128(0x0199_c5a2_7c00_7abc_8def_0123_4567_89ab),
                12,
            ),
        ];
        for (stream, expected) in cases {
            assert_eq!(partition(stream), expected, "{stream}");
        }
    }

    #[test]
    fn streams_spread_over_all_partitions() {
        let ids = Ids::seeded(3, "streams");
        let now =
            chrono::DateTime::from_timestamp_millis(1_760_000_000_000).expect("a valid instant");
        let mut counts = [0; PARTITIONS as usize];
        for _ in 0..16_000 {
            counts[usize::from(partition(ids.next(now)))] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1200).contains(count)),
            "{counts:?}"
        );
    }
}
