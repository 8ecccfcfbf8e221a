//! A ticket as a record of the full export: the daily list's words, one typed column each.

use hotline_kernel::time::Zone;

use super::document::{Cell, ColumnKind};
use super::listing::{Ticket, applicant, summary};
use super::names::Names;
use super::words;

/// Columns of the export, from left to right.
pub const COLUMNS: [(&str, ColumnKind); 20] = [
    ("受理编号", ColumnKind::Text),
    ("来信时间", ColumnKind::Date),
    ("渠道", ColumnKind::Text),
    ("诉求人", ColumnKind::Text),
    ("类型", ColumnKind::Text),
    ("类别", ColumnKind::Text),
    ("诉求摘要", ColumnKind::Text),
    ("紧急程度", ColumnKind::Text),
    ("主办单位", ColumnKind::Text),
    ("协办单位", ColumnKind::Text),
    ("状态", ColumnKind::Text),
    ("办理轮次", ColumnKind::Count),
    ("签收时间", ColumnKind::Date),
    ("办理时限", ColumnKind::Date),
    ("时限暂定", ColumnKind::Text),
    ("办结时间", ColumnKind::Date),
    ("退单次数", ColumnKind::Count),
    ("督办次数", ColumnKind::Count),
    ("预警", ColumnKind::Text),
    ("答复", ColumnKind::Text),
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
