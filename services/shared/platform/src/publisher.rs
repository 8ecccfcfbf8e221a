//! Publishes the numbered log to the courier, behind the relay and never in its way.
//!
//! Any failure only means that consumers fetch from the log for a while.

use std::time::{Duration, Instant};

use prost::Message;
use sea_orm::ConnectionTrait;
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::core::{Core, CoreError};
use crate::courier::{Added, Courier, Entry, Line, Stream};
use crate::db::{BoxError, sql};
use crate::fault;
use crate::migration::PARTITIONS;
use crate::outbox::{self, Position};
use crate::signal::Heads;

/// Events published per partition in one pipeline.
const BATCH_MAX: u32 = 200;
/// How far behind the end publishing starts at most; what is older is fetched from the log.
const BACKLOG_MAX: i64 = 10_000;
/// How often it is written down how far publishing has come.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Starts publishing a service's log.
pub(crate) fn start(core: &Core, courier: Courier) {
    let owner = core.clone();
    core.tasks().keep("publisher", move || {
        Publisher::new(&owner, courier.clone()).run()
    });
}

pub(crate) struct Publisher {
    core: Core,
    line: Box<dyn Line>,
    courier: Courier,
    published: Heads,
    saved_at: Instant,
}

impl Publisher {
    pub(crate) fn new(core: &Core, courier: Courier) -> Self {
        Self {
            core: core.clone(),
            line: courier.line(),
            courier,
            published: Heads::default(),
            saved_at: core.clock().instant(),
        }
    }

    async fn run(mut self) {
        let stop = self.core.tasks().stop().clone();
        let mut end = self.core.log_end().0;
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
        loop {
            let rest = match self.publish(&mut end).await {
                Ok(()) => {
                    backoff.reset();
                    None
                }
                Err(error) => {
                    metrics::counter!("hotline_courier_failures_total", "service" => self.core.name()).increment(1);
                    tracing::warn!(service = self.core.name(), %error, "events are not published; consumers fetch them");
                    Some(backoff.next(self.core.ids()))
                }
            };
            let moved = async {
                match rest {
                    // The sender lives in `core`, so the channel cannot close here.
                    None => drop(end.changed().await),
                    Some(rest) => self.core.clock().rest(rest).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return self.save().await,
                () = moved => {}
            }
        }
    }

    /// Publishes up to the end of the log.
    pub(crate) async fn publish(
        &mut self,
        end: &mut watch::Receiver<Heads>,
    ) -> Result<(), BoxError> {
        loop {
            let heads = *end.borrow_and_update();
            if heads.epoch == 0 {
                return Ok(()); // the relay has not looked yet
            }
            if heads.epoch != self.published.epoch {
                self.published = load(&self.core, heads).await?;
            }
            let mut sent = Vec::new();
            for partition in 0..PARTITIONS {
                sent.extend(self.read(partition, heads).await?);
            }
            if sent.is_empty() {
                return Ok(());
            }
            fault::point("publisher.read");
            self.send(&sent).await?;
            fault::point("publisher.sent");
            for entry in &sent {
                self.published.last[usize::from(entry.partition)] = entry.number;
            }
            if self.core.clock().since(self.saved_at) >= SAVE_EVERY {
                self.save().await;
            }
        }
    }

    async fn read(&self, partition: u16, heads: Heads) -> Result<Vec<Entry>, CoreError> {
        let index = usize::from(partition);
        let after = self.published.last[index].max(heads.last[index] - BACKLOG_MAX);
        if after >= heads.last[index] {
            return Ok(Vec::new());
        }
        let from = Position {
            epoch: heads.epoch,
            partition,
            after,
        };
        let events = outbox::read(self.core.db().read(), self.core.name(), from, BATCH_MAX).await?;
        let stream = Stream::of(self.core.name(), heads.log, heads.epoch, partition);
        let entry = |event: hotline_proto::event::Envelope| {
            let bytes = event.encode_to_vec();
            let seal = self.courier.seal(&stream, event.pub_seq, &bytes);
            Entry {
                partition,
                stream: stream.clone(),
                number: event.pub_seq,
                bytes,
                seal,
            }
        };
        Ok(events.into_iter().map(entry).collect())
    }

    async fn send(&mut self, entries: &[Entry]) -> Result<(), BoxError> {
        let answers = self.line.add(entries).await?;
        let mut foreign = Vec::new();
        let mut refused: Vec<&Entry> = Vec::new();
        for (entry, answer) in entries.iter().zip(answers) {
            let is_told = refused
                .last()
                .is_some_and(|last| last.partition == entry.partition);
            match answer {
                Added::Foreign => foreign.push(&entry.stream), // somebody put something else at our key
                Added::Refused if !is_told => refused.push(entry),
                Added::Refused | Added::Taken => {}
            }
        }
        if !refused.is_empty() {
            let mut tops = Vec::new();
            for entry in &refused {
                tops.push(self.line.top(&entry.stream).await?);
            }
            // Looked at after the streams: meanwhile another process may have numbered and published more.
            let heads = outbox::heads(self.core.db().read()).await?;
            for (entry, top) in refused.into_iter().zip(tops) {
                // A refused number is already there, unless the stream runs ahead of its log: then
                // it holds what nobody published.
                if top.is_none_or(|top| top > heads.last[usize::from(entry.partition)]) {
                    foreign.push(&entry.stream);
                }
            }
        }
        foreign.dedup();
        for stream in &foreign {
            tracing::error!(
                service = self.core.name(),
                %stream,
                "the courier held what was never published"
            );
            self.line.remove(stream).await?;
        }
        if foreign.is_empty() {
            Ok(())
        } else {
            Err("streams held what was never published".into())
        }
    }

    /// Writes down how far publishing has come; only a hint for the next start.
    async fn save(&mut self) {
        self.saved_at = self.core.clock().instant();
        for (partition, published) in (0_i32..).zip(self.published.last) {
            let text =
                "UPDATE outbox_head SET published = $1 WHERE partition = $2 AND published < $1";
            let writer = self.core.db().writer();
            let saved = writer
                .execute_raw(sql(writer, text, vec![published.into(), partition.into()]))
                .await;
            if let Err(error) = saved {
                tracing::debug!(%error, "it was not written down how far publishing has come");
                return;
            }
            fault::point("publisher.saved");
        }
    }
}

/// How far publishing had come in an earlier life of this epoch.
async fn load(core: &Core, heads: Heads) -> Result<Heads, CoreError> {
    let text = "SELECT published FROM outbox_head ORDER BY partition";
    let rows = core
        .db()
        .read()
        .query_all_raw(sql(core.db().read(), text, vec![]))
        .await?;
    let mut published = Heads {
        log: heads.log,
        epoch: heads.epoch,
        ..Heads::default()
    };
    for (last, row) in published.last.iter_mut().zip(rows) {
        *last = row.try_get("", "published")?;
    }
    Ok(published)
}
