//! Searches: what is asked, and what was found.

use chrono::{Days, NaiveDate};
use hotline_kernel::text::normalise;
use hotline_kernel::time::Zone;
use hotline_platform::page::{self, Page};
use hotline_proto::reporting as rpc;
use hotline_proto::shared;

use super::wire::{Decoded, invalid, maybe_day, timestamp};
use crate::app::FoundTickets;
use crate::domain::listing::{self, Ticket};
use crate::domain::names::Names;
use crate::domain::search::{QUERY_CHARS_MAX, Search};

/// What to search, and which page of it.
pub(crate) fn searching(
    zone: Zone,
    request: &rpc::SearchTicketsRequest,
) -> Decoded<(Search, Page<i64>)> {
    let query = normalise(&request.query);
    let mut search = Some(query.as_str())
        .filter(|query| query.chars().count() <= QUERY_CHARS_MAX)
        .and_then(Search::of)
        .ok_or_else(|| invalid("query", "1 to 200 characters, a letter or digit among them"))?;
    if !request.unit_code.is_empty() {
        search = search.of_unit(&request.unit_code);
    }
    if !request.category_code.is_empty() {
        search = search.of_category(&request.category_code);
    }
    let begin = |day: NaiveDate| zone.at(day, 0, 0);
    search.from = maybe_day("first_day", &request.first_day)?.map(begin);
    search.before = maybe_day("last_day", &request.last_day)?
        .and_then(|day| day.checked_add_days(Days::new(1)))
        .map(begin);
    let page = Page::decode(request.page_size, &request.page_token)?;
    Ok((search, page))
}

/// A page of what was found.
pub(crate) fn found(found: &FoundTickets) -> rpc::SearchTicketsResponse {
    let tickets = found.tickets.iter();
    rpc::SearchTicketsResponse {
        tickets: tickets.map(|ticket| one(ticket, &found.names)).collect(),
        next_page_token: found.next.as_ref().map(page::token).unwrap_or_default(),
    }
}

fn one(ticket: &Ticket, names: &Names) -> rpc::FoundTicket {
    let state = format!("TICKET_STATE_{}", ticket.state.to_uppercase());
    let kind = format!("KIND_{}", ticket.kind.to_uppercase());
    let category_name = if ticket.category_code.is_empty() {
        String::new()
    } else {
        names.short_category(&ticket.category_code)
    };
    rpc::FoundTicket {
        ticket_id: ticket.id.to_string(),
        number: ticket.number.clone(),
        state: shared::TicketState::from_str_name(&state)
            .unwrap_or_default()
            .into(),
        kind: shared::Kind::from_str_name(&kind)
            .unwrap_or_default()
            .into(),
        summary: listing::summary(ticket.discretion, &ticket.summary),
        lead_unit_code: ticket.lead_unit_code.clone(),
        lead_unit_name: names.unit(&ticket.lead_unit_code),
        category_code: ticket.category_code.clone(),
        category_name,
        channel_code: ticket.channel_code.clone(),
        received_at: Some(timestamp(ticket.received_at)),
    }
}
