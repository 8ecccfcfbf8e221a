//! A log that was restored to an earlier time begins a new epoch: its numbers are given out again.
//!
//! For an administrator, while every process of the city is stopped.

use sea_orm::ConnectionTrait;

use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::fault;
use crate::outbox;
use crate::work::{AuditEntry, Cause, Work};

/// Raises the epoch of a service's log above all in which its consumers stand; returns the new one.
/// Recorded in the audit trail.
///
/// A backup may lie before an earlier raise: then the next epoch by its own count was another one's number
/// already. A consumer that stands there would take the new log for the one it knows and pass over what
/// is written under numbers that it had read; and a courier may still hold events of that one, so the log
/// gets another name as well.
///
/// # Errors
///
/// A database that cannot be read or written.
pub async fn raise(core: &Core, consumers: &[&Core], cause: &Cause) -> Result<i32, CoreError> {
    let work = Work::begin(core).await?;
    let mut last = outbox::heads(&**work.txn()).await?.epoch;
    for consumer in consumers {
        last = last.max(entered(consumer, core.name()).await?);
    }
    let texts = [
        (
            "UPDATE outbox_head SET epoch = $1",
            vec![last.saturating_add(1).into()],
        ),
        ("UPDATE log SET id = $1", vec![work.new_id().into()]),
    ];
    for (text, values) in texts {
        let statement = sql(&**work.txn(), text, values);
        work.txn().execute_raw(statement).await?;
    }
    let epoch = outbox::heads(&**work.txn()).await?.epoch;
    let entry = AuditEntry {
        resource: "log",
        resource_id: core.name().to_owned(),
        version: epoch.into(),
        action: "epoch raised".to_owned(),
        reason: String::new(),
    };
    work.audit(cause, entry);
    fault::point("epoch.raised");
    work.commit().await?;
    fault::point("epoch.committed");
    Ok(epoch)
}

/// The last epoch of `producer`'s log that a consumer has entered, 0 if none.
async fn entered(consumer: &Core, producer: &str) -> Result<i32, CoreError> {
    let reader = consumer.db().read();
    let text = "SELECT MAX(epoch) FROM consumer_offset WHERE consumer = $1 AND producer = $2";
    let values = vec![consumer.name().into(), producer.into()];
    let row = reader.query_one_raw(sql(reader, text, values)).await?;
    let epoch: Option<i32> = row.map_or(Ok(None), |row| row.try_get_by_index(0))?;
    Ok(epoch.unwrap_or_default())
}

/// Takes a consumer into the epoch of `producer`'s log, at most at the end that the log has now.
///
/// A consumer enters by itself too, but at the end that the log has then: what the producer wrote in
/// between under numbers that the consumer had passed would never be heard.
///
/// # Errors
///
/// A database that cannot be read or written.
pub async fn enter(consumer: &Core, producer: &Core) -> Result<(), CoreError> {
    let heads = outbox::heads(producer.db().read()).await?;
    let work = Work::begin(consumer).await?;
    for (partition, last) in (0_i32..).zip(heads.last) {
        let text = "UPDATE consumer_offset SET epoch = $1, pos = CASE WHEN pos > $2 THEN $2 ELSE pos END, \
                    fence = fence + 1, owner = NULL, lease_until = 0 \
                    WHERE consumer = $3 AND producer = $4 AND partition = $5";
        let values = vec![
            heads.epoch.into(),
            last.into(),
            consumer.name().into(),
            producer.name().into(),
            partition.into(),
        ];
        work.txn()
            .execute_raw(sql(&**work.txn(), text, values))
            .await?;
    }
    fault::point("epoch.entered");
    work.commit().await
}
