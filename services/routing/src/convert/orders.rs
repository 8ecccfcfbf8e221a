//! Orders off the wire: texts in one normal form and within their limits.

use hotline_kernel::text::normalise;
use hotline_proto::routing as rpc;

use super::{reason, urgency};
use crate::app::order::{DispatchOrder, Order, ReturnOrder};
use crate::error::RoutingError;

/// The longest note: why a step was taken, or what was decided or ordered.
const NOTE_CHARS_MAX: usize = 2_000;
/// The longest report or reply; as long as what a citizen may write.
const REPORT_CHARS_MAX: usize = 20_000;

/// 派单.
pub(crate) fn dispatch(sent: rpc::DispatchTicketRequest) -> Result<Order, RoutingError> {
    let urgency = urgency(sent.urgency());
    Ok(Order::Dispatch(DispatchOrder {
        lead: sent.lead_unit_code,
        assisting: sent.assisting_unit_codes,
        category_code: sent.category_code,
        area_code: sent.area_code,
        urgency,
        note: note("note", &sent.note)?,
    }))
}

/// 退单.
pub(crate) fn give_back(sent: rpc::ReturnTicketRequest) -> Result<Order, RoutingError> {
    Ok(Order::Return(ReturnOrder {
        reason: reason(sent.reason())?,
        clause: note("clause", &sent.clause)?,
        note: note("note", &sent.note)?,
        proposed_unit_code: sent.proposed_unit_code,
    }))
}

/// The centre's decision on a return.
pub(crate) fn return_decision(sent: rpc::DecideReturnRequest) -> Result<Order, RoutingError> {
    Ok(Order::DecideReturn {
        grant: sent.grant,
        lead: sent.lead_unit_code,
        note: note("note", &sent.note)?,
    })
}

/// 会商.
pub(crate) fn consultation(sent: rpc::DecideConsultationRequest) -> Result<Order, RoutingError> {
    Ok(Order::DecideConsultation {
        lead: sent.lead_unit_code,
        assisting: sent.assisting_unit_codes,
        decision: note("decision", &sent.decision)?,
    })
}

/// Report and reply.
pub(crate) fn handling(sent: &rpc::HandleTicketRequest) -> Result<Order, RoutingError> {
    Ok(Order::Handle {
        handling_report: report("handling_report", &sent.handling_report)?,
        reply: report("reply", &sent.reply)?,
    })
}

/// The report is sent back.
pub(crate) fn send_back(sent: &rpc::SendBackTicketRequest) -> Result<Order, RoutingError> {
    let reason = note("reason", &sent.reason)?;
    Ok(Order::SendBack { reason })
}

/// 重办.
pub(crate) fn rework(sent: &rpc::ReworkTicketRequest) -> Result<Order, RoutingError> {
    let reason = note("reason", &sent.reason)?;
    Ok(Order::Rework { reason })
}

/// 督办.
pub(crate) fn supervision(sent: &rpc::SuperviseTicketRequest) -> Result<Order, RoutingError> {
    let order = note("order", &sent.order)?;
    Ok(Order::Supervise { order })
}

fn note(field: &'static str, text: &str) -> Result<String, RoutingError> {
    limited(field, text, NOTE_CHARS_MAX, "at most 2000 characters")
}

fn report(field: &'static str, text: &str) -> Result<String, RoutingError> {
    limited(field, text, REPORT_CHARS_MAX, "at most 20000 characters")
}

fn limited(
    field: &'static str,
    text: &str,
    chars_max: usize,
    expected: &'static str,
) -> Result<String, RoutingError> {
    let text = normalise(text);
    if text.chars().count() > chars_max {
        return Err(RoutingError::Invalid { field, expected });
    }
    Ok(text)
}
