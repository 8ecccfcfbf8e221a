//! A city starts whole or says what is missing, is alone on its databases, and stops cleanly.

#![expect(clippy::expect_used, reason = "a test says why it stops")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hotline::cli::reach::by_administrator;
use hotline::config::Config;
use hotline::services::Name;
use hotline::{City, Parts};
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{GetConservationRequest, ListChannelsRequest};
use hotline_proto::reporting::GetOverviewRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use tonic::Code;
use tonic::transport::Endpoint;

/// How long a process may take to start or stop.
const PROCESS_MAX: Duration = Duration::from_mins(1);

fn embedded(folder: &Path) -> Config {
    let mut config = Config::embedded(folder);
    config.server.listen.set_port(0);
    config
}

async fn refusal(names: &[Name], config: Config) -> String {
    let started = City::start_some(names, config, Parts::default()).await;
    format!("{:#}", started.err().expect("it must not start"))
}

#[tokio::test]
async fn a_city_needs_no_configuration_and_answers_in_process_and_over_its_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = City::start(embedded(folder.path()), Parts::default())
        .await
        .expect("starts");
    let socket = Endpoint::from_shared(format!("http://{}", running.addr()))
        .expect("an address")
        .connect_lazy();
    let by_socket = IntakeServiceClient::new(socket.clone())
        .get_conservation(by_administrator(GetConservationRequest {}))
        .await
        .expect("answers");
    let by_process = IntakeServiceClient::new(running.transport("intake"))
        .get_conservation(by_administrator(GetConservationRequest {}))
        .await
        .expect("answers");
    assert_eq!(by_socket.into_inner(), by_process.into_inner());

    let mut reporting = ReportingServiceClient::new(socket);
    let overview = reporting.get_overview(by_administrator(GetOverviewRequest::default()));
    assert_eq!(overview.await.expect("answers").into_inner().appeals, 0);
    running.settle().await.expect("comes to rest");
    for file in [
        "secret",
        "intake.db",
        "routing.db",
        "feedback.db",
        "reporting.db",
    ] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_service_whose_producer_can_never_be_heard_does_not_start() {
    let cases = [
        (&[Name::Feedback][..], "[peers]"),
        (&[Name::Routing, Name::Intake][..], "feedback"),
        (
            &[Name::Intake, Name::Routing, Name::Feedback][..],
            "reporting",
        ),
    ];
    for (names, missing) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let told = refusal(names, embedded(folder.path())).await;
        assert!(
            told.contains("neither mounted here nor has an address in [peers]"),
            "{names:?}: {told}"
        );
        assert!(told.contains(missing), "{names:?}: {told}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = embedded(folder.path());
    config.peers = Name::STORED
        .iter()
        .map(|&name| (name, "http://127.0.0.1:9".to_owned()))
        .collect();
    let running = City::start_some(&[Name::Feedback], config, Parts::default())
        .await
        .expect("peers have addresses");
    running.stop().await;
}

#[tokio::test]
async fn a_second_city_on_the_same_databases_does_not_start_while_the_first_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = City::start(embedded(folder.path()), Parts::default())
        .await
        .expect("starts");
    let told = refusal(Name::ALL, embedded(folder.path())).await;
    assert!(told.contains("another process has"), "{told}");
    first.stop().await;
    let second = City::start(embedded(folder.path()), Parts::default())
        .await
        .expect("the databases are free");
    second.stop().await;
}

#[tokio::test]
async fn pending_migrations_stop_the_start_unless_they_may_be_applied() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = embedded(folder.path());
    config.database.auto_migrate = Some(false);
    let told = refusal(Name::ALL, config.clone()).await;
    assert!(told.contains("hotline migrate"), "{told}");
    config.database.auto_migrate = Some(true);
    City::start(config.clone(), Parts::default())
        .await
        .expect("applies them")
        .stop()
        .await;
    config.database.auto_migrate = Some(false);
    City::start(config, Parts::default())
        .await
        .expect("none is pending")
        .stop()
        .await;
}

#[tokio::test]
async fn a_service_in_another_process_is_a_peer_and_its_events_are_heard() {
    let (here, there) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    // Nobody can know both ports before both listen: reserve one.
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let routing_addr = reserved.local_addr().expect("its address");
    drop(reserved);
    let secret = here.path().join("shared-secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef").expect("written");

    let mut config = embedded(here.path());
    config.city.secret_file = Some(secret.clone());
    config.peers = [(Name::Routing, format!("http://{routing_addr}"))].into();
    let others = [Name::Intake, Name::Feedback, Name::Reporting];
    let first = City::start_some(&others, config, Parts::default())
        .await
        .expect("starts without its peer");

    let mut config = embedded(there.path());
    config.city.secret_file = Some(secret);
    config.server.listen = routing_addr;
    config.peers = others
        .iter()
        .map(|&name| (name, format!("http://{}", first.addr())))
        .collect();
    let second = City::start_some(&[Name::Routing], config, Parts::default())
        .await
        .expect("starts");

    // A table loaded in routing is told to reporting, which shows the units' names.
    let csv = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/sample/units.csv"
    ))
    .expect("the sample");
    let table = hotline_proto::shared::RegistryTable {
        name: "units".to_owned(),
        csv,
    };
    let request = hotline_proto::routing::LoadRegistryRequest { table: Some(table) };
    let through_peer = first.transport("routing");
    let mut routing =
        hotline_proto::routing::routing_service_client::RoutingServiceClient::new(through_peer);
    routing
        .load_registry(by_administrator(request))
        .await
        .expect("loaded over the socket");
    let begun = Instant::now();
    while first.lag("reporting", "routing").await.expect("asked") != 0 {
        assert!(
            begun.elapsed() < PROCESS_MAX,
            "reporting does not hear routing"
        );
        tokio::task::yield_now().await;
    }
    second.stop().await;
    let mut intake = IntakeServiceClient::new(first.transport("intake"));
    intake
        .list_channels(by_administrator(ListChannelsRequest::default()))
        .await
        .expect("goes on without its peer");
    let gone = routing
        .list_units(by_administrator(
            hotline_proto::routing::ListUnitsRequest::default(),
        ))
        .await;
    assert_eq!(gone.expect_err("it is gone").code(), Code::Unavailable);
    first.stop().await;
}

fn hotline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command
        .args(args)
        .arg("--data")
        .arg(folder)
        .stdin(Stdio::null());
    command.env("HOTLINE__SERVER__LISTEN", "127.0.0.1:0");
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
    let asked = intake.list_channels(by_administrator(ListChannelsRequest::default()));
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
    let asked = intake.get_conservation(by_administrator(GetConservationRequest {}));
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
