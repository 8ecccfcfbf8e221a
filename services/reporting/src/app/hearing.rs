//! What an event changes in the read models. Everything here is idempotent by the aggregate's version:
//! an event that is not newer than what is stored changes nothing.

use chrono::NaiveDate;
use hotline_kernel::time::Zone;
use hotline_platform::core::CoreError;
use hotline_platform::fault;
use hotline_platform::work::Work;

use super::search;
use crate::domain::fact::{self, FactKey, deltas};
use crate::domain::names::Entry;
use crate::domain::search::is_found_otherwise;
use crate::domain::tenure::{Standing, advance};
use crate::domain::view::{AppealView, FollowUpView, MatterView, ReplyView, Step, TicketView};
use crate::domain::words::HISTORICAL;
use crate::store;

/// An appeal was registered or changed.
pub(crate) async fn appeal(work: &Work, after: AppealView) -> Result<(), CoreError> {
    let txn = work.txn();
    let before = store::appeal(txn, after.id).await?;
    if before
        .as_ref()
        .is_some_and(|before| before.version >= after.version)
    {
        return Ok(());
    }
    store::save_appeal(txn, &after).await?;
    fault::point("view.appeal_saved");
    let before = before.map(|before| before.facts()).unwrap_or_default();
    store::apply_facts(txn, &deltas(&before, &after.facts())).await
}

/// A matter moved.
pub(crate) async fn matter(work: &Work, after: MatterView) -> Result<(), CoreError> {
    let txn = work.txn();
    let before = store::matter(txn, after.id).await?;
    if before.is_some_and(|(version, _)| version >= after.version) {
        return Ok(());
    }
    store::save_matter(txn, &after).await?;
    if let Some((_, left)) = before.filter(|(_, ticket)| *ticket != after.ticket_id) {
        search::index(txn, left).await?;
    }
    search::index(txn, after.ticket_id).await
}

/// A ticket as an event left it.
#[derive(Clone, Debug)]
pub(crate) struct HeardTicket {
    /// What lists show. `tenures` is counted here.
    pub view: TicketView,
    /// How it stands.
    pub standing: Standing,
    /// What documents tell of the change, if they do.
    pub step: Option<Step>,
}

/// A ticket was opened or changed.
pub(crate) async fn ticket(work: &Work, zone: Zone, heard: HeardTicket) -> Result<(), CoreError> {
    let txn = work.txn();
    let HeardTicket {
        mut view,
        standing,
        step,
    } = heard;
    let before = store::ticket(txn, view.shown.id).await?;
    if before
        .as_ref()
        .is_some_and(|before| before.version >= view.version)
    {
        return Ok(());
    }
    let mut gone: Vec<FactKey> = before.as_ref().map(TicketView::facts).unwrap_or_default();
    let mut come = view.facts();
    let is_found_otherwise = before
        .as_ref()
        .is_none_or(|before| is_found_otherwise(&before.shown, &view.shown));
    view.tenures = before.map(|before| before.tenures).unwrap_or_default();
    if view.nature != HISTORICAL {
        let last = store::tenure(txn, view.shown.id, view.tenures).await?;
        for tenure in advance(view.shown.id, last.as_ref(), &standing) {
            if let Some(open) = last.as_ref().filter(|last| last.ordinal == tenure.ordinal) {
                gone.extend(fact::of_tenure(zone, open));
            }
            come.extend(fact::of_tenure(zone, &tenure));
            view.tenures = view.tenures.max(tenure.ordinal);
            store::save_tenure(txn, &tenure).await?;
        }
        if let Some(step) = step {
            come.extend(step.facts());
            store::save_step(txn, &step).await?;
        }
    }
    store::save_ticket(txn, &view).await?;
    fault::point("view.ticket_saved");
    if is_found_otherwise {
        search::index(txn, view.shown.id).await?;
    }
    store::apply_facts(txn, &deltas(&gone, &come)).await
}

/// A follow-up was opened or changed.
pub(crate) async fn follow_up(work: &Work, after: FollowUpView) -> Result<(), CoreError> {
    let txn = work.txn();
    let before = store::follow_up(txn, after.id).await?;
    if before
        .as_ref()
        .is_some_and(|before| before.version >= after.version)
    {
        return Ok(());
    }
    store::save_follow_up(txn, &after).await?;
    let before = before
        .map(|before| fact::of_follow_up(&before.counted))
        .unwrap_or_default();
    store::apply_facts(txn, &deltas(&before, &fact::of_follow_up(&after.counted))).await
}

/// A reply was written or changed.
pub(crate) async fn reply(work: &Work, heard: ReplyView) -> Result<(), CoreError> {
    let txn = work.txn();
    let before = store::reply(txn, heard.id).await?;
    if before
        .as_ref()
        .is_some_and(|before| before.version >= heard.version)
    {
        return Ok(());
    }
    // It counts for the day it was first heard of, however often its state changes.
    let first_day: NaiveDate = before
        .as_ref()
        .map_or(heard.day, |before| before.day.min(heard.day));
    let after = ReplyView {
        day: first_day,
        ..heard
    };
    store::save_reply(txn, &after).await?;
    let before = before.map(|before| before.facts()).unwrap_or_default();
    store::apply_facts(txn, &deltas(&before, &after.facts())).await
}

/// A registry's table was loaded.
pub(crate) async fn registry(
    work: &Work,
    table: &str,
    version: i64,
    rows: Vec<(String, Entry)>,
) -> Result<(), CoreError> {
    let txn = work.txn();
    if store::registry_version(txn, table).await? >= version {
        return Ok(());
    }
    store::replace_registry(txn, table, version, rows).await
}
