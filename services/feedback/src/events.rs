//! What feedback publishes, and how it hears intake and routing.

use async_trait::async_trait;
use hotline_kernel::id::AppealId;
use hotline_kernel::time::Timestamp;
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::work::{Cause, NewEvent, Work};
use hotline_proto::event as pb;
use hotline_proto::event::body::Event;
use hotline_proto::shared::{Nature, TicketState};

use crate::app::hearing::{self, AnsweredAppeal, HeardTicket, ImportedReply};
use crate::convert;
use crate::domain::conclusion::{Conclusion, Verdict};
use crate::domain::follow_up::FollowUp;
use crate::domain::matter::Matter;
use crate::domain::reply::{Reply, ReplyCause};

/// The table of intake's registry that tells of channels.
const CHANNELS: &str = "channels";
/// Its column that says whether answers are shown in public.
const PUBLIC_ANSWER: &str = "public_answer";

/// Writes a reply, as it stands now, to this service's log.
pub(crate) fn publish_reply(work: &Work, cause: &Cause, reply: &Reply) {
    let stream = reply
        .ticket_id
        .map_or(reply.appeal_id.uuid(), hotline_kernel::id::TicketId::uuid);
    let changed = pb::ReplyChanged {
        reply: Some(convert::reply(reply)),
    };
    let event = NewEvent {
        stream_id: stream,
        aggregate_id: reply.id.uuid(),
        version: reply.version,
        body: pb::Body {
            event: Some(Event::ReplyChanged(changed)),
        },
    };
    work.publish(cause, event);
}

/// Writes a follow-up, as it stands now, to this service's log.
pub(crate) fn publish_follow_up(
    work: &Work,
    cause: &Cause,
    follow_up: &FollowUp,
    verdict: Verdict,
) {
    let changed = pb::FollowUpChanged {
        follow_up: Some(convert::follow_up(follow_up)),
        verdict: convert::verdict(verdict).into(),
    };
    let event = NewEvent {
        stream_id: follow_up.ticket_id.uuid(),
        aggregate_id: follow_up.id.uuid(),
        version: follow_up.version,
        body: pb::Body {
            event: Some(Event::FollowUpChanged(changed)),
        },
    };
    work.publish(cause, event);
}

/// Hears intake (whose a matter is, where it stands) and routing (what was concluded).
pub(crate) struct Hearing;

#[async_trait]
impl Reaction for Hearing {
    fn producers(&self) -> &'static [&'static str] {
        &["intake", "routing"]
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &pb::Envelope,
        body: &pb::Body,
    ) -> Result<(), ReactionError> {
        let cause = cause(envelope);
        match &body.event {
            Some(Event::AppealChanged(changed)) => {
                let Some(answered) = answered(changed, occurred_at(envelope)?)? else {
                    return Ok(());
                };
                hearing::appeal_answered(work, &cause, answered).await?;
            }
            Some(Event::MatterAttached(attached)) => {
                let pb_matter = needed("matter", attached.matter.as_ref())?;
                let at = convert::ticket_id(&pb_matter.ticket_id)?;
                let mut heard = matter(envelope, pb_matter, Some(at))?;
                heard.visited.push(at);
                let imported = imported(pb_matter)?;
                hearing::matter_moved(work, &cause, heard, imported).await?;
            }
            Some(Event::MatterDetached(detached)) => {
                let pb_matter = needed("matter", detached.matter.as_ref())?;
                let to = Some(detached.to_ticket_id.as_str()).filter(|to| !to.is_empty());
                let mut heard =
                    matter(envelope, pb_matter, to.map(convert::ticket_id).transpose()?)?;
                heard.visited.push(convert::ticket_id(&detached.ticket_id)?);
                let imported = imported(pb_matter)?;
                hearing::matter_moved(work, &cause, heard, imported).await?;
            }
            Some(Event::TicketChanged(changed)) => {
                let Some(heard) = ticket(envelope, changed)? else {
                    return Ok(());
                };
                hearing::ticket_changed(work, &cause, heard).await?;
            }
            Some(Event::RegistryLoaded(loaded)) if loaded.table == CHANNELS => {
                for row in &loaded.rows {
                    let is_public = row
                        .columns
                        .get(PUBLIC_ANSWER)
                        .is_some_and(|word| is_yes(word));
                    hearing::channel_loaded(work, &cause, &row.code, is_public).await?;
                }
            }
            // Other facts are not feedback's concern; unknown ones come from a newer producer.
            _ => {}
        }
        Ok(())
    }
}

fn cause(envelope: &pb::Envelope) -> Cause {
    Cause {
        actor: format!("event:{}", envelope.producer),
        session: String::new(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: format!("event:{}", envelope.r#type),
        trace_parent: envelope.trace_parent.clone(),
    }
}

/// The reply that an appeal's change calls for, if any.
fn answered(
    changed: &pb::AppealChanged,
    at: Timestamp,
) -> Result<Option<AnsweredAppeal>, ReactionError> {
    let cause = match changed.change() {
        pb::AppealChange::Answered => ReplyCause::DirectAnswer,
        pb::AppealChange::Guided => ReplyCause::Guidance,
        _ => return Ok(None),
    };
    let appeal = needed("appeal", changed.appeal.as_ref())?;
    if appeal.nature() == Nature::Historical {
        return Ok(None);
    }
    let id: AppealId = appeal
        .id
        .parse()
        .map_err(|_| convert::not_an_id("appeal.id"))?;
    Ok(Some(AnsweredAppeal {
        id,
        number: appeal.number.clone(),
        channel_code: appeal.channel_code.clone(),
        contact_ref: appeal.contact_ref.clone(),
        cause,
        text: answer_text(appeal),
        answered_at: at,
    }))
}

/// What the citizen is told; guidance without words of its own names the body and the route.
fn answer_text(appeal: &pb::Appeal) -> String {
    let parts = [&appeal.answer, &appeal.competent_body, &appeal.legal_route];
    if !appeal.answer.is_empty() {
        return appeal.answer.clone();
    }
    let told: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    told.join(":")
}

fn matter(
    envelope: &pb::Envelope,
    matter: &pb::Matter,
    ticket_id: Option<hotline_kernel::id::TicketId>,
) -> Result<Matter, ReactionError> {
    Ok(Matter {
        id: matter
            .id
            .parse()
            .map_err(|_| convert::not_an_id("matter.id"))?,
        version: envelope.version,
        appeal_id: matter
            .appeal_id
            .parse()
            .map_err(|_| convert::not_an_id("matter.appeal_id"))?,
        appeal_number: matter.appeal_number.clone(),
        channel_code: matter.channel_code.clone(),
        contact_ref: matter.contact_ref.clone(),
        is_historical: matter.nature() == Nature::Historical,
        ticket_id,
        visited: Vec::new(),
    })
}

fn imported(matter: &pb::Matter) -> Result<Option<ImportedReply>, ReactionError> {
    let Some(imported) = &matter.imported_reply else {
        return Ok(None);
    };
    // A source that does not say when it replied did so before we received it.
    let told = imported.replied_at.or(matter.received_at);
    let replied_at = convert::instant("imported_reply.replied_at", told)?;
    Ok(Some(ImportedReply {
        text: imported.text.clone(),
        replied_at,
    }))
}

fn ticket(
    envelope: &pb::Envelope,
    changed: &pb::TicketChanged,
) -> Result<Option<HeardTicket>, ReactionError> {
    let ticket = needed("ticket", changed.ticket.as_ref())?;
    if ticket.nature() == Nature::Historical {
        return Ok(None);
    }
    let id = convert::ticket_id(&ticket.id)?;
    let conclusion = match changed.change() {
        pb::TicketChange::Concluded => Some(conclusion(envelope, changed, ticket)?),
        _ => None,
    };
    let is_concluded = ticket.state() == TicketState::Concluded;
    Ok(Some(HeardTicket {
        id,
        version: envelope.version,
        is_concluded,
        conclusion,
    }))
}

fn conclusion(
    envelope: &pb::Envelope,
    changed: &pb::TicketChanged,
    ticket: &pb::Ticket,
) -> Result<Conclusion, ReactionError> {
    let mut matter_ids = Vec::new();
    for id in &ticket.matter_ids {
        matter_ids.push(
            id.parse()
                .map_err(|_| convert::not_an_id("ticket.matter_ids"))?,
        );
    }
    matter_ids.sort_unstable();
    matter_ids.dedup();
    let lead = match ticket.lead_unit_code.as_str() {
        "" => &changed.previous_lead_unit_code,
        _ => &ticket.lead_unit_code,
    };
    Ok(Conclusion {
        ticket_id: convert::ticket_id(&ticket.id)?,
        ticket_version: envelope.version,
        round: ticket.round,
        reply: ticket.reply.clone(),
        lead_unit_code: lead.clone(),
        concluded_at: match ticket.concluded_at {
            Some(_) => convert::instant("ticket.concluded_at", ticket.concluded_at)?,
            None => occurred_at(envelope)?,
        },
        matter_ids,
        verdict: Verdict::Pending,
    })
}

fn occurred_at(envelope: &pb::Envelope) -> Result<Timestamp, ReactionError> {
    convert::instant("envelope.occurred_at", envelope.occurred_at)
}

fn needed<'a, T>(field: &'static str, value: Option<&'a T>) -> Result<&'a T, ReactionError> {
    value.ok_or_else(|| ReactionError::Permanent(format!("the event has no {field}")))
}

fn is_yes(word: &str) -> bool {
    matches!(word, "yes" | "true" | "1" | "是")
}
