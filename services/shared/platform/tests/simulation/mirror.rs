//! The service that hears: it writes down every event it applies, in the order of applying.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hotline_platform::core::CoreError;
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::work::Work;
use hotline_proto::event::{Body, Envelope};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::ledger::bound;

/// Its table. `owner` is who held the partition when the event was applied, `applied_by` who applied it.
pub const TABLES: [&str; 1] = [
    "CREATE TABLE heard (seq INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, account BLOB NOT NULL, \
     version INTEGER NOT NULL, partition INTEGER NOT NULL, pub_seq INTEGER NOT NULL, owner BLOB, applied_by BLOB)",
];

/// What it does with an account's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Transient,
    Permanent,
    Unknown,
    Panic,
}

/// The accounts whose events fail. Cheap to clone; clones are one.
pub type Troubles = Arc<Mutex<BTreeMap<Uuid, Trouble>>>;

/// A mirror in one process.
#[derive(Clone)]
pub struct Mirror {
    pub troubles: Troubles,
    /// Who its reader is to leases; `None` for what retries parked events, under no lease.
    pub reader: Arc<Mutex<Option<Uuid>>>,
}

#[async_trait::async_trait]
impl Reaction for Mirror {
    fn producers(&self) -> &'static [&'static str] {
        &["ledger"]
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &Envelope,
        _body: &Body,
    ) -> Result<(), ReactionError> {
        let account: Uuid = envelope.aggregate_id.parse().expect("an id");
        let event: Uuid = envelope.event_id.parse().expect("an id");
        let partition = i32::try_from(envelope.partition).expect("small");
        let text = "INSERT INTO heard (event, account, version, partition, pub_seq, owner, applied_by) \
                    VALUES ($1, $2, $3, $4, $5, (SELECT owner FROM consumer_offset WHERE partition = $4), $6)";
        let values = vec![
            event.into(),
            account.into(),
            envelope.version.into(),
            partition.into(),
            envelope.pub_seq.into(),
            (*self.reader.lock().expect("unpoisoned")).into(),
        ];
        work.txn()
            .execute_raw(bound(text, values))
            .await
            .map_err(CoreError::from)?;
        let trouble = self
            .troubles
            .lock()
            .expect("unpoisoned")
            .get(&account)
            .copied();
        match trouble {
            None => Ok(()),
            Some(Trouble::Transient) => Err(ReactionError::Transient("not now".into())),
            Some(Trouble::Permanent) => Err(ReactionError::Permanent("never".to_owned())),
            Some(Trouble::Unknown) => Err(ReactionError::Unknown("no idea".into())),
            // Without the hook that prints it.
            Some(Trouble::Panic) => std::panic::resume_unwind(Box::new("told to panic")),
        }
    }

    async fn reset(&self, work: &Work) -> Result<(), ReactionError> {
        work.txn()
            .execute_raw(bound("DELETE FROM heard", vec![]))
            .await
            .map_err(CoreError::from)?;
        Ok(())
    }
}
