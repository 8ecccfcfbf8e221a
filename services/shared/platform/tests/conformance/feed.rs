//! The log and its consumers: dense numbers, each event once, in order, whatever happens.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use hotline_platform::core::CoreError;
use hotline_platform::quiet::Quiet;
use hotline_platform::{epoch, relay, replay, testing};

use crate::fixture::{cause, context, count, raising};
use crate::mirror::{City, accounts, raise_on, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_dense_under_sixteen_writers_and_two_relays() {
    for city in City::all().await {
        let (accounts, twin) = (accounts(0..160), city.ledger_twin().await);
        relay::start(&city.ledger, None);
        relay::start(&twin, None);
        let writers = accounts.chunks(10).enumerate().map(|(writer, own)| {
            let core = if writer % 2 == 0 { &city.ledger } else { &twin };
            async move {
                for seen in 0..5 {
                    raise_on(core, own, seen).await;
                }
            }
        });
        join_all(writers).await;
        until("all are numbered", || async {
            count(
                &city.ledger,
                "SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL",
            )
            .await
            .expect("counted")
                == 0
        })
        .await;
        let total = count(&city.ledger, "SELECT COUNT(*) FROM outbox")
            .await
            .expect("counted");
        assert_eq!(total, 800, "{}", city.label);
        let text = "SELECT COUNT(*) FROM (SELECT partition FROM outbox GROUP BY partition \
                    HAVING MIN(pub_seq) <> 1 OR MAX(pub_seq) <> COUNT(*)) AS broken";
        assert_eq!(
            count(&city.ledger, text).await.expect("counted"),
            0,
            "{}: dense",
            city.label
        );
        let text = "SELECT COUNT(*) FROM outbox AS one JOIN outbox AS two ON one.aggregate_id = two.aggregate_id \
                    AND one.version < two.version AND one.pub_seq > two.pub_seq";
        assert_eq!(
            count(&city.ledger, text).await.expect("counted"),
            0,
            "{}: in order",
            city.label
        );
        let text = "SELECT COUNT(*) FROM outbox_head WHERE next_seq <> 1 + COALESCE( \
                    (SELECT MAX(pub_seq) FROM outbox WHERE outbox.partition = outbox_head.partition), 0)";
        assert_eq!(
            count(&city.ledger, text).await.expect("counted"),
            0,
            "{}: heads",
            city.label
        );
        twin.tasks().drain().await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_heard_once_and_in_order() {
    for city in City::all().await {
        let accounts = accounts(0..40);
        city.start();
        for seen in 0..3 {
            city.raise(&accounts, seen).await;
        }
        city.settle().await;
        assert_eq!(city.count("heard").await, 120, "{}", city.label);
        city.assert_heard(&accounts, 3).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_stopped_midway_goes_on_where_it_was() {
    for city in City::all().await {
        let accounts = accounts(0..60);
        relay::start(&city.ledger, None);
        let first = city.twin().await;
        city.consume(&first, city.transport());
        city.raise(&accounts, 0).await;
        until("some are heard", || async { city.count("heard").await > 0 }).await;
        city.raise(&accounts, 1).await;
        first.tasks().drain().await;
        city.consume(&city.mirror, city.transport());
        city.raise(&accounts, 2).await;
        city.settle().await;
        city.assert_heard(&accounts, 3).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_consumers_that_both_believe_they_own_a_log_hear_it_once() {
    for city in City::all().await {
        let accounts = accounts(0..40);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        // The lease ends while its owner goes on: the other takes over, and only the fence protects.
        let rival = city.twin().await;
        for seen in 1..4 {
            city.clock.advance(Duration::from_secs(16));
            if seen == 1 {
                city.consume(&rival, city.transport());
            }
            city.raise(&accounts, seen).await;
            until("all are heard", || async {
                city.count("heard").await >= 40 * (seen + 1)
            })
            .await;
        }
        assert_eq!(city.count("heard").await, 160, "{}: each once", city.label);
        let taken = count(&city.mirror, "SELECT MAX(fence) FROM consumer_offset")
            .await
            .expect("counted");
        assert!(taken > 1, "{}: the rival took over", city.label);
        city.assert_heard(&accounts, 4).await;
        rival.tasks().drain().await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_another_process_is_heard_by_asking_for_its_end() {
    for city in City::all().await {
        let accounts = accounts(0..20);
        relay::start(&city.ledger, None);
        let source = hotline_platform::consumer::Source {
            producer: "ledger",
            transport: city.transport(),
            end: None,
            courier: None,
            lease: hotline_platform::consumer::LEASE,
        };
        let reaction: std::sync::Arc<dyn hotline_platform::reaction::Reaction> =
            city.reaction.clone();
        hotline_platform::consumer::start(&city.mirror, &reaction, vec![source]);
        city.raise(&accounts, 0).await;
        until("all are heard", || async {
            city.count("heard").await == 20
        })
        .await;
        city.assert_heard(&accounts, 1).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_hears_everything_again() {
    for city in City::all().await {
        let accounts = accounts(0..30);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        replay::replay(
            &city.mirror,
            city.reaction.as_ref(),
            &cause("administrator"),
        )
        .await
        .expect("the mirror can be replayed");
        city.settle().await;
        assert_eq!(city.count("heard").await, 30, "{}", city.label);
        city.raise(&accounts, 1).await;
        city.settle().await;
        city.assert_heard(&accounts, 2).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_log_with_a_new_epoch_is_heard_from_its_end_on() {
    for city in City::all().await {
        let accounts = accounts(0..10);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        let writer = city.ledger.db().begin_write().await.expect("begins");
        let text = "UPDATE outbox_head SET epoch = 2";
        sea_orm::ConnectionTrait::execute_unprepared(&*writer, text)
            .await
            .expect("raised");
        testing::commit(writer).await;
        city.raise(&accounts, 1).await;
        until("the new epoch is heard", || async {
            city.count("heard").await == 20
        })
        .await;
        city.assert_heard(&accounts, 2).await;
        city.stop().await;
    }
}

/// The epoch that a restored log would give itself next by its own count.
const EPOCH_AHEAD: i32 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_log_writes_before_it_is_heard_again_is_not_passed_over() {
    for city in City::all().await {
        let old = accounts(0..30);
        relay::start(&city.ledger, None);
        city.raise(&old, 0).await;
        // The mirror had heard twenty more of each partition than the log now holds, in an epoch that the
        // backup knows nothing of.
        until("all have a number", || async {
            let open = "SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL";
            count(&city.ledger, open).await.expect("counted") == 0
        })
        .await;
        for partition in 0..16 {
            let ahead = format!(
                "INSERT INTO consumer_offset (consumer, producer, partition, epoch, pos, fence, lease_until) \
                 VALUES ('mirror', 'ledger', {partition}, {EPOCH_AHEAD}, 50, 0, 0)"
            );
            let writer = city.mirror.db().begin_write().await.expect("begins");
            sea_orm::ConnectionTrait::execute_unprepared(&*writer, &ahead)
                .await
                .expect("written");
            testing::commit(writer).await;
        }
        let administrator = cause("administrator:zhao");
        let raised = epoch::raise(&city.ledger, &[&city.mirror], &administrator).await;
        assert_eq!(raised.expect("raised"), EPOCH_AHEAD + 1, "{}", city.label);
        epoch::enter(&city.mirror, &city.ledger)
            .await
            .expect("entered");
        // Written before any consumer looks at the new epoch.
        city.raise(&old, 1).await;
        city.start();
        city.settle().await;
        let heard = city.heard().await;
        assert_eq!(heard.len(), 30, "{}: {heard:?}", city.label);
        assert!(
            heard.iter().all(|(_, version)| *version == 2),
            "{}: what it heard before it does not hear again",
            city.label
        );
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_process_is_quiet_at_once() {
    for city in City::all().await {
        city.start();
        city.settle().await;
        let quiet = Quiet::new(vec![city.ledger.clone(), city.mirror.clone()]);
        // Without a wait: the first poll has the answer.
        for _ in 0..1000 {
            let settled = quiet.settle(Duration::from_secs(1)).now_or_never();
            settled.expect("at once").expect("quiet");
        }
        // And a command makes it busy until its event is heard.
        let account = accounts(0..1)[0];
        for seen in 0..20 {
            let raised = city.ledger.execute::<i64, CoreError, _>(
                context("operator:li", "", 1),
                raising(account, seen),
            );
            raised.await.expect("accepted");
            city.settle().await;
            assert_eq!(city.count("heard").await, seen + 1, "{}", city.label);
        }
        city.stop().await;
    }
}
