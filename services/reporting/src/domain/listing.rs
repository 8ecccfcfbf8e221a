//! Lines of the daily list: one ticket, or one appeal that became none, as leaders read it.

use hotline_kernel::time::{Timestamp, Zone};
use uuid::Uuid;

use super::document::{Cell, ColumnKind, Table};
use super::names::Names;
use super::words;

/// Columns of the daily list, as they are printed from left to right.
pub const COLUMNS: [(&str, ColumnKind); 15] = [
    ("序号", ColumnKind::Count),
    ("受理编号", ColumnKind::Text),
    ("来信时间", ColumnKind::Date),
    ("渠道", ColumnKind::Text),
    ("诉求人", ColumnKind::Text),
    ("类型", ColumnKind::Text),
    ("类别", ColumnKind::Text),
    ("诉求摘要", ColumnKind::Text),
    ("主办单位", ColumnKind::Text),
    ("协办单位", ColumnKind::Text),
    ("签收情况", ColumnKind::Text),
    ("办理时限", ColumnKind::Date),
    ("状态", ColumnKind::Text),
    ("预警", ColumnKind::Text),
    ("备注", ColumnKind::Text),
];

/// Characters of an appeal that a list shows.
pub const SUMMARY_CHARS: usize = 60;

/// Who must not be named or told about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discretion {
    /// The citizen gave no name.
    pub anonymous: bool,
    /// The citizen asked for confidentiality.
    pub confidential: bool,
    /// It is a tip-off: its content is not spread.
    pub tip_off: bool,
}

/// A ticket as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// State word.
    pub state: String,
    /// Kind word.
    pub kind: String,
    /// Urgency word.
    pub urgency: String,
    /// Category, empty while not known.
    pub category_code: String,
    /// Subject or the beginning of the text, masked.
    pub summary: String,
    /// Channel of the matter that opened it.
    pub channel_code: String,
    /// Lead unit, empty if none.
    pub lead_unit_code: String,
    /// Assisting units.
    pub assisting_unit_codes: Vec<String>,
    /// Round, 1 before any rework.
    pub round: u32,
    /// When it was received.
    pub received_at: Timestamp,
    /// When the present assignment was signed for.
    pub signed_at: Option<Timestamp>,
    /// By when it must be signed for.
    pub sign_due_at: Option<Timestamp>,
    /// When it was concluded.
    pub concluded_at: Option<Timestamp>,
    /// The unit's deadline, else the citizen's.
    pub due_at: Option<Timestamp>,
    /// The deadline reaches a year whose calendar is not loaded.
    pub due_provisional: bool,
    /// Returns so far.
    pub returns: u32,
    /// Card word.
    pub card: String,
    /// Supervision orders so far.
    pub supervision_orders: u32,
    /// Waits for the shift supervisor after three failed rounds.
    pub escalated: bool,
    /// What the citizens were told, masked; empty before conclusion.
    pub reply: String,
    /// Who must not be named.
    pub discretion: Discretion,
    /// Pseudonyms of the citizens on it; an empty one is not known.
    pub citizens: Vec<String>,
}

/// An appeal as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    /// The receipt's number.
    pub number: String,
    /// State word.
    pub state: String,
    /// Kind word.
    pub kind: String,
    /// Subject or the beginning of the text, masked.
    pub summary: String,
    /// Its channel.
    pub channel_code: String,
    /// Pseudonym, empty if not known.
    pub citizen: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// Who must not be named.
    pub discretion: Discretion,
    /// Why it was guided, diverted or quarantined; masked.
    pub note: String,
}

/// Something said with a ticket for one block: a return's reason, an instruction, a merge.
pub type Remark = String;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    number: String,
    received_at: Timestamp,
    channel_code: String,
    urgency: String,
    cells: Vec<Cell>,
}

/// What every line needs to be told.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The city's zone.
    pub zone: Zone,
    /// Names of codes.
    pub names: &'a Names,
    /// The instant the list speaks of.
    pub as_of: Timestamp,
}

/// A block's lines as the store found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines found.
    pub lines: Vec<Line>,
    /// Lines beyond the query's limit.
    pub left_out: i64,
}

impl Lines {
    /// How many there are in all.
    #[must_use]
    pub fn count(&self) -> i64 {
        i64::try_from(self.lines.len())
            .unwrap_or(i64::MAX)
            .saturating_add(self.left_out)
    }
}

/// The line of a ticket. `number` is the matter's own where it is not the ticket's.
#[must_use]
pub fn of_ticket(context: Context<'_>, ticket: &Ticket, remarks: &[Remark]) -> Line {
    let Context { zone, names, as_of } = context;
    let lead = names.unit(&ticket.lead_unit_code);
    let assisting: Vec<_> = ticket
        .assisting_unit_codes
        .iter()
        .map(|code| names.unit(code))
        .collect();
    let cells = vec![
        Cell::text(&ticket.number),
        Cell::Time(Some(zone.wall(ticket.received_at))),
        Cell::text(names.channel(&ticket.channel_code)),
        Cell::text(applicant(ticket.discretion, &ticket.citizens)),
        Cell::text(words::kind(&ticket.kind)),
        Cell::text(names.short_category(&ticket.category_code)),
        Cell::text(summary(ticket.discretion, &ticket.summary)),
        Cell::text(lead),
        Cell::text(assisting.join("、")),
        Cell::text(signing(ticket, as_of)),
        Cell::Deadline(ticket.due_at.map(|due| zone.wall(due))),
        Cell::text(words::ticket_state(&ticket.state)),
        Cell::text(words::card(&ticket.card)),
        Cell::text(remark(ticket, remarks)),
    ];
    Line {
        number: ticket.number.clone(),
        received_at: ticket.received_at,
        channel_code: ticket.channel_code.clone(),
        urgency: ticket.urgency.clone(),
        cells,
    }
}

/// The line of a matter of an appeal: the appeal's number, time and channel, the ticket's handling.
#[must_use]
pub fn of_matter(
    context: Context<'_>,
    appeal: &Appeal,
    ticket: &Ticket,
    remarks: &[Remark],
) -> Line {
    let own = Ticket {
        number: appeal.number.clone(),
        received_at: appeal.received_at,
        channel_code: appeal.channel_code.clone(),
        citizens: vec![appeal.citizen.clone()],
        discretion: appeal.discretion,
        ..ticket.clone()
    };
    of_ticket(context, &own, remarks)
}

/// The line of an appeal that is on no ticket.
#[must_use]
pub fn of_appeal(context: Context<'_>, appeal: &Appeal) -> Line {
    let Context { zone, names, .. } = context;
    let empty = || Cell::text("");
    let cells = vec![
        Cell::text(&appeal.number),
        Cell::Time(Some(zone.wall(appeal.received_at))),
        Cell::text(names.channel(&appeal.channel_code)),
        Cell::text(applicant(
            appeal.discretion,
            std::slice::from_ref(&appeal.citizen),
        )),
        Cell::text(words::kind(&appeal.kind)),
        empty(),
        Cell::text(summary(appeal.discretion, &appeal.summary)),
        empty(),
        empty(),
        empty(),
        Cell::Time(None),
        Cell::text(words::appeal_state(&appeal.state)),
        empty(),
        Cell::text(&appeal.note),
    ];
    Line {
        number: appeal.number.clone(),
        received_at: appeal.received_at,
        channel_code: appeal.channel_code.clone(),
        urgency: String::new(),
        cells,
    }
}

/// A block of the list: the mayor's mailbox first, then the most urgent, then the longest waiting.
#[must_use]
pub fn table(title: &str, lines: Lines) -> Table {
    let mut table = Table::new(title, &COLUMNS);
    table.left_out = lines.left_out;
    let mut ordered = lines.lines;
    ordered.sort_by(|left, right| order(left).cmp(&order(right)));
    for (ordinal, line) in (1..).zip(ordered) {
        let mut row = vec![Cell::Count(ordinal)];
        row.extend(line.cells);
        table.rows.push(row);
    }
    table
}

/// The beginning of a text as a list shows it: one line, at most [`SUMMARY_CHARS`].
#[must_use]
pub fn shortened(text: &str) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= SUMMARY_CHARS {
        return flat;
    }
    flat.chars().take(SUMMARY_CHARS - 1).chain(['…']).collect()
}

/// What stands for the citizens (脱敏): never a name, a number or an account.
#[must_use]
pub fn applicant(discretion: Discretion, citizens: &[String]) -> String {
    if discretion.tip_off || discretion.confidential {
        return "保密".to_owned();
    }
    let first = citizens.first().map(String::as_str).unwrap_or_default();
    let one = match (discretion.anonymous, first) {
        (true, _) => "匿名".to_owned(),
        (false, "") => "市民".to_owned(),
        (false, pseudonym) => format!("市民{}", pseudonym.chars().take(4).collect::<String>()),
    };
    if citizens.len() > 1 {
        format!("{one}等{}件", citizens.len())
    } else {
        one
    }
}

/// The summary, unless a tip-off's content must not be spread.
#[must_use]
pub fn summary(discretion: Discretion, text: &str) -> String {
    if discretion.tip_off {
        "举报件，摘要从略".to_owned()
    } else {
        text.to_owned()
    }
}

fn signing(ticket: &Ticket, as_of: Timestamp) -> &'static str {
    let is_late = ticket.sign_due_at.is_some_and(|due| due < as_of);
    match (ticket.lead_unit_code.is_empty(), ticket.signed_at) {
        (_, Some(_)) => "已签收",
        (true, None) => "未派单",
        (false, None) if ticket.state == "dispatched" && is_late => "未签收（超时）",
        (false, None) if ticket.state == "dispatched" => "未签收",
        (false, None) => "",
    }
}

fn remark(ticket: &Ticket, remarks: &[Remark]) -> String {
    let mut all = remarks.to_vec();
    if ticket.urgency == "urgent" || ticket.urgency == "critical" {
        all.insert(0, words::urgency(&ticket.urgency).to_owned());
    }
    if ticket.round > 1 {
        all.push(format!("第{}轮办理", ticket.round));
    }
    if ticket.returns > 0 {
        all.push(format!("退单{}次", ticket.returns));
    }
    if ticket.supervision_orders > 0 {
        all.push(format!("督办{}次", ticket.supervision_orders));
    }
    if ticket.escalated {
        all.push("已提请值班主任".to_owned());
    }
    if ticket.due_provisional {
        all.push("时限暂定".to_owned());
    }
    if ticket.citizens.len() > 1 {
        all.push(format!("合并{}件", ticket.citizens.len()));
    }
    all.join("；")
}

fn order(line: &Line) -> (bool, u8, Timestamp, &str) {
    let urgency = match line.urgency.as_str() {
        "critical" => 0,
        "urgent" => 1,
        _ => 2,
    };
    (
        line.channel_code != words::MAYOR_MAILBOX,
        urgency,
        line.received_at,
        &line.number,
    )
}

#[cfg(test)]
pub(crate) mod tests;
