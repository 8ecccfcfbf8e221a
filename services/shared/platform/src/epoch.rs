//! A log that was restored to an earlier time begins a new epoch: its numbers are given out again.
//!
//! For an administrator, while every process of the city is stopped.

use sea_orm::ConnectionTrait;

use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::fault;
use crate::outbox;
use crate::work::{AuditEntry, Cause, Work};

/// Raises the epoch of a service's log; returns the new one. Recorded in the audit trail.
///
/// # Errors
///
/// A database that cannot be written.
pub async fn raise(core: &Core, cause: &Cause) -> Result<i32, CoreError> {
    let work = Work::begin(core).await?;
    // A backup may lie before an earlier raise: its next epoch was another one's number already, and a
    // courier may still hold events of that one. So the log gets another name as well.
    let texts = [
        ("UPDATE outbox_head SET epoch = epoch + 1", vec![]),
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
