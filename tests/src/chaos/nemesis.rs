//! Who breaks things: kills, pauses, forgets, restarts, in an order that a seed decides.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::fleet::{Fleet, LEASE_S};

/// How long a process stands still: longer than its lease, so that another takes over.
const PAUSE: Duration = Duration::from_millis(LEASE_S * 1000 + 1500);
/// How often paused and ended processes are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A way to break something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    /// SIGKILL of a process, which is started again.
    Kill,
    /// SIGSTOP of a process past its lease, then SIGCONT.
    Pause,
    /// FLUSHALL: the courier forgets everything.
    Flush,
    /// SIGKILL of the courier, which starts again empty.
    KillRedis,
    /// PostgreSQL ends at once, as in a crash, and recovers.
    RestartPostgres,
}

impl Blow {
    /// Ten blows, in the shares they come in.
    const TEN: [Self; 10] = [
        Self::Kill,
        Self::Kill,
        Self::Kill,
        Self::Kill,
        Self::Pause,
        Self::Pause,
        Self::Pause,
        Self::Flush,
        Self::KillRedis,
        Self::RestartPostgres,
    ];
}

/// What was done.
#[derive(Debug, Default)]
pub struct Blows(BTreeMap<Blow, u32>);

impl Blows {
    /// How often `blow` was dealt.
    pub fn of(&self, blow: Blow) -> u32 {
        self.0.get(&blow).copied().unwrap_or_default()
    }
}

impl fmt::Display for Blows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kills, {} pauses, {} FLUSHALL, {} Redis kills, {} PostgreSQL restarts",
            self.of(Blow::Kill),
            self.of(Blow::Pause),
            self.of(Blow::Flush),
            self.of(Blow::KillRedis),
            self.of(Blow::RestartPostgres)
        )
    }
}

/// Deals `count` blows, evenly over `time`, and leaves every process running.
pub async fn rage(fleet: Arc<Fleet>, seed: u64, count: usize, time: Duration) -> Blows {
    let mut random = StdRng::seed_from_u64(seed);
    let mut deck: Vec<Blow> = Vec::new();
    while deck.len() < count {
        let mut ten = Blow::TEN;
        ten.shuffle(&mut random);
        deck.extend(ten);
    }
    deck.truncate(count);
    let mut blows = Blows::default();
    let mut paused: Vec<(usize, Instant)> = Vec::new();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let begun = Instant::now();
    let every = time / u32::try_from(count).expect("few blows");
    for (number, blow) in (1_u32..).zip(deck) {
        while begun.elapsed() < every * number {
            looks.tick().await;
            look_after(&fleet, &mut paused);
        }
        deal(&fleet, blow, &mut random, &mut paused).await;
        *blows.0.entry(blow).or_default() += 1;
    }
    while !paused.is_empty() {
        looks.tick().await;
        look_after(&fleet, &mut paused);
    }
    fleet.answers().await;
    blows
}

/// Wakes who has slept long enough, starts who has ended.
fn look_after(fleet: &Fleet, paused: &mut Vec<(usize, Instant)>) {
    paused.retain(|&(number, since)| {
        let sleeps = since.elapsed() < PAUSE;
        if !sleeps {
            fleet.resume(number);
        }
        sleeps
    });
    fleet.tend();
}

async fn deal(
    fleet: &Arc<Fleet>,
    blow: Blow,
    random: &mut StdRng,
    paused: &mut Vec<(usize, Instant)>,
) {
    match blow {
        Blow::Kill => {
            while !fleet.kill(random.random_range(0..fleet.size())) {
                fleet.tend();
            }
        }
        Blow::Pause => {
            let number = loop {
                let number = random.random_range(0..fleet.size());
                if fleet.pause(number) {
                    break number;
                }
                // All may be paused or gone just now.
                look_after(fleet, paused);
            };
            paused.push((number, Instant::now()));
        }
        Blow::Flush => flush(fleet).await,
        Blow::KillRedis => {
            let mut redis = fleet.redis.lock().unwrap_or_else(PoisonError::into_inner);
            redis.kill();
            redis.start_again();
        }
        Blow::RestartPostgres => {
            let fleet = Arc::clone(fleet);
            let restarted = tokio::task::spawn_blocking(move || {
                fleet.cluster.stop_immediate();
                fleet.cluster.start_again();
            });
            restarted.await.expect("PostgreSQL starts again");
        }
    }
}

async fn flush(fleet: &Fleet) {
    let url = {
        let redis = fleet.redis.lock().unwrap_or_else(PoisonError::into_inner);
        redis.url()
    };
    let client = redis::Client::open(url).expect("a URL of Redis");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("Redis answers");
    let flushed = redis::cmd("FLUSHALL").exec_async(&mut connection).await;
    flushed.expect("Redis empties it");
}
