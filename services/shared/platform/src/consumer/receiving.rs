//! Reads what the courier brings, and fetches from the log what it leaves out or lies about.

use std::time::Duration;

use hotline_proto::event::Envelope;

use super::Feed;
use crate::core::CoreError;
use crate::courier::{BLOCK, Delivery, Reader, Stream, Wanted};
use crate::fault;
use crate::migration::PARTITIONS;

/// How long a partition that the courier tells lies about is only fetched.
const REST: Duration = Duration::from_secs(2);
/// How long a read of the courier waits while some partition rests.
const BLOCK_SHORT: Duration = Duration::from_millis(250);

impl Feed {
    /// What to read from the courier; nothing while it is absent or failing.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let now = self.core.clock().instant();
        if self.courier.is_none() || now < self.courier_again_at {
            return Vec::new();
        }
        let wanted = |partition: u16| {
            let index = usize::from(partition);
            let held = self.holdings[index]
                .filter(|_| self.resting_until[index].is_none_or(|until| until <= now))?;
            let stream = Stream::of(self.lease.producer, self.log_id, self.epoch, partition);
            Some(Wanted {
                partition,
                stream,
                after: held.pos,
            })
        };
        (0..PARTITIONS).filter_map(wanted).collect()
    }

    /// Reads from the courier and fetches what it left out.
    pub(super) async fn receive(&mut self, wanted: &[Wanted]) -> Result<Vec<Envelope>, CoreError> {
        let Some(courier) = &self.courier else {
            return Ok(Vec::new());
        };
        let mut reader = self
            .reader
            .take()
            .unwrap_or_else(|| Reader::new(courier.clone()));
        let held = self.holdings.iter().flatten().count();
        let block = if wanted.len() < held {
            BLOCK_SHORT
        } else {
            BLOCK
        };
        let progress = self.progress.clone();
        // A reader that is given up while it waits takes its blocked connection with it.
        let delivered = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(Vec::new()),
            () = progress.rewound.notified() => {
                self.leased_at = None;
                return Ok(Vec::new());
            }
            delivered = reader.read(wanted, block) => delivered,
        };
        match delivered {
            Ok(delivery) => {
                if !delivery.events.is_empty() {
                    fault::point("consumer.received");
                }
                self.reader = Some(reader);
                self.courier_backoff.reset();
                self.complete(delivery).await
            }
            Err(error) => {
                let wait = self.courier_backoff.next(self.core.ids());
                self.courier_again_at = self.core.clock().instant() + wait;
                metrics::counter!("hotline_courier_failures_total", "service" => self.core.name())
                    .increment(1);
                tracing::warn!(consumer = self.lease.consumer, producer = self.lease.producer, %error, "the courier fails; events are fetched");
                Ok(Vec::new())
            }
        }
    }

    async fn complete(&mut self, delivery: Delivery) -> Result<Vec<Envelope>, CoreError> {
        let Delivery {
            mut events,
            doubtful,
        } = delivery;
        for partition in doubtful {
            let held = self.holdings[usize::from(partition)].map_or(0, |held| held.pos);
            let after = last_of(&events, partition).unwrap_or(held);
            let fetched = self.fetch(partition, after).await?;
            if fetched.is_empty() {
                // What the courier holds there is no event of ours.
                self.resting_until[usize::from(partition)] =
                    Some(self.core.clock().instant() + REST);
                tracing::warn!(
                    producer = self.lease.producer,
                    partition,
                    "the courier holds what nobody published"
                );
            }
            events.extend(fetched);
        }
        Ok(events)
    }
}

/// The highest number among events of a partition.
pub(super) fn last_of(events: &[Envelope], partition: u16) -> Option<i64> {
    let of_it = events
        .iter()
        .filter(|event| event.partition == u32::from(partition));
    of_it.map(|event| event.pub_seq).max()
}
