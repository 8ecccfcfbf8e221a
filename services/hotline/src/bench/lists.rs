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
use super::load::{self, Watched, Window};
use super::report::{Goal, Section, Table, figure};
use super::sample::{self, Lived};
use super::server::Server;
use crate::demo::city::{by, said};
use crate::services::Name;

/// Rows of a page.
const PAGE: u32 = 20;
/// Tickets came in over so many days.
const DAYS: i64 = 365;
/// A page may take so long for one client.
const GOAL_MS: f64 = 20.0;

const INTAKE_TABLES: &[&str] = &["appeal", "matter"];
const ROUTING_TABLES: &[&str] = &["ticket", "ticket_matter", "ticket_step"];
const REPORTING_TABLES: &[&str] = &["ticket_view"];

/// A page that is looked at.
#[derive(Clone, Copy, Debug)]
enum Look {
    UnitOpen,
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

    fn label(self) -> &'static str {
        match self {
            Self::UnitOpen => "a unit's open tickets, 20 of them",
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
            Look::UnitOpen => {
                let unit = usize::try_from(n)? % self.units.len();
                let request = ListTicketsRequest {
                    unit_code: self.units[unit].clone(),
                    page_size: PAGE,
                    ..ListTicketsRequest::default()
                };
                said(
                    self.routing
                        .list_tickets(by("dispatcher", "bench", request))
                        .await,
                )?;
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
        Box::pin(filled(&ground, tickets)).await?;
        measure_on(bench, &ground, tickets, &mut section).await?;
        bench.grounds.clear().await;
    }
    Ok(section)
}

async fn filled(ground: &Ground, tickets: u64) -> anyhow::Result<()> {
    let (closed, opened) = sample::live(ground).await?;
    let one = |name, tables| fill_one(ground, name, tables, tickets, &closed, &opened);
    tokio::try_join!(
        one(Name::Intake, INTAKE_TABLES),
        one(Name::Routing, ROUTING_TABLES),
        one(Name::Reporting, REPORTING_TABLES)
    )?;
    Ok(())
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

async fn measure_on(
    bench: &Bench,
    ground: &Ground,
    tickets: u64,
    section: &mut Section,
) -> anyhow::Result<()> {
    let label = ground.kind.label();
    let server =
        Server::start(ground, &[Name::Intake, Name::Routing, Name::Reporting], &[]).await?;
    let mut table = Table::new(
        &format!("{label}, {tickets} tickets:"),
        &["page", "clients", "p50 ms", "p99 ms", "pages/s"],
    );
    let units = Arc::new(fill::codes("units"));
    for look in Look::all() {
        for clients in [1, 8] {
            let mut lookers = Vec::new();
            let next = Arc::new(AtomicU64::new(0));
            for _ in 0..clients {
                let channel = server.connect()?;
                lookers.push(Looker {
                    intake: IntakeServiceClient::new(channel.clone()),
                    routing: RoutingServiceClient::new(channel.clone()),
                    reporting: ReportingServiceClient::new(channel),
                    look,
                    units: Arc::clone(&units),
                    tickets,
                    next: Arc::clone(&next),
                });
            }
            let window = Window {
                warm_up: bench.sizes.warm_up(),
                measured: bench.sizes.measured(),
            };
            let watched = Watched {
                server: &server,
                ground,
            };
            let measured = load::closed_loop(lookers, window, &watched).await?;
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
    server.stop().await
}
