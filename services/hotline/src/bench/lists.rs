//! Pages that people look at all day, over many tickets: a unit's open tickets, one citizen's appeals,
//! a ticket with its history, the tickets that have some words.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hotline_platform::peers::Transport;
use hotline_proto::intake::ListAppealsRequest;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::reporting::SearchTicketsRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::routing::{
    GetTicketHistoryRequest, GetTicketRequest, ListTicketsRequest, get_ticket_request,
};

use super::Bench;
use super::fill::{self, Extent, Filler, SOUGHT, Sought};
use super::ground::{Ground, Kind};
use super::load::{self, Measured, Watched, Window};
use super::report::{Goal, Section, Table, figure};
use super::sample::{self, Lived};
use super::server::Server;
use crate::demo::city::{by, by_unit, said};
use crate::services::Name;

/// Rows of a page.
const PAGE: u32 = 20;
/// Tickets came in over so many days.
const DAYS: i64 = 365;
/// A page may take so long for one client.
const GOAL_MS: f64 = 20.0;

/// Whose lists are looked at.
const SERVICES: &[Name] = &[Name::Intake, Name::Routing, Name::Reporting];

/// A page that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    UnitOpen,
    /// As a clerk of the unit sees it.
    OwnOpen,
    Citizen,
    Ticket,
    History,
    Search(Sought),
}

impl Look {
    fn all() -> Vec<Self> {
        let mut all = vec![Self::UnitOpen, Self::Citizen, Self::Ticket, Self::History];
        all.extend(SOUGHT.map(Self::Search));
        all
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::UnitOpen => "a unit's open tickets, 20 of them",
            Self::OwnOpen => "a unit's open tickets, asked by its clerk",
            Self::Citizen => "a citizen's appeals, at most 20",
            Self::Ticket => "a ticket",
            Self::History => "a ticket's history",
            Self::Search(sought) => sought.label,
        }
    }
}

struct Looker {
    intake: IntakeServiceClient<Transport>,
    routing: RoutingServiceClient<Transport>,
    reporting: ReportingServiceClient<Transport>,
    look: Look,
    units: Arc<Vec<String>>,
    tickets: u64,
    next: Arc<AtomicU64>,
}

impl load::Client for Looker {
    async fn call(&mut self) -> anyhow::Result<()> {
        // Steps of a large prime: another place in the tables each time.
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let n = turn.wrapping_mul(1_000_003) % self.tickets + 1;
        match self.look {
            Look::UnitOpen | Look::OwnOpen => {
                let unit = &self.units[usize::try_from(n)? % self.units.len()];
                let request = ListTicketsRequest {
                    unit_code: unit.clone(),
                    page_size: PAGE,
                    ..ListTicketsRequest::default()
                };
                let request = match self.look {
                    Look::OwnOpen => by_unit(unit, request),
                    _ => by("dispatcher", "bench", request),
                };
                said(self.routing.list_tickets(request).await)?;
            }
            Look::Citizen => {
                let request = ListAppealsRequest {
                    citizen: fill::citizen(n),
                    page_size: PAGE,
                    ..ListAppealsRequest::default()
                };
                said(
                    self.intake
                        .list_appeals(by("operator", "bench", request))
                        .await,
                )?;
            }
            Look::Ticket => {
                let request = GetTicketRequest {
                    by: Some(get_ticket_request::By::TicketId(fill::ticket_id(n))),
                };
                said(
                    self.routing
                        .get_ticket(by("dispatcher", "bench", request))
                        .await,
                )?;
            }
            Look::History => {
                let request = GetTicketHistoryRequest {
                    ticket_id: fill::ticket_id(n),
                    page_size: PAGE,
                    ..GetTicketHistoryRequest::default()
                };
                said(
                    self.routing
                        .get_ticket_history(by("dispatcher", "bench", request))
                        .await,
                )?;
            }
            Look::Search(sought) => {
                let request = SearchTicketsRequest {
                    query: sought.query.to_owned(),
                    page_size: PAGE,
                    ..SearchTicketsRequest::default()
                };
                let found = said(
                    self.reporting
                        .search_tickets(by("operator", "bench", request))
                        .await,
                )?;
                anyhow::ensure!(!found.tickets.is_empty(), "nothing has {}", sought.query);
            }
        }
        Ok(())
    }
}

/// Measures lists on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(format!(
        "Filled by bulk SQL with copies of the rows of two tickets that really lived, received over {DAYS} days; one in four of the last \
         12 days is open. A search asks for the newest {PAGE} tickets by the words of invented appeals, to which words were added that \
         a known share of the tickets has."
    ));
    for &kind in bench.grounds.kinds() {
        let tickets = match kind {
            Kind::Postgres => bench.sizes.tickets,
            Kind::Sqlite => bench.sizes.tickets / 10,
        };
        let ground = bench.grounds.make(kind).await?;
        Box::pin(filled(&ground, tickets, SERVICES)).await?;
        measure_on(bench, &ground, tickets, &mut section).await?;
        bench.grounds.clear().await;
    }
    Ok(section)
}

/// Fills the tables that lists of `services` read.
pub(super) async fn filled(ground: &Ground, tickets: u64, services: &[Name]) -> anyhow::Result<()> {
    let (closed, opened) = sample::live(ground).await?;
    let one = |name: &Name| fill_one(ground, *name, tables(*name), tickets, &closed, &opened);
    futures::future::try_join_all(services.iter().map(one)).await?;
    Ok(())
}

fn tables(name: Name) -> &'static [&'static str] {
    match name {
        Name::Intake => &["appeal", "matter"],
        Name::Routing => &["ticket", "ticket_matter", "ticket_step"],
        Name::Reporting => &["ticket_view"],
        Name::Feedback | Name::Gateway => &[],
    }
}

async fn fill_one(
    ground: &Ground,
    name: Name,
    tables: &[&str],
    tickets: u64,
    closed: &Lived,
    opened: &Lived,
) -> anyhow::Result<()> {
    let database = ground.connect(name).await?;
    let extent = Extent {
        tickets,
        days: DAYS,
        now: fill::now(&database).await?,
    };
    let filler = Filler {
        database: &database,
        extent,
    };
    filler.fill(tables, closed, opened).await?;
    if matches!(name, Name::Reporting) {
        filler.fill_search().await?;
    }
    Ok(database.close().await?)
}

/// A server over filled tables.
pub(super) struct Shelf<'a> {
    ground: &'a Ground,
    server: Server,
    units: Arc<Vec<String>>,
    tickets: u64,
}

impl<'a> Shelf<'a> {
    /// Starts `services` over what [`filled`] filled.
    pub(super) async fn start(
        ground: &'a Ground,
        tickets: u64,
        services: &[Name],
    ) -> anyhow::Result<Self> {
        Ok(Self {
            ground,
            server: Server::start(ground, services, &[]).await?,
            units: Arc::new(fill::codes("units")),
            tickets,
        })
    }

    /// Lets so many clients look at one kind of page.
    pub(super) async fn look(
        &self,
        look: Look,
        clients: usize,
        window: Window,
    ) -> anyhow::Result<Measured> {
        let mut lookers = Vec::new();
        let next = Arc::new(AtomicU64::new(0));
        for _ in 0..clients {
            let channel = self.server.connect()?;
            lookers.push(Looker {
                intake: IntakeServiceClient::new(channel.clone()),
                routing: RoutingServiceClient::new(channel.clone()),
                reporting: ReportingServiceClient::new(channel),
                look,
                units: Arc::clone(&self.units),
                tickets: self.tickets,
                next: Arc::clone(&next),
            });
        }
        let watched = Watched {
            server: &self.server,
            ground: self.ground,
        };
        load::closed_loop(lookers, window, &watched).await
    }

    /// Ends the server.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}

async fn measure_on(
    bench: &Bench,
    ground: &Ground,
    tickets: u64,
    section: &mut Section,
) -> anyhow::Result<()> {
    let label = ground.kind.label();
    let shelf = Shelf::start(ground, tickets, SERVICES).await?;
    let mut table = Table::new(
        &format!("{label}, {tickets} tickets:"),
        &["page", "clients", "p50 ms", "p99 ms", "pages/s"],
    );
    for look in Look::all() {
        for clients in [1, 8] {
            let measured = shelf.look(look, clients, bench.window()).await?;
            table.rows.push(vec![
                look.label().to_owned(),
                clients.to_string(),
                figure(measured.quantile_ms(0.5)),
                figure(measured.quantile_ms(0.99)),
                figure(measured.per_second()),
            ]);
            if clients == 1 {
                section.goals.push(Goal::at_most(
                    &format!("{label}, {tickets} tickets: p99 of {}", look.label()),
                    GOAL_MS,
                    measured.quantile_ms(0.99),
                    "ms",
                ));
            }
        }
    }
    section.tables.push(table);
    shelf.stop().await
}
