//! Load in open loop: calls begin by the clock, whatever became of those before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use hotline_platform::peers::Transport;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::load::{Spent, Watched, float, times};
use super::texts;
use crate::demo::city::by;

/// How often the clock is looked at; calls that fell due since the last look begin together.
const LOOK: Duration = Duration::from_millis(1);
/// One call of so many has the key of the one before it.
const REPEATED_EVERY: u64 = 20;
/// How long is waited for answers after the last call.
const LAST_ANSWERS: Duration = Duration::from_secs(15);

/// Many citizens behind a few connections.
pub(super) struct Crowd {
    channels: Vec<Transport>,
    run: String,
    next: AtomicU64,
}

/// An answer, as far as it matters here.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// When the call was due, since the load began.
    pub(super) due: Duration,
    /// From when it was due to its answer.
    pub(super) took: Duration,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Accepted under this number.
    Accepted(String),
    /// Told to come back later, and when.
    Refused { says_when: bool },
    /// Nobody knows.
    Failed(Code),
}

/// What an open loop has sent; some of it may not be answered yet.
pub(super) struct Sent {
    calls: u64,
    seconds: f64,
    spent: Spent,
    under_way: JoinSet<()>,
    receiver: mpsc::UnboundedReceiver<Answer>,
}

/// What an open loop did.
pub(super) struct Offered {
    pub(super) calls: u64,
    pub(super) seconds: f64,
    pub(super) answers: Vec<Answer>,
    pub(super) spent: Spent,
}

impl Crowd {
    pub(super) fn new(channels: Vec<Transport>, run: &str) -> Arc<Self> {
        Arc::new(Self {
            channels,
            run: run.to_owned(),
            next: AtomicU64::new(0),
        })
    }

    /// Registers one appeal; one call of some repeats another that began just before it.
    async fn call(&self) -> Outcome {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let is_repeated = index % REPEATED_EVERY == REPEATED_EVERY - 1;
        let asked = index - u64::from(is_repeated);
        let place = usize::try_from(index).unwrap_or_default() % self.channels.len();
        let mut intake = IntakeServiceClient::new(self.channels[place].clone());
        let request = by("channel", "bench", texts::registration(&self.run, asked));
        match intake.register_appeal(request).await {
            Ok(answer) => {
                let receipt = answer.into_inner().receipt.unwrap_or_default();
                Outcome::Accepted(receipt.number)
            }
            Err(status) => refused(&status),
        }
    }

    /// Offers `rate` calls a second for `time`.
    pub(super) async fn send(
        self: &Arc<Self>,
        rate: f64,
        time: Duration,
        watched: &Watched<'_>,
    ) -> anyhow::Result<Sent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let before = watched.spent()?;
        let begun = Instant::now();
        let mut ticks = tokio::time::interval(LOOK);
        let mut under_way = JoinSet::new();
        let mut calls = 0_u64;
        while begun.elapsed() < time {
            ticks.tick().await;
            while float(calls) < begun.elapsed().as_secs_f64() * rate {
                let due = Duration::from_secs_f64(float(calls) / rate);
                let (crowd, sender) = (Arc::clone(self), sender.clone());
                under_way.spawn(async move {
                    let outcome = crowd.call().await;
                    let took = begun.elapsed().saturating_sub(due);
                    // The receiver lives until the loop has ended.
                    drop(sender.send(Answer { due, took, outcome }));
                });
                calls += 1;
            }
            while under_way.try_join_next().is_some() {}
        }
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Sent {
            calls,
            seconds,
            spent: watched.spent()?.since(before),
            under_way,
            receiver,
        })
    }
}

impl Sent {
    /// Waits for what is under way.
    pub(super) async fn answered(mut self) -> anyhow::Result<Offered> {
        let all = async { while self.under_way.join_next().await.is_some() {} };
        tokio::time::timeout(LAST_ANSWERS, all)
            .await
            .context("calls without an answer")?;
        let mut answers = Vec::new();
        while let Ok(answer) = self.receiver.try_recv() {
            answers.push(answer);
        }
        Ok(Offered {
            calls: self.calls,
            seconds: self.seconds,
            answers,
            spent: self.spent,
        })
    }
}

fn refused(status: &Status) -> Outcome {
    if status.code() == Code::ResourceExhausted {
        let hint = status.get_details_retry_info();
        let says_when = hint.is_some_and(|hint| hint.retry_delay.is_some());
        return Outcome::Refused { says_when };
    }
    Outcome::Failed(status.code())
}

impl Offered {
    /// Times of the accepted calls.
    pub(super) fn accepted(&self) -> anyhow::Result<Histogram<u64>> {
        self.timed(|outcome| matches!(outcome, Outcome::Accepted(_)))
    }

    /// Times of the calls that were told to come back.
    pub(super) fn refused(&self) -> anyhow::Result<Histogram<u64>> {
        self.timed(|outcome| matches!(outcome, Outcome::Refused { .. }))
    }

    /// How many were refused without being told when to come back, or failed otherwise.
    pub(super) fn unclear(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for answer in &self.answers {
            let name = match &answer.outcome {
                Outcome::Accepted(_) | Outcome::Refused { says_when: true } => continue,
                Outcome::Refused { says_when: false } => "refused without a hint".to_owned(),
                Outcome::Failed(code) => format!("{code:?}"),
            };
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// Numbers of what was accepted.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &str> {
        self.answers
            .iter()
            .filter_map(|answer| match &answer.outcome {
                Outcome::Accepted(number) => Some(number.as_str()),
                _ => None,
            })
    }

    fn timed(&self, counts: impl Fn(&Outcome) -> bool) -> anyhow::Result<Histogram<u64>> {
        let mut seen = times()?;
        for answer in self.answers.iter().filter(|answer| counts(&answer.outcome)) {
            let took = u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX);
            seen.saturating_record(took.max(1));
        }
        Ok(seen)
    }
}
