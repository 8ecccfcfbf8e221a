//! The command line: what an administrator types.

mod audit;
mod certificates;
mod check;
mod epoch;
mod export;
mod key;
mod load;
mod migrate;
mod parked;
mod place;
pub mod reach;
mod replay;
mod report;
mod run;
mod search;
mod show;
mod timers;
mod user;
mod vault;

use clap::{Parser, Subcommand};
use hotline_platform::telemetry::Telemetry;
use hotline_platform::work::Cause;

use crate::os_user::os_user;
use crate::{bench, demo, import};

pub use place::Place;

/// A build that can be told to break says so.
const VERSION: &str = if cfg!(feature = "testing") {
    concat!(env!("CARGO_PKG_VERSION"), " (testing: not for a city)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// One city, one number.
#[derive(Debug, Parser)]
#[command(
    name = "hotline",
    version = VERSION,
    about = "One city, one number: every appeal becomes a ticket that ends."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every service, or some of them, until SIGTERM or Ctrl-C.
    Run(run::Args),
    /// Makes the certificates of a city in many processes: its authority, and one for each process.
    Certificates(certificates::Args),
    /// Applies pending migrations.
    Migrate(migrate::Args),
    /// Tells whether the promises hold in the databases; exit code 1 if one does not.
    Check(check::Args),
    /// The audit trail: verify that it is as it was written.
    Audit(audit::Args),
    /// Events that could not be applied: list, show, retry, skip.
    Parked(parked::Args),
    /// Timers that failed for good: list, retry.
    Timers(timers::Args),
    /// Begins a new epoch of a log whose database was restored to an earlier time.
    Epoch(epoch::Args),
    /// The keys that personal data is sealed with: status, rotate, discard, new-key, check.
    Vault(vault::Args),
    /// Empties what a service derived from events and reads the logs again.
    Replay(replay::Args),
    /// Accounts: add, list, disable, reset, grant, revoke, requests, approve, refuse, sessions.
    User(user::Args),
    /// API keys of channels' programs: create, rotate, revoke, list.
    Key(key::Args),
    /// Loads the city's tables, a CSV file each, into the services that own them.
    Load(load::Args),
    /// Imports a file of citizens' messages.
    Import(import::Args),
    /// Renders a document: daily, monthly or quarterly.
    Report(report::Args),
    /// Writes every ticket as CSV.
    Export(export::Args),
    /// Finds tickets by words of what citizens said.
    Search(search::Args),
    /// Shows what became of an appeal or ticket, by its number.
    Show(show::Args),
    /// Lets a sample city live a hundred days.
    Demo(demo::Args),
    /// Measures how fast it is, each figure beside a baseline of the same run.
    Bench(bench::Args),
}

/// How a command ended that did what it was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain about.
    Well,
    /// It found something; the exit code says so.
    Findings,
}

impl Cli {
    /// Whether the command hands so much from thread to thread that one core is faster than two.
    #[must_use]
    pub fn keeps_to_one_core(&self) -> bool {
        matches!(&self.command, Command::Demo(args) if args.config.is_none())
    }

    /// Carries the command out.
    ///
    /// # Errors
    ///
    /// What stands in the way, in words for the one who typed.
    pub async fn run(self) -> anyhow::Result<Outcome> {
        let telemetry = Telemetry::start(&self.command.telemetry()?)?;
        let outcome = Box::pin(self.command.run()).await;
        telemetry.flush().await;
        outcome
    }
}

impl Command {
    /// A server logs as configured; a command for a person shows warnings only, to keep its output readable.
    fn telemetry(&self) -> anyhow::Result<hotline_platform::config::TelemetryConfig> {
        if let Self::Run(args) = self {
            return Ok(args.place.config()?.telemetry);
        }
        let log_filter = "warn".to_owned();
        Ok(hotline_platform::config::TelemetryConfig {
            log_filter,
            ..Default::default()
        })
    }

    async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Run(args) => run::run(args).await?,
            Self::Certificates(args) => certificates::run(args)?,
            Self::Migrate(args) => migrate::run(args).await?,
            Self::Check(args) => return check::run(args).await,
            Self::Audit(args) => return audit::run(args).await,
            Self::Parked(args) => parked::run(args).await?,
            Self::Timers(args) => timers::run(args).await?,
            Self::Epoch(args) => epoch::run(args).await?,
            Self::Vault(args) => return Box::pin(vault::run(args)).await,
            Self::Replay(args) => replay::run(args).await?,
            Self::User(args) => user::run(args).await?,
            Self::Key(args) => key::run(args).await?,
            Self::Load(args) => load::run(args).await?,
            Self::Import(args) => import::run(args).await?,
            Self::Report(args) => report::run(args).await?,
            Self::Export(args) => export::run(args).await?,
            Self::Search(args) => search::run(args).await?,
            Self::Show(args) => show::run(args).await?,
            Self::Demo(args) => Box::pin(demo::run(args)).await?,
            Self::Bench(args) => Box::pin(bench::run(args)).await?,
        }
        Ok(Outcome::Well)
    }
}

/// Who writes when `command` writes by itself.
pub(crate) fn administrator(command: &str) -> Cause {
    Cause {
        actor: "administrator:cli".to_owned(),
        // Who sits at this machine may do this; the trail has who that is.
        session: os_user(),
        unit_code: String::new(),
        from_addr: "in-process".to_owned(),
        method: format!("cli:{command}"),
        trace_parent: String::new(),
    }
}
