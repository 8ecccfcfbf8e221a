//! Applies events: offset and effect in one transaction, each event once.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use hotline_proto::event::{Body, Envelope};
use prost::Message;
use sea_orm::ConnectionTrait;
use tracing::Instrument;
use uuid::Uuid;

use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::fault::{self, Bug};
use crate::lease::{Advanced, Holdings, Lease, Step};
use crate::link::linked_span;
use crate::parked;
use crate::reaction::{Reaction, ReactionError, guarded};
use crate::work::Work;

/// How an attempt to apply events ended. In every case but `Done` nothing was written.
#[derive(Debug)]
pub(crate) enum Applied {
    /// All are applied, or stand behind a parked event of their stream.
    Done,
    /// Somebody else reads one of the partitions now, or its offset was moved.
    Lost,
    /// One event could not be applied.
    Failed(ReactionError),
}

/// Applies `events`, which stand in partition and number order and follow what is held.
pub(crate) async fn apply(
    core: &Core,
    reaction: &dyn Reaction,
    lease: &Lease,
    holdings: &Holdings,
    events: &[Envelope],
) -> Result<Applied, CoreError> {
    let work = Work::begin(core).await?;
    let set_aside = match advance(&work, lease, holdings, events).await? {
        Advanced::Lost => {
            work.roll_back().await;
            return Ok(Applied::Lost);
        }
        Advanced::Free => SetAside::default(),
        Advanced::PastSetAside => set_aside(&work, lease).await?,
    };
    fault::point("apply.advanced");
    let work = if fault::is_seeded(Bug::OffsetOutside) {
        work.commit().await?;
        Work::begin(core).await?
    } else {
        work
    };
    let mut free = Vec::with_capacity(events.len());
    for event in events {
        if set_aside.skipped.contains(&event.event_id) {
            continue; // a replay comes by what a person decided never to apply
        }
        if set_aside.streams.contains(&event.stream_id) {
            parked::insert(&work, lease.consumer, event, None).await?;
            fault::point("apply.parked_behind");
            continue;
        }
        free.push(event);
    }
    if let Err(error) = react(&work, reaction, &free).await {
        work.roll_back().await;
        return Ok(Applied::Failed(error));
    }
    match work.commit().await {
        Ok(()) => {
            fault::point("apply.committed");
            Ok(Applied::Done)
        }
        Err(error @ CoreError::Unavailable(_)) => Err(error),
        // What an event published or armed cannot be written: that event's failure.
        Err(error) => Ok(Applied::Failed(error.into())),
    }
}

/// Parks one event and moves on; false if the partition is not held any more.
pub(crate) async fn park(
    core: &Core,
    lease: &Lease,
    holdings: &Holdings,
    event: &Envelope,
    failure: &parked::Failure,
) -> Result<bool, CoreError> {
    let work = Work::begin(core).await?;
    let advanced = advance(&work, lease, holdings, std::slice::from_ref(event)).await?;
    if advanced == Advanced::Lost {
        work.roll_back().await;
        return Ok(false);
    }
    parked::insert(&work, lease.consumer, event, Some(failure)).await?;
    fault::point("apply.parked");
    work.commit().await?;
    fault::point("apply.parking_committed");
    Ok(true)
}

async fn advance(
    work: &Work,
    lease: &Lease,
    holdings: &Holdings,
    events: &[Envelope],
) -> Result<Advanced, CoreError> {
    let mut ended = Advanced::Free;
    for run in events.chunk_by(|one, next| one.partition == next.partition) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        let held = usize::try_from(first.partition)
            .ok()
            .and_then(|index| *holdings.get(index)?);
        let (Some(held), Ok(partition)) = (held, u16::try_from(first.partition)) else {
            return Ok(Advanced::Lost);
        };
        let step = Step {
            partition,
            epoch: first.epoch,
            first: first.pub_seq,
            last: last.pub_seq,
            fence: held.fence,
        };
        match lease.advance(work.txn(), step).await? {
            Advanced::Free => {}
            Advanced::PastSetAside => ended = Advanced::PastSetAside,
            Advanced::Lost => return Ok(Advanced::Lost),
        }
    }
    Ok(ended)
}

/// What is not applied as it comes.
#[derive(Default)]
struct SetAside {
    /// Streams of which an earlier event is parked for this consumer.
    streams: HashSet<String>,
    /// Events that were skipped by hand.
    skipped: HashSet<String>,
}

async fn set_aside(work: &Work, lease: &Lease) -> Result<SetAside, CoreError> {
    let text = "SELECT DISTINCT stream_id, CASE WHEN state = 'skipped' THEN event_id END AS skipped \
                FROM parked WHERE consumer = $1 AND producer = $2 AND state IN ('parked', 'skipped')";
    let values = vec![lease.consumer.into(), lease.producer.into()];
    let rows = work
        .txn()
        .query_all_raw(sql(&**work.txn(), text, values))
        .await?;
    let mut found = SetAside::default();
    for row in &rows {
        match row.try_get::<Option<Uuid>>("", "skipped")? {
            Some(event) => found.skipped.insert(event.to_string()),
            None => found
                .streams
                .insert(row.try_get::<Uuid>("", "stream_id")?.to_string()),
        };
    }
    Ok(found)
}

/// Carries out the effects of events, one after the other. A panic is a failure, not the end of the
/// consumer.
pub(crate) async fn react(
    work: &Work,
    reaction: &dyn Reaction,
    events: &[&Envelope],
) -> Result<(), ReactionError> {
    if events.is_empty() {
        return Ok(());
    }
    guarded(reaction.begin(work, events)).await?;
    for event in events {
        react_to(work, reaction, event).await?;
        fault::point("apply.reacted");
    }
    Ok(())
}

async fn react_to(
    work: &Work,
    reaction: &dyn Reaction,
    event: &Envelope,
) -> Result<(), ReactionError> {
    let body = Body::decode(event.body.as_slice())
        .map_err(|error| ReactionError::Permanent(format!("the body cannot be read: {error}")))?;
    if body.event.is_none() {
        return Ok(()); // a kind of event that is newer than this program
    }
    let applied = reaction
        .apply(work, event, &body)
        .instrument(linked_span(event));
    guarded(applied).await
}
