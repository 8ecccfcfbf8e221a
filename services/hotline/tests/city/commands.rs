//! The `hotline` commands as processes: they find the city of their folder or say what is missing.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use hotline::cli::reach::by;
use hotline::{City, Parts};
use hotline_platform::access::Role;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{GetConservationRequest, ListChannelsRequest};

use super::{PROCESS_MAX, embedded};

fn hotline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command
        .args(args)
        .arg("--data")
        .arg(folder)
        .stdin(Stdio::null());
    command.env("HOTLINE__SERVER__LISTEN", "127.0.0.1:0");
    command.env("HOTLINE__GATEWAY__LISTEN", "127.0.0.1:0");
    command
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_terminated_process_drains_and_leaves_databases_that_keep_every_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = hotline(folder.path(), &["run"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut child = Killed(child);
    let mut log = std::io::BufReader::new(child.0.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("serving") {
        line.clear();
        let read = std::io::BufRead::read_line(&mut log, &mut line).expect("readable");
        assert!(read > 0, "the process ended before it served");
    }
    assert!(line.contains("address=127.0.0.1:"), "{line}");

    let terminated = Command::new("kill")
        .args(["-TERM", &child.0.id().to_string()])
        .status()
        .expect("sent");
    assert!(terminated.success());
    let begun = Instant::now();
    let ended = loop {
        if let Some(ended) = child.0.try_wait().expect("ours") {
            break ended;
        }
        assert!(begun.elapsed() < PROCESS_MAX, "it does not stop");
        std::thread::yield_now();
    };
    assert!(ended.success(), "{ended}");

    let checked = hotline(folder.path(), &["check"]).output().expect("runs");
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    assert!(told.contains("0 findings"), "{told}");
}

#[test]
fn a_mistake_in_the_configuration_is_told_in_one_readable_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = hotline(folder.path(), &["run"])
        .env("HOTLINE__SERVER__LISTEN", "everywhere")
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("HOTLINE__SERVER__LISTEN"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn looking_at_a_city_that_is_not_there_makes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("mistyped");
    for args in [
        &["check"][..],
        &["parked", "list"],
        &["replay", "reporting"],
        &["timers", "list"],
        &["epoch", "raise", "intake"],
        &["show", "260331-7K2QF-4"],
        &["report", "daily", "2026-03-31"],
        &["export"],
        &["search", "路灯"],
    ] {
        let ended = hotline(&nowhere, args).output().expect("runs");
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        assert!(
            String::from_utf8_lossy(&ended.stderr).contains("there is no"),
            "{args:?}"
        );
        assert!(!nowhere.exists(), "{args:?} made it");
    }
}

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/sample");

async fn channels(city: &hotline::Running) -> usize {
    let mut intake = IntakeServiceClient::new(city.transport("intake"));
    let asked = intake.list_channels(by(Role::Administrator, ListChannelsRequest::default()));
    asked.await.expect("answers").into_inner().channels.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reaches_the_city_of_its_data_folder_whatever_listens_at_the_configured_address()
{
    let (mine, other) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let other = City::start(embedded(other.path()), Parts::default())
        .await
        .expect("starts");
    let configured = other.addr().to_string();
    let load = || {
        let mut command = hotline(mine.path(), &["load", SAMPLE]);
        command.env("HOTLINE__SERVER__LISTEN", &configured);
        command.output().expect("runs")
    };
    // Nobody runs on the folder: the command starts its city itself.
    let loaded = load();
    assert!(loaded.status.success(), "{loaded:?}");
    let running = City::start(embedded(mine.path()), Parts::default())
        .await
        .expect("starts");
    let expected = channels(&running).await;
    assert!(expected > 0);
    // Somebody does, at an address that is not configured: he is asked.
    let loaded = load();
    assert!(loaded.status.success(), "{loaded:?}");
    assert_eq!(channels(&running).await, expected);
    assert_eq!(channels(&other).await, 0, "the other city was left alone");
    running.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_refuses_configured_databases_that_hold_a_city() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = hotline(folder.path(), &["load", SAMPLE]).output();
    assert!(loaded.expect("runs").status.success());
    let config = folder.path().join("hotline.toml");
    std::fs::write(&config, format!("data_dir = {:?}\n", folder.path())).expect("written");
    let told = folder.path().join("told");
    let demo = hotline(&told, &["demo", "--days", "1", "--appeals", "1"])
        .arg("--config")
        .arg(&config)
        .output()
        .expect("runs");
    let message = String::from_utf8_lossy(&demo.stderr);
    assert!(!demo.status.success(), "{message}");
    assert!(message.contains("already hold a city"), "{message}");
    let city = City::start(embedded(folder.path()), Parts::default())
        .await
        .expect("starts");
    let mut intake = IntakeServiceClient::new(city.transport("intake"));
    let asked = intake.get_conservation(by(Role::Administrator, GetConservationRequest {}));
    let appeals: i64 = asked
        .await
        .expect("answers")
        .into_inner()
        .channels
        .iter()
        .map(|channel| channel.registered)
        .sum();
    assert_eq!(appeals, 0, "nothing invented in it");
    city.stop().await;
}

#[test]
fn a_log_enters_a_new_epoch_by_command_and_never_under_a_running_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let raise = || {
        let ended = hotline(folder.path(), &["epoch", "raise", "routing"]).output();
        ended.expect("runs")
    };
    let migrated = hotline(folder.path(), &["migrate"]).output().expect("runs");
    assert!(migrated.status.success(), "{migrated:?}");
    for epoch in ["epoch 2", "epoch 3"] {
        let raised = raise();
        let told = String::from_utf8_lossy(&raised.stdout);
        assert!(
            raised.status.success() && told.contains(epoch),
            "{raised:?}"
        );
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let city = runtime
        .block_on(City::start(embedded(folder.path()), Parts::default()))
        .expect("starts");
    let refused = raise();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("another process has"), "{told}");
    runtime.block_on(city.stop());
    let listed = hotline(folder.path(), &["timers", "list"])
        .output()
        .expect("runs");
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("0 failed"),
        "{listed:?}"
    );
    let none = hotline(folder.path(), &["timers", "retry", "routing", "1"]).output();
    let none = String::from_utf8_lossy(&none.expect("runs").stderr).into_owned();
    assert!(none.contains("no failed timer 1"), "{none}");
}

#[test]
fn an_issued_document_is_printed_as_it_was_frozen_and_a_draft_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = hotline(folder.path(), &["load", SAMPLE]).output();
    assert!(loaded.expect("runs").status.success());
    let report = |more: &[&str]| {
        let mut args = vec!["report", "daily", "2026-03-31", "--format", "markdown"];
        args.extend(more);
        let ended = hotline(folder.path(), &args).output().expect("runs");
        let told = String::from_utf8(ended.stdout).expect("words");
        let erred = String::from_utf8(ended.stderr).expect("words");
        (ended.status.success(), told, erred)
    };
    let (is_well, _, erred) = report(&["--issued"]);
    assert!(
        !is_well && erred.contains("none was issued for 2026-03-31"),
        "{erred}"
    );
    let (_, draft, erred) = report(&[]);
    assert!(draft.contains("草稿") && erred.is_empty(), "{draft}{erred}");
    let (is_well, issued, erred) = report(&["--issue", "0"]);
    assert!(is_well && erred.contains("2026年第1期"), "{erred}");
    assert!(!issued.contains("草稿"), "{issued}");
    let (_, again, _) = report(&["--issued"]);
    assert_eq!(again, issued);
    let (_, draft, erred) = report(&[]);
    assert!(
        draft.contains("草稿") && erred.contains("issued before as 2026年第1期"),
        "{erred}"
    );
}

#[test]
fn every_wrong_row_of_a_table_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = tempfile::tempdir().expect("a folder");
    let refused = |name: &str, csv: &str| {
        let file = tables.path().join(name);
        std::fs::write(&file, csv).expect("written");
        let mut command = hotline(folder.path(), &["load"]);
        let ended = command.arg(tables.path()).output().expect("runs");
        std::fs::remove_file(file).expect("removed");
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).expect("words")
    };
    let told = refused(
        "holidays.csv",
        "date,kind,name\n2026-01-01,rest,元旦\n2026-13-01,holiday,春节\n",
    );
    for row in ["row 2", "row 3"] {
        assert!(told.contains(row), "{told}");
    }
    let told = refused("channels.csv", "code,name,kind\n,电话,phone\n,邮箱,mail\n");
    for row in ["rows[1]", "rows[2]"] {
        assert!(told.contains(row), "{told}");
    }
}
