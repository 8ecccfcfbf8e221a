//! Replay: a consumer forgets what it derived and hears every log again from its beginning.

use sea_orm::ConnectionTrait;

use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::fault;
use crate::reaction::{Reaction, ReactionError};
use crate::work::{AuditEntry, Cause, Work};

/// Empties what `reaction` derived and sets its offsets to 0, in one transaction. Recorded in the audit trail.
///
/// Readers of this consumer that run anywhere fail their next commit by the raised fence, look again
/// and begin at 0.
///
/// # Errors
///
/// What `reset` fails with; [`ReactionError::Permanent`] if the consumer cannot be replayed.
pub async fn replay(
    core: &Core,
    reaction: &dyn Reaction,
    cause: &Cause,
) -> Result<(), ReactionError> {
    let work = Work::begin(core).await?;
    // Offsets first, as every consumer's commit does: two orders of locking would be a deadlock.
    let emptied = match rewind(&work, core.name()).await {
        Ok(()) => {
            fault::point("replay.rewound");
            reaction.reset(&work).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = emptied {
        work.roll_back().await;
        return Err(error);
    }
    let entry = AuditEntry {
        resource: "consumer",
        resource_id: core.name().to_owned(),
        version: 0,
        action: "replayed".to_owned(),
        reason: String::new(),
    };
    work.audit(cause, entry);
    fault::point("replay.emptied");
    work.commit().await?;
    fault::point("replay.committed");
    core.signals().rewound();
    core.tasks().beat();
    Ok(())
}

async fn rewind(work: &Work, consumer: &'static str) -> Result<(), CoreError> {
    let statements = [
        "UPDATE consumer_offset SET pos = 0, fence = fence + 1, owner = NULL, lease_until = 0 WHERE consumer = $1",
        "DELETE FROM parked WHERE consumer = $1 AND state = 'parked'",
    ];
    for text in statements {
        work.txn()
            .execute_raw(sql(&**work.txn(), text, vec![consumer.into()]))
            .await?;
    }
    Ok(())
}
