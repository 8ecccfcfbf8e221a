//! SIGKILL of the whole process, twenty times in the middle of a demo: every receipt that was given
//! is there once, and the promises hold in the databases.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{GetAppealRequest, get_appeal_request};
use hotline_tests::principal::by;
use hotline_tests::process::Installation;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const KILLS: u64 = 20;
/// How long a demo may take to give its first receipt.
const FIRST_RECEIPT_MAX: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_a_demo_lose_and_double_no_receipt() {
    // As many for each arrangement that the environment offers.
    for turn in 0..KILLS {
        for installation in Installation::all().await {
            demo_under_fire(&installation, turn).await;
        }
    }
}

async fn demo_under_fire(installation: &Installation, turn: u64) {
    let label = installation.label;
    let ledger = installation.folder().join("ledger");
    let told = installation.folder().join("told");
    let mut random = StdRng::seed_from_u64(turn);
    let mut demo = installation
        .command(&["demo", "--days", "30", "--appeals", "300"])
        .arg("--ledger")
        .arg(&ledger)
        .arg("--data")
        .arg(&told)
        .spawn()
        .expect("the binary starts");
    let begun = Instant::now();
    while std::fs::metadata(&ledger).map_or(0, |found| found.len()) == 0 {
        assert!(begun.elapsed() < FIRST_RECEIPT_MAX, "{label}: no receipt");
        assert!(
            demo.try_wait().expect("it is ours").is_none(),
            "{label}: the demo ended early"
        );
        tokio::task::yield_now().await;
    }
    let until = Instant::now() + Duration::from_millis(random.random_range(0..1500));
    while Instant::now() < until {
        tokio::task::yield_now().await;
    }
    assert!(
        demo.try_wait().expect("it is ours").is_none(),
        "{label}: the demo was over before it was killed; make it longer"
    );
    demo.kill().expect("it is ours");
    demo.wait().expect("it was started");

    let process = installation.start().await;
    let mut intake = IntakeServiceClient::new(process.channel());
    let numbers: Vec<String> = std::fs::read_to_string(&ledger)
        .expect("the ledger")
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(str::to_owned)
        .collect();
    let distinct: HashSet<&String> = numbers.iter().collect();
    assert_eq!(
        distinct.len(),
        numbers.len(),
        "{label}: a number was given twice"
    );
    for number in &numbers {
        let by_number = get_appeal_request::By::Number(number.clone());
        let answer = intake
            .get_appeal(by(
                "operator",
                "test",
                GetAppealRequest {
                    by: Some(by_number),
                },
            ))
            .await;
        let found = answer.map(|answer| answer.into_inner().appeal.and_then(|view| view.appeal));
        let found =
            found.unwrap_or_else(|status| panic!("{label}: {number} was acknowledged: {status}"));
        assert_eq!(
            found.map(|appeal| appeal.number).as_ref(),
            Some(number),
            "{label}"
        );
    }
    process.kill();
    installation.check();
}
