//! A disk that refuses: nothing is acknowledged that it did not take, and when it takes again, so does
//! the city, by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_platform::testing::{seed, times};
use hotline_tests::ledger::Ledger;
use hotline_tests::process::Process;
use hotline_tests::shim::{Refusal, Shim};
use rand::Rng;
use tokio::task::JoinSet;
use tonic::Code;

use crate::city::City;

/// Callers at once.
const CALLERS: usize = 4;
/// How long a city may take for some changes of its files.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many asks a disk that stays full refuses.
const REFUSED: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn whichever_change_a_disk_refuses_nothing_is_acknowledged_that_it_did_not_take() {
    let (changes, seed) = (150 * u64::from(times()), seed());
    println!("HOTLINE_TEST_SEED={seed}");
    for refusal in [Refusal::Full, Refusal::Broken] {
        let mut city = City::found(seed).await;
        let mut process = city.start_uncut().await;
        for skipped in 1..=changes {
            let count = 1 << city.random.random_range(0..6);
            city.shim.refuse(refusal, skipped, count);
            call_until(&process, &city.ledger, &city.shim, skipped + count).await;
        }
        let label = format!("{refusal:?}, seed {seed}");
        assert!(process.is_running(), "{label}: the process went down");
        println!("{label}: {} receipts", city.ledger.acknowledged());
        city.cut_now(process).await;
        city.assert_whole().await;

        let process = city.installation.start().await;
        city.ledger.prove(&process.channel()).await;
        assert_eq!(city.ledger.broken(), [""; 0], "{label}");
        process.kill();
        city.installation.check();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_answered_unavailable_until_there_is_room_again() {
    let mut city = City::found(seed()).await;
    let process = city.start_uncut().await;
    let channel = process.channel();
    city.ledger.ask(&channel).await.expect("a receipt");

    city.shim.refuse(Refusal::Full, 1, u64::MAX);
    for _ in 0..REFUSED {
        let status = city.ledger.ask(&channel).await.expect_err("no room");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    assert_eq!(city.ledger.acknowledged(), 1);
    city.shim.allow();

    city.ledger.prove(&channel).await;
    assert_eq!(city.ledger.broken(), [""; 0]);
    process.kill();
    city.installation.check();
}

/// Callers ask until the disk was asked for `changes` more; what it refuses is refused to them.
async fn call_until(process: &Process, ledger: &Arc<Ledger>, shim: &Shim, changes: u64) {
    let (until, begun) = (shim.count() + changes, Instant::now());
    while shim.count() < until {
        assert!(begun.elapsed() < PATIENCE, "nothing is written any more");
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (channel, ledger) = (process.channel(), Arc::clone(ledger));
            callers.spawn(async move { ledger.ask(&channel).await });
        }
        while let Some(answer) = callers.join_next().await {
            if let Err(status) = answer.expect("a caller ends") {
                assert_eq!(status.code(), Code::Unavailable, "{status}");
            }
        }
    }
}
