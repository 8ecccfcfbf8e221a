//! Redis Streams as the carrier.

use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamInfoStreamReply, StreamReadReply};
use redis::{AsyncConnectionConfig, RedisError, Value};

use super::{Added, Brought, Carried, Carrier, Entry, Line, Stream, Wanted};
use crate::core::CoreError;
use crate::db::BoxError;

/// Entries kept per stream, about; the log keeps all.
const STREAM_LENGTH: i64 = 100_000;
/// Entries asked for at once per stream.
const READ_MAX: u32 = 200;
/// Every answer of Redis has this deadline; a read that waits has it on top.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// A Redis.
pub(super) struct Redis {
    client: redis::Client,
}

impl Redis {
    pub(super) fn at(url: &str) -> Result<Self, CoreError> {
        let client =
            redis::Client::open(url).map_err(|error| CoreError::Storage(Box::new(error)))?;
        Ok(Self { client })
    }
}

impl Carrier for Redis {
    fn line(&self, block: Duration) -> Box<dyn Line> {
        Box::new(Connection {
            client: self.client.clone(),
            answer_within: block + ANSWER_TIMEOUT,
            open: None,
        })
    }
}

/// A connection, made when it is needed and given up at any failure.
struct Connection {
    client: redis::Client,
    answer_within: Duration,
    open: Option<MultiplexedConnection>,
}

impl Connection {
    /// Takes the connection; it is put back when the answer was good.
    async fn take(&mut self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(self.answer_within));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

#[async_trait]
impl Line for Connection {
    async fn add(&mut self, entries: &[Entry]) -> Result<Vec<Added>, BoxError> {
        let mut connection = self.take().await?;
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors();
        for entry in entries {
            pipeline
                .cmd("XADD")
                .arg(&entry.stream.0)
                .arg("MAXLEN")
                .arg("~")
                .arg(STREAM_LENGTH)
                .arg(format!("{}-0", entry.number))
                .arg("event")
                .arg(&entry.bytes)
                .arg("seal")
                .arg(&entry.seal);
        }
        let answers: Vec<Result<Value, RedisError>> = pipeline.query_async(&mut connection).await?;
        let added: Result<Vec<_>, _> = answers.into_iter().map(added).collect();
        let added = added?;
        self.open = Some(connection);
        Ok(added)
    }

    async fn read(&mut self, wanted: &[Wanted], block: Duration) -> Result<Vec<Brought>, BoxError> {
        let mut connection = self.take().await?;
        let millis = u64::try_from(block.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("XREAD");
        command
            .arg("COUNT")
            .arg(READ_MAX)
            .arg("BLOCK")
            .arg(millis)
            .arg("STREAMS");
        for want in wanted {
            command.arg(&want.stream.0);
        }
        for want in wanted {
            command.arg(format!("{}-0", want.after));
        }
        let reply: Option<StreamReadReply> = command.query_async(&mut connection).await?;
        self.open = Some(connection);
        let keys = reply.map(|reply| reply.keys).unwrap_or_default();
        let brought = keys.into_iter().map(|key| Brought {
            stream: Stream(key.key),
            entries: key.ids.iter().map(carried).collect(),
        });
        Ok(brought.collect())
    }

    async fn top(&mut self, stream: &Stream) -> Result<Option<i64>, BoxError> {
        let mut connection = self.take().await?;
        let mut query = redis::cmd("XINFO");
        let told: StreamInfoStreamReply = query
            .arg("STREAM")
            .arg(&stream.0)
            .query_async(&mut connection)
            .await?;
        self.open = Some(connection);
        let top = told.last_generated_id.split('-').next();
        Ok(top.and_then(|number| number.parse().ok()))
    }

    async fn remove(&mut self, stream: &Stream) -> Result<(), BoxError> {
        let mut connection = self.take().await?;
        redis::cmd("DEL")
            .arg(&stream.0)
            .exec_async(&mut connection)
            .await?;
        self.open = Some(connection);
        Ok(())
    }
}

fn added(answer: Result<Value, RedisError>) -> Result<Added, RedisError> {
    let Err(error) = answer else {
        return Ok(Added::Taken);
    };
    if error.code() == Some("WRONGTYPE") {
        return Ok(Added::Foreign);
    }
    let is_refused = error
        .detail()
        .is_some_and(|detail| detail.contains("equal or smaller"));
    if is_refused {
        Ok(Added::Refused)
    } else {
        Err(error)
    }
}

fn carried(entry: &StreamId) -> Carried {
    let field = |name| match entry.map.get(name) {
        Some(Value::BulkString(bytes)) => bytes.clone(),
        _ => Vec::new(),
    };
    let number = entry.id.strip_suffix("-0");
    Carried {
        number: number.and_then(|number| number.parse().ok()),
        bytes: field("event"),
        seal: field("seal"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use redis::Value;
    use redis::streams::StreamId;

    use super::carried;

    #[test]
    fn an_entry_that_is_none_of_ours_has_no_number_or_no_seal() {
        let bytes = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let cases = [
            (
                "ours",
                "5-0",
                vec![("event", bytes("e")), ("seal", bytes("s"))],
                Some(5),
                1,
            ),
            ("a foreign id", "5-1", vec![("event", bytes("e"))], None, 0),
            ("junk", "7-0", vec![("a", bytes("b"))], Some(7), 0),
            ("no text", "7-0", vec![("seal", Value::Int(3))], Some(7), 0),
        ];
        for (label, id, fields, number, seal) in cases {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value));
            let entry = StreamId {
                id: id.to_owned(),
                map: fields.collect::<HashMap<_, _>>(),
                ..StreamId::default()
            };
            let told = carried(&entry);
            assert_eq!((told.number, told.seal.len()), (number, seal), "{label}");
        }
    }
}
