//! A city starts whole or says what is missing, is alone on its databases, and stops cleanly.

#![expect(clippy::expect_used, reason = "a test says why it stops")]

mod commands;
mod several;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotline::cli::reach::by;
use hotline::config::Config;
use hotline::identity::of_a_command;
use hotline::services::Name;
use hotline::{City, Parts};
use hotline_platform::access::Role;
use hotline_platform::peers::Peers;
use hotline_proto::intake::GetConservationRequest;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::reporting::GetOverviewRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;

/// How long a process may take to start or stop.
const PROCESS_MAX: Duration = Duration::from_mins(1);

fn embedded(folder: &Path) -> Config {
    let mut config = Config::embedded(folder);
    config.server.listen.set_port(0);
    config.gateway.own.listen = None;
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
    let address = format!("http://{}", running.addr());
    let addresses = [("city".to_owned(), address)].into();
    let outgoing = of_a_command(&embedded(folder.path())).expect("the key is ours");
    let peers = Peers::at(&addresses, &outgoing).expect("an address");
    let socket = Arc::new(peers).transport("city", None);
    let by_socket = IntakeServiceClient::new(socket.clone())
        .get_conservation(by(Role::Administrator, GetConservationRequest {}))
        .await
        .expect("answers");
    let by_process = IntakeServiceClient::new(running.transport("intake"))
        .get_conservation(by(Role::Administrator, GetConservationRequest {}))
        .await
        .expect("answers");
    assert_eq!(by_socket.into_inner(), by_process.into_inner());

    let mut reporting = ReportingServiceClient::new(socket);
    let overview = reporting.get_overview(by(Role::Analyst, GetOverviewRequest::default()));
    assert_eq!(overview.await.expect("answers").into_inner().appeals, 0);
    running.settle().await.expect("comes to rest");
    for file in [
        "secret",
        "identity.key",
        "identity.pub",
        "intake.db",
        "routing.db",
        "feedback.db",
        "reporting.db",
        "gateway.db",
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
    config.peers = Name::ALL
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
