//! Reads a producer's log for one consumer, whatever happens to the courier or to this process.
//!
//! Events come from Redis when there is one and it tells the truth, and from the producer's log when
//! anything is missing, wrong or late. The position lives with the effects (see [`crate::apply`]).

mod applying;
mod receiving;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_proto::event::Envelope;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::core::{Core, CoreError};
use crate::courier::{Courier, Reader};
use crate::fault;
use crate::lease::{Holdings, Lease};
use crate::log_client::{LogClient, Transport};
use crate::migration::PARTITIONS;
use crate::reaction::Reaction;
use crate::signal::{Heads, LogEnd, Progress, lock};

/// Events that share a transaction.
const BATCH_MAX: usize = 100;
/// The poll of a log whose end is not known here: soon after something came, then more seldom.
const POLL_MIN: Duration = Duration::from_millis(25);
const POLL_MAX: Duration = Duration::from_millis(500);
/// How often the log's end is looked at although the courier brings events: it may leave out the last
/// ones of a partition.
const COMPARE_EVERY: Duration = Duration::from_secs(2);

/// How long a silent reader keeps its partitions, where nothing else is said.
pub const LEASE: Duration = Duration::from_secs(15);

/// A log to be heard.
#[derive(Clone, Debug)]
pub struct Source {
    /// The service that writes it.
    pub producer: &'static str,
    /// How to reach its event log.
    pub transport: Transport,
    /// The end of the log if its producer is mounted here ([`Core::log_end`]).
    pub end: Option<LogEnd>,
    /// What may bring its events sooner.
    pub courier: Option<Courier>,
    /// How long a silent reader keeps its partitions before another may take them.
    pub lease: Duration,
}

/// Starts a consumer: one reader per source.
pub fn start(core: &Core, reaction: &Arc<dyn Reaction>, sources: Vec<Source>) {
    for source in sources {
        let progress = Arc::new(Progress::of(source.producer, source.end.clone()));
        core.signals().watch(progress.clone());
        let (owner, reaction) = (core.clone(), reaction.clone());
        core.tasks().keep("consumer", move || {
            Feed::new(&owner, reaction.clone(), source.clone(), progress.clone()).run()
        });
    }
}

/// Ends the leases of `core`'s consumers, whoever has them.
///
/// For a caller that knows that no other process runs the service: what a killed process held is
/// free at once and need not be waited for.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn end_leases(core: &Core) -> Result<(), CoreError> {
    Lease::end_all(core).await
}

pub(crate) struct Feed {
    core: Core,
    reaction: Arc<dyn Reaction>,
    pub(crate) lease: Lease,
    log: LogClient,
    courier: Option<Courier>,
    reader: Option<Reader>,
    courier_backoff: Backoff,
    courier_again_at: Instant,
    resting_until: [Option<Instant>; PARTITIONS as usize],
    progress: Arc<Progress>,
    holdings: Holdings,
    /// Where every partition stood when the lease was taken, whoever holds it.
    positions: [i64; PARTITIONS as usize],
    /// When the log's end was last compared with what is held.
    compared_at: Instant,
    log_id: Uuid,
    epoch: i32,
    /// When the lease was taken; `None` asks for taking it again.
    pub(crate) leased_at: Option<Instant>,
    poll: Duration,
    stop: CancellationToken,
}

impl Feed {
    pub(crate) fn new(
        core: &Core,
        reaction: Arc<dyn Reaction>,
        source: Source,
        progress: Arc<Progress>,
    ) -> Self {
        let Source {
            producer,
            transport,
            courier,
            lease,
            ..
        } = source;
        Self {
            core: core.clone(),
            reaction,
            lease: Lease {
                consumer: core.name(),
                producer,
                owner: core.ids().next(core.now()),
                length: lease,
            },
            log: LogClient::new(producer, transport),
            courier,
            reader: None,
            courier_backoff: Backoff::new(Duration::from_millis(250), Duration::from_secs(5)),
            courier_again_at: core.clock().instant(),
            resting_until: [None; PARTITIONS as usize],
            progress,
            holdings: Holdings::default(),
            positions: [0; PARTITIONS as usize],
            compared_at: core.clock().instant(),
            log_id: Uuid::nil(),
            epoch: 0,
            leased_at: None,
            poll: POLL_MIN,
            stop: core.tasks().stop().clone(),
        }
    }

    async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_mins(1));
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            match self.round().await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    let (consumer, producer) = (self.lease.consumer, self.lease.producer);
                    tracing::warn!(consumer, producer, error = %Chain(&error), "a consumer waits");
                    self.leased_at = None;
                    let wait = backoff.next(self.core.ids());
                    stop.run_until_cancelled(self.core.clock().rest(wait)).await;
                }
            }
        }
        if let Err(error) = self.lease.release(&self.core).await {
            tracing::debug!(%error, "a lease was not let go; it will end by itself");
        }
    }

    async fn round(&mut self) -> Result<(), CoreError> {
        let events = self.look().await?;
        self.apply_all(&events).await
    }

    /// The next events of what is held; none if nothing came.
    pub(crate) async fn look(&mut self) -> Result<Vec<Envelope>, CoreError> {
        if !self.hold().await? {
            return Ok(Vec::new());
        }
        let mut events = self.gather().await?;
        events.sort_by_key(|event| (event.partition, event.pub_seq));
        Ok(events)
    }

    pub(crate) async fn apply_all(&mut self, events: &[Envelope]) -> Result<(), CoreError> {
        for batch in events.chunks(BATCH_MAX) {
            if self.stop.is_cancelled() || !self.apply_batch(batch).await? {
                break;
            }
        }
        Ok(())
    }

    /// Takes or renews the lease when it is time; false if the log's end is not known yet.
    async fn hold(&mut self) -> Result<bool, CoreError> {
        let clock = self.core.clock();
        if self
            .leased_at
            .is_some_and(|at| clock.since(at) < self.lease.renew_every())
        {
            return Ok(true);
        }
        let heads = self.heads().await?;
        if heads.epoch == 0 {
            self.rest(POLL_MAX).await;
            return Ok(false);
        }
        (self.log_id, self.epoch) = (heads.log, heads.epoch);
        let taken = self.lease.take(&self.core, heads).await?;
        (self.holdings, self.positions) = (taken.held, taken.pos);
        self.leased_at = Some(self.core.clock().instant());
        self.tell_progress();
        Ok(true)
    }

    /// Waits for events and gets them, each partition's behind its position and without a hole.
    async fn gather(&mut self) -> Result<Vec<Envelope>, CoreError> {
        let wanted = self.wanted();
        let mut events = Vec::new();
        if !wanted.is_empty() {
            events = self.receive(&wanted).await?;
            let is_recent = self.core.clock().since(self.compared_at) < COMPARE_EVERY;
            let is_enough = is_recent && !events.is_empty();
            if is_enough || self.stop.is_cancelled() || self.leased_at.is_none() {
                return Ok(events);
            }
        }
        self.compared_at = self.core.clock().instant();
        let heads = self.heads().await?;
        for (partition, last) in (0..).zip(heads.last) {
            let Some(held) = self.holdings[usize::from(partition)] else {
                continue;
            };
            let after = receiving::last_of(&events, partition).unwrap_or(held.pos);
            if after < last {
                events.extend(self.fetch(partition, after).await?);
            }
        }
        if !events.is_empty() {
            self.poll = POLL_MIN;
        } else if wanted.is_empty() {
            self.rest(self.poll).await;
            self.poll = (self.poll * 2).min(POLL_MAX);
        }
        Ok(events)
    }

    /// Waits for `time`, a longer log, a replay or the stop.
    async fn rest(&mut self, time: Duration) {
        let (progress, stop) = (self.progress.clone(), self.stop.clone());
        let mut end = progress.end.clone();
        let moved = async {
            match &mut end {
                // `LogEnd` keeps what it saw since it was cloned, so compare before waiting.
                Some(end) => drop(end.0.wait_for(|heads| self.is_ahead(heads)).await),
                None => std::future::pending().await,
            }
        };
        let is_rewound = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = progress.rewound.notified() => true,
            () = moved => false,
            () = self.core.clock().rest(time) => false,
        };
        if is_rewound {
            self.leased_at = None;
        }
    }

    /// Whether the log goes on behind what is held.
    fn is_ahead(&self, heads: &Heads) -> bool {
        heads.epoch != self.epoch
            || heads
                .last
                .iter()
                .zip(&self.holdings)
                .any(|(last, held)| held.is_some_and(|held| held.pos < *last))
    }

    async fn heads(&self) -> Result<Heads, CoreError> {
        if let Some(end) = &self.progress.end {
            return Ok(*end.0.borrow());
        }
        let heads = self.log.heads().await?;
        *lock(&self.progress.heads) = heads;
        Ok(heads)
    }

    /// Events of a partition from the log; none if the log's epoch changed, which is looked at next.
    async fn fetch(&mut self, partition: u16, after: i64) -> Result<Vec<Envelope>, CoreError> {
        let fetched = self.log.fetch(self.epoch, partition, after).await?;
        if fetched.is_none() {
            self.leased_at = None;
        }
        fault::point("consumer.fetched");
        Ok(fetched.unwrap_or_default())
    }

    /// Notes that `events` are dealt with.
    fn advanced(&mut self, events: &[Envelope]) {
        for event in events {
            let slot = usize::try_from(event.partition)
                .ok()
                .and_then(|index| self.holdings.get_mut(index));
            if let Some(Some(held)) = slot {
                held.pos = held.pos.max(event.pub_seq);
            }
        }
        self.tell_progress();
        let (consumer, producer) = (self.lease.consumer, self.lease.producer);
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        metrics::counter!("hotline_events_consumed_total", "consumer" => consumer, "producer" => producer)
            .increment(count);
    }

    fn tell_progress(&self) {
        let mut reached = Heads {
            log: self.log_id,
            epoch: self.epoch,
            ..Heads::default()
        };
        let known = self.holdings.iter().zip(self.positions);
        for (slot, (held, pos)) in reached.last.iter_mut().zip(known) {
            // What another process holds is seen at each renewal of the lease.
            *slot = held.map_or(pos, |held| held.pos);
        }
        *lock(&self.progress.reached) = reached;
        let lag = u32::try_from(self.progress.lag()).unwrap_or(u32::MAX);
        metrics::gauge!("hotline_consumer_lag", "consumer" => self.lease.consumer, "producer" => self.lease.producer)
            .set(f64::from(lag));
        self.core.tasks().beat();
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
