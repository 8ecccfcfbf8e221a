//! Who reads which partitions for a consumer, and how far it has come.
//!
//! The lease is only for liveness. Safety is the fence: every commit of a consumer moves its offset
//! under the fence it was given, so a process that was asleep fails and rolls back.

use std::time::Duration;

use hotline_kernel::time::micros;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::bulk::insert_rows;
use crate::core::{Core, CoreError};
use crate::db::{Txn, sql};
use crate::fault::{self, Bug};
use crate::migration::PARTITIONS;
use crate::signal::Heads;

/// How many times a lease is renewed before it would end.
const RENEWALS: u32 = 3;

/// One reader of one producer's log for one consumer.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) consumer: &'static str,
    pub(crate) producer: &'static str,
    pub(crate) owner: Uuid,
    /// How long a silent owner keeps a partition, by the service's clock.
    pub(crate) length: Duration,
}

/// A partition that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) pos: i64,
    pub(crate) fence: i64,
}

/// What a reader holds, by partition.
pub(crate) type Holdings = [Option<Holding>; PARTITIONS as usize];

impl Lease {
    /// How often it is renewed.
    pub(crate) fn renew_every(&self) -> Duration {
        self.length / RENEWALS
    }

    /// Renews what is held, takes what is free, and reads the positions.
    ///
    /// After a change of the log's epoch a position beyond its end goes back to the end.
    pub(crate) async fn take(&self, core: &Core, heads: Heads) -> Result<Taken, CoreError> {
        let txn = core.db().begin_write().await?;
        let now = micros(core.now());
        let length = i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX / 2);
        if self.read(&txn, heads.epoch).await?.rows < usize::from(PARTITIONS) {
            self.insert_missing(&txn, heads.epoch).await?;
            fault::point("lease.inserted");
        }
        let text = "UPDATE consumer_offset SET lease_until = $1, owner = $2, \
                    fence = CASE WHEN owner = $2 THEN fence ELSE fence + 1 END \
                    WHERE consumer = $3 AND producer = $4 AND (owner IS NULL OR owner = $2 OR lease_until <= $5)";
        let values = vec![
            (now + length).into(),
            self.owner.into(),
            self.consumer.into(),
            self.producer.into(),
            now.into(),
        ];
        txn.execute_raw(sql(&*txn, text, values)).await?;
        let mut found = self.read(&txn, heads.epoch).await?;
        if found.is_behind_epoch {
            self.enter_epoch(&txn, heads).await?;
            fault::point("lease.epoch_entered");
            found = self.read(&txn, heads.epoch).await?;
        }
        fault::point("lease.taken");
        txn.commit().await?;
        Ok(Taken {
            held: found.held,
            pos: found.pos,
        })
    }

    /// Ends every lease of a service, whoever has it.
    pub(crate) async fn end_all(core: &Core) -> Result<(), CoreError> {
        let text = "UPDATE consumer_offset SET owner = NULL, lease_until = 0 WHERE consumer = $1";
        let writer = core.db().writer();
        writer
            .execute_raw(sql(writer, text, vec![core.name().into()]))
            .await?;
        fault::point("lease.ended");
        Ok(())
    }

    /// Lets go, so that another process need not wait for the lease to end.
    pub(crate) async fn release(&self, core: &Core) -> Result<(), CoreError> {
        let text = "UPDATE consumer_offset SET owner = NULL, lease_until = 0 \
                    WHERE consumer = $1 AND producer = $2 AND owner = $3";
        let values = vec![
            self.consumer.into(),
            self.producer.into(),
            self.owner.into(),
        ];
        let writer = core.db().writer();
        fault::point("lease.releasing");
        writer.execute_raw(sql(writer, text, values)).await?;
        Ok(())
    }

    /// Moves the offset of a held partition from behind `first` to `last`.
    ///
    /// Only the holder parks, in a transaction that moves the same offset, so what is set aside is seen
    /// here whole.
    pub(crate) async fn advance(&self, txn: &Txn, step: Step) -> Result<Advanced, CoreError> {
        let text = format!(
            "UPDATE consumer_offset SET pos = $1 WHERE consumer = $2 AND producer = $3 AND partition = $4 \
             AND epoch = $5 AND {} \
             RETURNING (SELECT 1 FROM parked WHERE consumer = $2 AND producer = $3 \
             AND state IN ('parked', 'skipped') LIMIT 1) AS set_aside",
            where_it_was_left()
        );
        let values = vec![
            step.last.into(),
            self.consumer.into(),
            self.producer.into(),
            i32::from(step.partition).into(),
            step.epoch.into(),
            (step.first - 1).into(),
            step.fence.into(),
        ];
        let Some(row) = txn.query_one_raw(sql(&**txn, text, values)).await? else {
            return Ok(Advanced::Lost);
        };
        Ok(match row.try_get::<Option<i32>>("", "set_aside")? {
            None => Advanced::Free,
            Some(_) => Advanced::PastSetAside,
        })
    }

    async fn read(&self, txn: &Txn, epoch: i32) -> Result<Found, CoreError> {
        let text = "SELECT partition, epoch, pos, fence, owner FROM consumer_offset WHERE consumer = $1 AND producer = $2";
        let values = vec![self.consumer.into(), self.producer.into()];
        let rows = txn.query_all_raw(sql(&**txn, text, values)).await?;
        let mut found = Found {
            held: Holdings::default(),
            pos: [0; PARTITIONS as usize],
            rows: rows.len(),
            is_behind_epoch: false,
        };
        for row in &rows {
            let partition: i32 = row.try_get("", "partition")?;
            let owner: Option<Uuid> = row.try_get("", "owner")?;
            let is_of_epoch = row.try_get::<i32>("", "epoch")? == epoch;
            found.is_behind_epoch |= !is_of_epoch && owner == Some(self.owner);
            let index = usize::try_from(partition)
                .ok()
                .filter(|index| *index < found.pos.len());
            let Some(index) = index.filter(|_| is_of_epoch) else {
                continue;
            };
            let pos = row.try_get("", "pos")?;
            found.pos[index] = pos;
            if owner == Some(self.owner) {
                let fence = row.try_get("", "fence")?;
                found.held[index] = Some(Holding { pos, fence });
            }
        }
        Ok(found)
    }

    async fn insert_missing(&self, txn: &Txn, epoch: i32) -> Result<(), CoreError> {
        let into =
            "consumer_offset (consumer, producer, partition, epoch, pos, fence, lease_until)";
        let row = |partition: u16| -> Vec<Value> {
            let partition = i32::from(partition);
            let zero = 0_i64;
            vec![
                self.consumer.into(),
                self.producer.into(),
                partition.into(),
                epoch.into(),
                zero.into(),
                zero.into(),
                zero.into(),
            ]
        };
        let rows: Vec<_> = (0..PARTITIONS).map(row).collect();
        insert_rows(txn, into, rows, " ON CONFLICT DO NOTHING").await?;
        Ok(())
    }

    async fn enter_epoch(&self, txn: &Txn, heads: Heads) -> Result<(), CoreError> {
        for (partition, last) in (0_i32..).zip(heads.last) {
            let pos = if fault::is_seeded(Bug::NoEpoch) {
                "CASE WHEN pos > $2 THEN pos ELSE pos END"
            } else {
                "CASE WHEN pos > $2 THEN $2 ELSE pos END"
            };
            let text = format!(
                "UPDATE consumer_offset SET epoch = $1, pos = {pos} \
                 WHERE consumer = $3 AND producer = $4 AND partition = $5 AND owner = $6 AND epoch <> $1"
            );
            let values = vec![
                heads.epoch.into(),
                last.into(),
                self.consumer.into(),
                self.producer.into(),
                partition.into(),
                self.owner.into(),
            ];
            txn.execute_raw(sql(&**txn, text, values)).await?;
        }
        Ok(())
    }
}

/// Only who stands where its last commit left the offset, under the fence it was given, moves it.
fn where_it_was_left() -> &'static str {
    if fault::is_seeded(Bug::LockByClock) {
        "$6 = $6 AND $7 = $7"
    } else if fault::is_seeded(Bug::NoFence) {
        "pos = $6 AND $7 = $7"
    } else {
        "pos = $6 AND fence = $7"
    }
}

/// What a reader has, and where the others stand.
pub(crate) struct Taken {
    pub(crate) held: Holdings,
    /// The position of every partition in this epoch, whoever holds it.
    pub(crate) pos: [i64; PARTITIONS as usize],
}

/// What the offsets say.
struct Found {
    /// What is held in this epoch.
    held: Holdings,
    /// The position of every partition in this epoch.
    pos: [i64; PARTITIONS as usize],
    /// How many partitions have a row at all.
    rows: usize,
    /// Whether something is held in another epoch.
    is_behind_epoch: bool,
}

/// How a move of an offset ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advanced {
    /// The partition is not held any more; nothing moved.
    Lost,
    /// It moved, and nothing of this producer is parked or skipped.
    Free,
    /// It moved, and something of this producer is parked or skipped.
    PastSetAside,
}

/// A move of an offset over the events `first` to `last`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) partition: u16,
    pub(crate) epoch: i32,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) fence: i64,
}
