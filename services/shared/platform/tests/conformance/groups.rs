//! Group commit: many submissions in one transaction, none hurt by its neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use hotline_platform::core::CoreError;
use hotline_platform::group_commit::{Batch, GroupCommit};
use hotline_platform::testing;
use hotline_platform::work::Work;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::fixture::{Ledger, bound, raise};

/// Opens accounts; number 13 is refused politely, number 66 breaks the transaction, 99 panics.
struct Opening {
    batches: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Batch for Opening {
    type Item = u128;
    type Outcome = i64;
    type Error = CoreError;

    async fn apply(
        &self,
        work: &Work,
        items: &[u128],
    ) -> Result<Vec<Result<i64, CoreError>>, CoreError> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        let mut results = Vec::new();
        for number in items {
            assert_ne!(*number, 99, "the batch was told to panic");
            results.push(match number {
                13 => Err(CoreError::BadPageToken),
                _ => Ok(raise(work, Uuid::from_u128(*number), 0).await?),
            });
            if *number == 66 {
                raise(work, Uuid::from_u128(66), 0).await?;
            }
        }
        Ok(results)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_fails_alone_and_everybody_is_answered() {
    for ledger in Ledger::all().await {
        let batches = Arc::default();
        let group = GroupCommit::start(
            &ledger.core,
            Opening {
                batches: Arc::clone(&batches),
            },
        );
        let answers = join_all((1..=80).map(|number| group.submit(number))).await;
        for (number, answer) in (1_u128..).zip(answers) {
            match number {
                13 => assert!(
                    matches!(answer, Err(CoreError::BadPageToken)),
                    "{}",
                    ledger.label()
                ),
                66 => assert!(
                    matches!(answer, Err(CoreError::Stale { .. })),
                    "{}",
                    ledger.label()
                ),
                _ => assert_eq!(answer.expect("accepted"), 1, "{}: {number}", ledger.label()),
            }
        }
        assert_eq!(
            testing::log(&ledger.core).await.len(),
            78,
            "{}",
            ledger.label()
        );
        ledger.core.tasks().drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_commits_together_and_one_alone_waits_for_nobody() {
    for ledger in Ledger::all().await {
        let batches: Arc<AtomicUsize> = Arc::default();
        let group = GroupCommit::start(
            &ledger.core,
            Opening {
                batches: Arc::clone(&batches),
            },
        );
        assert_eq!(
            group.submit(1).await.expect("accepted"),
            1,
            "{}",
            ledger.label()
        );
        assert_eq!(batches.load(Ordering::SeqCst), 1, "{}", ledger.label());
        join_all((100..600).map(|number| group.submit(number))).await;
        let used = batches.load(Ordering::SeqCst) - 1;
        assert!(
            used < 100,
            "{}: 500 submissions took {used} transactions",
            ledger.label()
        );
        ledger.core.tasks().drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_fails_its_batch_and_not_the_writer() {
    for ledger in Ledger::all().await {
        let group = GroupCommit::start(
            &ledger.core,
            Opening {
                batches: Arc::default(),
            },
        );
        assert!(
            matches!(group.submit(99).await, Err(CoreError::Storage(_))),
            "{}",
            ledger.label()
        );
        assert_eq!(
            group.submit(1).await.expect("accepted"),
            1,
            "{}",
            ledger.label()
        );
        ledger.core.tasks().drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_submitted_before_the_stop_is_still_written() {
    for ledger in Ledger::all().await {
        let group = GroupCommit::start(
            &ledger.core,
            Opening {
                batches: Arc::default(),
            },
        );
        let waiting: Vec<_> = (1..=50)
            .map(|number| {
                let group = group.clone();
                ledger
                    .core
                    .tasks()
                    .spawn(async move { group.submit(number).await })
            })
            .collect();
        ledger.core.tasks().drain().await;
        let mut accepted = 0;
        for answer in waiting {
            accepted += usize::from(answer.await.expect("no panic").is_ok());
        }
        assert_eq!(
            testing::log(&ledger.core).await.len(),
            accepted,
            "{}: answered is written",
            ledger.label()
        );
        assert!(
            group.submit(51).await.is_err(),
            "{}: stopped",
            ledger.label()
        );
    }
}

/// Writes a row that no parent stands behind: only the commit notices.
struct Dangling;

#[async_trait::async_trait]
impl Batch for Dangling {
    type Item = i64;
    type Outcome = i64;
    type Error = CoreError;

    async fn apply(
        &self,
        work: &Work,
        items: &[i64],
    ) -> Result<Vec<Result<i64, CoreError>>, CoreError> {
        for parent in items {
            let text = "INSERT INTO child (parent) VALUES ($1)";
            let statement = bound(work, text, vec![(*parent).into()]);
            work.txn().execute_raw(statement).await?;
        }
        Ok(items.iter().copied().map(Ok).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_committed_is_not_acknowledged() {
    for ledger in Ledger::all().await {
        let writer = ledger.core.db().begin_write().await.expect("begins");
        for table in [
            "CREATE TABLE parent (id BIGINT PRIMARY KEY)",
            "CREATE TABLE child (parent BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
        ] {
            writer.execute_unprepared(table).await.expect("created");
        }
        testing::commit(writer).await;

        let group = GroupCommit::start(&ledger.core, Dangling);
        let answers = join_all((1..=5).map(|parent| group.submit(parent))).await;
        assert!(
            answers.iter().all(Result::is_err),
            "{}: {answers:?}",
            ledger.label()
        );
        ledger.core.tasks().drain().await;
    }
}
