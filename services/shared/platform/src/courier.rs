//! Redis Streams carry events sooner and to many; nobody has to believe them.
//!
//! An entry's id is the event's number, so publishing twice is refused, and its seal binds service,
//! epoch, partition, number and bytes, so that junk is noticed. What is missing or wrong is fetched
//! from the producer's log.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use hotline_proto::event::Envelope;
use prost::Message;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamReadReply};
use redis::{AsyncConnectionConfig, RedisError, Value};
use sha2::Sha256;
use uuid::Uuid;

use crate::core::CoreError;

/// Entries kept per stream, about; the log keeps all.
pub(crate) const STREAM_LENGTH: i64 = 100_000;
/// Entries asked for at once per stream.
const READ_MAX: u32 = 200;
/// How long a read waits for something new.
pub(crate) const BLOCK: Duration = Duration::from_secs(1);
/// Every answer of Redis has this deadline; a blocking read has it on top of [`BLOCK`].
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// The way to a Redis and the key that seals entries. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    client: redis::Client,
    key: [u8; 32],
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Courier").finish_non_exhaustive()
    }
}

/// The stream of one partition of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream(pub(crate) String);

impl Stream {
    pub(crate) fn of(producer: &str, log: Uuid, epoch: i32, partition: u16) -> Self {
        Self(format!("evt:{producer}:{log}:{epoch}:{partition}"))
    }
}

impl Courier {
    /// A courier at `url` (`redis://…`); `key` is the same in every process. Connects when needed.
    ///
    /// # Errors
    ///
    /// [`CoreError::Storage`] if the URL is not one of Redis.
    pub fn new(url: &str, key: [u8; 32]) -> Result<Self, CoreError> {
        let client =
            redis::Client::open(url).map_err(|error| CoreError::Storage(Box::new(error)))?;
        Ok(Self { client, key })
    }

    /// A connection for commands that answer at once.
    pub(crate) async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        self.connect_with(ANSWER_TIMEOUT).await
    }

    /// A connection of its own for blocking reads: they would hold up every other command on it.
    async fn connect_to_block(&self) -> Result<MultiplexedConnection, RedisError> {
        self.connect_with(BLOCK + ANSWER_TIMEOUT).await
    }

    async fn connect_with(&self, answer: Duration) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(answer));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// What proves that these bytes are event `number` of `stream`.
    pub(crate) fn seal(&self, stream: &Stream, number: i64, bytes: &[u8]) -> Vec<u8> {
        self.mac(stream, number, bytes)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    fn mac(&self, stream: &Stream, number: i64, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(stream.0.as_bytes());
        mac.update(&number.to_be_bytes());
        mac.update(bytes);
        mac
    }

    /// The event of an entry, if it is `number` of `stream` and sealed by us.
    fn open(&self, stream: &Stream, number: i64, entry: &StreamId) -> Option<Envelope> {
        let field = |name| match entry.map.get(name) {
            Some(Value::BulkString(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let (bytes, seal) = (field("event")?, field("seal")?);
        self.mac(stream, number, bytes).verify_slice(seal).ok()?;
        Envelope::decode(bytes).ok()
    }
}

/// Where a reader stands: it wants what follows `after` in `stream`.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) partition: u16,
    pub(crate) stream: Stream,
    pub(crate) after: i64,
}

/// What a read brought.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Events in order, each following its partition's position without a hole.
    pub(crate) events: Vec<Envelope>,
    /// Partitions where something is missing or wrong; the log tells.
    pub(crate) doubtful: Vec<u16>,
}

/// Reads streams over a connection of its own.
#[derive(Debug)]
pub(crate) struct Reader {
    courier: Courier,
    connection: Option<MultiplexedConnection>,
}

impl Reader {
    pub(crate) fn new(courier: Courier) -> Self {
        Self {
            courier,
            connection: None,
        }
    }

    /// What is new behind the positions; waits at most `block`. A caller that stops waiting must drop the
    /// reader, because the command goes on blocking its connection.
    pub(crate) async fn read(
        &mut self,
        wanted: &[Wanted],
        block: Duration,
    ) -> Result<Delivery, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.courier.connect_to_block().await?,
        };
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
        self.connection = Some(connection);
        let mut delivery = Delivery::default();
        for key in reply.map(|reply| reply.keys).unwrap_or_default() {
            if let Some(want) = wanted.iter().find(|want| want.stream.0 == key.key) {
                self.take(want, &key.ids, &mut delivery);
            }
        }
        Ok(delivery)
    }

    /// Takes the entries that follow without a hole; doubts the partition at the first that does not.
    fn take(&self, want: &Wanted, entries: &[StreamId], delivery: &mut Delivery) {
        for (entry, number) in entries.iter().zip(want.after + 1..) {
            let event = if entry.id == format!("{number}-0") {
                self.courier.open(&want.stream, number, entry)
            } else {
                None
            };
            let Some(event) = event else {
                delivery.doubtful.push(want.partition);
                return;
            };
            delivery.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn entry(id: &str, fields: &[(&str, Vec<u8>)]) -> StreamId {
        let map: HashMap<String, Value> = fields
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), Value::BulkString(bytes.clone())))
            .collect();
        StreamId {
            id: id.to_owned(),
            map,
            ..StreamId::default()
        }
    }

    #[test]
    fn only_a_sealed_entry_that_follows_is_taken() {
        let courier = Courier::new("redis://127.0.0.1:1/", [7; 32]).expect("a URL of Redis");
        let stranger = Courier::new("redis://127.0.0.1:1/", [8; 32]).expect("a URL of Redis");
        let stream = Stream::of("intake", Uuid::nil(), 1, 3);
        let bytes = Envelope {
            pub_seq: 5,
            ..Envelope::default()
        }
        .encode_to_vec();
        let sealed = |by: &Courier, stream: &Stream, number| {
            vec![
                ("event", bytes.clone()),
                ("seal", by.seal(stream, number, &bytes)),
            ]
        };
        let cases = [
            ("the next event", "5-0", sealed(&courier, &stream, 5), true),
            ("a hole", "6-0", sealed(&courier, &stream, 6), false),
            ("another key", "5-0", sealed(&stranger, &stream, 5), false),
            (
                "another partition",
                "5-0",
                sealed(&courier, &Stream::of("intake", Uuid::nil(), 1, 4), 5),
                false,
            ),
            (
                "another epoch",
                "5-0",
                sealed(&courier, &Stream::of("intake", Uuid::nil(), 2, 3), 5),
                false,
            ),
            ("another number", "5-0", sealed(&courier, &stream, 4), false),
            ("no seal", "5-0", vec![("event", bytes.clone())], false),
            ("junk", "5-0", vec![("a", b"b".to_vec())], false),
        ];
        let reader = Reader::new(courier.clone());
        let want = Wanted {
            partition: 3,
            stream: stream.clone(),
            after: 4,
        };
        for (label, id, fields, is_taken) in cases {
            let mut delivery = Delivery::default();
            reader.take(&want, &[entry(id, &fields)], &mut delivery);
            assert_eq!(delivery.events.len(), usize::from(is_taken), "{label}");
            assert_eq!(delivery.doubtful.is_empty(), is_taken, "{label}");
        }
    }
}
