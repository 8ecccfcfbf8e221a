//! A ticket as a record of the full export: the daily list's words, a column each.

use hotline_kernel::time::Zone;

use super::document::Cell;
use super::listing::{Ticket, applicant, summary};
use super::names::Names;
use super::words;

/// Columns of the export, from left to right.
pub const COLUMNS: [&str; 20] = [
    "受理编号",
    "来信时间",
    "渠道",
    "诉求人",
    "类型",
    "类别",
    "诉求摘要",
    "紧急程度",
    "主办单位",
    "协办单位",
    "状态",
    "办理轮次",
    "签收时间",
    "办理时限",
    "时限暂定",
    "办结时间",
    "退单次数",
    "督办次数",
    "预警",
    "答复",
];

/// The record of a ticket. A tip-off's content and reply stay out of it.
#[must_use]
pub fn record(ticket: &Ticket, names: &Names, zone: Zone) -> Vec<Cell> {
    let time = |at| Cell::Time(Option::map(at, |at| zone.wall(at)));
    let assisting: Vec<_> = ticket
        .assisting_unit_codes
        .iter()
        .map(|code| names.unit(code))
        .collect();
    let reply = if ticket.discretion.tip_off {
        ""
    } else {
        &ticket.reply
    };
    vec![
        Cell::text(&ticket.number),
        time(Some(ticket.received_at)),
        Cell::text(names.channel(&ticket.channel_code)),
        Cell::text(applicant(ticket.discretion, &ticket.citizens)),
        Cell::text(words::kind(&ticket.kind)),
        Cell::text(names.short_category(&ticket.category_code)),
        Cell::text(summary(ticket.discretion, &ticket.summary)),
        Cell::text(words::urgency(&ticket.urgency)),
        Cell::text(names.unit(&ticket.lead_unit_code)),
        Cell::text(assisting.join("、")),
        Cell::text(words::ticket_state(&ticket.state)),
        Cell::Count(ticket.round.into()),
        time(ticket.signed_at),
        Cell::Deadline(ticket.due_at.map(|due| zone.wall(due))),
        Cell::text(if ticket.due_provisional { "是" } else { "" }),
        time(ticket.concluded_at),
        Cell::Count(ticket.returns.into()),
        Cell::Count(ticket.supervision_orders.into()),
        Cell::text(words::card(&ticket.card)),
        Cell::text(reply),
    ]
}
