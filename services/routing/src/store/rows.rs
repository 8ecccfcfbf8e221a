//! Between a ticket and its row.

use hotline_kernel::id::TicketId;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;

use super::entity::ticket::Model;
use super::{count, from_json, instant, json, stored, unexpected, word};
use crate::domain::deadline::Due;
use crate::domain::matter::MatterOnTicket;
use crate::domain::state::{
    Assignment, Conclusion, Report, ReturnRequest, Returning, Signing, TicketState,
};
use crate::domain::ticket::{Demand, Ticket};
use crate::domain::word::Word;

/// The row of a ticket.
pub(super) fn row(ticket: &Ticket) -> Result<Model, CoreError> {
    let Ticket { demand, state, .. } = ticket;
    let (assignment, signing) = (state.assignment(), state.signing());
    let (request, report) = (state.request(), state.report());
    let at = |instant: Option<Timestamp>| instant.map(micros);
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let assisting = assignment
        .map(|held| held.assisting_unit_codes.as_slice())
        .unwrap_or_default();
    let sign_due = assignment.and_then(|assignment| assignment.sign_due);
    let (concluded_at, archived_at) = endings(state);
    Ok(Model {
        id: ticket.id.uuid(),
        number: ticket.number.clone(),
        version: ticket.version,
        state: state.name().to_owned(),
        is_open: state.is_open(),
        nature: demand.nature.word().to_owned(),
        kind: demand.kind.word().to_owned(),
        urgency: demand.urgency.word().to_owned(),
        category_code: demand.category_code.clone(),
        area_code: demand.area_code.clone(),
        subject: demand.subject.clone(),
        text: demand.text.clone(),
        channel_code: demand.channel_code.clone(),
        received_at: micros(demand.received_at),
        imported_due_at: at(demand.imported_due_at),
        confidentiality: json("ticket.confidentiality", &demand.confidentiality)?,
        citizen_due_at: at(ticket.citizen_due.map(|due| due.at)),
        citizen_due_provisional: ticket.citizen_due.is_some_and(|due| due.is_provisional),
        round: stored(ticket.round),
        returns: stored(ticket.returns),
        counted_returns: stored(ticket.counted_returns),
        card: ticket.card.word().to_owned(),
        reminders: stored(ticket.reminders),
        supervision_orders: stored(ticket.supervision_orders),
        instructions: stored(ticket.instructions),
        is_escalated: ticket.is_escalated,
        timer_sequence: ticket.timer_sequence,
        lead_unit_code: text(assignment.map(|assignment| &assignment.lead_unit_code)),
        assisting_unit_codes: json("ticket.assisting_unit_codes", &assisting)?,
        dispatch_source: assignment.map_or("", |held| held.source.word()).to_owned(),
        is_binding: assignment.is_some_and(|assignment| assignment.is_binding),
        dispatched_at: at(assignment.map(|assignment| assignment.dispatched_at)),
        unit_due_at: at(assignment.map(|assignment| assignment.due.at)),
        unit_due_provisional: assignment.is_some_and(|assignment| assignment.due.is_provisional),
        sign_due_at: at(sign_due.map(|due| due.at)),
        sign_due_provisional: sign_due.is_some_and(|due| due.is_provisional),
        signed_at: at(signing.map(|signing| signing.signed_at)),
        return_until: at(signing.map(|signing| signing.return_until)),
        return_reason: request
            .map_or("", |request| request.reason.word())
            .to_owned(),
        return_clause: text(request.map(|request| &request.clause)),
        proposed_unit_code: text(request.map(|request| &request.proposed_unit_code)),
        handling_report: text(report.map(|report| &report.handling_report)),
        reply: text(report.map(|report| &report.reply)),
        handled_at: at(report.map(|report| report.handled_at)),
        concluded_at: at(concluded_at),
        archived_at: at(archived_at),
        was_concluded: matches!(
            state,
            TicketState::Absorbed {
                was_concluded: true
            }
        ),
    })
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

/// The ticket of a row and of the matters on it.
pub(super) fn ticket(row: Model, matters: Vec<MatterOnTicket>) -> Result<Ticket, CoreError> {
    Ok(Ticket {
        id: TicketId::from(row.id),
        version: row.version,
        demand: Demand {
            nature: word("ticket.nature", &row.nature)?,
            kind: word("ticket.kind", &row.kind)?,
            urgency: word("ticket.urgency", &row.urgency)?,
            category_code: row.category_code.clone(),
            area_code: row.area_code.clone(),
            subject: row.subject.clone(),
            text: row.text.clone(),
            channel_code: row.channel_code.clone(),
            received_at: instant("ticket.received_at", row.received_at)?,
            imported_due_at: optional("ticket.imported_due_at", row.imported_due_at)?,
            confidentiality: from_json("ticket.confidentiality", &row.confidentiality)?,
        },
        matters,
        citizen_due: due(
            "ticket.citizen_due_at",
            row.citizen_due_at,
            row.citizen_due_provisional,
        )?,
        round: count("ticket.round", row.round)?,
        returns: count("ticket.returns", row.returns)?,
        counted_returns: count("ticket.counted_returns", row.counted_returns)?,
        card: word("ticket.card", &row.card)?,
        reminders: count("ticket.reminders", row.reminders)?,
        supervision_orders: count("ticket.supervision_orders", row.supervision_orders)?,
        instructions: count("ticket.instructions", row.instructions)?,
        is_escalated: row.is_escalated,
        timer_sequence: row.timer_sequence,
        state: state(&row)?,
        number: row.number,
    })
}

fn state(row: &Model) -> Result<TicketState, CoreError> {
    Ok(match row.state.as_str() {
        "awaiting_dispatch" => TicketState::AwaitingDispatch,
        "dispatched" => TicketState::Dispatched {
            assignment: assignment(row)?,
        },
        "return_review" => TicketState::ReturnReview(returning(row)?),
        "consultation" => TicketState::Consultation(returning(row)?),
        "signed" => TicketState::Signed {
            assignment: assignment(row)?,
            signing: signed(row)?,
        },
        "handled" => TicketState::Handled {
            assignment: assignment(row)?,
            signing: signed(row)?,
            report: report(row)?,
        },
        "concluded" => TicketState::Concluded(conclusion(row)?),
        "archived" => TicketState::Archived {
            conclusion: if row.concluded_at.is_some() {
                Some(conclusion(row)?)
            } else {
                None
            },
            archived_at: required("ticket.archived_at", row.archived_at)?,
        },
        "absorbed" => TicketState::Absorbed {
            was_concluded: row.was_concluded,
        },
        _ => return Err(unexpected("ticket.state")),
    })
}

fn returning(row: &Model) -> Result<Returning, CoreError> {
    Ok(Returning {
        assignment: assignment(row)?,
        signing: signing(row)?,
        request: request(row)?,
    })
}

fn assignment(row: &Model) -> Result<Assignment, CoreError> {
    let unit_due = due(
        "ticket.unit_due_at",
        row.unit_due_at,
        row.unit_due_provisional,
    )?;
    Ok(Assignment {
        lead_unit_code: row.lead_unit_code.clone(),
        assisting_unit_codes: from_json("ticket.assisting_unit_codes", &row.assisting_unit_codes)?,
        source: word("ticket.dispatch_source", &row.dispatch_source)?,
        is_binding: row.is_binding,
        dispatched_at: required("ticket.dispatched_at", row.dispatched_at)?,
        due: unit_due.ok_or_else(|| unexpected("ticket.unit_due_at"))?,
        sign_due: due(
            "ticket.sign_due_at",
            row.sign_due_at,
            row.sign_due_provisional,
        )?,
    })
}

fn signing(row: &Model) -> Result<Option<Signing>, CoreError> {
    row.signed_at.map(|_| signed(row)).transpose()
}

fn signed(row: &Model) -> Result<Signing, CoreError> {
    Ok(Signing {
        signed_at: required("ticket.signed_at", row.signed_at)?,
        return_until: required("ticket.return_until", row.return_until)?,
    })
}

fn request(row: &Model) -> Result<ReturnRequest, CoreError> {
    Ok(ReturnRequest {
        reason: word("ticket.return_reason", &row.return_reason)?,
        clause: row.return_clause.clone(),
        proposed_unit_code: row.proposed_unit_code.clone(),
    })
}

fn report(row: &Model) -> Result<Report, CoreError> {
    Ok(Report {
        handling_report: row.handling_report.clone(),
        reply: row.reply.clone(),
        handled_at: required("ticket.handled_at", row.handled_at)?,
    })
}

fn conclusion(row: &Model) -> Result<Conclusion, CoreError> {
    Ok(Conclusion {
        assignment: assignment(row)?,
        signing: signed(row)?,
        report: report(row)?,
        concluded_at: required("ticket.concluded_at", row.concluded_at)?,
    })
}

fn optional(column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>, CoreError> {
    micros.map(|micros| instant(column, micros)).transpose()
}

fn required(column: &'static str, micros: Option<i64>) -> Result<Timestamp, CoreError> {
    optional(column, micros)?.ok_or_else(|| unexpected(column))
}

fn due(
    column: &'static str,
    micros: Option<i64>,
    is_provisional: bool,
) -> Result<Option<Due>, CoreError> {
    Ok(optional(column, micros)?.map(|at| Due { at, is_provisional }))
}
