//! Power fails under an embedded city, again and again: what was acknowledged stays, the databases are
//! whole, and nobody has to mend anything.
//!
//! The disk is `tests/shim/disk.c` with `hotline_tests::disk`: power fails at a random change of a file,
//! and takes back a random part of what was not synced.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod city;
mod refusing;

use hotline_platform::testing::{seed, times};

use crate::city::City;

/// Cuts of one city, before it is looked at as a whole and another one is founded.
const CUTS_PER_CITY: usize = 50;
/// Cuts within which a city that does not sync its commits must have lost something.
const CONTROL_CUTS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_lose_nothing_that_was_acknowledged() {
    let (cities, seed) = (4 * u64::from(times()), seed());
    for number in 0..cities {
        let seed = seed + number;
        println!("HOTLINE_TEST_SEED={seed}");
        let mut city = City::found(seed).await;
        for _ in 0..CUTS_PER_CITY {
            city.live_until_a_cut(&[]).await;
            city.assert_whole().await;
            assert_eq!(city.ledger.broken(), [""; 0], "seed {seed}");
        }
        let process = city.installation.start().await;
        city.ledger.prove(&process.channel()).await;
        assert_eq!(city.ledger.broken(), [""; 0], "seed {seed}");
        println!("{} receipts", city.ledger.acknowledged());
        process.kill();
        city.installation.check();
    }
}

/// If this city lost nothing, no cut would ever show a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_city_that_does_not_sync_its_commits_loses_receipts() {
    let seed = seed();
    println!("HOTLINE_TEST_SEED={seed}");
    let mut city = City::found(seed).await;
    for _ in 0..CONTROL_CUTS {
        city.live_until_a_cut(&[("HOTLINE_SEEDED_BUG", "synchronous_normal")])
            .await;
        if !city.ledger.broken().is_empty() {
            return;
        }
    }
    panic!(
        "seed {seed}: {} receipts, and {CONTROL_CUTS} cuts took none back",
        city.ledger.acknowledged()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_in_the_first_start_leaves_a_city_that_starts() {
    let (cities, seed) = (20 * u64::from(times()), seed());
    for number in 0..cities {
        let seed = seed + number;
        println!("HOTLINE_TEST_SEED={seed}");
        let mut city = City::empty(seed);
        for _ in 0..3 {
            city.start_until_a_cut().await;
        }
        let process = city.installation.start().await;
        city.installation.load_sample();
        city.ledger
            .ask(&process.channel())
            .await
            .expect("a receipt");
        process.kill();
        city.installation.check();
    }
}
