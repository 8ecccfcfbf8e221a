//! `hotline bench`: how fast it is, each figure beside a baseline of the same run.
//!
//! It works in databases and a folder that it makes and removes itself; no city is ever touched. A
//! scenario is a file here: it gets a [`Bench`], makes a [`ground::Ground`], starts servers on it
//! ([`server::Server`]: child processes of this binary, reached over TCP), drives them
//! ([`load::closed_loop`]) and returns a [`report::Section`].

mod apart;
mod audit;
mod child;
mod cpu;
mod export;
mod fill;
mod ground;
mod import;
mod intake;
mod lists;
mod load;
mod machine;
mod open_loop;
mod overload;
mod pgbench;
mod program;
mod protection;
mod replay;
mod report;
mod reports;
mod sample;
mod script;
mod server;
mod signin;
mod texts;
mod visible;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};

use self::ground::Grounds;
use self::load::Window;
use self::machine::Machine;
use self::report::{Report, Section};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    /// Registrations over TCP, beside pgbench writing the same rows.
    Intake,
    /// Rows of a CSV file per second, and the memory they take.
    Import,
    /// From accepted to visible in the unit's list.
    Visible,
    /// Pages that people look at, over many tickets.
    Lists,
    /// Daily list, month and quarter over many tickets, beside plain SQL.
    Reports,
    /// Every ticket as CSV, beside PostgreSQL's COPY.
    Export,
    /// Events per second while reporting is rebuilt.
    Replay,
    /// Five times as many registrations as intake can take.
    Overload,
    /// Registrations and pages beside a release from before access, encryption and audit; needs `--before`.
    Protection,
    /// The walk along the audit trail.
    Audit,
    /// Whether the time of a refusal tells names and tickets that are known from others.
    Signin,
}

impl Scenario {
    const ALL: &[Self] = &[
        Self::Intake,
        Self::Import,
        Self::Visible,
        Self::Lists,
        Self::Reports,
        Self::Export,
        Self::Replay,
        Self::Overload,
        Self::Protection,
        Self::Audit,
        Self::Signin,
    ];

    /// Its name on the command line and in the document.
    fn word(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Replay => "replay",
            Self::Reports => "reports",
            Self::Export => "export",
            Self::Lists => "lists",
            Self::Visible => "visible",
            Self::Import => "import",
            Self::Overload => "overload",
            Self::Protection => "protection",
            Self::Audit => "audit",
            Self::Signin => "signin",
        }
    }

    async fn measure(self, bench: &Bench) -> anyhow::Result<Section> {
        match self {
            Self::Intake => intake::measure(bench).await,
            Self::Replay => replay::measure(bench).await,
            Self::Reports => reports::measure(bench).await,
            Self::Export => export::measure(bench).await,
            Self::Lists => lists::measure(bench).await,
            Self::Visible => visible::measure(bench).await,
            Self::Import => import::measure(bench).await,
            Self::Overload => overload::measure(bench).await,
            Self::Protection => {
                let before = bench.before.clone().context("expected --before BINARY")?;
                protection::measure(bench, before).await
            }
            Self::Audit => audit::measure(bench).await,
            Self::Signin => signin::measure(bench).await,
        }
    }
}

/// What to measure, where, for how long.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenarios; none means all.
    scenarios: Vec<Scenario>,
    /// An administrative database of a PostgreSQL server, such as `postgres://postgres@127.0.0.1/postgres`;
    /// databases with names of their own are made and dropped beside it. Without it only SQLite is measured.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// A Redis that may hold the streams of a measured city; without it, figures with Redis are left out.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// The binary of a release from before access, encryption and audit, to measure what they cost.
    #[arg(long, value_name = "BINARY")]
    before: Option<PathBuf>,
    /// Writes the report to a file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Replaces the results in a Markdown file, such as docs/benchmarks.md; what was not measured stays.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    #[command(flatten)]
    sizes: Sizes,
}

/// How much is measured.
#[derive(Clone, Debug, clap::Args)]
pub struct Sizes {
    /// Seconds that each point of load is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds of load before each measurement.
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
    /// Numbers of clients.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32,128")]
    clients: Vec<usize>,
    /// Tickets of lists, reports and exports on PostgreSQL and of reports on SQLite; lists and exports on
    /// SQLite have a tenth.
    #[arg(long, default_value_t = 1_000_000)]
    tickets: u64,
    /// Tickets of the largest reports on PostgreSQL.
    #[arg(long, default_value_t = 10_000_000)]
    tickets_most: u64,
    /// Rows of imported files.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    rows: Vec<u64>,
    /// The largest file imported into PostgreSQL.
    #[arg(long, default_value_t = 100_000)]
    rows_postgres_max: u64,
    /// Appeals that are followed into a unit's list.
    #[arg(long, default_value_t = 300)]
    followed: u64,
    /// Appeals whose events are replayed.
    #[arg(long, default_value_t = 5_000)]
    replayed: u64,
    /// How often two programs are measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Rows of the audit trail that is walked.
    #[arg(long, default_value_t = 1_000_000)]
    audit_rows: u64,
    /// Wrong passwords of each kind whose refusals are timed.
    #[arg(long, default_value_t = 200)]
    samples: usize,
    /// Seconds of overload.
    #[arg(long, default_value_t = 60)]
    overload_seconds: u64,
}

impl Sizes {
    fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up)
    }
}

/// What a scenario works with.
struct Bench {
    grounds: Grounds,
    sizes: Sizes,
    before: Option<PathBuf>,
}

impl Bench {
    fn window(&self) -> Window {
        Window {
            warm_up: self.sizes.warm_up(),
            measured: self.sizes.measured(),
        }
    }
}

/// Measures and prints; the report is written even if a later scenario fails.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let machine = Machine::look(args.postgres.as_deref()).await?;
    let can = |scenario: &Scenario| *scenario != Scenario::Protection || args.before.is_some();
    let scenarios = if args.scenarios.is_empty() {
        Scenario::ALL.iter().copied().filter(can).collect()
    } else {
        args.scenarios.clone()
    };
    let bench = Bench {
        grounds: Grounds::new(args.postgres.clone(), args.redis.clone())?,
        sizes: args.sizes.clone(),
        before: args.before.clone(),
    };
    let mut report = Report::new(machine);
    report.print_head()?;
    let measured = tokio::select! {
        measured = measure(&bench, &scenarios, &mut report, &args) => measured,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and_then(|()| bail!("interrupted")),
    };
    bench.grounds.clear().await;
    measured
}

async fn measure(
    bench: &Bench,
    scenarios: &[Scenario],
    report: &mut Report,
    args: &Args,
) -> anyhow::Result<()> {
    for scenario in scenarios {
        let section = scenario.measure(bench).await;
        bench.grounds.clear().await;
        let section = section.with_context(|| format!("bench {}", scenario.word()))?;
        report.add(scenario.word(), section)?;
        if let Some(file) = &args.json {
            report.write_json(file)?;
        }
        if let Some(file) = &args.markdown {
            report.write_markdown(file)?;
        }
    }
    Ok(())
}
