//! Each promise that `check` looks after: kept by a log that was written properly, found when broken.

#![expect(clippy::expect_used, reason = "a test says why it stops")]

use std::time::Duration;

use chrono::DateTime;
use hotline_platform::access::Scope;
use hotline_platform::check::{self, Finding};
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::testing::{self, Databases, ManualClock};
use hotline_platform::work::{Cause, NewEvent, NewTimer};
use hotline_platform::{migration, relay};
use hotline_proto::event::{Body, RegistryLoaded, body};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

const SETTLE_MAX: Duration = Duration::from_secs(30);

async fn write(core: &Core, aggregate: u128, version: i64) {
    let cause = Cause {
        actor: "operator:li".to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: "/a/B".to_owned(),
        trace_parent: String::new(),
    };
    let context = CommandContext {
        cause: cause.clone(),
        scope: Scope::own_work(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    };
    let id = Uuid::from_u128(aggregate);
    let written = core.execute::<(), CoreError, _>(context, move |work| {
        Box::pin(async move {
            let body = Body {
                event: Some(body::Event::RegistryLoaded(RegistryLoaded::default())),
            };
            let event = NewEvent {
                stream_id: id,
                aggregate_id: id,
                version,
                body,
            };
            work.publish(&cause, event);
            let due_at = work.now() + chrono::TimeDelta::days(1);
            work.arm(NewTimer {
                aggregate_id: id,
                kind: "reminder",
                due_at,
                armed_version: version,
            });
            Ok(())
        })
    });
    written.await.expect("written");
}

async fn change(core: &Core, text: &str) {
    let txn = core.db().begin_write().await.expect("a transaction");
    let changed = txn
        .execute_unprepared(text)
        .await
        .expect(text)
        .rows_affected();
    assert!(changed > 0, "nothing was changed by {text}");
    testing::commit(txn).await;
}

fn promises(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.promise).collect()
}

#[tokio::test]
async fn a_proper_log_keeps_every_promise_and_each_broken_one_is_found() {
    // (promise, what breaks it, what mends it)
    let cases = [
        (
            "numbers of a log's partition are dense from 1",
            "UPDATE outbox SET pub_seq = pub_seq + 100 WHERE version = 3",
            "UPDATE outbox SET pub_seq = pub_seq - 100 WHERE version = 3",
        ),
        (
            "the head of a partition is right behind its last number",
            "UPDATE outbox_head SET next_seq = next_seq + 1 WHERE next_seq > 1",
            "UPDATE outbox_head SET next_seq = next_seq - 1 WHERE next_seq > 1",
        ),
        (
            "versions of an aggregate are 1, 2, 3 without a gap",
            "UPDATE outbox SET version = 9 WHERE version = 3",
            "UPDATE outbox SET version = 3 WHERE version = 9",
        ),
        (
            "a later version of an aggregate has a later number",
            "UPDATE outbox SET pub_seq = -pub_seq",
            "UPDATE outbox SET pub_seq = -pub_seq",
        ),
        (
            "no event is parked",
            "INSERT INTO parked (consumer, producer, partition, epoch, pub_seq, event_id, stream_id, type, envelope, \
             attempts, parked_at, next_at, error, state) SELECT 'routing', 'intake', partition, 1, pub_seq, event_id, \
             stream_id, type, body, 8, 1, 1, 'no such unit', 'parked' FROM outbox WHERE version = 2",
            "DELETE FROM parked",
        ),
        (
            "no timer fires before it is due",
            "UPDATE timer SET state = 'fired', ended_at = due_at - 1 WHERE armed_version = 1",
            "UPDATE timer SET ended_at = due_at WHERE armed_version = 1",
        ),
        (
            "no timer has failed for good",
            "UPDATE timer SET state = 'failed' WHERE armed_version = 2",
            "UPDATE timer SET state = 'armed' WHERE armed_version = 2",
        ),
    ];
    for database in Databases::all().await {
        let clock =
            ManualClock::at(DateTime::from_timestamp(1_760_000_000, 0).expect("an instant"));
        let core = testing::core("intake", &database.url, migration::migrations(), &clock).await;
        relay::start(&core, None);
        for version in 1..=3 {
            for aggregate in [1, 2, 3] {
                write(&core, aggregate, version).await;
            }
        }
        clock.advance(Duration::from_secs(1));
        let numbered = async {
            while !check::backlog(&core).await.expect("readable").is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SETTLE_MAX, numbered)
            .await
            .expect("every event gets a number");
        let label = database.label;
        assert_eq!(
            check::findings(&core).await.expect("readable"),
            [],
            "{label}"
        );

        for (promise, breaks, mends) in cases {
            change(&core, breaks).await;
            let found = check::findings(&core).await.expect("readable");
            assert!(
                promises(&found).contains(&promise),
                "{label}: {promise}: {found:?}"
            );
            change(&core, mends).await;
            assert_eq!(
                check::findings(&core).await.expect("readable"),
                [],
                "{label}: mended: {promise}"
            );
        }
        core.tasks().drain().await;
    }
}
