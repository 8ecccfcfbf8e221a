//! Commands: once per key, whole or not at all, never cut.

use hotline_platform::core::CoreError;
use hotline_platform::testing;
use hotline_platform::work::AuditEntry;
use sea_orm::{ConnectionTrait as _, Statement};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::fixture::{Ledger, cause, context, count, raise, raising};

#[tokio::test]
async fn a_repeated_command_gives_the_stored_outcome_and_writes_nothing() {
    for ledger in Ledger::all().await {
        let (core, label, account) = (&ledger.core, ledger.label(), Uuid::from_u128(1));
        for _ in 0..3 {
            let version = core
                .execute::<i64, CoreError, _>(context("operator:li", "k1", 1), raising(account, 0))
                .await;
            assert_eq!(version.expect("accepted"), 1, "{label}");
        }
        assert_eq!(testing::log(core).await.len(), 1, "{label}");
        let reused = core
            .execute::<i64, CoreError, _>(context("operator:li", "k1", 2), raising(account, 1))
            .await;
        assert!(
            matches!(reused, Err(CoreError::KeyReused)),
            "{label}: {reused:?}"
        );
        for unfit in ["k\0", &"k".repeat(501)] {
            let answer = core
                .execute::<i64, CoreError, _>(context("operator:li", unfit, 2), raising(account, 1))
                .await;
            assert!(
                matches!(answer, Err(CoreError::KeyUnfit)),
                "{label}: {answer:?}"
            );
        }
        let other = core
            .execute::<i64, CoreError, _>(context("operator:wang", "k1", 2), raising(account, 1))
            .await;
        assert_eq!(
            other.expect("another actor's key is another key"),
            2,
            "{label}"
        );
    }
}

/// What the table of commands keeps of requests, in the place of which `instead` is put if it is given.
async fn kept(ledger: &Ledger, instead: Option<[u8; 32]>) -> Vec<u8> {
    let db = ledger.core.db();
    if let Some(instead) = instead {
        let text = "UPDATE command SET request_hash = $1";
        let txn = db.begin_write().await.expect("begun");
        let backend = txn.get_database_backend();
        let update = Statement::from_sql_and_values(backend, text, [instead.to_vec().into()]);
        txn.execute_raw(update).await.expect("put");
        testing::commit(txn).await;
    }
    let text = "SELECT request_hash FROM command";
    let asked = Statement::from_sql_and_values(db.read().get_database_backend(), text, []);
    let row = db.read().query_one_raw(asked).await.expect("asked");
    row.expect("a command")
        .try_get("", "request_hash")
        .expect("bytes")
}

#[tokio::test]
async fn what_is_kept_of_a_request_is_under_a_key_and_older_rows_are_known_again() {
    for ledger in Ledger::all().await {
        let (core, label, account) = (&ledger.core, ledger.label(), Uuid::from_u128(9));
        let run = |request| {
            core.execute::<i64, CoreError, _>(
                context("operator:li", "k", request),
                raising(account, 0),
            )
        };
        assert_eq!(run(1).await.expect("accepted"), 1, "{label}");
        let stored = kept(&ledger, None).await;
        assert_eq!(stored.len(), 33, "{label}: a version and a code");
        assert!(!stored.windows(32).any(|part| part == [1; 32]), "{label}");
        let plain = Sha256::digest([1; 32]);
        assert!(
            !stored.windows(32).any(|part| part == plain.as_slice()),
            "{label}"
        );
        assert_eq!(run(1).await.expect("known again"), 1, "{label}");
        assert!(matches!(run(2).await, Err(CoreError::KeyReused)), "{label}");

        // As versions before kept it; a hash that begins as a keyed one does, too.
        for old in [1, 7] {
            kept(&ledger, Some([old; 32])).await;
            assert_eq!(run(old).await.expect("known again"), 1, "{label}");
            assert!(matches!(run(2).await, Err(CoreError::KeyReused)), "{label}");
        }
    }
}

#[tokio::test]
async fn concurrent_repetitions_run_once() {
    for ledger in Ledger::all().await {
        let (core, account) = (&ledger.core, Uuid::from_u128(2));
        let same = || {
            core.execute::<i64, CoreError, _>(context("operator:li", "k", 1), raising(account, 0))
        };
        let outcomes = futures::future::join_all((0..16).map(|_| same())).await;
        for outcome in outcomes {
            assert_eq!(outcome.expect("accepted"), 1, "{}", ledger.label());
        }
        assert_eq!(testing::log(core).await.len(), 1, "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_refused_command_writes_nothing_and_its_key_stays_free() {
    for ledger in Ledger::all().await {
        let (core, label, account) = (&ledger.core, ledger.label(), Uuid::from_u128(3));
        let refused = core
            .execute::<i64, CoreError, _>(context("operator:li", "k", 1), move |work| {
                Box::pin(async move {
                    raise(work, account, 0).await?;
                    let entry = AuditEntry {
                        resource: "account",
                        resource_id: account.to_string(),
                        version: 1,
                        action: "raised".to_owned(),
                        reason: String::new(),
                    };
                    work.audit(&cause("operator:li"), entry);
                    Err(CoreError::BadPageToken)
                })
            })
            .await;
        assert!(
            matches!(refused, Err(CoreError::BadPageToken)),
            "{label}: {refused:?}"
        );
        for table in ["account", "outbox", "command", "audit"] {
            let rows = count(core, &format!("SELECT COUNT(*) FROM {table}"))
                .await
                .expect("counted");
            assert_eq!(rows, 0, "{label}: {table}");
        }
        let again = core
            .execute::<i64, CoreError, _>(context("operator:li", "k", 1), raising(account, 0))
            .await;
        assert_eq!(again.expect("the key is free"), 1, "{label}");
    }
}

#[tokio::test]
async fn a_stale_version_is_refused_even_if_only_the_log_notices() {
    for ledger in Ledger::all().await {
        let (core, label, account) = (&ledger.core, ledger.label(), Uuid::from_u128(4));
        for seen in [0, 1] {
            let raised = core
                .execute::<i64, CoreError, _>(context("operator:li", "", 1), raising(account, seen))
                .await;
            assert_eq!(raised.expect("accepted"), seen + 1, "{label}");
        }
        let stale = core
            .execute::<i64, CoreError, _>(context("operator:li", "", 1), raising(account, 1))
            .await;
        assert!(
            matches!(stale, Err(CoreError::Stale { .. })),
            "{label}: {stale:?}"
        );
        let doubled = core
            .execute::<i64, CoreError, _>(context("operator:li", "", 1), move |work| {
                Box::pin(async move {
                    work.publish(&cause("operator:li"), crate::fixture::raised(account, 2));
                    Ok(2)
                })
            })
            .await;
        assert!(
            matches!(doubled, Err(CoreError::Stale { .. })),
            "{label}: {doubled:?}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_cut_its_command() {
    for ledger in Ledger::all().await {
        let (core, label, account) = (ledger.core.clone(), ledger.label(), Uuid::from_u128(5));
        let (entered, has_entered) = tokio::sync::oneshot::channel();
        let (leave, may_leave) = tokio::sync::oneshot::channel::<()>();
        {
            let call =
                core.execute::<i64, CoreError, _>(context("operator:li", "k", 1), move |work| {
                    Box::pin(async move {
                        let version = raise(work, account, 0).await?;
                        entered.send(()).expect("the test listens");
                        may_leave.await.expect("the test lets go");
                        Ok(version)
                    })
                });
            tokio::select! {
                _ = call => panic!("the command waits for the test"),
                _ = has_entered => {}
            }
        }
        leave.send(()).expect("the command still runs");
        core.tasks().drain().await;
        assert_eq!(testing::log(&core).await.len(), 1, "{label}");
    }
}
