//! Load: so many clients, each waiting for its answer before it asks again.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::cpu;
use super::ground::Ground;
use super::server::Server;

/// The longest time that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// A client: makes one call after the other.
pub(super) trait Client: Send + 'static {
    /// One call; an error ends the measurement.
    fn call(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// For how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

/// What a load did.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) calls: u64,
    pub(super) seconds: f64,
    pub(super) times: Histogram<u64>,
    pub(super) spent: Spent,
}

/// Processor time while it was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) server: Duration,
    pub(super) client: Duration,
    /// `None` where the database is part of the server, or on another machine.
    pub(super) database: Option<Duration>,
}

impl Measured {
    pub(super) fn per_second(&self) -> f64 {
        float(self.calls) / self.seconds
    }

    /// In milliseconds.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        float(self.times.value_at_quantile(quantile)) / 1000.0
    }

    /// Microseconds of processor time per call.
    pub(super) fn each_us(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e6 / float(self.calls.max(1))
    }
}

/// A histogram of microseconds.
pub(super) fn times() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_US, 3).context("a histogram")
}

/// A count as a figure; counts of a bench are far below what a float holds exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are below 2^53"
)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// Whose processor time is read around a measurement.
pub(super) struct Watched<'a> {
    pub(super) server: &'a Server,
    pub(super) ground: &'a Ground,
}

impl Watched<'_> {
    /// Everything since each process started.
    pub(super) fn spent(&self) -> anyhow::Result<Spent> {
        Ok(Spent {
            server: self.server.cpu()?,
            client: cpu::of(std::process::id())?,
            database: self.ground.database_cpu()?,
        })
    }
}

impl Spent {
    /// All of them together.
    pub(super) fn sum(all: &[Self]) -> Self {
        Self {
            server: all.iter().map(|spent| spent.server).sum(),
            client: all.iter().map(|spent| spent.client).sum(),
            database: all.iter().map(|spent| spent.database).sum(),
        }
    }

    pub(super) fn since(self, before: Self) -> Self {
        let database = self.database.zip(before.database);
        Self {
            server: self.server.saturating_sub(before.server),
            client: self.client.saturating_sub(before.client),
            database: database.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// Lets every client call for the length of `window`; what ends in its measured part counts.
pub(super) async fn closed_loop<C: Client>(
    clients: Vec<C>,
    window: Window,
    watched: &Watched<'_>,
) -> anyhow::Result<Measured> {
    let started = Instant::now();
    let begin = started + window.warm_up;
    let end = begin + window.measured;
    let mut running = JoinSet::new();
    let failed = Arc::new(tokio::sync::Notify::new());
    for mut client in clients {
        let failed = Arc::clone(&failed);
        running.spawn(async move {
            let mut seen = times()?;
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(seen);
                }
                if let Err(error) = client.call().await {
                    failed.notify_one();
                    return Err(error);
                }
                let answered = Instant::now();
                if answered >= begin && answered < end {
                    let took = (answered - asked).as_micros();
                    seen.saturating_record(u64::try_from(took).unwrap_or(LONGEST_US).max(1));
                }
            }
        });
    }
    let until = |instant: Instant| {
        let failed = Arc::clone(&failed);
        async move {
            tokio::select! {
                () = sleep_until(instant.into()) => {}
                () = failed.notified() => failed.notify_one(),
            }
        }
    };
    until(begin).await;
    let before = watched.spent()?;
    until(end).await;
    let spent = watched.spent()?.since(before);
    let mut all = times()?;
    while let Some(ended) = running.join_next().await {
        all.add(ended??).context("histograms of one shape")?;
    }
    Ok(Measured {
        calls: all.len(),
        seconds: window.measured.as_secs_f64(),
        times: all,
        spent,
    })
}
