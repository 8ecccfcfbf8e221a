//! What cannot be applied parks its stream, never its partition, and is applied in order later.

use std::time::Duration;

use hotline_platform::{outbox, parked, replay, testing};
use prost::Message;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::fixture::{cause, count};
use crate::mirror::{City, Trouble, accounts, until};

/// Two accounts of one partition.
fn neighbours() -> (Uuid, Uuid) {
    let all = accounts(0..100);
    let other = all[1..]
        .iter()
        .find(|other| outbox::partition(**other) == outbox::partition(all[0]));
    (all[0], *other.expect("100 streams share 16 partitions"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_cannot_be_applied_is_parked_and_its_partition_goes_on() {
    for (city, trouble) in City::all()
        .await
        .into_iter()
        .zip([Trouble::Permanent, Trouble::Unknown])
    {
        let (bad, good) = neighbours();
        city.reaction.make(bad, trouble);
        city.start();
        for seen in 0..3 {
            city.raise(&[bad, good], seen).await;
        }
        city.settle().await;
        city.assert_heard(&[good], 3).await;
        city.assert_heard(&[bad], 0).await;
        let list = parked::list(&city.mirror, None, 10)
            .await
            .expect("readable");
        let parked: Vec<i64> = list.iter().map(|event| event.envelope.version).collect();
        assert_eq!(
            parked,
            [1, 2, 3],
            "{}: the first and what came behind it",
            city.label
        );
        assert_eq!(
            list[1].attempts, 0,
            "{}: the second was not tried",
            city.label
        );

        // While it still fails a retry changes nothing but the date of the next one.
        let retried = parked::retry(&city.mirror, city.reaction.as_ref(), "ledger", bad)
            .await
            .expect("tried");
        assert_eq!(retried.applied, 0, "{}", city.label);
        assert!(retried.stopped_by.is_some(), "{}", city.label);

        city.reaction.heal();
        let retried = parked::retry(&city.mirror, city.reaction.as_ref(), "ledger", bad)
            .await
            .expect("tried");
        assert_eq!(
            (retried.applied, retried.stopped_by),
            (3, None),
            "{}",
            city.label
        );
        city.assert_heard(&[bad], 3).await;
        city.raise(&[bad], 3).await;
        city.settle().await;
        city.assert_heard(&[bad], 4).await;
        assert_eq!(
            parked::count(&city.mirror).await.expect("counted"),
            0,
            "{}",
            city.label
        );
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_of_unknown_kind_is_tried_eight_times_and_a_permanent_one_once() {
    for city in City::all().await {
        let cases = [
            (Trouble::Unknown, 8),
            (Trouble::Panic, 8),
            (Trouble::Permanent, 1),
        ];
        city.start();
        for (account, (trouble, attempts)) in accounts(0..3).into_iter().zip(cases) {
            city.reaction.make(account, trouble);
            city.raise(&[account], 0).await;
            city.settle().await;
            let list = parked::list(&city.mirror, None, 10)
                .await
                .expect("readable");
            let parked = list
                .iter()
                .find(|event| event.stream_id == account)
                .expect("parked");
            assert_eq!(parked.attempts, attempts, "{}: {trouble:?}", city.label);
        }
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_that_passes_is_waited_for_and_never_parked() {
    for city in City::all().await {
        let account = accounts(0..1)[0];
        city.reaction.make(account, Trouble::Transient);
        city.start();
        city.raise(&[account], 0).await;
        let tried = || async { *city.reaction.attempts.lock().expect("unpoisoned") > 6 };
        until("it was tried some times", tried).await;
        assert_eq!(
            parked::count(&city.mirror).await.expect("counted"),
            0,
            "{}",
            city.label
        );
        city.reaction.heal();
        city.settle().await;
        city.assert_heard(&[account], 1).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skipped_event_frees_its_stream_and_is_recorded() {
    for city in City::all().await {
        let account = accounts(0..1)[0];
        city.reaction.make(account, Trouble::Permanent);
        city.start();
        city.raise(&[account], 0).await;
        city.raise(&[account], 1).await;
        city.settle().await;
        let first = parked::list(&city.mirror, None, 1).await.expect("readable")[0].event_id;
        let cause = cause("administrator:zhao");
        for expected in [true, false] {
            let skipped = parked::skip(&city.mirror, first, &cause, "the source withdrew it")
                .await
                .expect("written");
            assert_eq!(skipped, expected, "{}", city.label);
        }
        assert!(
            parked::show(&city.mirror, first)
                .await
                .expect("readable")
                .is_none(),
            "{}",
            city.label
        );
        assert_eq!(city.count("audit").await, 1, "{}", city.label);
        city.reaction.heal();
        parked::retry(&city.mirror, city.reaction.as_ref(), "ledger", account)
            .await
            .expect("tried");
        assert_eq!(city.heard().await, [(account, 2)], "{}", city.label);

        replay::replay(&city.mirror, city.reaction.as_ref(), &cause)
            .await
            .expect("the mirror can be replayed");
        city.settle().await;
        let again = city.heard().await;
        assert_eq!(again, [(account, 2)], "{}: never applied", city.label);
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parked_streams_are_retried_by_themselves_when_their_time_comes() {
    for city in City::all().await {
        let account = accounts(0..1)[0];
        city.reaction.make(account, Trouble::Permanent);
        city.start();
        city.raise(&[account], 0).await;
        city.raise(&[account], 1).await;
        city.settle().await;
        city.reaction.heal();
        let retry = || parked::retry_due(&city.mirror, city.reaction.as_ref());
        city.clock.advance(Duration::from_secs(59));
        assert_eq!(retry().await.expect("tried"), 0, "{}: too soon", city.label);
        city.clock.advance(Duration::from_secs(1));
        assert_eq!(retry().await.expect("tried"), 2, "{}", city.label);
        city.assert_heard(&[account], 2).await;
        city.stop().await;
    }
}

/// Parks the same event once more as one of the `almanac`, about `account`, in the same stream.
async fn park_for_another_producer(city: &City, account: Uuid) {
    let first = &parked::list(&city.mirror, None, 1).await.expect("readable")[0];
    let event_id = Uuid::from_u128(7);
    let mut envelope = first.envelope.clone();
    "almanac".clone_into(&mut envelope.producer);
    envelope.event_id = event_id.to_string();
    envelope.aggregate_id = account.to_string();
    let text = "INSERT INTO parked (consumer, producer, partition, epoch, pub_seq, event_id, stream_id, type, \
                envelope, attempts, parked_at, next_at, error, state) \
                SELECT consumer, 'almanac', partition, epoch, pub_seq, $1, stream_id, type, $2, attempts, \
                parked_at, next_at, error, state FROM parked WHERE event_id = $3";
    let values: Vec<Value> = vec![
        event_id.into(),
        envelope.encode_to_vec().into(),
        first.event_id.into(),
    ];
    let txn = city.mirror.db().begin_write().await.expect("begins");
    let statement =
        sea_orm::Statement::from_sql_and_values(txn.get_database_backend(), text, values);
    txn.execute_raw(statement).await.expect("parked");
    testing::commit(txn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_that_share_a_stream_do_not_stand_in_each_others_way() {
    for city in City::all().await {
        let both = accounts(0..2);
        let (stream, other) = (both[0], both[1]);
        city.reaction.make(stream, Trouble::Permanent);
        city.start();
        city.raise(&[stream], 0).await;
        city.settle().await;
        park_for_another_producer(&city, other).await;
        // Only the almanac's event, the first by name, still cannot be applied.
        city.reaction.heal();
        city.reaction.make(other, Trouble::Permanent);
        city.clock.advance(Duration::from_mins(1));
        let retry_due = || parked::retry_due(&city.mirror, city.reaction.as_ref());
        assert_eq!(retry_due().await.expect("tried"), 1, "{}", city.label);
        assert_eq!(city.heard().await, [(stream, 1)], "{}", city.label);

        // The almanac's is postponed: due events of the ledger do not make it be tried again.
        let tries = "SELECT CAST(MAX(attempts) AS BIGINT) FROM parked WHERE producer = 'almanac'";
        let before = count(&city.mirror, tries).await.expect("counted");
        city.reaction.make(stream, Trouble::Permanent);
        city.raise(&[stream], 1).await;
        city.settle().await;
        city.clock.advance(Duration::from_mins(1));
        assert_eq!(retry_due().await.expect("tried"), 0, "{}", city.label);
        assert_eq!(
            count(&city.mirror, tries).await.expect("counted"),
            before,
            "{}",
            city.label
        );
        let retried = parked::retry(&city.mirror, city.reaction.as_ref(), "ledger", stream).await;
        assert!(
            retried.expect("tried").stopped_by.is_some(),
            "{}: its own still stands",
            city.label
        );
        city.stop().await;
    }
}
