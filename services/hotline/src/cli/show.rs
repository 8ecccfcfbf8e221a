//! `hotline show`: what became of an appeal, by the number on its receipt or of its ticket.

use std::io::{self, Write};

use anyhow::bail;
use chrono::{DateTime, NaiveDateTime};
use hotline_kernel::time::Zone;
use hotline_platform::access::Role;
use hotline_proto::event::{Appeal, Matter, TicketChange};
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{AppealView, GetAppealRequest, get_appeal_request};
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::routing::{
    GetTicketHistoryRequest, GetTicketRequest, TicketView, get_ticket_request,
};
use prost_types::Timestamp;
use tonic::{Code, Status};

use super::Place;
use super::reach::{Reach, by, said};

/// Steps read at once.
const PAGE: u32 = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A number such as 260331-7K2QF-4.
    number: String,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let zone = config.zone()?;
    let city = Reach::find_existing(config).await?;
    let shown = Screen { city: &city, zone }.show(&args.number).await;
    let left = city.leave().await;
    shown.and(left)
}

struct Screen<'a> {
    city: &'a Reach,
    zone: Zone,
}

impl Screen<'_> {
    async fn show(&self, number: &str) -> anyhow::Result<()> {
        let mut intake = IntakeServiceClient::new(self.city.transport("intake"));
        let name = get_appeal_request::By::Number(number.to_owned());
        let request = GetAppealRequest { by: Some(name) };
        let answer = intake.get_appeal(by(Role::Operator, request)).await;
        // Intake knows every number: those of receipts, of matters and so of tickets, and old ones.
        if answer.as_ref().is_err_and(is_missing) {
            bail!("no appeal and no ticket has the number {number}");
        }
        if let Some(view) = said(answer)?.appeal {
            self.show_appeal(&view).await?;
        }
        Ok(())
    }

    async fn show_appeal(&self, view: &AppealView) -> anyhow::Result<()> {
        let Appeal {
            number,
            channel_code,
            line_number,
            subject,
            text,
            ..
        } = view.appeal.clone().unwrap_or_default();
        let appeal = view.appeal.as_ref();
        let state = appeal.map_or("", |appeal| {
            word(appeal.state().as_str_name(), "APPEAL_STATE_")
        });
        let mut out = io::stdout();
        writeln!(
            out,
            "appeal {number}  {}  version {}",
            state.to_lowercase(),
            view.version
        )?;
        writeln!(
            out,
            "  channel {channel_code}  line {}",
            or_dash(&line_number)
        )?;
        writeln!(
            out,
            "  received {}",
            self.wall(appeal.and_then(|appeal| appeal.received_at))
        )?;
        writeln!(out, "  {subject}\n  {text}")?;
        for matter in &view.matters {
            let Some(matter) = &matter.matter else {
                continue;
            };
            let Matter {
                ordinal,
                number,
                ticket_id,
                subject,
                ..
            } = matter;
            let place = place(matter);
            writeln!(out, "\nmatter {ordinal}  {number}{place}  {subject}")?;
            if !ticket_id.is_empty() && !self.show_ticket(ticket_id).await? {
                writeln!(out, "  routing has not opened its ticket yet")?;
            }
        }
        Ok(())
    }

    /// Shows a ticket; false if there is none.
    async fn show_ticket(&self, id: &str) -> anyhow::Result<bool> {
        let name = get_ticket_request::By::TicketId(id.to_owned());
        let request = GetTicketRequest { by: Some(name) };
        let mut routing = RoutingServiceClient::new(self.city.transport("routing"));
        let answer = routing.get_ticket(by(Role::Operator, request)).await;
        if answer.as_ref().is_err_and(is_missing) {
            return Ok(false);
        }
        let Some(TicketView {
            ticket: Some(ticket),
            version,
            overdue,
        }) = said(answer)?.ticket
        else {
            return Ok(false);
        };
        let mut out = io::stdout();
        let state = word(ticket.state().as_str_name(), "TICKET_STATE_").to_lowercase();
        let late = if overdue { "  overdue" } else { "" };
        writeln!(
            out,
            "ticket {}  {state}  round {}  version {version}{late}",
            ticket.number, ticket.round
        )?;
        writeln!(
            out,
            "  unit {}  category {}  area {}",
            or_dash(&ticket.lead_unit_code),
            or_dash(&ticket.category_code),
            or_dash(&ticket.area_code)
        )?;
        let provisional = if ticket.due_provisional {
            " (provisional)"
        } else {
            ""
        };
        writeln!(
            out,
            "  due to the citizen {}  due by the unit {}{provisional}",
            self.wall(ticket.citizen_due_at),
            self.wall(ticket.unit_due_at)
        )?;
        self.show_history(&ticket.id).await?;
        Ok(true)
    }

    async fn show_history(&self, ticket_id: &str) -> anyhow::Result<()> {
        let mut routing = RoutingServiceClient::new(self.city.transport("routing"));
        let mut page_token = String::new();
        loop {
            let ticket_id = ticket_id.to_owned();
            let request = GetTicketHistoryRequest {
                ticket_id,
                page_size: PAGE,
                page_token,
            };
            let page = said(
                routing
                    .get_ticket_history(by(Role::Operator, request))
                    .await,
            )?;
            for step in page.steps {
                let change = TicketChange::try_from(step.change).unwrap_or_default();
                let change = word(change.as_str_name(), "TICKET_CHANGE_").to_lowercase();
                let at = self.wall(step.at);
                writeln!(
                    io::stdout(),
                    "  {at}  {:<22} {:<24} {}",
                    change,
                    step.actor,
                    step.note
                )?;
            }
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            page_token = page.next_page_token;
        }
    }

    /// A wall-clock time of the city, or a dash.
    fn wall(&self, at: Option<Timestamp>) -> String {
        let at =
            at.and_then(|at| DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?));
        at.map_or_else(|| "-".to_owned(), |at| format(self.zone.wall(at)))
    }
}

/// Where a matter stands, if that is not its own ticket.
fn place(matter: &Matter) -> &'static str {
    if matter.ticket_id.is_empty() {
        " (on no ticket)"
    } else if matter.ticket_id == matter.reserved_ticket_id {
        ""
    } else {
        " (merged: stands on another ticket)"
    }
}

fn is_missing(status: &Status) -> bool {
    status.code() == Code::NotFound
}

fn format(wall: NaiveDateTime) -> String {
    wall.format("%Y-%m-%d %H:%M").to_string()
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn word<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_that_is_on_no_ticket_is_not_called_merged() {
        let rows = [
            ("", " (on no ticket)"),
            ("own", ""),
            ("another", " (merged: stands on another ticket)"),
        ];
        for (ticket_id, told) in rows {
            let matter = Matter {
                ticket_id: ticket_id.to_owned(),
                reserved_ticket_id: "own".to_owned(),
                ..Matter::default()
            };
            assert_eq!(place(&matter), told, "{ticket_id}");
        }
    }
}
