//! Registrations over TCP: intake as a process of its own, one connection a client, each answer after
//! the commit. Beside it pgbench writes the same rows into the same server, and SQLite commits each
//! registration alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use hotline_platform::peers::Transport;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::Bench;
use super::ground::{Ground, Kind};
use super::load::{self, Measured, Watched, Window};
use super::pgbench::{self, Job};
use super::report::{Goal, Section, Table, figure};
use super::script::{self, Written};
use super::server::Server;
use super::texts;
use crate::demo::city::{by, said};
use crate::services::Name;

/// How often the relay is looked after.
const LOOK: Duration = Duration::from_millis(50);

const HEAD: [&str; 8] = [
    "clients",
    "what",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "server µs",
    "client µs",
    "database µs",
];

/// Someone who registers one appeal after the other.
struct Caller {
    intake: IntakeServiceClient<Transport>,
    run: String,
    next: Arc<AtomicU64>,
}

impl load::Client for Caller {
    async fn call(&mut self) -> anyhow::Result<()> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let request = texts::registration(&self.run, index);
        said(
            self.intake
                .register_appeal(by("channel", "bench", request))
                .await,
        )?;
        Ok(())
    }
}

/// An intake that is driven.
pub(super) struct Driven<'a> {
    ground: &'a Ground,
    server: Server,
    next: Arc<AtomicU64>,
}

impl<'a> Driven<'a> {
    pub(super) async fn start(
        ground: &'a Ground,
        overrides: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let server = Server::start(ground, &[Name::Intake], overrides).await?;
        server.found(&[Name::Intake]).await?;
        Ok(Self {
            ground,
            server,
            next: Arc::default(),
        })
    }

    fn caller(&self, run: &str) -> anyhow::Result<Caller> {
        Ok(Caller {
            intake: IntakeServiceClient::new(self.server.connect()?),
            run: run.to_owned(),
            next: Arc::clone(&self.next),
        })
    }

    pub(super) async fn measure(&self, clients: usize, window: Window) -> anyhow::Result<Measured> {
        let mut callers = Vec::new();
        for _ in 0..clients {
            callers.push(self.caller("load")?);
        }
        let watched = Watched {
            server: &self.server,
            ground: self.ground,
        };
        load::closed_loop(callers, window, &watched).await
    }

    /// Waits until every event and every audit row has its number, so that nobody works in another's time.
    ///
    /// Then the tables are analysed, as autovacuum does every minute: a statement that was planned while they
    /// were empty reads them from end to end until then.
    pub(super) async fn rest(&self, database: &DatabaseConnection) -> anyhow::Result<()> {
        for text in self.ground.program.unnumbered() {
            loop {
                let asked =
                    Statement::from_sql_and_values(database.get_database_backend(), *text, []);
                let row = database.query_one_raw(asked).await?;
                let waiting: i64 = row.context("a count")?.try_get("", "waiting")?;
                if waiting == 0 {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        database.execute_unprepared("ANALYZE").await?;
        Ok(())
    }

    /// Ends the server.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}

/// Measures intake on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    for kind in bench.grounds.kinds() {
        match kind {
            Kind::Postgres => postgres(bench, &mut section).await?,
            Kind::Sqlite => sqlite(bench, &mut section).await?,
        }
    }
    Ok(section)
}

async fn postgres(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    pgbench::find()?;
    let ground = bench.grounds.make(Kind::Postgres).await?;
    let baseline = bench.grounds.make(Kind::Postgres).await?;
    // Made with the same tables by the same program, which then leaves it alone.
    Server::start(&baseline, &[Name::Intake], &[])
        .await?
        .stop()
        .await?;
    let driven = Driven::start(&ground, &[]).await?;
    let database = ground.connect(Name::Intake).await?;
    let written = one_registration(&driven, &database).await?;
    let script = written.script()?;
    section.notes.push(format!(
        "One registration inserts {} rows ({}), about 1 KB of Chinese text among them, twice: as it was said and masked. \
         pgbench inserts the same rows in one transaction, reads nothing before it, and nobody relays its events.",
        written.count(),
        written.summary()
    ));
    let mut table = Table::new("PostgreSQL; µs are processor time per request:", &HEAD);
    let url = baseline.url(Name::Intake)?;
    for &clients in &bench.sizes.clients {
        let job = |text| Job {
            ground: &baseline,
            url,
            script: text,
            values: &script.values,
            clients,
            window: bench.window(),
        };
        driven.rest(&database).await?;
        let separate = pgbench::run(job(&script.separate)).await?;
        driven.rest(&database).await?;
        let pipelined = pgbench::run(job(&script.pipelined)).await?;
        driven.rest(&database).await?;
        let hotline = driven.measure(clients, bench.window()).await?;
        driven.rest(&database).await?;
        table
            .rows
            .push(row(clients, "pgbench, statement by statement", &separate));
        table
            .rows
            .push(row(clients, "pgbench, pipelined", &pipelined));
        table.rows.push(row(clients, "**hotline**", &hotline));
        goals(section, clients, &separate, &pipelined, &hotline);
    }
    section.tables.push(table);
    database.close().await?;
    driven.stop().await
}

fn goals(
    section: &mut Section,
    clients: usize,
    separate: &Measured,
    pipelined: &Measured,
    hotline: &Measured,
) {
    let (first, second) = match clients {
        32 => (2.0, 1.0),
        128 => (4.0, 2.0),
        _ => return,
    };
    let mut ratio = |name: &str, wanted: f64, base: &Measured| {
        section.goals.push(Goal::at_least(
            &format!("{clients} clients: requests/s of pgbench, {name}"),
            wanted,
            hotline.per_second() / base.per_second(),
        ));
    };
    ratio("statement by statement", first, separate);
    ratio("pipelined", second, pipelined);
    if clients == 32 {
        section.goals.push(Goal::at_most(
            "32 clients: p99 below that of pgbench, statement by statement",
            separate.quantile_ms(0.99),
            hotline.quantile_ms(0.99),
            "ms",
        ));
    }
}

async fn sqlite(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    let mut table = Table::new(
        "SQLite, synchronous FULL, the database inside the server's process:",
        &HEAD,
    );
    let grounds = [
        bench.grounds.make(Kind::Sqlite).await?,
        bench.grounds.make(Kind::Sqlite).await?,
    ];
    let alone = Driven::start(&grounds[0], &[("HOTLINE__INTAKE__BATCH_MAX", "1")]).await?;
    let grouped = Driven::start(&grounds[1], &[]).await?;
    for &clients in &bench.sizes.clients {
        let each = alone.measure(clients, bench.window()).await?;
        let many = grouped.measure(clients, bench.window()).await?;
        table.rows.push(row(clients, "a commit each", &each));
        table.rows.push(row(clients, "**group commit**", &many));
        if clients == 32 {
            section.goals.push(Goal::at_least(
                "SQLite, 32 clients: requests/s of a commit each",
                4.0,
                many.per_second() / each.per_second(),
            ));
        }
    }
    section.tables.push(table);
    alone.stop().await?;
    grouped.stop().await
}

fn row(clients: usize, what: &str, measured: &Measured) -> Vec<String> {
    let spent = measured.spent;
    let each = |time| figure(measured.each_us(time));
    let server = if spent.server.is_zero() {
        "-".to_owned()
    } else {
        each(spent.server)
    };
    vec![
        clients.to_string(),
        what.to_owned(),
        figure(measured.per_second()),
        figure(measured.quantile_ms(0.5)),
        figure(measured.quantile_ms(0.99)),
        server,
        each(spent.client),
        spent.database.map_or_else(|| "-".to_owned(), each),
    ]
}

/// Registers one appeal and reads what it wrote.
async fn one_registration(
    driven: &Driven<'_>,
    database: &DatabaseConnection,
) -> anyhow::Result<Written> {
    driven.rest(database).await?;
    let before = script::see(database).await?;
    load::Client::call(&mut driven.caller("look")?).await?;
    driven.rest(database).await?;
    let after = script::see(database).await?;
    Written::between(&before, &after, database).await
}
