//! Imports: every row is counted once, refused rows are kept, interrupted runs go on.

mod conserving;
mod rows;

use hotline_kernel::id::ImportBatchId;
use hotline_platform::page::Page;

use super::city::{City, cities, command};
use crate::app::erasure::Target;
use crate::app::import::NewImport;
use crate::domain::import::{ImportProgress, ImportSums, RawRow, RefusedRow};
use crate::domain::terms::Nature;
use crate::error::IntakeError;

const MAPPING: &str = r#"
source = "board"
[columns]
source_id = "id"
account = "user"
text = "text"
said_at = "at"
reply_text = "reply"
due_at = "due"
"#;
const HEADER: [&str; 6] = ["id", "user", "text", "at", "reply", "due"];

fn file(sha: char, nature: Nature) -> NewImport {
    NewImport {
        channel_code: "mailbox".to_owned(),
        nature,
        file_name: "board.csv".to_owned(),
        file_sha256: sha.to_string().repeat(64),
        mapping_toml: MAPPING.to_owned(),
        header: HEADER.map(str::to_owned).to_vec(),
    }
}

fn rows(from: i64, told: &[[&str; 6]]) -> Vec<RawRow> {
    let row = |(row_no, cells): (i64, &[&str; 6])| RawRow {
        row_no,
        source_line: row_no + 1,
        cells: cells.map(str::to_owned).to_vec(),
        unreadable: String::new(),
    };
    (from..).zip(told).map(row).collect()
}

fn said<'a>(id: &'a str, text: &'a str) -> [&'a str; 6] {
    [id, "U1", text, "2020/1/6 9:05:00", "", ""]
}

impl City {
    async fn start(&self, import: NewImport) -> ImportProgress {
        self.intake
            .start_import(command(), import)
            .await
            .expect("started")
    }

    async fn take(&self, batch: ImportBatchId, rows: Vec<RawRow>) -> ImportSums {
        self.intake
            .import_rows(command(), batch, rows)
            .await
            .expect("taken in")
            .sums
    }

    async fn import(&self, import: NewImport, told: &[[&str; 6]]) -> ImportSums {
        let batch = self.start(import).await.batch_id;
        self.take(batch, rows(1, told)).await;
        self.intake
            .finish_import(command(), batch)
            .await
            .expect("finished")
            .sums
    }

    async fn refused(
        &self,
        batch: ImportBatchId,
        page: &Page<i64>,
    ) -> (Vec<RefusedRow>, Option<i64>) {
        self.intake
            .refused_rows(command(), batch, page)
            .await
            .expect("listed")
    }

    async fn assert_rows_are_conserved(&self) {
        self.assert_conserved().await;
        let found = crate::findings(&self.core).await.expect("counted");
        assert!(found.is_empty(), "{}: {found:?}", self.label);
        for (channel, sums) in self.intake.conservation().await.expect("counted") {
            let appeals = sums.appeals.registered;
            assert_eq!(sums.rows_read, sums.rows.rows_read(), "{}", self.label);
            assert_eq!(
                sums.rows.registered, appeals,
                "{} {channel}: every appeal came from a row",
                self.label
            );
        }
    }
}

#[tokio::test]
async fn a_refused_row_is_forgotten_with_its_citizen() {
    let theirs = |user: &'static str, id, text| {
        let mut row = said(id, text);
        row[1] = user;
        row
    };
    let told = [
        theirs("U1", "1", "路灯"),
        theirs("U1", "2", ""),
        theirs("U2", "3", ""),
        ["4", "", "漏水", "someday", "", ""],
    ];
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        city.take(batch, rows(1, &told)).await;
        let page = Page {
            size: 10,
            after: None,
        };
        let words = async || -> Vec<bool> {
            let (refused, _) = city.refused(batch, &page).await;
            refused.iter().map(RefusedRow::has_words).collect()
        };
        assert_eq!(words().await, [true; 3], "{}", city.label);
        let (refused, _) = city.refused(batch, &page).await;
        assert_ne!(refused[0].citizen, refused[1].citizen, "{}", city.label);
        assert_eq!(refused[2].citizen, "", "{}: nobody's", city.label);
        let forgets = async |citizen: &str| {
            let by = |actor: &str| {
                let mut context = command();
                context.cause.actor = actor.to_owned();
                context
            };
            let target = Target::Citizen(citizen.to_owned());
            let reason = "本人申请".to_owned();
            let asked = city.intake.request_erasure(by("user:li"), target, reason);
            let asked = asked.await.expect("asked");
            let approved = city.intake.approve_erasure(by("user:wang"), asked.id);
            approved.await.expect("approved");
        };
        forgets(&refused[0].citizen).await;
        assert_eq!(words().await, [false, true, true], "{}", city.label);
        // Whoever has nothing but a refused row is forgotten, too.
        forgets(&refused[1].citizen).await;
        assert_eq!(words().await, [false, false, true], "{}", city.label);
        let found = crate::findings(&city.core).await.expect("counted");
        assert!(found.is_empty(), "{}: {found:?}", city.label);
    }
}

#[tokio::test]
async fn a_file_imported_again_adds_nothing() {
    let told = [
        said("1", "路灯"),
        said("2", "井盖"),
        said("", "噪声"),
        said("", "噪声"),
        ["", "U1", "漏水", "2020/1/6 9:05:00", "", "2020/1/20"],
        said("3", ""),
    ];
    for city in cities().await {
        let first = city.import(file('a', Nature::New), &told).await;
        assert_eq!(
            first,
            ImportSums {
                registered: 5,
                refused: 1,
                attached: 0,
                ..ImportSums::default()
            },
            "{}",
            city.label
        );
        let again = city.import(file('a', Nature::New), &told).await;
        assert_eq!(
            again,
            ImportSums {
                present: 5,
                refused: 1,
                ..ImportSums::default()
            },
            "{}",
            city.label
        );
        for (copy, nature) in [('b', Nature::Historical), ('c', Nature::InHand)] {
            let elsewhere = city.import(file(copy, nature), &told).await;
            assert_eq!(
                elsewhere.present, 5,
                "{}: a copy of the file, as {nature:?}",
                city.label
            );
        }
        city.assert_rows_are_conserved().await;
    }
}

#[tokio::test]
async fn a_chunk_that_is_handed_in_twice_counts_once() {
    let told = [
        said("1", "路灯"),
        said("2", "井盖"),
        said("3", "噪声"),
        said("4", "油烟"),
    ];
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        city.take(batch, rows(1, &told[..2])).await;
        assert_eq!(
            city.take(batch, rows(1, &told[..2])).await.registered,
            2,
            "{}",
            city.label
        );
        // one that overlaps is taken in from where the run stands
        assert_eq!(
            city.take(batch, rows(2, &told[1..])).await.registered,
            4,
            "{}",
            city.label
        );
        assert_eq!(
            city.intake
                .finish_import(command(), batch)
                .await
                .expect("finished")
                .next_row,
            5
        );
        assert_eq!(
            city.take(batch, rows(3, &told[2..])).await.rows_read(),
            4,
            "{}: late repetition",
            city.label
        );
        city.assert_rows_are_conserved().await;
    }
}

#[tokio::test]
async fn an_interrupted_run_goes_on_where_it_stood() {
    let told = [
        said("", "路灯"),
        said("", "路灯"),
        said("", "路灯"),
        said("", "路灯"),
    ];
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        city.take(batch, rows(1, &told[..3])).await;
        let resumed = city.start(file('a', Nature::New)).await;
        assert_eq!(
            (resumed.batch_id, resumed.next_row, resumed.sums.registered),
            (batch, 4, 3),
            "{}",
            city.label
        );
        let sums = city.take(batch, rows(4, &told[3..])).await;
        assert_eq!(
            (sums.registered, sums.present),
            (4, 0),
            "{}: the fourth equal row is the fourth",
            city.label
        );
        let other = city.start(file('a', Nature::Historical)).await;
        assert_ne!(other.batch_id, batch, "another nature is another import");
    }
}

#[tokio::test]
async fn rows_that_were_skipped_are_asked_for() {
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        let skipped = city
            .intake
            .import_rows(command(), batch, rows(3, &[said("3", "路灯")]))
            .await;
        assert!(
            matches!(skipped, Err(IntakeError::RowsSkipped { next_row: 1 })),
            "{}: {skipped:?}",
            city.label
        );
        let mut gap = rows(1, &[said("1", "路灯"), said("2", "井盖")]);
        gap[1].row_no = 3;
        let gap = city.intake.import_rows(command(), batch, gap).await;
        assert!(
            matches!(gap, Err(IntakeError::Invalid(_))),
            "{}: {gap:?}",
            city.label
        );
        let unknown = city
            .intake
            .import_rows(
                command(),
                super::city::uuid(9).into(),
                rows(1, &[said("1", "路灯")]),
            )
            .await;
        assert!(
            matches!(unknown, Err(IntakeError::ImportNotFound)),
            "{}: {unknown:?}",
            city.label
        );
        city.intake
            .finish_import(command(), batch)
            .await
            .expect("finished");
        let late = city
            .intake
            .import_rows(command(), batch, rows(1, &[said("1", "路灯")]))
            .await;
        assert!(
            matches!(late, Err(IntakeError::ImportFinished)),
            "{}: {late:?}",
            city.label
        );
    }
}

#[tokio::test]
async fn two_clients_of_one_file_count_every_row_once() {
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        let ids: Vec<String> = (1..=40).map(|id| id.to_string()).collect();
        let told: Vec<_> = ids.iter().map(|id| said(id, id)).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (intake, all) = (city.intake.clone(), rows(1, &told));
            tasks.spawn(async move {
                let mut next = 1;
                while next <= 40 {
                    let from = usize::try_from(next - 1).expect("small");
                    let chunk = all[from..(from + 5).min(40)].to_vec();
                    match intake.import_rows(command(), batch, chunk).await {
                        Ok(progress) => next = progress.next_row,
                        // the other was faster; the same chunk again finds it taken in
                        Err(IntakeError::Core(_) | IntakeError::Collision) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("both end");
        }
        let sums = city
            .intake
            .finish_import(command(), batch)
            .await
            .expect("finished")
            .sums;
        assert_eq!(
            sums,
            ImportSums {
                registered: 40,
                ..ImportSums::default()
            },
            "{}",
            city.label
        );
        city.assert_rows_are_conserved().await;
    }
}
