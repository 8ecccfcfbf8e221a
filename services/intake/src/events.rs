//! What intake tells the others, and how it reacts to what they tell.
//!
//! Bodies hold masked texts only: [`Appeal`] and [`Matter`] have no others.

use async_trait::async_trait;
use hotline_kernel::id::TicketId;
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::work::{Cause, NewEvent, Work};
use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, Body, Envelope};
use hotline_proto::shared::{self, RegistryRow};
use uuid::Uuid;

use crate::app::hearing::{self, Refusal};
use crate::app::registry::Loaded;
use crate::convert::{appeal_message, matter_message, optional_instant, parse_id, word};
use crate::domain::Invalid;
use crate::domain::appeal::{Appeal, Change};
use crate::domain::matter::{Matter, Move, SeenTicket, Step};
use crate::domain::registry::{Channel, Line};
use crate::domain::terms::Term;
use crate::error::IntakeError;

/// An appeal was registered or changed; the event carries the version it has now.
pub fn appeal_changed(appeal: &Appeal, matters: &[&Matter], change: Change) -> NewEvent {
    let changed = pb::AppealChanged {
        appeal: Some(appeal_message(appeal, matters)),
        change: change_of(change).into(),
    };
    NewEvent {
        stream_id: appeal.id.uuid(),
        aggregate_id: appeal.id.uuid(),
        version: appeal.version,
        body: Body {
            event: Some(Event::AppealChanged(changed)),
        },
    }
}

/// A matter moved: told to the ticket it left, then to the ticket it came to. The last event
/// carries the version the matter has now.
pub fn matter_moved(appeal: &Appeal, matter: &Matter, step: &Step) -> Vec<NewEvent> {
    let message = matter_message(appeal, matter);
    let cause = move_of(step.cause);
    let to = matter.ticket();
    let mut events = Vec::with_capacity(2);
    if let (Some(from), true) = (step.from, step.is_detached()) {
        let detached = pb::MatterDetached {
            matter: Some(message.clone()),
            r#move: cause.into(),
            ticket_id: from.to_string(),
            to_ticket_id: text_of(to),
        };
        let version = matter.version - i64::from(step.is_attached());
        events.push(event(
            from,
            matter,
            version,
            Event::MatterDetached(detached),
        ));
    }
    if let Some(to) = to {
        let attached = pb::MatterAttached {
            matter: Some(message),
            r#move: cause.into(),
            from_ticket_id: text_of(step.from),
        };
        events.push(event(
            to,
            matter,
            matter.version,
            Event::MatterAttached(attached),
        ));
    }
    events
}

fn event(stream: TicketId, matter: &Matter, version: i64, event: Event) -> NewEvent {
    let (stream_id, aggregate_id): (Uuid, Uuid) = (stream.uuid(), matter.id.uuid());
    NewEvent {
        stream_id,
        aggregate_id,
        version,
        body: Body { event: Some(event) },
    }
}

fn text_of(ticket: Option<TicketId>) -> String {
    ticket.map(|ticket| ticket.to_string()).unwrap_or_default()
}

fn change_of(change: Change) -> pb::AppealChange {
    match change {
        Change::Registered => pb::AppealChange::Registered,
        Change::Accepted => pb::AppealChange::Accepted,
        Change::Answered => pb::AppealChange::Answered,
        Change::Guided => pb::AppealChange::Guided,
        Change::Diverted => pb::AppealChange::Diverted,
        Change::Quarantined => pb::AppealChange::Quarantined,
        Change::Released => pb::AppealChange::Released,
        Change::Withdrawn => pb::AppealChange::Withdrawn,
        Change::Split => pb::AppealChange::Split,
    }
}

fn move_of(cause: Move) -> pb::MatterMove {
    match cause {
        Move::Open => pb::MatterMove::Opened,
        Move::Split => pb::MatterMove::Split,
        Move::SameText(_) => pb::MatterMove::SameText,
        Move::Merge(_) => pb::MatterMove::Merged,
        Move::Unmerge => pb::MatterMove::Unmerged,
        Move::Refuse(_) => pb::MatterMove::Refused,
        Move::Withdraw => pb::MatterMove::Withdrawn,
    }
}

/// Ids of the registry tables, as aggregates; one per table, for ever.
const CHANNELS: Uuid = Uuid::from_u128(0x5f1c_1f0a_6d2b_5c55_9a5e_0d1b_7f3a_0001);
const LINES: Uuid = Uuid::from_u128(0x5f1c_1f0a_6d2b_5c55_9a5e_0d1b_7f3a_0002);

/// A registry table was loaded for the `version`th time.
pub fn registry_loaded(loaded: &Loaded, version: i64) -> NewEvent {
    let (id, rows): (Uuid, Vec<RegistryRow>) = match loaded {
        Loaded::Channels(rows) => (CHANNELS, rows.iter().map(channel_row).collect()),
        Loaded::Lines(rows) => (LINES, rows.iter().map(line_row).collect()),
    };
    let body = pb::RegistryLoaded {
        table: loaded.name().to_owned(),
        rows,
    };
    NewEvent {
        stream_id: id,
        aggregate_id: id,
        version,
        body: Body {
            event: Some(Event::RegistryLoaded(body)),
        },
    }
}

fn channel_row(channel: &Channel) -> RegistryRow {
    let columns = [
        ("kind", channel.kind.clone()),
        ("owner_unit_code", channel.owner_unit_code.clone()),
        ("public_answer", yes_no(channel.is_answered_publicly)),
    ];
    registry_row(&channel.code, &channel.name, columns)
}

fn line_row(line: &Line) -> RegistryRow {
    let columns = [
        ("unit_name", line.unit_name.clone()),
        ("merge_mode", line.merge_mode.word().to_owned()),
        ("exempt", yes_no(line.is_exempt)),
    ];
    registry_row(&line.number, &line.name, columns)
}

fn registry_row<const N: usize>(
    code: &str,
    name: &str,
    columns: [(&str, String); N],
) -> RegistryRow {
    RegistryRow {
        code: code.to_owned(),
        name: name.to_owned(),
        parent_code: String::new(),
        columns: columns
            .into_iter()
            .map(|(column, value)| (column.to_owned(), value))
            .collect(),
    }
}

fn yes_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// Hears where tickets stand and which matters they refused; and the tree of units.
///
/// Idempotent by the ticket's version, and by where the matter stands.
pub struct TicketReaction;

#[async_trait]
impl Reaction for TicketReaction {
    fn producers(&self) -> &'static [&'static str] {
        &["routing"]
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &Envelope,
        body: &Body,
    ) -> Result<(), ReactionError> {
        match &body.event {
            Some(Event::TicketChanged(changed)) => {
                let ticket = seen_ticket(changed, envelope.version)
                    .map_err(|invalid| permanent(&invalid))?;
                let lead = changed
                    .ticket
                    .as_ref()
                    .map(|ticket| ticket.lead_unit_code.as_str());
                hearing::ticket_changed(work, &ticket, lead)
                    .await
                    .map_err(failed)
            }
            Some(Event::RegistryLoaded(loaded)) if loaded.table == "units" => {
                let unit = |row: &RegistryRow| (row.code.clone(), row.parent_code.clone());
                let units: Vec<_> = loaded.rows.iter().map(unit).collect();
                hearing::units_loaded(work, &units).await.map_err(failed)
            }
            Some(Event::AttachRefused(refused)) => {
                let refusal =
                    refusal(refused, envelope.version).map_err(|invalid| permanent(&invalid))?;
                hearing::attach_refused(work, &cause(envelope), refusal)
                    .await
                    .map_err(failed)
            }
            _ => Ok(()),
        }
    }
}

fn seen_ticket(changed: &pb::TicketChanged, version: i64) -> Result<SeenTicket, Invalid> {
    let ticket = changed
        .ticket
        .as_ref()
        .ok_or_else(|| Invalid::new("ticket", "present"))?;
    Ok(SeenTicket {
        id: parse_id("ticket.id", &ticket.id)?,
        number: ticket.number.clone(),
        state: word::<_, shared::TicketState>("ticket.state", ticket.state)?,
        due_at: optional_instant("ticket.citizen_due_at", ticket.citizen_due_at)?,
        version,
    })
}

fn refusal(refused: &pb::AttachRefused, version: i64) -> Result<Refusal, Invalid> {
    Ok(Refusal {
        ticket: parse_id("ticket_id", &refused.ticket_id)?,
        matter: parse_id("matter_id", &refused.matter_id)?,
        state: word::<_, shared::TicketState>("ticket_state", refused.ticket_state)?,
        version,
    })
}

fn cause(envelope: &Envelope) -> Cause {
    Cause {
        actor: format!("event:{}", envelope.producer),
        session: String::new(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: format!("event:{}", envelope.r#type),
        trace_parent: envelope.trace_parent.clone(),
    }
}

fn permanent(invalid: &Invalid) -> ReactionError {
    ReactionError::Permanent(invalid.to_string())
}

fn failed(error: IntakeError) -> ReactionError {
    match error {
        IntakeError::Core(error) => error.into(),
        // Another write was at the same row; the next attempt sees it.
        IntakeError::Collision => ReactionError::Unknown(Box::new(error)),
        other => ReactionError::Permanent(other.to_string()),
    }
}
