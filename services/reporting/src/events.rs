//! What reporting publishes, and how it hears intake, routing and feedback.

use async_trait::async_trait;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::work::{Cause, NewEvent, Work};
use hotline_proto::event as pb;
use hotline_proto::event::body::Event;

use crate::app::{hearing, issue_number};
use crate::convert::heard;
use crate::domain::document::IssuedHead;
use crate::store::{self, Instruction};

/// Registry tables whose names documents print.
const NAMED_TABLES: [&str; 5] = ["channels", "lines", "units", "categories", "areas"];

/// Writes to this service's log that a document was issued.
pub(crate) fn publish_issued(work: &Work, cause: &Cause, head: &IssuedHead) {
    let issued = pb::DocumentIssued {
        document_id: head.id.to_string(),
        series: head.period.series.word().to_owned(),
        issue_number: issue_number(head.period.year(), head.number),
        period: head.period.text(),
    };
    let event = NewEvent {
        stream_id: head.id,
        aggregate_id: head.id,
        version: 1,
        body: pb::Body {
            event: Some(Event::DocumentIssued(issued)),
        },
    };
    work.publish(cause, event);
}

/// Writes an instruction to this service's log, in the stream of its ticket.
pub(crate) fn publish_instruction(work: &Work, cause: &Cause, given: &Instruction) {
    let instruction = pb::InstructionGiven {
        instruction_id: given.id.to_string(),
        ticket_id: given.ticket_id.to_string(),
        leader: given.leader.clone(),
        text: given.text.clone(),
    };
    let event = NewEvent {
        stream_id: given.ticket_id,
        aggregate_id: given.id,
        version: 1,
        body: pb::Body {
            event: Some(Event::InstructionGiven(instruction)),
        },
    };
    work.publish(cause, event);
}

/// Feeds the read models.
pub(crate) struct Hearing {
    zone: Zone,
}

impl Hearing {
    /// A reader of events in the city's zone, which decides what day they count for.
    pub(crate) fn new(zone: Zone) -> Self {
        Self { zone }
    }
}

#[async_trait]
impl Reaction for Hearing {
    fn producers(&self) -> &'static [&'static str] {
        &["intake", "routing", "feedback"]
    }

    async fn begin(&self, work: &Work, events: &[&pb::Envelope]) -> Result<(), ReactionError> {
        let mut latest = Timestamp::UNIX_EPOCH;
        for event in events {
            latest = latest.max(heard::occurred_at(event)?);
        }
        Ok(store::lock(work.txn(), latest).await?)
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &pb::Envelope,
        body: &pb::Body,
    ) -> Result<(), ReactionError> {
        let Some(event) = &body.event else {
            return Ok(());
        };
        let at = heard::occurred_at(envelope)?;
        let (zone, version) = (self.zone, envelope.version);
        match event {
            Event::AppealChanged(changed) => {
                hearing::appeal(work, heard::appeal(zone, version, changed)?).await?;
            }
            Event::MatterAttached(moved) => {
                let matter = heard::matter(zone, version, moved.matter.as_ref(), moved.r#move())?;
                hearing::matter(work, matter).await?;
            }
            Event::MatterDetached(moved) => {
                let matter = heard::matter(zone, version, moved.matter.as_ref(), moved.r#move())?;
                hearing::matter(work, matter).await?;
            }
            Event::TicketChanged(changed) => {
                hearing::ticket(work, zone, heard::ticket(zone, version, at, changed)?).await?;
            }
            Event::ReplyChanged(changed) => {
                hearing::reply(work, heard::reply(zone, version, at, changed)?).await?;
            }
            Event::FollowUpChanged(changed) => {
                hearing::follow_up(work, heard::follow_up(zone, version, at, changed)?).await?;
            }
            Event::RegistryLoaded(loaded) if NAMED_TABLES.contains(&loaded.table.as_str()) => {
                hearing::registry(work, &loaded.table, version, heard::names(loaded)).await?;
            }
            // A refused attachment is told again by the matter's way back; the rest is our own.
            Event::RegistryLoaded(_)
            | Event::AttachRefused(_)
            | Event::DocumentIssued(_)
            | Event::InstructionGiven(_) => {}
        }
        Ok(())
    }

    async fn reset(&self, work: &Work) -> Result<(), ReactionError> {
        Ok(store::clear_read_models(work.txn()).await?)
    }
}
