//! Conservation: a row or an appeal that was lost, doubled or counted wrongly is found.

use sea_orm::{ConnectionTrait, Statement};

use super::{file, rows, said};
use crate::domain::terms::Nature;
use crate::error::IntakeError;
use crate::store::conservation;
use crate::tests::city::{City, cities, command};
use hotline_platform::snapshot::Snapshot;

/// Promises of imports that are broken after `sql` was done to the database by hand.
async fn broken_by(city: &City, sql: &'static str) -> Vec<&'static str> {
    let done: Result<(), IntakeError> = city
        .core
        .execute(command(), move |work| {
            Box::pin(async move {
                let txn = &**work.txn();
                let backend = txn.get_database_backend();
                txn.execute_raw(Statement::from_sql_and_values(backend, sql, []))
                    .await
                    .expect("done");
                Ok(())
            })
        })
        .await;
    done.expect("kept");
    let found = crate::findings(&city.core).await.expect("counted");
    found.into_iter().map(|finding| finding.promise).collect()
}

const READ: &str = "every row that an import has read is present, refused or registered";
const PRESENT: &str = "every row that was present is kept as such";
const REFUSED: &str = "every row that was refused is kept as such";
const REGISTERED: &str = "every row that was registered is kept as such";
const REASON: &str = "every refused row is kept with its reason";
const APPEAL: &str = "every row that was registered is an appeal";

#[tokio::test]
async fn a_row_that_vanished_from_an_import_is_found() {
    let told = [said("1", "路灯"), said("1", "路灯"), said("2", "")];
    // Each is done and undone.
    let cases: [(&'static str, &'static str, &[&str]); 7] = [
        (
            "UPDATE import_batch SET next_row = next_row + 1",
            "UPDATE import_batch SET next_row = next_row - 1",
            &[READ],
        ),
        (
            "UPDATE import_batch SET present = present + 1",
            "UPDATE import_batch SET present = present - 1",
            &[READ, PRESENT],
        ),
        (
            "UPDATE import_batch SET refused = refused - 1, present = present + 1",
            "UPDATE import_batch SET refused = refused + 1, present = present - 1",
            &[PRESENT, REFUSED, REASON],
        ),
        (
            "UPDATE import_row SET outcome = 'lost' WHERE outcome = 'registered'",
            "UPDATE import_row SET outcome = 'registered' WHERE outcome = 'lost'",
            &[REGISTERED],
        ),
        (
            "UPDATE import_row SET outcome = 'attached' WHERE outcome = 'present'",
            "UPDATE import_row SET outcome = 'present' WHERE outcome = 'attached'",
            &[PRESENT, REGISTERED],
        ),
        (
            "UPDATE appeal SET import_batch_id = NULL",
            "UPDATE appeal SET import_batch_id = (SELECT id FROM import_batch)",
            &[APPEAL],
        ),
        ("DELETE FROM import_refusal", "", &[REASON]),
    ];
    for city in cities().await {
        city.import(file('a', Nature::New), &told).await;
        city.assert_rows_are_conserved().await;
        for (done, undone, expected) in cases {
            assert_eq!(
                broken_by(&city, done).await,
                expected,
                "{} {done}",
                city.label
            );
            if !undone.is_empty() {
                assert!(
                    broken_by(&city, undone).await.is_empty(),
                    "{} {undone}",
                    city.label
                );
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_vanished_is_missed_by_its_rows() {
    for city in cities().await {
        city.import(file('a', Nature::New), &[said("1", "路灯")])
            .await;
        let broken = broken_by(&city, "DELETE FROM import_batch").await;
        assert_eq!(broken, [REGISTERED, APPEAL], "{}", city.label);
    }
}

#[tokio::test]
async fn everything_is_counted_as_of_one_moment() {
    let told = [said("1", "路灯"), said("2", "井盖")];
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        city.take(batch, rows(1, &told[..1])).await;
        let snapshot = Snapshot::open(city.core.db()).await.expect("opened");
        let said = conservation::runs(snapshot.reader()).await.expect("read");
        city.take(batch, rows(2, &told[1..])).await;
        let counted = conservation::counted_runs(snapshot.reader()).await;
        let counted = counted.expect("counted");
        assert_eq!((said[0].rows_read, counted[0].rows_read), (1, 1));
        assert_eq!(
            (
                counted[0].counted.rows.registered,
                counted[0].counted.appeals
            ),
            (1, 1),
            "{}: the second row came later",
            city.label
        );
        snapshot.close().await.expect("closed");
        city.assert_rows_are_conserved().await;
    }
}
