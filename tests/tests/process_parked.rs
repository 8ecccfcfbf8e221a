//! An event that nobody can read: parked in every service that hears it, shown, given up by a person;
//! and what comes behind it goes on.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hotline::services::Name;
use hotline_proto::intake::LoadRegistryRequest;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::shared::RegistryTable;
use hotline_tests::principal::{Door, by};
use hotline_tests::process::Installation;
use sea_orm::{ConnectionTrait, Database, Statement};

/// How long an event may take to be heard.
const PATIENCE: Duration = Duration::from_mins(1);
/// Who hears intake.
const HEARERS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_event_is_parked_shown_and_given_up_by_hand() {
    for installation in Installation::all().await {
        let label = installation.label;
        write_alone(&installation).await;
        spoil(&installation).await;
        let process = installation.start().await;
        let begun = Instant::now();
        let listed = loop {
            let listed = told(&installation, &["parked", "list"], true);
            if listed.ends_with(&format!("{HEARERS} parked\n")) {
                break listed;
            }
            assert!(begun.elapsed() < PATIENCE, "{label}: {listed}");
        };
        let event = listed.split_whitespace().next().expect("an id").to_owned();
        let shown = told(&installation, &["parked", "show", &event], true);
        assert_eq!(
            shown.matches("the body cannot be read").count(),
            HEARERS,
            "{label}: {shown}"
        );
        let retried = told(&installation, &["parked", "retry", &event], false);
        assert!(retried.contains("stopped:"), "{label}: {retried}");

        // What comes behind it in the same stream waits.
        load(process.channel()).await;
        let waiting = format!("{} parked\n", 2 * HEARERS);
        let begun = Instant::now();
        while !told(&installation, &["parked", "list"], true).ends_with(&waiting) {
            assert!(begun.elapsed() < PATIENCE, "{label}: nothing waits behind");
        }
        let reason = ["parked", "skip", &event, "--reason", "written by a test"];
        let skipped = told(&installation, &reason, true);
        assert_eq!(skipped.matches("skipped").count(), HEARERS, "{label}");
        told(&installation, &["parked", "retry"], true);
        let listed = told(&installation, &["parked", "list"], true);
        assert_eq!(listed, "0 parked\n", "{label}");
        process.kill();
        installation.check();
    }
}

/// Intake alone loads its channels, so that nobody has heard of it when it is killed.
async fn write_alone(installation: &Installation) {
    let mut command = installation.command(&["run", "intake"]);
    for peer in ["ROUTING", "FEEDBACK", "REPORTING"] {
        command.env(format!("HOTLINE__PEERS__{peer}"), "http://127.0.0.1:9");
    }
    let intake = installation.start_as(command).await.expect("it serves");
    load(intake.channel()).await;
    intake.kill();
}

async fn load(channel: Door) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/channels.csv");
    let table = RegistryTable {
        name: "channels".to_owned(),
        csv: std::fs::read(sample).expect("the sample"),
    };
    let request = LoadRegistryRequest { table: Some(table) };
    let mut client = IntakeServiceClient::new(channel);
    let loaded = client.load_registry(by("administrator", "test", request));
    loaded.await.expect("the table is loaded");
}

/// Makes every event of intake's log unreadable, as a bad disk would.
async fn spoil(installation: &Installation) {
    let url = installation.config().database_url(Name::Intake);
    let database = Database::connect(url).await.expect("it can be opened");
    let backend = database.get_database_backend();
    let junk = vec![0xff_u8; 3];
    let text = "UPDATE outbox SET body = $1";
    let spoiled = Statement::from_sql_and_values(backend, text, [junk.into()]);
    let spoiled = database.execute_raw(spoiled).await.expect("it is ours");
    assert_eq!(spoiled.rows_affected(), 1, "one event was written");
    database.close().await.expect("it closes");
}

fn told(installation: &Installation, args: &[&str], is_well: bool) -> String {
    let mut command = installation.command(args);
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("the binary starts");
    let told = String::from_utf8(output.stdout).expect("words");
    let erred = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), is_well, "{args:?}: {told}{erred}");
    told
}
