//! SIGKILL in the middle of an import, of the whole process and of the client: what was acknowledged is
//! there once, and the import goes on where it stopped.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Stdio;
use std::time::Duration;

use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{
    FinishImportRequest, GetConservationRequest, ImportRowsRequest, ImportSums, RawRow,
    StartImportRequest,
};
use hotline_proto::reporting::GetOverviewRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::shared::Nature;
use hotline_tests::principal::{Door, by};
use hotline_tests::process::{Installation, Process};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const KILLS: u32 = 20;
const ROWS: i64 = 6_000;
const CHUNK: usize = 40;
const CHANNEL: &str = "mayor_mailbox";
const HEADER: [&str; 4] = ["source_id", "said_at", "subject", "text"];
/// So long a chunk takes at least, so that a client is seen and killed between two of them.
const CHUNK_MILLIS: u64 = 300;
/// How often a running import is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_an_import_lose_and_double_nothing() {
    for installation in Installation::all().await {
        import_under_fire(&installation).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_held_does_not_keep_events_from_the_next_one() {
    for installation in Installation::all().await {
        let label = installation.label;
        let process = installation.start().await;
        installation.load_sample();
        process.kill();
        // The dead process still has the leases; the command serves the city itself and leaves at rest.
        let file = installation.folder().join("three.csv");
        let text = "source_id,said_at,subject,text\n\
                    A1,2026-03-05 09:00:00,路灯不亮,样例路第1号路灯不亮。\n\
                    A2,2026-03-05 09:00:00,井盖松动,样例路第2号井盖松动。\n\
                    A3,2026-03-05 09:00:00,夜间噪声,样例路第3号工地噪声。\n";
        std::fs::write(&file, text).expect("a writable folder");
        let mut command = installation.command(&["import"]);
        command
            .arg(&file)
            .args(["--channel", CHANNEL, "--nature", "new"]);
        command.current_dir(installation.folder());
        assert!(command.status().expect("it starts").success(), "{label}");

        let process = installation.start().await;
        let mut reporting = ReportingServiceClient::new(process.channel());
        let overview = reporting
            .get_overview(by("analyst", "test", GetOverviewRequest::default()))
            .await
            .expect("an overview");
        assert_eq!(overview.into_inner().appeals, 3, "{label}");
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_client_is_killed_goes_on_to_the_same_sums() {
    for installation in Installation::all().await {
        let label = installation.label;
        let mut slow = installation.command(&["run"]);
        slow.env(
            "FAILPOINTS",
            format!("import.advanced=sleep({CHUNK_MILLIS})"),
        );
        let process = installation.start_as(slow).await.expect("it serves");
        installation.load_sample();
        let file = installation.folder().join("invented.csv");
        std::fs::write(&file, invented(ROWS)).expect("a writable folder");
        let import = || {
            let mut command = installation.command(&["import"]);
            command.arg(&file).args(["--channel", CHANNEL]);
            command.args(["--nature", "historical"]);
            command.current_dir(installation.folder());
            command
        };
        for life in 0..3 {
            let before = conservation(&process).await.0;
            let mut client = import().spawn().expect("it starts");
            let mut looks = tokio::time::interval(LOOK_EVERY);
            while conservation(&process).await.0 == before {
                assert!(
                    matches!(client.try_wait(), Ok(None)),
                    "{label}: life {life} ended before it was killed"
                );
                looks.tick().await;
            }
            client.kill().expect("it is ours");
            client.wait().expect("it was started");
        }
        assert!(
            conservation(&process).await.0 < ROWS,
            "{label}: it was over before it was killed"
        );
        // What was cut off goes on where it stood.
        let output = import().stdout(Stdio::piped()).output();
        let told = String::from_utf8(output.expect("the binary starts").stdout).expect("words");
        let sums = format!("{ROWS} rows read = 0 already present + 0 refused + {ROWS} registered");
        assert!(told.contains(&sums), "{label}: {told}");
        assert_eq!(conservation(&process).await, (ROWS, ROWS), "{label}");
        process.kill();
        installation.check();
    }
}

/// A file of rows that nobody wrote: long enough that no machine is through between two looks.
fn invented(rows: i64) -> String {
    let mut csv = format!("{}\n", HEADER.join(","));
    for row_no in 1..=rows {
        csv.push_str(&row(row_no).cells.join(","));
        csv.push('\n');
    }
    csv
}

async fn import_under_fire(installation: &Installation) {
    let label = installation.label;
    let mut random = StdRng::seed_from_u64(7);
    let mut process = installation.start().await;
    installation.load_sample();
    let mut acknowledged = 0;
    for kill in 1..=KILLS {
        // By rows, not by the clock: a fast machine must not be through before its last kill.
        let cut = Cut {
            after_row: ROWS * i64::from(kill) / i64::from(KILLS + 1),
            moment: Duration::from_millis(random.random_range(0..40)),
        };
        let sums = import(&process, Some(cut), &mut acknowledged).await;
        assert_eq!(sums, None, "{label}: kill {kill} came after the end");
        process.kill();
        process = installation.start().await;
    }
    let sums = import(&process, None, &mut acknowledged).await;
    let sums = sums.expect("the last life is not cut short");
    assert_eq!(sums.rows_read, ROWS, "{label}");
    assert_eq!(sums.registered, ROWS, "{label}: lost or doubled");
    assert_eq!((sums.present, sums.refused), (0, 0), "{label}");

    let conservation = conservation(&process).await;
    assert_eq!(conservation, (ROWS, ROWS), "{label}: registered appeals");
    process.kill();
    installation.check();
}

/// Where a life of the importing client ends.
#[derive(Clone, Copy)]
struct Cut {
    /// The last chunk that may be under way is the one sent after this row was acknowledged.
    after_row: i64,
    /// How long that chunk is waited for.
    moment: Duration,
}

/// One life of the importing client: sums if it came to the end, `None` if it was cut or the server
/// went away. Whatever was acknowledged before must still be so.
async fn import(process: &Process, cut: Option<Cut>, acknowledged: &mut i64) -> Option<ImportSums> {
    let mut intake = IntakeServiceClient::new(process.channel());
    let started = intake
        .start_import(by("administrator", "importer", start()))
        .await
        .ok()?
        .into_inner();
    assert!(
        started.next_row > *acknowledged,
        "rows up to {acknowledged} were acknowledged, but the import would go on from {}",
        started.next_row
    );
    let mut next = started.next_row;
    while next <= ROWS {
        let sent = send(&mut intake, &started.batch_id, next);
        match cut.filter(|cut| *acknowledged >= cut.after_row) {
            None => next = sent.await?,
            // In the middle of whatever the server is doing.
            Some(cut) => {
                next = tokio::time::timeout(cut.moment, sent).await.ok()??;
                *acknowledged = next - 1;
                return None;
            }
        }
        *acknowledged = next - 1;
    }
    let finish = FinishImportRequest {
        batch_id: started.batch_id,
    };
    intake
        .finish_import(by("administrator", "importer", finish))
        .await
        .ok()?
        .into_inner()
        .sums
}

async fn send(intake: &mut IntakeServiceClient<Door>, batch_id: &str, from: i64) -> Option<i64> {
    let rows = (from..=ROWS).take(CHUNK).map(row).collect();
    let request = ImportRowsRequest {
        batch_id: batch_id.to_owned(),
        rows,
    };
    Some(
        intake
            .import_rows(by("administrator", "importer", request))
            .await
            .ok()?
            .into_inner()
            .next_row,
    )
}

fn start() -> StartImportRequest {
    StartImportRequest {
        channel_code: CHANNEL.to_owned(),
        nature: Nature::New.into(),
        file_name: "invented.csv".to_owned(),
        file_sha256: "0".repeat(64),
        mapping_toml: String::new(),
        header: HEADER.map(str::to_owned).to_vec(),
    }
}

fn row(row_no: i64) -> RawRow {
    let cells = vec![
        format!("L{row_no}"),
        "2026-03-05 09:00:00".to_owned(),
        format!("第{row_no}号路灯不亮"),
        format!("样例路第{row_no}号路灯已经三天不亮，晚上出行不便，请派人维修。"),
    ];
    RawRow {
        row_no,
        cells,
        source_line: row_no + 1,
        unreadable: String::new(),
    }
}

/// (rows registered, appeals registered) of the channel, zero of each before its first row;
/// conservation (I12 in `docs/architecture.md`) is checked.
async fn conservation(process: &Process) -> (i64, i64) {
    let mut intake = IntakeServiceClient::new(process.channel());
    let answer = intake
        .get_conservation(by("administrator", "test", GetConservationRequest {}))
        .await;
    let channels = answer.expect("the sums").into_inner().channels;
    let channel = channels
        .into_iter()
        .find(|channel| channel.channel_code == CHANNEL)
        .unwrap_or_default();
    let parts = channel.awaiting_triage
        + channel.accepted
        + channel.merged
        + channel.answered
        + channel.guided
        + channel.diverted
        + channel.quarantined
        + channel.withdrawn;
    assert_eq!(channel.registered, parts, "an appeal vanished");
    assert_eq!(
        channel.rows_read,
        channel.rows_present + channel.rows_refused + channel.rows_registered
    );
    (channel.rows_registered, channel.registered)
}
