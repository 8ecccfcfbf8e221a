//! Brings the replies and follow-ups of a conclusion in line with all that is known.
//!
//! Intake tells whose a matter is and where it stands, routing tells what was concluded, and their
//! logs have no common order. So nothing here depends on which event came last: each settles every
//! conclusion it touches, from what is known by then, and the same knowledge gives the same end.

use std::collections::HashSet;

use hotline_kernel::id::MatterId;
use hotline_platform::core::CoreError;
use hotline_platform::fault;
use hotline_platform::work::{AuditEntry, Cause, NewTimer, Work};

use crate::domain::conclusion::{Conclusion, Ticket, Verdict, missing};
use crate::domain::follow_up::FollowUp;
use crate::domain::matter::Matter;
use crate::domain::reply::{Origin, Reply, ReplyCause, ReplyState};
use crate::events;
use crate::store::{conclusions, follow_ups, matters, replies};

/// The timer that writes a queued reply into its channel's file.
pub(crate) const WRITE_OUTBOUND: &str = "write_outbound";

/// Settles one conclusion of a locked ticket; its matters must be locked too.
pub(crate) async fn settle(
    work: &Work,
    cause: &Cause,
    ticket: &Ticket,
    ticket_version: i64,
) -> Result<(), CoreError> {
    let Some(conclusion) = conclusions::find(&**work.txn(), ticket.id, ticket_version).await?
    else {
        return Ok(());
    };
    let mut heard = matters::heard(&**work.txn(), &conclusion.matter_ids).await?;
    heard.retain(|matter| !matter.is_historical);
    reply_to_all(work, cause, &conclusion, &heard).await?;

    let existing = follow_ups::of_conclusion(&**work.txn(), ticket.id, ticket_version).await?;
    let stands = ticket.standing == Some(ticket_version);
    let mut changed = Vec::new();
    for matter in &heard {
        let is_live = stands && matter.is_on(ticket.id);
        let follow_up = existing
            .iter()
            .find(|follow_up| follow_up.matter_id == matter.id);
        changed.extend(match follow_up {
            None => Some(open(work, &conclusion, matter, is_live).await?),
            Some(follow_up) => correct(work, follow_up, is_live).await?,
        });
    }

    let verdict = give_verdict(work, ticket, ticket_version).await?;
    // The verdict goes out once, with the last of the changes that led to it.
    let last = changed.len().saturating_sub(1);
    for (position, follow_up) in changed.iter().enumerate() {
        let told = if position == last {
            verdict
        } else {
            Verdict::Pending
        };
        events::publish_follow_up(work, cause, follow_up, told);
        audit(
            work,
            cause,
            "follow_up",
            follow_up.id.to_string(),
            follow_up.version,
            follow_up.state.word(),
        );
    }
    Ok(())
}

/// The verdict of a ticket's conclusion, where it is final now and was not told before.
pub(crate) async fn give_verdict(
    work: &Work,
    ticket: &Ticket,
    ticket_version: i64,
) -> Result<Verdict, CoreError> {
    if ticket.standing != Some(ticket_version) {
        return Ok(Verdict::Pending);
    }
    let found = conclusions::find(&**work.txn(), ticket.id, ticket_version).await?;
    let Some(conclusion) = found.filter(|conclusion| conclusion.verdict == Verdict::Pending) else {
        return Ok(Verdict::Pending);
    };
    let heard = matters::heard(&**work.txn(), &conclusion.matter_ids).await?;
    let all = follow_ups::of_conclusion(&**work.txn(), ticket.id, ticket_version).await?;
    let missing = missing(&conclusion, &heard, all.len());
    let verdict = Verdict::of(all.iter().map(|follow_up| &follow_up.state), missing);
    if verdict != Verdict::Pending {
        conclusions::save_verdict(
            work.txn(),
            &Conclusion {
                verdict,
                ..conclusion
            },
        )
        .await?;
        fault::point("verdict.saved");
    }
    Ok(verdict)
}

/// Adds a reply to the ledger, publishes it and sees to it that it leaves.
pub(crate) async fn add_reply(work: &Work, cause: &Cause, reply: &Reply) -> Result<(), CoreError> {
    replies::insert(work.txn(), reply).await?;
    fault::point("reply.saved");
    tell_reply(work, cause, reply);
    Ok(())
}

/// Publishes a reply as it stands now; one that is queued gets the timer that writes it.
pub(crate) fn tell_reply(work: &Work, cause: &Cause, reply: &Reply) {
    events::publish_reply(work, cause, reply);
    audit(
        work,
        cause,
        "reply",
        reply.id.to_string(),
        reply.version,
        reply.state.word(),
    );
    if reply.state == ReplyState::Queued {
        work.arm(NewTimer {
            aggregate_id: reply.id.uuid(),
            kind: WRITE_OUTBOUND,
            due_at: work.now(),
            armed_version: reply.version,
        });
    }
}

/// The state a reply of ours on a channel starts in.
pub(crate) async fn first_state(
    work: &Work,
    channel: &str,
    contact: &str,
) -> Result<ReplyState, CoreError> {
    let answers_in_public = matters::answers_in_public(&**work.txn(), channel).await?;
    Ok(ReplyState::first(
        !contact.is_empty(),
        answers_in_public.unwrap_or(false),
    ))
}

/// Gives each citizen on the ticket his reply, on his own channel, once.
async fn reply_to_all(
    work: &Work,
    cause: &Cause,
    conclusion: &Conclusion,
    heard: &[Matter],
) -> Result<(), CoreError> {
    let (ticket, version) = (conclusion.ticket_id, conclusion.ticket_version);
    let origin = |matter: MatterId| Origin::of_conclusion(ticket, version, matter);
    let origins: Vec<Origin> = heard.iter().map(|matter| origin(matter.id)).collect();
    let answered: HashSet<String> = replies::answered(&**work.txn(), &origins).await?;
    for matter in heard {
        let origin = origin(matter.id);
        if answered.contains(origin.as_str()) {
            continue;
        }
        let reply = Reply {
            id: work.new_id().into(),
            version: 1,
            origin,
            appeal_id: matter.appeal_id,
            appeal_number: matter.appeal_number.clone(),
            matter_id: Some(matter.id),
            ticket_id: Some(ticket),
            round: conclusion.round,
            channel_code: matter.channel_code.clone(),
            contact_ref: matter.contact_ref.clone(),
            state: first_state(work, &matter.channel_code, &matter.contact_ref).await?,
            cause: ReplyCause::Conclusion,
            text: conclusion.reply.clone(),
            replied_at: conclusion.concluded_at,
        };
        add_reply(work, cause, &reply).await?;
    }
    Ok(())
}

async fn open(
    work: &Work,
    conclusion: &Conclusion,
    matter: &Matter,
    is_live: bool,
) -> Result<FollowUp, CoreError> {
    let follow_up = FollowUp::open(work.new_id().into(), conclusion, matter, is_live);
    follow_ups::insert(work.txn(), &follow_up).await?;
    fault::point("follow_up.opened");
    Ok(follow_up)
}

async fn correct(
    work: &Work,
    follow_up: &FollowUp,
    is_live: bool,
) -> Result<Option<FollowUp>, CoreError> {
    let Some(command) = follow_up.correction(is_live) else {
        return Ok(None);
    };
    let Ok(corrected) = follow_up.after(command, work.now()) else {
        return Ok(None);
    };
    follow_ups::save(work.txn(), &corrected).await?;
    Ok(Some(corrected))
}

fn audit(
    work: &Work,
    cause: &Cause,
    resource: &'static str,
    id: String,
    version: i64,
    state: &str,
) {
    let entry = AuditEntry {
        resource,
        resource_id: id,
        version,
        action: state.to_owned(),
        reason: String::new(),
    };
    work.audit(cause, entry);
}
