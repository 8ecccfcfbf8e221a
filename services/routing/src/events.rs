//! What routing tells the others, and how it reacts to what they and its timers tell.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use hotline_kernel::id::{MatterId, TicketId};
use hotline_platform::reaction::{DueTimer, Reaction, ReactionError, TimerHandler};
use hotline_platform::work::{Cause, NewEvent, Work};
use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, Body, Envelope};
use hotline_proto::shared::RegistryRow;
use uuid::Uuid;

use crate::app::Routing;
use crate::app::hearing::{News, Verdict};
use crate::convert::{arrival, change_word, state_word, ticket_message, uuid};
use crate::domain::load::{Table, TableRows};
use crate::domain::ticket::Ticket;
use crate::domain::word::{Change, Word};
use crate::store;

/// The registry tables' aggregate ids: this one, and the table's place added.
const REGISTRY_IDS: u128 = 0x686f_746c_696e_6520_8000_726f_7574_0000;

/// A ticket was opened or changed; the event carries the version it has now.
pub(crate) fn ticket_changed(
    ticket: &Ticket,
    change: Change,
    previous_lead: &str,
    matter: Option<MatterId>,
    note: &str,
) -> NewEvent {
    event(
        ticket,
        Event::TicketChanged(pb::TicketChanged {
            ticket: Some(ticket_message(ticket)),
            change: change_word(change).into(),
            previous_lead_unit_code: previous_lead.to_owned(),
            matter_id: matter.map(|matter| matter.to_string()).unwrap_or_default(),
            note: note.to_owned(),
        }),
    )
}

/// A matter could not come onto a ticket; intake puts it back on its own.
pub(crate) fn attach_refused(ticket: &Ticket, matter: MatterId) -> NewEvent {
    event(
        ticket,
        Event::AttachRefused(pb::AttachRefused {
            ticket_id: ticket.id.to_string(),
            matter_id: matter.to_string(),
            ticket_state: state_word(ticket.state.name()).into(),
        }),
    )
}

fn event(ticket: &Ticket, event: Event) -> NewEvent {
    NewEvent {
        stream_id: ticket.id.uuid(),
        aggregate_id: ticket.id.uuid(),
        version: ticket.version,
        body: Body { event: Some(event) },
    }
}

/// A registry table was loaded for the `version`-th time; names travel with it.
pub(crate) fn registry_loaded(loaded: &TableRows, version: i64) -> NewEvent {
    let table = loaded.table();
    let place = Table::ALL
        .iter()
        .position(|(known, _)| *known == table)
        .unwrap_or_default();
    let id = Uuid::from_u128(REGISTRY_IDS + place as u128);
    let body = pb::RegistryLoaded {
        table: table.word().to_owned(),
        rows: named_rows(loaded),
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

/// What others may show: units, areas and categories by name. Of the other tables nobody needs the rows.
fn named_rows(loaded: &TableRows) -> Vec<RegistryRow> {
    let row =
        |code: &str, name: &str, parent_code: &str, columns: HashMap<String, String>| RegistryRow {
            code: code.to_owned(),
            name: name.to_owned(),
            parent_code: parent_code.to_owned(),
            columns,
        };
    match loaded {
        TableRows::Units(rows) => rows
            .iter()
            .map(|unit| {
                let columns = [("group", &unit.group), ("kind", &unit.kind)];
                let columns = columns.map(|(column, cell)| (column.to_owned(), cell.clone()));
                row(
                    &unit.code,
                    &unit.name,
                    &unit.parent_code,
                    HashMap::from(columns),
                )
            })
            .collect(),
        TableRows::Areas(rows) => rows
            .iter()
            .map(|area| row(&area.code, &area.name, &area.parent_code, HashMap::new()))
            .collect(),
        TableRows::Categories(rows) => rows
            .iter()
            .map(|category| {
                row(
                    &category.code,
                    &category.name,
                    &category.parent_code,
                    HashMap::new(),
                )
            })
            .collect(),
        TableRows::UnitAliases(_)
        | TableRows::Catalogue(_)
        | TableRows::Keywords(_)
        | TableRows::Holidays(_)
        | TableRows::PolicyProfiles(_) => Vec::new(),
    }
}

/// Hears intake (matters come and go), feedback (verdicts) and reporting (instructions).
///
/// Idempotent by (stream, aggregate, version): what was heard before is skipped.
pub(crate) struct Hearing(Arc<Routing>);

impl Hearing {
    /// Hears for `routing`.
    pub(crate) fn new(routing: Arc<Routing>) -> Self {
        Self(routing)
    }
}

#[async_trait]
impl Reaction for Hearing {
    fn producers(&self) -> &'static [&'static str] {
        &["intake", "feedback", "reporting"]
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &Envelope,
        body: &Body,
    ) -> Result<(), ReactionError> {
        let Some((ticket, news)) = news(body).map_err(ReactionError::Permanent)? else {
            return Ok(());
        };
        let aggregate =
            uuid("aggregate_id", &envelope.aggregate_id).map_err(ReactionError::Permanent)?;
        let is_new =
            store::heard::note(work.txn(), ticket.uuid(), aggregate, envelope.version).await?;
        if !is_new {
            return Ok(());
        }
        let cause = Cause {
            actor: envelope.actor.clone(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: format!("event:{}", envelope.r#type),
            trace_parent: envelope.trace_parent.clone(),
        };
        Ok(self.0.hear(work, &cause, ticket, news).await?)
    }
}

/// What an event means for a ticket; `None` if nothing.
fn news(body: &Body) -> Result<Option<(TicketId, News)>, String> {
    let missing = |what: &str| format!("the event has no {what}");
    let heard = match &body.event {
        Some(Event::MatterAttached(attached)) => {
            let arrived = arrival(attached.matter.clone().ok_or_else(|| missing("matter"))?)?;
            (arrived.ticket_id, News::Arrived(Box::new(arrived)))
        }
        Some(Event::MatterDetached(detached)) => {
            let matter = detached.matter.as_ref().ok_or_else(|| missing("matter"))?;
            let left = News::Left {
                matter: MatterId::from(uuid("matter.id", &matter.id)?),
                is_withdrawn: detached.r#move() == pb::MatterMove::Withdrawn,
            };
            (
                TicketId::from(uuid("ticket_id", &detached.ticket_id)?),
                left,
            )
        }
        Some(Event::FollowUpChanged(changed)) => {
            let verdict = match changed.verdict() {
                pb::Verdict::Archive => Verdict::Archive,
                pb::Verdict::Rework => Verdict::Rework,
                pb::Verdict::Pending | pb::Verdict::Unspecified => return Ok(None),
            };
            let follow_up = changed
                .follow_up
                .as_ref()
                .ok_or_else(|| missing("follow_up"))?;
            let judged = News::Judged {
                round: follow_up.round,
                verdict,
                note: follow_up.note.clone(),
            };
            (
                TicketId::from(uuid("ticket_id", &follow_up.ticket_id)?),
                judged,
            )
        }
        Some(Event::InstructionGiven(given)) => {
            let text = format!("{}: {}", given.leader, given.text);
            (
                TicketId::from(uuid("ticket_id", &given.ticket_id)?),
                News::Instructed { text },
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(heard))
}

/// Fires cards and reminders.
pub(crate) struct Timers(Arc<Routing>);

impl Timers {
    /// Fires the timers of `routing`.
    pub(crate) fn new(routing: Arc<Routing>) -> Self {
        Self(routing)
    }
}

#[async_trait]
impl TimerHandler for Timers {
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError> {
        Ok(self.0.warn(work, timer).await?)
    }
}
