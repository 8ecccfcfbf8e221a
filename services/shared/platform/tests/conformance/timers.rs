//! Timers fire once, never early, in due order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_kernel::time::Timestamp;
use hotline_platform::core::{Core, CoreError};
use hotline_platform::quiet::Quiet;
use hotline_platform::reaction::{DueTimer, ReactionError, TimerHandler};
use hotline_platform::testing;
use hotline_platform::timers;
use hotline_platform::work::{NewTimer, Work};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::fixture::{Ledger, bound, cause, context, count, raise, start_of_time};
use crate::mirror::{LIMIT, until};

/// Writes down what fires; knows a few kinds that do more.
#[derive(Default)]
struct Bell {
    early: Mutex<Vec<DueTimer>>,
    is_broken: Mutex<bool>,
}

#[async_trait::async_trait]
impl TimerHandler for Bell {
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError> {
        if work.now() < timer.due_at {
            self.early.lock().expect("unpoisoned").push(timer.clone());
        }
        let text =
            "INSERT INTO heard (account, version, partition, pub_seq) VALUES ($1, $2, 0, $2)";
        let values = vec![timer.aggregate_id.into(), timer.armed_version.into()];
        work.txn()
            .execute_raw(bound(work, text, values))
            .await
            .map_err(CoreError::from)?;
        match timer.kind.as_str() {
            "silences" => Ok(work.disarm(timer.aggregate_id, "rings").await?),
            "arms" => {
                let due_at = timer.due_at + Duration::from_secs(1);
                work.arm(NewTimer {
                    aggregate_id: timer.aggregate_id,
                    kind: "rings",
                    due_at,
                    armed_version: 99,
                });
                Ok(())
            }
            "raises" => Ok(raise(work, timer.aggregate_id, 0).await.map(drop)?),
            "panics" => panic!("a handler with a fault"),
            "breaks" if *self.is_broken.lock().expect("unpoisoned") => {
                Err(ReactionError::Permanent("broken".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn after(seconds: u64) -> Timestamp {
    start_of_time() + Duration::from_secs(seconds)
}

async fn arm(core: &Core, timers: Vec<(u128, &'static str, u64, i64)>) {
    let armed = core.execute::<(), CoreError, _>(context("operator:li", "", 1), move |work| {
        Box::pin(async move {
            for (account, kind, seconds, armed_version) in timers {
                let aggregate_id = Uuid::from_u128(account);
                work.arm(NewTimer {
                    aggregate_id,
                    kind,
                    due_at: after(seconds),
                    armed_version,
                });
            }
            Ok(())
        })
    });
    armed.await.expect("armed");
}

async fn fired(core: &Core) -> Vec<(u128, i64)> {
    let reader = core.db().read();
    let text = "SELECT account, version FROM heard ORDER BY seq";
    let query = sea_orm::Statement::from_sql_and_values(reader.get_database_backend(), text, []);
    let rows = reader.query_all_raw(query).await.expect("readable");
    let pair = |row: &sea_orm::QueryResult| {
        let account: Uuid = row.try_get("", "account").expect("an id");
        (
            account.as_u128(),
            row.try_get("", "version").expect("a version"),
        )
    };
    rows.iter().map(pair).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_fire_each_timer_once_and_never_early() {
    for ledger in Ledger::all().await {
        let (core, twin, bell) = (&ledger.core, ledger.twin().await, Arc::new(Bell::default()));
        arm(
            core,
            (0..200)
                .map(|number| {
                    (
                        number,
                        "rings",
                        u64::try_from(number).expect("small") / 10,
                        1,
                    )
                })
                .collect(),
        )
        .await;
        timers::start(core, bell.clone());
        timers::start(&twin, bell.clone());
        for second in 0..20_i64 {
            let due = (second + 1) * 10;
            until("what is due has fired", || async {
                count(core, "SELECT COUNT(*) FROM heard")
                    .await
                    .expect("counted")
                    == due
            })
            .await;
            ledger.clock.advance(Duration::from_secs(1));
        }
        let doubled = count(core, "SELECT COUNT(*) - COUNT(DISTINCT account) FROM heard")
            .await
            .expect("counted");
        assert_eq!(doubled, 0, "{}", ledger.label());
        assert!(
            bell.early.lock().expect("unpoisoned").is_empty(),
            "{}",
            ledger.label()
        );
        twin.tasks().drain().await;
        core.tasks().drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nearer_timer_or_a_moved_clock_wakes_the_runner() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Arc::new(Bell::default()));
        let quiet = Quiet::new(vec![core.clone()]);
        hotline_platform::relay::start(core, None);
        timers::start(core, bell);
        arm(core, vec![(1, "rings", 3600, 1)]).await;
        quiet.settle(LIMIT).await.expect("quiet");
        assert_eq!(quiet.next_timer(), Some(after(3600)), "{}", ledger.label());
        arm(core, vec![(2, "rings", 60, 1)]).await;
        quiet.settle(LIMIT).await.expect("quiet");
        assert_eq!(quiet.next_timer(), Some(after(60)), "{}", ledger.label());
        for (instant, expected) in [
            (59, vec![]),
            (60, vec![(2, 1)]),
            (3600, vec![(2, 1), (1, 1)]),
        ] {
            ledger.clock.set(after(instant));
            quiet.settle(LIMIT).await.expect("quiet");
            assert_eq!(
                fired(core).await,
                expected,
                "{} at {instant} s",
                ledger.label()
            );
        }
        assert_eq!(quiet.next_timer(), None, "{}", ledger.label());
        core.tasks().drain().await;
    }
}

#[tokio::test]
async fn overdue_timers_fire_in_due_order_and_may_silence_or_arm_each_other() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        arm(
            core,
            vec![
                (1, "rings", 30, 1),
                (2, "rings", 10, 1),
                (1, "silences", 20, 2),
                (3, "arms", 5, 3),
            ],
        )
        .await;
        arm(core, vec![(2, "rings", 99, 1)]).await; // arming again is a no-op
        ledger.clock.set(after(100));
        let count = testing::fire_due(core, &bell).await.expect("fired");
        assert_eq!(
            fired(core).await,
            [(3, 3), (3, 99), (2, 1), (1, 2)],
            "{}",
            ledger.label()
        );
        assert_eq!(count, 4, "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_timer_that_fails_for_good_is_set_aside_and_the_others_fire() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        *bell.is_broken.lock().expect("unpoisoned") = true;
        arm(
            core,
            vec![(1, "rings", 1, 1), (2, "breaks", 2, 1), (3, "rings", 3, 1)],
        )
        .await;
        ledger.clock.set(after(10));
        testing::fire_due(core, &bell)
            .await
            .expect("the others fire");
        assert_eq!(fired(core).await, [(1, 1), (3, 1)], "{}", ledger.label());
        let failed = count(
            core,
            "SELECT COUNT(*) FROM timer WHERE state = 'failed' AND error LIKE '%broken%'",
        )
        .await;
        assert_eq!(failed.expect("counted"), 1, "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_timer_that_panics_leaves_the_others_alone_and_is_noted() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        arm(
            core,
            vec![(1, "rings", 1, 1), (2, "panics", 2, 1), (3, "rings", 3, 1)],
        )
        .await;
        ledger.clock.set(after(10));
        testing::fire_due(core, &bell)
            .await
            .expect("the others fire");
        assert_eq!(fired(core).await, [(1, 1), (3, 1)], "{}", ledger.label());
        let noted = "SELECT COUNT(*) FROM timer WHERE state <> 'fired' AND error LIKE '%panicked%'";
        let noted = count(core, noted).await.expect("counted");
        assert_eq!(noted, 1, "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_timer_whose_event_cannot_be_written_leaves_the_others_alone() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        // The second one's event has the version of the first one's.
        let both = [(2, "raises", 2, 1), (2, "raises", 2, 2)];
        let others = [(1, "rings", 1, 1), (3, "rings", 3, 1)];
        arm(core, [&others[..], &both[..]].concat()).await;
        ledger.clock.set(after(10));
        testing::fire_due(core, &bell)
            .await
            .expect("the others fire");
        let expected = [(1, 1), (2, 1), (3, 1)];
        assert_eq!(fired(core).await, expected, "{}", ledger.label());
        let noted = "SELECT COUNT(*) FROM timer WHERE state <> 'fired' AND attempts > 0";
        let noted = count(core, noted).await.expect("counted");
        assert_eq!(noted, 1, "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_failed_timer_is_listed_and_fires_once_it_is_armed_again() {
    for ledger in Ledger::all().await {
        let (core, bell, label) = (&ledger.core, Bell::default(), ledger.label());
        *bell.is_broken.lock().expect("unpoisoned") = true;
        arm(core, vec![(1, "breaks", 1, 1), (2, "breaks", 2, 1)]).await;
        ledger.clock.set(after(10));
        testing::fire_due(core, &bell).await.expect("set aside");
        let failed = timers::failed(core, None, 1).await.expect("readable");
        assert_eq!(failed.len(), 1, "{label}: a page");
        assert_eq!(failed[0].kind, "breaks", "{label}");
        assert_eq!(failed[0].due_at, after(1), "{label}");
        assert!(failed[0].error.contains("broken"), "{label}");
        let rest = timers::failed(core, Some(failed[0].seq), 10).await;
        assert_eq!(rest.expect("readable").len(), 1, "{label}");

        *bell.is_broken.lock().expect("unpoisoned") = false;
        for expected in [true, false] {
            let armed = timers::rearm(core, failed[0].seq, &cause("administrator:zhao")).await;
            assert_eq!(armed.expect("written"), expected, "{label}");
        }
        testing::fire_due(core, &bell).await.expect("fires");
        assert_eq!(fired(core).await, [(1, 1)], "{label}: the other one waits");
        let audited = count(core, "SELECT COUNT(*) FROM audit WHERE resource = 'timer'").await;
        assert_eq!(audited.expect("counted"), 1, "{label}");
    }
}

#[tokio::test]
async fn a_disarmed_timer_never_fires() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        arm(core, vec![(1, "rings", 1, 1), (2, "rings", 1, 1)]).await;
        let disarmed = core.execute::<(), CoreError, _>(context("operator:li", "", 1), |work| {
            Box::pin(async move {
                let (kind, due_at) = ("rings", after(2));
                work.arm(NewTimer {
                    aggregate_id: Uuid::from_u128(1),
                    kind,
                    due_at,
                    armed_version: 2,
                });
                work.disarm(Uuid::from_u128(1), kind).await
            })
        });
        disarmed.await.expect("disarmed");
        ledger.clock.set(after(10));
        testing::fire_due(core, &bell).await.expect("fired");
        assert_eq!(fired(core).await, [(2, 1)], "{}", ledger.label());
    }
}

#[tokio::test]
async fn a_timer_fires_at_its_instant_and_not_a_moment_before() {
    for ledger in Ledger::all().await {
        let (core, bell) = (&ledger.core, Bell::default());
        arm(core, vec![(1, "rings", 10, 1)]).await;
        let moment = Duration::from_micros(1);
        for (now, expected) in [(after(10) - moment, 0), (after(10), 1)] {
            ledger.clock.set(now);
            let fired = testing::fire_due(core, &bell).await.expect("fires");
            assert_eq!(fired, expected, "{} at {now}", ledger.label());
        }
    }
}
