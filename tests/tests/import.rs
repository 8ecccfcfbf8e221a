//! The real exports, whole, through `hotline import` and the running city: as historical and as new,
//! again, interrupted, and one that must be refused row by row.
//!
//! They are real files beside the checkout, not part of the project, and only read; the tests say so when they are
//! absent.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{ChannelConservation, GetConservationRequest};
use hotline_tests::principal::by;
use hotline_tests::process::{Installation, Process};

/// Rows of each export, by the data's own description.
const MESSAGES: i64 = 9_210;
const REPLIES: i64 = 2_816;
const PHANTOM: i64 = 495;
const PART: i64 = 1_842;

fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/real")
        .join(name);
    if !path.exists() {
        eprintln!("not run: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn mapping(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy/sample/mappings")
        .join(name)
}

/// What `hotline import` printed of its sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    read: i64,
    present: i64,
    refused: i64,
    registered: i64,
    quarantined: i64,
}

struct City {
    installation: Installation,
    process: Process,
}

impl City {
    async fn all() -> Vec<Self> {
        let mut cities = Vec::new();
        for installation in Installation::all().await {
            let process = installation.start().await;
            installation.load_sample();
            cities.push(Self {
                installation,
                process,
            });
        }
        cities
    }

    fn label(&self) -> &'static str {
        self.installation.label
    }

    fn command(
        &self,
        file: &Path,
        channel: &str,
        nature: &str,
        mapping_file: &str,
    ) -> std::process::Command {
        let mut command = self.installation.command(&["import"]);
        command
            .arg(file)
            .args(["--channel", channel, "--nature", nature]);
        command.arg("--mapping").arg(mapping(mapping_file));
        command.current_dir(self.installation.folder());
        command
    }

    /// Imports a file to its end; the exit code is 0 although rows may be refused.
    fn import(&self, name: &str, channel: &str, nature: &str, mapping_file: &str) -> Option<Sums> {
        let mut command = self.command(&real(name)?, channel, nature, mapping_file);
        let output = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("the binary starts");
        let told = String::from_utf8(output.stdout).expect("words");
        let erred = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{} {name} as {nature}: {told}{erred}",
            self.label()
        );
        Some(sums(&told))
    }

    async fn conservation(&self, channel: &str) -> ChannelConservation {
        let mut intake = IntakeServiceClient::new(self.process.channel());
        let answer = intake
            .get_conservation(by("administrator", "test", GetConservationRequest {}))
            .await;
        let channels = answer.expect("the sums").into_inner().channels;
        let found = channels
            .into_iter()
            .find(|sums| sums.channel_code == channel)
            .expect("our channel");
        let parts = found.awaiting_triage
            + found.accepted
            + found.merged
            + found.answered
            + found.guided
            + found.diverted
            + found.quarantined
            + found.withdrawn;
        assert_eq!(
            found.registered,
            parts,
            "{}: an appeal vanished",
            self.label()
        );
        let rows = found.rows_present + found.rows_refused + found.rows_registered;
        assert_eq!(found.rows_read, rows, "{}: a row vanished", self.label());
        assert_eq!(
            found.rows_registered,
            found.registered,
            "{}: appeals and rows differ",
            self.label()
        );
        found
    }
}

/// The numbers of the report's lines.
fn sums(told: &str) -> Sums {
    let number_before = |words: &str| {
        let before = told
            .split(words)
            .next()
            .filter(|before| before.len() < told.len())?;
        before.split_whitespace().last()?.parse().ok()
    };
    let found = Sums {
        read: number_before(" rows read").unwrap_or_default(),
        present: number_before(" already present").unwrap_or_default(),
        refused: number_before(" refused").unwrap_or_default(),
        registered: number_before(" registered").unwrap_or_default(),
        quarantined: number_before(" of the registered stand in quarantine").unwrap_or_default(),
    };
    assert_eq!(
        found.read,
        found.present + found.refused + found.registered,
        "{told}"
    );
    found
}

/// Every export as `nature`, each layout on a channel of its own; then everything again.
async fn everything_is_taken_in_once(nature: &str) {
    if real("board_messages.csv.gz").is_none() {
        return;
    }
    for city in City::all().await {
        let label = city.label();
        let import = |name, channel, mapping| {
            city.import(name, channel, nature, mapping)
                .expect("the file is there")
        };
        let all = |read| Sums {
            read,
            registered: read,
            ..Sums::default()
        };
        let known = |read| Sums {
            read,
            present: read,
            ..Sums::default()
        };

        let messages = || {
            import(
                "board_messages.csv.gz",
                "people_board",
                "board_messages.toml",
            )
        };
        assert_eq!(messages(), all(MESSAGES), "{label}");

        // The twin holds the same rows in another format and encoding: on the same channel it adds
        // nothing, although the workbook writes one of the dates in another way.
        let book = || import("board_replies.xlsx", "prov_wenzheng", "board_replies.toml");
        let twin = || {
            import(
                "board_replies_gb18030.csv",
                "prov_wenzheng",
                "board_replies.toml",
            )
        };
        assert_eq!(book(), all(REPLIES), "{label}");
        assert_eq!(twin(), known(REPLIES), "{label}: the twin");

        // One id stands twice, with another class: its second row is set aside.
        let phantom = || import("board_sample_phantom_rows.xlsx", "weibo", "board_part.toml");
        assert_eq!(
            phantom(),
            Sums {
                quarantined: 1,
                ..all(PHANTOM)
            },
            "{label}"
        );
        let part = || import("board_part.xls", "gov_cn", "board_part.toml");
        assert_eq!(part(), all(PART), "{label}");

        assert_eq!(messages(), known(MESSAGES), "{label}: again");
        assert_eq!(book(), known(REPLIES), "{label}: again");
        assert_eq!(phantom(), known(PHANTOM), "{label}: again");
        assert_eq!(part(), known(PART), "{label}: again");

        for (channel, registered, times) in [
            ("people_board", MESSAGES, 2),
            ("prov_wenzheng", REPLIES, 3),
            ("weibo", PHANTOM, 2),
            ("gov_cn", PART, 2),
        ] {
            let sums = city.conservation(channel).await;
            assert_eq!(
                (sums.registered, sums.rows_read),
                (registered, registered * times),
                "{label} {channel}"
            );
            let quarantined = i64::from(channel == "weibo");
            assert_eq!(sums.quarantined, quarantined, "{label} {channel}");
            let standing = if nature == "new" {
                sums.awaiting_triage
            } else {
                sums.accepted
            };
            assert_eq!(
                standing + sums.merged,
                registered - quarantined,
                "{label} {channel} as {nature}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_exports_are_taken_in_once_as_historical() {
    everything_is_taken_in_once("historical").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_exports_are_taken_in_once_as_new() {
    everything_is_taken_in_once("new").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_of_replies_is_refused_row_by_row() {
    if real("reply_analysis_gb18030.csv").is_none() {
        return;
    }
    for city in City::all().await {
        let label = city.label();
        let sums = city.import(
            "reply_analysis_gb18030.csv",
            "people_board",
            "historical",
            "board_replies.toml",
        );
        let expected = Sums {
            read: REPLIES,
            refused: REPLIES,
            ..Sums::default()
        };
        assert_eq!(sums, Some(expected), "{label}");
        let folder = std::fs::read_dir(city.installation.folder()).expect("a folder");
        let mut reports = folder.filter_map(Result::ok).map(|entry| entry.path());
        let report = reports.find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("import-report-"))
        });
        let report = std::fs::read_to_string(report.expect("a report")).expect("text");
        let mut lines = csv::Reader::from_reader(report.trim_start_matches('\u{feff}').as_bytes());
        let mut count = 0;
        for line in lines.records() {
            let line = line.expect("a record");
            count += 1;
            assert_eq!(line[0], count.to_string(), "{label}");
            assert_eq!(
                (&line[2], &line[3]),
                ("subject", "a column named 留言主题"),
                "{label}"
            );
            assert!(
                line[4].starts_with("留言编号, 答复意见"),
                "{label}: {}",
                &line[4]
            );
        }
        assert_eq!(count, REPLIES, "{label}");
        let sums = city.conservation("people_board").await;
        assert_eq!(
            (sums.registered, sums.rows_refused),
            (0, REPLIES),
            "{label}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_ends_with_a_failure_and_a_reason() {
    for city in City::all().await {
        let label = city.label();
        let file = city.installation.folder().join("broken.xlsx");
        std::fs::write(&file, b"PK\x03\x04 and nothing more").expect("a writable folder");
        let mut command = city.command(&file, "people_board", "new", "board_part.toml");
        let output = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("the binary starts");
        let erred = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{label}: {erred}");
        assert!(
            erred.contains("the workbook cannot be imported: it is damaged"),
            "{label}: {erred}"
        );
    }
}
