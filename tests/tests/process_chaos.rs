//! The services as processes of their own, two of each, under load and under fire: nothing that was
//! promised is lost, doubled or out of order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hotline_platform::testing::{seed, times};
use hotline_tests::chaos::fleet::Fleet;
use hotline_tests::chaos::ledger::Ledger;
use hotline_tests::chaos::load::{Load, Tally};
use hotline_tests::chaos::{checker, desks, nemesis, rest};
use tokio::task::JoinSet;

/// How long clients go on asking for an answer after the load has ended.
const PATIENCE: Duration = Duration::from_mins(1);

/// How hard the city is tried.
struct Trial {
    time: Duration,
    submissions_per_s: u32,
    blows: usize,
}

/// What fits into every run of the tests.
const SHORT: Trial = Trial {
    time: Duration::from_secs(35),
    submissions_per_s: 20,
    blows: 18,
};

/// The proof.
const LONG: Trial = Trial {
    time: Duration::from_mins(3),
    submissions_per_s: 60,
    blows: 80,
};

#[tokio::test(flavor = "multi_thread")]
async fn kills_pauses_and_restarts_under_load_lose_double_and_disorder_nothing() {
    let trial = if times() > 1 { LONG } else { SHORT };
    let seed = seed();
    eprintln!("chaos: seed {seed} (HOTLINE_TEST_SEED={seed} repeats it)");
    let fleet = Arc::new(Fleet::start().await);
    checker::watch(&fleet.cluster);

    let path = fleet.folder().join("ledger.jsonl");
    let tally = Arc::new(Tally::default());
    let begun = Instant::now();
    let load = Load {
        doors: fleet.doors(),
        ledger: Arc::new(Ledger::create(&path)),
        tally: Arc::clone(&tally),
        ends_at: begun + trial.time,
        gives_up_at: begun + trial.time + PATIENCE,
    };
    let mut clients = JoinSet::new();
    clients.spawn(load.clone().submits(trial.submissions_per_s, seed));
    clients.spawn(desks::work(load, seed));
    let blows = nemesis::rage(Arc::clone(&fleet), seed, trial.blows, trial.time).await;
    let told = |what: &str| eprintln!("chaos: {what} after {} s", begun.elapsed().as_secs());
    told("the last blow was dealt");
    while let Some(ended) = clients.join_next().await {
        ended.expect("clients end");
    }
    told("every client has its answer");
    rest::comes(&fleet).await;
    told("the city is at rest");
    let verdict = checker::check(&fleet, &path).await;

    told("everything was checked");
    let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
    println!(
        "chaos: seed {seed}, {} s: {} submissions offered ({} a second), {} acknowledged; {} commands done, {} refused, \
         {} calls repeated ({} internal errors); {blows}, {} changes of readers, {} ended by themselves; \
         lost {}, doubled {}, out of order {}; longest without acknowledgement {} ms",
        trial.time.as_secs(),
        count(&tally.offered),
        trial.submissions_per_s,
        count(&tally.acknowledged),
        count(&tally.done),
        count(&tally.refused),
        count(&tally.repeated),
        count(&tally.internal),
        verdict.takeovers,
        fleet.ended(),
        verdict.lost.len(),
        verdict.doubled.len(),
        verdict.disordered.len(),
        tally.longest_quiet().as_millis(),
    );
    fleet.stop();
    assert_eq!(fleet.ended(), 0, "a process that served ended by itself");
    assert!(
        verdict.takeovers > 0,
        "no kill or pause made another process take over"
    );
    assert!(
        verdict.receipts > 0 && count(&tally.done) > 0,
        "nothing happened"
    );
    if !verdict.is_clean() {
        let kept = Arc::try_unwrap(fleet)
            .ok()
            .map(|mut fleet| fleet.keep_folder());
        panic!(
            "seed {seed}: {}\nlogs and ledger: {kept:?}",
            verdict.examples()
        );
    }
}
