//! A simulation of the core: the real relay, publisher, reader, lease, parking and timers in
//! processes that share one thread, one clock and the worst of couriers; every step is drawn by a seed.
//!
//! `HOTLINE_TEST_SEED=n` runs one seed and prints its trace. A seed that ever failed stands in
//! `regressions`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod carrier;
mod disasters;
mod judge;
mod ledger;
mod mirror;
mod peace;
mod run;
mod stage;
mod template;
mod world;

use std::ops::Range;

use hotline_platform::testing;

use crate::judge::Verdict;
use crate::run::Run;
use crate::template::Template;
use crate::world::World;

/// Seeds of the short form, in four parts so that they run side by side.
const PART: u64 = 500;

/// Names its seed if the simulation itself panics.
struct Names(u64);

impl Drop for Names {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Runs one seed; its trace and whether everything held.
async fn simulate(template: &Template, seed: u64) -> (String, Verdict) {
    let _names = Names(seed);
    let folder = template.copy();
    let mut run = Run::new(World::new(seed, folder.path()).await, seed);
    let verdict = run.live().await;
    let trace = run.world.trace.text();
    let (ledger, mirror) = (run.world.ledger.clone(), run.world.mirror.clone());
    drop(run);
    ledger.close().await;
    mirror.close().await;
    (trace, verdict)
}

async fn all_hold(seeds: impl Iterator<Item = u64>) {
    let template = Template::new().await;
    if let Some(seed) = testing::only_seed() {
        let (trace, verdict) = simulate(&template, seed).await;
        eprintln!("{trace}\nseed {seed}: {verdict:?}");
        return assert_eq!(verdict, Ok(()), "seed {seed}");
    }
    for (count, seed) in seeds.enumerate() {
        let (trace, verdict) = simulate(&template, seed).await;
        if let Err(broken) = verdict {
            panic!("{trace}\nseed {seed}, after {count} that held: {broken}");
        }
    }
}

fn part(number: u64) -> Range<u64> {
    let size = PART * u64::from(testing::times());
    number * size..(number + 1) * size
}

#[tokio::test]
async fn the_first_quarter_of_seeds_holds() {
    all_hold(part(0)).await;
}

#[tokio::test]
async fn the_second_quarter_of_seeds_holds() {
    all_hold(part(1)).await;
}

#[tokio::test]
async fn the_third_quarter_of_seeds_holds() {
    all_hold(part(2)).await;
}

#[tokio::test]
async fn the_fourth_quarter_of_seeds_holds() {
    all_hold(part(3)).await;
}

#[tokio::test]
async fn a_seed_that_failed_once_holds() {
    let seeds = include_str!("regressions").lines();
    let seeds = seeds.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    all_hold(seeds).await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_trace() {
    let template = Template::new().await;
    for seed in 0..100 {
        let (one, _) = simulate(&template, seed).await;
        let (other, _) = simulate(&template, seed).await;
        let differing = one
            .lines()
            .zip(other.lines())
            .find(|(one, other)| one != other);
        assert!(one == other, "seed {seed}: {differing:?}");
    }
}
