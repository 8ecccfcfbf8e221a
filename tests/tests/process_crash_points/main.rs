//! At every crash point the process ends exactly there; it starts again, the client repeats what was
//! not acknowledged, and nothing is lost or doubled.
//!
//! One installation per arrangement lives through all deaths of [`cases::CASES`]: the next start is the
//! last death's recovery. What is looked at after each: every receipt that was acknowledged is found by
//! its number; after each kind of flow `hotline check` finds nothing; at the end everything that was
//! begun is brought to its end, every key gives its old receipt, every ticket has lived the same life,
//! every citizen has one reply, and the sums agree.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod cases;
mod city;
mod ledger;
mod life;
mod scripts;
mod server;
mod tables;

use std::collections::BTreeSet;
use std::time::Instant;

use hotline_platform::fault::POINTS;
use hotline_platform::testing::times;
use hotline_tests::process::Installation;

use self::cases::{CASES, Case, SERVING, UNREACHED};
use self::city::City;

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_crash_point_loses_and_doubles_nothing() {
    for installation in Installation::all().await {
        sweep(&installation).await;
    }
}

#[test]
fn every_crash_point_is_reached_by_a_case_or_said_not_to_be() {
    for label in ["embedded", "PostgreSQL + Redis"] {
        let mut listed: BTreeSet<&str> = CASES.iter().map(|case| case.point).collect();
        for point in &listed {
            assert!(POINTS.contains(point), "{point} is no crash point");
        }
        for (_, point, why) in UNREACHED.iter().filter(|(where_, ..)| *where_ == label) {
            assert!(
                !why.is_empty() && POINTS.contains(point),
                "{point} is no crash point"
            );
            listed.insert(point);
        }
        let missing: Vec<_> = POINTS
            .iter()
            .filter(|point| !listed.contains(*point))
            .collect();
        assert!(missing.is_empty(), "{label}: no case reaches {missing:?}");
    }
}

async fn sweep(installation: &Installation) {
    let label = installation.label;
    let unreached: Vec<&str> = UNREACHED
        .iter()
        .filter(|(place, ..)| *place == label)
        .map(|(_, point, _)| *point)
        .collect();
    let cases: Vec<Case> = CASES
        .iter()
        .filter(|case| !unreached.contains(&case.point))
        .flat_map(Case::with_other_hits)
        .collect();
    let mut city = City::new(installation);
    for (number, &case) in cases.iter().enumerate() {
        let begun = Instant::now();
        assert!(city.dies(case).await, "{label}: {case:?} was not reached");
        eprintln!(
            "{label}: {case:?} after {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        let is_last_of_flow = cases
            .get(number + 1)
            .is_none_or(|next| next.flow != case.flow);
        if is_last_of_flow && city.is_in_order().await {
            installation.check();
        }
    }
    if times() > 1 {
        every_flow(installation, &mut city).await;
    }
    let armed: Vec<String> = unreached
        .iter()
        .map(|point| format!("{point}=return(kill)"))
        .collect();
    city.ends_well(&armed.join(";")).await;
}

/// The long form: every point in every flow that serves, at its first three hits, reached or not.
async fn every_flow(installation: &Installation, city: &mut City<'_>) {
    let label = installation.label;
    if !city.is_in_order().await {
        city.clears_up().await;
    }
    for flow in SERVING {
        let (mut deaths, mut points) = (0, BTreeSet::new());
        for (point, hit) in POINTS
            .iter()
            .flat_map(|point| (1..=3).map(move |hit| (*point, hit)))
        {
            if city.dies(Case { point, hit, flow }).await {
                deaths += 1;
                points.insert(point);
            }
        }
        installation.check();
        eprintln!(
            "{label}, {flow:?}: {deaths} deaths at {} points",
            points.len()
        );
    }
}
