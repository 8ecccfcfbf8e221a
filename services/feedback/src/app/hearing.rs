//! What feedback does with what intake and routing tell.

use hotline_kernel::id::{AppealId, MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CoreError;
use hotline_platform::work::{Cause, Work};

use super::settle::{add_reply, first_state, settle, tell_reply};
use crate::domain::conclusion::{Conclusion, Ticket};
use crate::domain::matter::Matter;
use crate::domain::reply::{Origin, Reply, ReplyCause, ReplyState, ReplyStep};
use crate::store::{conclusions, matters, replies};

/// Undeliverable replies are looked for in portions of this many.
const PUBLISH_PORTION: u64 = 256;

/// An appeal that was answered or guided at the desk.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredAppeal {
    pub(crate) id: AppealId,
    pub(crate) number: String,
    pub(crate) channel_code: String,
    pub(crate) contact_ref: String,
    pub(crate) cause: ReplyCause,
    pub(crate) text: String,
    pub(crate) answered_at: Timestamp,
}

/// A reply that came with an import.
#[derive(Clone, Debug)]
pub(crate) struct ImportedReply {
    pub(crate) text: String,
    pub(crate) replied_at: Timestamp,
}

/// A ticket as it stands after a change.
#[derive(Clone, Debug)]
pub(crate) struct HeardTicket {
    pub(crate) id: TicketId,
    pub(crate) version: i64,
    pub(crate) is_concluded: bool,
    /// Set by the change that concluded it.
    pub(crate) conclusion: Option<Conclusion>,
}

/// Replies to an appeal that was answered or guided. Once per appeal.
pub(crate) async fn appeal_answered(
    work: &Work,
    cause: &Cause,
    appeal: AnsweredAppeal,
) -> Result<(), CoreError> {
    let origin = Origin::of_appeal(appeal.id);
    if replies::answers(&**work.txn(), &origin).await? {
        return Ok(());
    }
    let reply = Reply {
        id: work.new_id().into(),
        version: 1,
        origin,
        appeal_id: appeal.id,
        appeal_number: appeal.number,
        matter_id: None,
        ticket_id: None,
        round: 0,
        state: first_state(work, &appeal.channel_code, &appeal.contact_ref).await?,
        channel_code: appeal.channel_code,
        contact_ref: appeal.contact_ref,
        cause: appeal.cause,
        text: appeal.text,
        replied_at: appeal.answered_at,
    };
    add_reply(work, cause, &reply).await
}

/// Remembers where a matter is and settles every conclusion it was part of.
///
/// Idempotent by the matter's version.
pub(crate) async fn matter_moved(
    work: &Work,
    cause: &Cause,
    heard: Matter,
    imported: Option<ImportedReply>,
) -> Result<(), CoreError> {
    let id = heard.id;
    // Tickets before matters, in order, as everybody locks; see `store::matters::lock`.
    let mut locked: Vec<Ticket> = Vec::new();
    for (ticket, _) in conclusions::of_matter(&**work.txn(), id).await? {
        lock_once(work, &mut locked, ticket).await?;
    }
    matters::lock(work.txn(), &[id]).await?;

    let known = matters::heard(&**work.txn(), &[id]).await?;
    let merged = Matter::merged(known.first(), heard);
    if known.first() == Some(&merged) {
        return Ok(());
    }
    matters::save(work.txn(), &merged).await?;
    if let Some(imported) = imported {
        keep_imported(work, cause, &merged, imported).await?;
    }

    // A conclusion may have been written while we waited for the matter. Its ticket is then locked
    // out of order: at worst the database breaks the embrace and the event is applied again.
    for (ticket, ticket_version) in conclusions::of_matter(&**work.txn(), id).await? {
        let ticket = lock_once(work, &mut locked, ticket).await?;
        settle(work, cause, &ticket, ticket_version).await?;
    }
    Ok(())
}

/// Remembers where a ticket stands; a conclusion makes replies and follow-ups.
///
/// Idempotent by the ticket's version.
pub(crate) async fn ticket_changed(
    work: &Work,
    cause: &Cause,
    heard: HeardTicket,
) -> Result<(), CoreError> {
    let is_known = conclusions::find_ticket(&**work.txn(), heard.id)
        .await?
        .is_some();
    if heard.conclusion.is_none() && !is_known {
        return Ok(()); // never concluded: nothing here depends on it
    }
    let ticket = conclusions::lock_ticket(work.txn(), heard.id).await?;
    if heard.version <= ticket.version {
        return Ok(());
    }

    let standing = match (&heard.conclusion, heard.is_concluded) {
        (Some(conclusion), _) => Some(conclusion.ticket_version),
        (None, true) => ticket.standing,
        (None, false) => None,
    };
    let before = ticket.standing.filter(|stood| standing != Some(*stood));
    let now = Ticket {
        version: heard.version,
        standing,
        ..ticket
    };
    conclusions::save_ticket(work.txn(), &now).await?;

    if let Some(stood) = before {
        lock_matters(work, heard.id, stood).await?;
        settle(work, cause, &now, stood).await?;
    }
    if let Some(conclusion) = heard.conclusion {
        conclusions::insert(work.txn(), &conclusion).await?;
        lock_matters(work, heard.id, conclusion.ticket_version).await?;
        settle(work, cause, &now, conclusion.ticket_version).await?;
    }
    Ok(())
}

/// Learns whether a channel shows answers in public.
///
/// Replies that waited for the registry to name their channel are queued; those of a channel that
/// was known before stay as they were, for the citizen was told so then.
pub(crate) async fn channel_loaded(
    work: &Work,
    cause: &Cause,
    code: &str,
    answers_in_public: bool,
) -> Result<(), CoreError> {
    let known = matters::answers_in_public(&**work.txn(), code).await?;
    if known == Some(answers_in_public) {
        return Ok(());
    }
    matters::save_channel(work.txn(), code, answers_in_public).await?;
    if known.is_some() || !answers_in_public {
        return Ok(());
    }
    loop {
        let waiting = replies::oldest(
            &**work.txn(),
            code,
            ReplyState::Undeliverable,
            PUBLISH_PORTION,
        )
        .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for mut reply in waiting {
            let Ok(state) = reply.state.after(ReplyStep::Publish) else {
                continue;
            };
            reply.state = state;
            reply.version += 1;
            replies::save_state(work.txn(), &reply).await?;
            tell_reply(work, cause, &reply);
        }
    }
}

/// Keeps a reply that somebody gave before the import. Never sent.
async fn keep_imported(
    work: &Work,
    cause: &Cause,
    matter: &Matter,
    imported: ImportedReply,
) -> Result<(), CoreError> {
    let origin = Origin::of_import(matter.id);
    if replies::answers(&**work.txn(), &origin).await? {
        return Ok(());
    }
    let reply = Reply {
        id: work.new_id().into(),
        version: 1,
        origin,
        appeal_id: matter.appeal_id,
        appeal_number: matter.appeal_number.clone(),
        matter_id: Some(matter.id),
        ticket_id: matter.ticket_id,
        round: 0,
        channel_code: matter.channel_code.clone(),
        contact_ref: matter.contact_ref.clone(),
        state: ReplyState::Historical,
        cause: ReplyCause::Imported,
        text: imported.text,
        replied_at: imported.replied_at,
    };
    add_reply(work, cause, &reply).await
}

async fn lock_once(
    work: &Work,
    locked: &mut Vec<Ticket>,
    id: TicketId,
) -> Result<Ticket, CoreError> {
    if let Some(ticket) = locked.iter().find(|ticket| ticket.id == id) {
        return Ok(*ticket);
    }
    let ticket = conclusions::lock_ticket(work.txn(), id).await?;
    locked.push(ticket);
    Ok(ticket)
}

async fn lock_matters(work: &Work, ticket: TicketId, ticket_version: i64) -> Result<(), CoreError> {
    let found = conclusions::find(&**work.txn(), ticket, ticket_version).await?;
    let ids: Vec<MatterId> = found
        .map(|conclusion| conclusion.matter_ids)
        .unwrap_or_default();
    matters::lock(work.txn(), &ids).await
}
