//! A test that cannot fail proves nothing: each bug of [`Bug`] is seeded, and the test that guards the
//! promise it breaks must fail, by an assertion that says so.
//!
//! Without a seed the same tests pass; they are part of the ordinary run. What is started here are the
//! test binaries that were built beside this one.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

use hotline_platform::fault::Bug;

/// A bug and the test that notices it.
struct Guard {
    bug: Bug,
    /// The test binary, without its hash: a crate's unit tests or an integration test.
    binary: &'static str,
    test: &'static str,
    /// Part of what the failed assertion says.
    says: &'static str,
    /// With SQLite alone the bug does no harm.
    needs_postgres: bool,
}

const fn guard(bug: Bug, binary: &'static str, test: &'static str, says: &'static str) -> Guard {
    Guard {
        bug,
        binary,
        test,
        says,
        needs_postgres: false,
    }
}

const GUARDS: [Guard; 20] = [
    guard(
        Bug::AcknowledgeBeforeCommit,
        "conformance",
        "groups::what_is_not_committed_is_not_acknowledged",
        "[Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)]",
    ),
    Guard {
        needs_postgres: true,
        ..guard(
            Bug::NaiveCursor,
            "hotline_platform",
            "relay::tests::an_event_that_is_committed_late_gets_its_number_too",
            "postgres: numbered",
        )
    },
    guard(
        Bug::OffsetOutside,
        "hotline_platform",
        "apply::tests::an_event_that_fails_leaves_its_place_where_it_was",
        "tried again",
    ),
    guard(
        Bug::NoFence,
        "hotline_platform",
        "apply::tests::a_process_that_slept_past_its_lease_applies_nothing",
        "asleep",
    ),
    guard(
        Bug::NoIdempotency,
        "hotline_intake",
        "tests::registering::sixty_four_who_say_the_same_at_once_get_one_appeal",
        "left: 256",
    ),
    guard(
        Bug::NotImmediate,
        "conformance",
        "writes::who_has_begun_a_write_may_write_whatever_another_process_does",
        "who has begun a write may write",
    ),
    guard(
        Bug::SynchronousNormal,
        "process_power_cut",
        "power_cuts_lose_nothing_that_was_acknowledged",
        "failed: seed",
    ),
    guard(
        Bug::LockByClock,
        "hotline_platform",
        "apply::tests::an_event_is_applied_where_the_last_one_ended_and_nowhere_else",
        "number 1",
    ),
    guard(
        Bug::NoEpoch,
        "hotline_platform",
        "apply::tests::a_place_behind_the_end_of_a_restored_log_goes_back_to_its_end",
        "Some(5)",
    ),
    guard(
        Bug::TimerEarly,
        "conformance",
        "timers::a_timer_fires_at_its_instant_and_not_a_moment_before",
        "left: 1",
    ),
    guard(
        Bug::MergeDropsCitizen,
        "hotline_feedback",
        "tests::replies::each_citizen_of_a_merged_ticket_gets_his_reply_on_his_own_channel",
        "left: [(\"tel\", \"written\")]",
    ),
    guard(
        Bug::ConservationOffByOne,
        "hotline_intake",
        "tests::importing::conserving::everything_is_counted_as_of_one_moment",
        "left: 3",
    ),
    guard(
        Bug::MixedCohorts,
        "hotline_reporting",
        "tests::documents::the_monthly_summary_balances_every_unit",
        "100.00%(2/2)",
    ),
    guard(
        Bug::PoisonStops,
        "conformance",
        "parking::a_stream_that_cannot_be_applied_is_parked_and_its_partition_goes_on",
        "mirror has not heard all of ledger",
    ),
    guard(
        Bug::LostUpdate,
        "hotline_routing",
        "tests::life::a_ticket_is_saved_over_the_version_that_was_loaded_and_no_other",
        ": saved Ok(())",
    ),
    guard(
        Bug::ImportSkipsRow,
        "hotline_intake",
        "tests::importing::an_interrupted_run_goes_on_where_it_stood",
        ", 4, 2)",
    ),
    guard(
        Bug::ScopeForgotten,
        "hotline_routing",
        "tests::fence::sqlite_shows_a_unit_its_own_rows_by_one_fence",
        "calls showed foreign rows",
    ),
    guard(
        Bug::NoAssociatedData,
        "hotline_platform",
        "vault::tests::ten_thousand_swapped_values_are_refused",
        "Aes256Gcm Place",
    ),
    guard(
        Bug::AuditOutside,
        "hotline_platform",
        "audit::tests::sealing::a_row_is_written_in_the_transaction_of_what_it_tells_of",
        "left: (0, 0)",
    ),
    guard(
        Bug::SealerSkipsRow,
        "hotline_platform",
        "audit::tests::sealing::what_was_written_is_sealed_in_the_order_of_its_commits_and_found_as_it_was",
        "kind: Swapped",
    ),
];

/// Where the first fence is down, the second holds: with the bug this test still passes on PostgreSQL.
const SECOND_FENCE: Guard = guard(
    Bug::ScopeForgotten,
    "hotline_routing",
    "tests::fence::postgres_shows_a_unit_its_own_rows_by_two_fences",
    "",
);

#[test]
fn postgres_shows_no_foreign_row_to_a_unit_whose_scope_was_forgotten() {
    if !env::vars_os().any(|(name, _)| name == "HOTLINE_TEST_POSTGRES") {
        eprintln!("not run: the second fence is PostgreSQL's");
        return;
    }
    let told = noticed(&SECOND_FENCE).expect_err("nothing foreign is shown");
    assert_eq!(told, "it passed");
}

#[test]
fn every_seeded_bug_is_noticed_by_the_test_that_guards_its_promise() {
    let has_postgres = env::vars_os().any(|(name, _)| name == "HOTLINE_TEST_POSTGRES");
    let mut unnoticed = Vec::new();
    for guard in &GUARDS {
        if guard.needs_postgres && !has_postgres {
            eprintln!("not run: {} needs a PostgreSQL", guard.bug.name());
            continue;
        }
        if let Err(told) = noticed(guard) {
            unnoticed.push(format!("{} by {}: {told}", guard.bug.name(), guard.test));
        }
    }
    assert!(
        unnoticed.is_empty(),
        "not noticed:\n{}",
        unnoticed.join("\n")
    );
}

#[test]
fn every_bug_has_a_guard() {
    for bug in Bug::ALL {
        let guards = GUARDS.iter().filter(|guard| guard.bug == bug).count();
        assert_eq!(guards, 1, "{}", bug.name());
    }
}

/// Runs the guard with its bug; an error tells how it did not fail as it should.
fn noticed(guard: &Guard) -> Result<(), String> {
    let begun = std::time::Instant::now();
    let output = Command::new(binary(guard))
        .args(["--exact", guard.test])
        .env("HOTLINE_SEEDED_BUG", guard.bug.name())
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("a test binary starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    eprintln!(
        "{} after {:.1} s: {}",
        guard.bug.name(),
        begun.elapsed().as_secs_f64(),
        excerpt(&told)
    );
    if output.status.success() {
        return Err("it passed".to_owned());
    }
    let is_failed = told.contains(&format!("test {} ... FAILED", guard.test));
    let is_asserted = told.contains("panicked at") && told.contains(guard.says);
    if is_failed && is_asserted {
        return Ok(());
    }
    Err(format!("it did not fail by its assertion: {told}"))
}

/// What the panic said.
fn excerpt(told: &str) -> String {
    let from = told.find("panicked at").unwrap_or_default();
    told[from..].lines().take(4).collect::<Vec<_>>().join(" | ")
}

/// The newest build of a guard's binary that knows its test.
fn binary(guard: &Guard) -> PathBuf {
    let test = env::current_exe().expect("a test knows where it is");
    let folder = test.parent().expect("target/debug/deps");
    let mut built: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)
        .expect("a folder that can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| is_build_of(path, guard.binary))
        .map(|path| (modified(&path), path))
        .collect();
    built.sort();
    let knows = |path: &Path| {
        let listed = Command::new(path)
            .args(["--list", "--exact", guard.test])
            .output();
        let listed = listed.expect("a test binary starts").stdout;
        String::from_utf8_lossy(&listed).contains(&format!("{}: test", guard.test))
    };
    let found = built.into_iter().rev().find(|(_, path)| knows(path));
    let found = found.map(|(_, path)| path);
    found.unwrap_or_else(|| {
        panic!(
            "no test binary {} knows {}: build them first (`cargo build --workspace --all-targets`)",
            guard.binary, guard.test
        )
    })
}

/// Whether a file is `NAME-0123456789abcdef`.
fn is_build_of(path: &Path, name: &str) -> bool {
    let file = path
        .file_name()
        .and_then(|file| file.to_str())
        .unwrap_or_default();
    file.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|hash| hash.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn modified(path: &Path) -> SystemTime {
    let found = fs::metadata(path).expect("a file");
    found.modified().expect("its time")
}
