//! What intake tells the others, and how it reacts to what they tell.
//!
//! Bodies hold masked texts only: [`Appeal`] and [`Matter`] have no others.

use hotline_kernel::id::TicketId;
use hotline_platform::work::NewEvent;
use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, Body};
use uuid::Uuid;

use crate::convert::{appeal_message, matter_message};
use crate::domain::appeal::{Appeal, Change};
use crate::domain::matter::{Matter, Move, Step};

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
