//! A courier carries events sooner and to many; nobody has to believe it.
//!
//! In production it is Redis Streams. An entry's id is the event's number, so publishing twice is
//! refused, and its seal binds service, epoch, partition, number and bytes, so that junk is noticed.
//! What is missing or wrong is fetched from the producer's log.

mod redis_streams;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use hotline_proto::event::Envelope;
use prost::Message;
use sha2::Sha256;
use uuid::Uuid;

use crate::core::CoreError;
use crate::db::BoxError;

/// How long a read waits for something new.
pub(crate) const BLOCK: Duration = Duration::from_secs(1);

/// What carries entries: Redis, or in a simulation something worse.
pub trait Carrier: Send + Sync {
    /// A way to it for one user, whose reads wait `block` at most. Connects when needed.
    fn line(&self, block: Duration) -> Box<dyn Line>;
}

/// One user's way to a [`Carrier`]. After a failure the next call begins anew.
#[async_trait]
pub trait Line: Send + Sync {
    /// Adds entries, in order; one answer each.
    async fn add(&mut self, entries: &[Entry]) -> Result<Vec<Added>, BoxError>;

    /// What each stream holds behind a position; waits at most `block` if none holds anything. A caller
    /// that stops waiting must drop the line.
    async fn read(&mut self, wanted: &[Wanted], block: Duration) -> Result<Vec<Brought>, BoxError>;

    /// The highest number a stream ever had; `None` if that is no number of ours.
    async fn top(&mut self, stream: &Stream) -> Result<Option<i64>, BoxError>;

    /// Removes a stream and all it holds.
    async fn remove(&mut self, stream: &Stream) -> Result<(), BoxError>;
}

/// A sealed event on its way to a courier.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its partition.
    pub partition: u16,
    /// Where it belongs.
    pub stream: Stream,
    /// Its number there.
    pub number: i64,
    /// The event.
    pub bytes: Vec<u8>,
    /// What proves that it is ours.
    pub seal: Vec<u8>,
}

/// How a carrier took an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    Taken,
    /// Its number is not above the stream's highest.
    Refused,
    /// Something that is no stream is in its place.
    Foreign,
}

/// What a read of one stream brought.
#[derive(Clone, Debug)]
pub struct Brought {
    /// Of which stream.
    pub stream: Stream,
    /// What it says it holds.
    pub entries: Vec<Carried>,
}

/// An entry as a carrier tells it; not to be believed.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Its number; `None` if its id is none of ours.
    pub number: Option<i64>,
    /// The event, or anything else.
    pub bytes: Vec<u8>,
    /// Its seal, or anything else.
    pub seal: Vec<u8>,
}

/// The way to what carries entries, and the key that seals them. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    carrier: Arc<dyn Carrier>,
    key: [u8; 32],
}

impl fmt::Debug for Courier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Courier").finish_non_exhaustive()
    }
}

/// The stream of one partition of one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream(pub(crate) String);

impl Stream {
    pub(crate) fn of(producer: &str, log: Uuid, epoch: i32, partition: u16) -> Self {
        Self(format!("evt:{producer}:{log}:{epoch}:{partition}"))
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Courier {
    /// A Redis at `url` (`redis://…`); `key` is the same in every process. Connects when needed.
    ///
    /// # Errors
    ///
    /// [`CoreError::Storage`] if the URL is not one of Redis.
    pub fn new(url: &str, key: [u8; 32]) -> Result<Self, CoreError> {
        let redis = redis_streams::Redis::at(url)?;
        Ok(Self::over(Arc::new(redis), key))
    }

    /// A courier over `carrier`.
    #[must_use]
    pub fn over(carrier: Arc<dyn Carrier>, key: [u8; 32]) -> Self {
        Self { carrier, key }
    }

    /// A way to it for commands that answer at once.
    pub(crate) fn line(&self) -> Box<dyn Line> {
        self.carrier.line(Duration::ZERO)
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
    fn open(&self, stream: &Stream, number: i64, entry: &Carried) -> Option<Envelope> {
        if entry.number != Some(number) {
            return None;
        }
        let mac = self.mac(stream, number, &entry.bytes);
        mac.verify_slice(&entry.seal).ok()?;
        Envelope::decode(entry.bytes.as_slice()).ok()
    }
}

/// Where a reader stands: it wants what follows `after` in `stream`.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The partition that the stream is of.
    pub partition: u16,
    /// What to read.
    pub stream: Stream,
    /// Behind which number.
    pub after: i64,
}

/// What a read brought that can be believed.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Events in order, each following its partition's position without a hole.
    pub(crate) events: Vec<Envelope>,
    /// Partitions where something is missing or wrong; the log tells.
    pub(crate) doubtful: Vec<u16>,
}

/// Reads streams over a line of its own: a read that waits would hold up every other command on it.
pub(crate) struct Reader {
    courier: Courier,
    line: Box<dyn Line>,
}

impl Reader {
    pub(crate) fn new(courier: Courier) -> Self {
        let line = courier.carrier.line(BLOCK);
        Self { courier, line }
    }

    /// What is new behind the positions; waits at most `block`. A caller that stops waiting must drop the
    /// reader, because the command goes on blocking its line.
    pub(crate) async fn read(
        &mut self,
        wanted: &[Wanted],
        block: Duration,
    ) -> Result<Delivery, BoxError> {
        let mut delivery = Delivery::default();
        for brought in self.line.read(wanted, block).await? {
            if let Some(want) = wanted.iter().find(|want| want.stream == brought.stream) {
                self.take(want, &brought.entries, &mut delivery);
            }
        }
        Ok(delivery)
    }

    /// Takes the entries that follow without a hole; doubts the partition at the first that does not.
    fn take(&self, want: &Wanted, entries: &[Carried], delivery: &mut Delivery) {
        for (entry, number) in entries.iter().zip(want.after + 1..) {
            let Some(event) = self.courier.open(&want.stream, number, entry) else {
                delivery.doubtful.push(want.partition);
                return;
            };
            delivery.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let sealed = |by: &Courier, stream: &Stream, number| by.seal(stream, number, &bytes);
        let other = |epoch, partition| Stream::of("intake", Uuid::nil(), epoch, partition);
        let ours = sealed(&courier, &stream, 5);
        let cases = [
            ("the next event", Some(5), ours.clone(), true),
            ("a hole", Some(6), sealed(&courier, &stream, 6), false),
            ("another key", Some(5), sealed(&stranger, &stream, 5), false),
            (
                "another partition",
                Some(5),
                sealed(&courier, &other(1, 4), 5),
                false,
            ),
            (
                "another epoch",
                Some(5),
                sealed(&courier, &other(2, 3), 5),
                false,
            ),
            (
                "another number",
                Some(5),
                sealed(&courier, &stream, 4),
                false,
            ),
            ("no seal", Some(5), Vec::new(), false),
            ("a foreign id", None, ours, false),
        ];
        let reader = Reader::new(courier.clone());
        let want = Wanted {
            partition: 3,
            stream: stream.clone(),
            after: 4,
        };
        for (label, number, seal, is_taken) in cases {
            let bytes = bytes.clone();
            let entry = Carried {
                number,
                bytes,
                seal,
            };
            let mut delivery = Delivery::default();
            reader.take(&want, &[entry], &mut delivery);
            assert_eq!(delivery.events.len(), usize::from(is_taken), "{label}");
            assert_eq!(delivery.doubtful.is_empty(), is_taken, "{label}");
        }
    }
}
