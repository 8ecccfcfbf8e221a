//! `hotline search`: has somebody complained about this already?

use std::io::{self, Write};

use chrono::DateTime;
use hotline_kernel::text::{pad_to_width, truncate_to_width, width};
use hotline_kernel::time::Zone;
use hotline_platform::access::Role;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::reporting::{FoundTicket, SearchTicketsRequest};
use hotline_proto::shared::TicketState;

use super::Place;
use super::reach::{Reach, by, said};

/// Columns of a line.
const COLUMNS: usize = 150;
/// Tickets asked for at once.
const PAGE: u32 = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Words, such as 暖气不热, or a number; a ticket must have all of them.
    #[arg(required = true)]
    query: Vec<String>,
    /// Only tickets of this lead unit.
    #[arg(long, default_value = "")]
    unit: String,
    /// Only tickets of this category.
    #[arg(long, default_value = "")]
    category: String,
    /// Only tickets received on this day or later, such as 2026-03-01.
    #[arg(long, default_value = "")]
    from: String,
    /// Only tickets received on this day or before.
    #[arg(long, default_value = "")]
    until: String,
    /// So many at most, the last received first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let zone = config.zone()?;
    let city = Reach::find_existing(config).await?;
    let found = find(&city, &args).await;
    let left = city.leave().await;
    let (tickets, is_more) = found.and_then(|found| left.map(|()| found))?;
    if tickets.is_empty() {
        return tell_nothing(&args);
    }
    print(&tickets, is_more, zone)
}

/// The tickets, and whether there are more.
async fn find(city: &Reach, args: &Args) -> anyhow::Result<(Vec<FoundTicket>, bool)> {
    let mut client = ReportingServiceClient::new(city.transport("reporting"));
    let limit = usize::try_from(args.limit)?;
    let (mut tickets, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = SearchTicketsRequest {
            query: args.query.join(" "),
            unit_code: args.unit.clone(),
            category_code: args.category.clone(),
            first_day: args.from.clone(),
            last_day: args.until.clone(),
            page_size: args.limit.clamp(1, PAGE),
            page_token,
        };
        let page = said(client.search_tickets(by(Role::Operator, request)).await)?;
        tickets.extend(page.tickets);
        page_token = page.next_page_token;
        if page_token.is_empty() || tickets.len() >= limit {
            let is_more = !page_token.is_empty() || tickets.len() > limit;
            tickets.truncate(limit);
            return Ok((tickets, is_more));
        }
    }
}

/// Says what was looked for, and what no search looks at.
fn tell_nothing(args: &Args) -> anyhow::Result<()> {
    let given = [
        ("--unit", &args.unit),
        ("--category", &args.category),
        ("--from", &args.from),
        ("--until", &args.until),
    ];
    let given: Vec<String> = given
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(option, value)| format!(" {option} {value}"))
        .collect();
    writeln!(
        io::stdout(),
        "no ticket{} has all of these words; appeals that wait to be accepted are not searched",
        given.concat()
    )?;
    Ok(())
}

fn print(tickets: &[FoundTicket], is_more: bool, zone: Zone) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for line in table(tickets, zone) {
        writeln!(out, "{line}")?;
    }
    if is_more {
        writeln!(out, "… there are more; --limit shows them")?;
    }
    Ok(())
}

/// Header, rule and a line for each ticket; the last column takes what is left.
fn table(tickets: &[FoundTicket], zone: Zone) -> Vec<String> {
    let titles = [
        "受理编号",
        "来信时间",
        "状态",
        "主办单位",
        "类别",
        "诉求摘要",
    ]
    .map(str::to_owned);
    let rows: Vec<[String; 6]> = tickets.iter().map(|ticket| cells(ticket, zone)).collect();
    let mut widths = [0; 6];
    for row in rows.iter().chain([&titles]) {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, columns)| pad_to_width(cell, columns))
            .collect();
        truncate_to_width(cells.join("  ").trim_end(), COLUMNS)
    };
    let rule = "-".repeat(COLUMNS.min(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)));
    [line(&titles), rule]
        .into_iter()
        .chain(rows.iter().map(line))
        .collect()
}

fn cells(ticket: &FoundTicket, zone: Zone) -> [String; 6] {
    let received = ticket
        .received_at
        .and_then(|at| DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?));
    let row = [
        ticket.number.clone(),
        received.map_or_else(String::new, |at| {
            zone.wall(at).format("%Y-%m-%d %H:%M").to_string()
        }),
        state(ticket.state()).to_owned(),
        ticket.lead_unit_name.clone(),
        ticket.category_name.clone(),
        ticket.summary.clone(),
    ];
    // What citizens wrote must not move the cursor.
    row.map(|cell| cell.chars().filter(|symbol| !symbol.is_control()).collect())
}

/// The word that documents print for a state.
fn state(state: TicketState) -> &'static str {
    match state {
        TicketState::Unspecified => "",
        TicketState::AwaitingDispatch => "待派单",
        TicketState::Dispatched => "待签收",
        TicketState::ReturnReview => "退单待审",
        TicketState::Consultation => "会商中",
        TicketState::Signed => "办理中",
        TicketState::Handled => "待审核",
        TicketState::Concluded => "已办结",
        TicketState::Archived => "已归档",
        TicketState::Absorbed => "已并入",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_align_and_hold_nothing_that_moves_the_cursor() {
        let ticket = |number: &str, unit: &str, summary: &str| FoundTicket {
            number: number.to_owned(),
            lead_unit_name: unit.to_owned(),
            summary: summary.to_owned(),
            received_at: Some(prost_types::Timestamp::default()),
            ..FoundTicket::default()
        };
        let tickets = [
            ticket("260331-7K2QF-4", "城管局", "暖气不热\u{1b}[2J"),
            ticket("260331-7K2QF-5", "", "路灯"),
        ];
        let lines = table(&tickets, Zone::SHANGHAI);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
        let before = |line: &str, word: &str| line.find(word).map(|end| width(&line[..end]));
        assert_eq!(before(&lines[2], "暖气"), before(&lines[0], "诉求摘要"));
        assert_eq!(before(&lines[3], "路灯"), before(&lines[0], "诉求摘要"));
    }
}
