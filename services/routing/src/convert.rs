//! Between the wire and the domain.

pub(crate) mod orders;
mod words;

use chrono::{DateTime, Timelike};
use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use hotline_proto::event as pb;
use hotline_proto::routing as rpc;
use hotline_proto::shared;
use uuid::Uuid;

pub(crate) use self::words::{card, change_word, state_name, state_word};
use self::words::{
    card_word, kind, kind_word, nature, nature_word, reason, reason_word, urgency, urgency_word,
};
use crate::app::hearing::Arrival;
use crate::app::queries::Name;
use crate::domain::catalogue::CatalogueProposal;
use crate::domain::matter::{Confidentiality, MatterOnTicket};
use crate::domain::state::TicketState;
use crate::domain::ticket::{Demand, Step, Ticket};
use crate::domain::word::{Urgency, Word};
use crate::error::RoutingError;

/// An instant on the wire.
pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    // Below two thousand million, so it always fits.
    let nanos = i32::try_from(at.nanosecond()).unwrap_or_default();
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos,
    }
}

/// An instant off the wire, cut to microseconds; `None` if it is out of range.
pub(crate) fn instant(at: &prost_types::Timestamp) -> Option<Timestamp> {
    let micros = u32::try_from(at.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?
        / 1_000;
    DateTime::from_timestamp(at.seconds, micros * 1_000)
}

/// A ticket's id in a request.
pub(crate) fn ticket_id(text: &str) -> Result<TicketId, RoutingError> {
    text.parse().map_err(|_| RoutingError::Invalid {
        field: "ticket_id",
        expected: "a ticket's id",
    })
}

/// How a request names a ticket.
pub(crate) fn name(by: Option<rpc::get_ticket_request::By>) -> Result<Name, RoutingError> {
    match by {
        Some(rpc::get_ticket_request::By::TicketId(id)) => Ok(Name::Id(ticket_id(&id)?)),
        Some(rpc::get_ticket_request::By::Number(number)) if is_code(&number) => {
            Ok(Name::Number(number))
        }
        _ => Err(RoutingError::Invalid {
            field: "by",
            expected: "a ticket's id or number",
        }),
    }
}

/// A unit's code to look for; empty for any.
pub(crate) fn unit_code(text: &str) -> Result<String, RoutingError> {
    if !text.is_empty() && !is_code(text) {
        return Err(RoutingError::Invalid {
            field: "unit_code",
            expected: "the code of a unit",
        });
    }
    Ok(text.to_owned())
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// A snapshot of a ticket.
pub(crate) fn ticket_message(ticket: &Ticket) -> pb::Ticket {
    let Ticket { demand, state, .. } = ticket;
    let (held, report, request) = (state.assignment(), state.report(), state.request());
    let signing = state.signing();
    let sign_due = held.and_then(|held| held.sign_due);
    let dues = [ticket.citizen_due, held.map(|held| held.due), sign_due];
    let (concluded_at, archived_at) = endings(state);
    pb::Ticket {
        id: ticket.id.to_string(),
        number: ticket.number.clone(),
        state: state_word(state.name()).into(),
        nature: nature_word(demand.nature).into(),
        kind: kind_word(demand.kind).into(),
        urgency: urgency_word(demand.urgency).into(),
        category_code: demand.category_code.clone(),
        area_code: demand.area_code.clone(),
        subject: demand.subject.clone(),
        text: demand.text.clone(),
        channel_code: demand.channel_code.clone(),
        lead_unit_code: held
            .map(|held| held.lead_unit_code.clone())
            .unwrap_or_default(),
        assisting_unit_codes: held
            .map(|held| held.assisting_unit_codes.clone())
            .unwrap_or_default(),
        round: ticket.round,
        received_at: Some(timestamp(demand.received_at)),
        dispatched_at: held.map(|held| timestamp(held.dispatched_at)),
        signed_at: signing.map(|signing| timestamp(signing.signed_at)),
        handled_at: report.map(|report| timestamp(report.handled_at)),
        concluded_at: concluded_at.map(timestamp),
        archived_at: archived_at.map(timestamp),
        citizen_due_at: ticket.citizen_due.map(|due| timestamp(due.at)),
        unit_due_at: held.map(|held| timestamp(held.due.at)),
        sign_due_at: sign_due.map(|due| timestamp(due.at)),
        due_provisional: dues.into_iter().flatten().any(|due| due.is_provisional),
        counted_returns: ticket.counted_returns,
        returns: ticket.returns,
        card: card_word(ticket.card).into(),
        reminders: ticket.reminders,
        supervision_orders: ticket.supervision_orders,
        escalated: ticket.is_escalated,
        matter_ids: ticket
            .matters
            .iter()
            .map(|matter| matter.id.to_string())
            .collect(),
        handling_report: report
            .map(|report| report.handling_report.clone())
            .unwrap_or_default(),
        reply: report
            .map(|report| report.reply.clone())
            .unwrap_or_default(),
        return_reason: request.map_or(0, |request| reason_word(request.reason).into()),
        proposed_unit_code: request
            .map(|request| request.proposed_unit_code.clone())
            .unwrap_or_default(),
        instructions: ticket.instructions,
        confidentiality: Some(confidentiality_message(ticket.confidentiality())),
        dispatch_source: held
            .map(|held| held.source.word().to_owned())
            .unwrap_or_default(),
    }
}

fn endings(state: &TicketState) -> (Option<Timestamp>, Option<Timestamp>) {
    match state {
        TicketState::Concluded(conclusion) => (Some(conclusion.concluded_at), None),
        TicketState::Archived {
            conclusion,
            archived_at,
        } => (
            conclusion
                .as_ref()
                .map(|conclusion| conclusion.concluded_at),
            Some(*archived_at),
        ),
        _ => (None, None),
    }
}

/// A ticket as lists and answers show it.
pub(crate) fn view(ticket: &Ticket, overdue: bool) -> rpc::TicketView {
    rpc::TicketView {
        ticket: Some(ticket_message(ticket)),
        version: ticket.version,
        overdue,
    }
}

/// A step of a history.
pub(crate) fn step_message(step: Step) -> rpc::TicketStep {
    rpc::TicketStep {
        version: step.version,
        change: change_word(step.change).into(),
        state: state_word(&step.state).into(),
        at: Some(timestamp(step.at)),
        actor: step.actor,
        unit_code: step.unit_code,
        note: step.note,
    }
}

/// A proposed change of the catalogue.
pub(crate) fn proposal_message(proposal: CatalogueProposal) -> rpc::CatalogueProposal {
    rpc::CatalogueProposal {
        ticket_id: proposal.ticket_id.to_string(),
        ticket_number: proposal.ticket_number,
        category_code: proposal.category_code,
        area_code: proposal.area_code,
        lead_unit_code: proposal.lead_unit_code,
        decision: proposal.decision,
        decided_at: Some(timestamp(proposal.decided_at)),
    }
}

/// A matter that arrived on a ticket.
///
/// # Errors
///
/// What is missing or not as the contract says.
pub(crate) fn arrival(matter: pb::Matter) -> Result<Arrival, String> {
    let own = uuid("reserved_ticket_id", &matter.reserved_ticket_id)?;
    let ticket_id = uuid("ticket_id", &matter.ticket_id)?;
    let received_at = matter
        .received_at
        .as_ref()
        .and_then(instant)
        .ok_or("no received_at")?;
    let confidentiality = matter
        .confidentiality
        .clone()
        .map(confidentiality)
        .unwrap_or_default();
    let demand = Demand {
        nature: nature(matter.nature()),
        kind: kind(matter.kind()),
        urgency: urgency(matter.urgency()).unwrap_or(Urgency::Normal),
        category_code: matter.category_code.clone(),
        area_code: matter.area_code.clone(),
        subject: matter.subject.clone(),
        text: matter.text.clone(),
        channel_code: matter.channel_code.clone(),
        received_at,
        imported_due_at: matter.imported_due_at.as_ref().and_then(instant),
        confidentiality: confidentiality.clone(),
    };
    let id = MatterId::from(uuid("id", &matter.id)?);
    Ok(Arrival {
        ticket_id: TicketId::from(ticket_id),
        is_own: own == ticket_id,
        number: matter.number,
        demand,
        matter: MatterOnTicket {
            id,
            received_at,
            confidentiality,
        },
    })
}

/// An id in an event.
pub(crate) fn uuid(field: &str, text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text).map_err(|_| format!("{field} is not an id"))
}

fn confidentiality(message: shared::Confidentiality) -> Confidentiality {
    Confidentiality {
        is_anonymous: message.anonymous,
        is_confidential: message.confidential,
        is_tip_off: message.tip_off,
        complained_unit_codes: message.complained_unit_codes,
    }
}

fn confidentiality_message(flags: Confidentiality) -> shared::Confidentiality {
    shared::Confidentiality {
        anonymous: flags.is_anonymous,
        confidential: flags.is_confidential,
        tip_off: flags.is_tip_off,
        complained_unit_codes: flags.complained_unit_codes,
    }
}
