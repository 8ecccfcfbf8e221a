//! `hotline vault`: the keys that personal data is sealed with, and forgetting somebody.

mod erase;

use std::io::Write as _;

use anyhow::Context as _;
use hotline_platform::core::Core;
use hotline_platform::vault::{KeyText, Vault, rotation};
use uuid::Uuid;

use super::{Outcome, Place};
use crate::services::Name;
use crate::{City, Parts, folder};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Shows the keys that wrap data keys, and how many each wraps.
    Status,
    /// Makes a new wrapping key and wraps every data key with it; the city may run meanwhile.
    Rotate,
    /// Throws away a retired wrapping key. Backups from before it was retired can then be read by nobody.
    Discard {
        /// Its id, from the status.
        key: Uuid,
    },
    /// Prints a fresh wrapping key, to be put in front of the others where they come from the environment.
    NewKey,
    /// Opens everything that is sealed; exit code 1 if something does not open.
    Check,
    /// Asks that a citizen be forgotten, or one appeal of somebody unknown; another person must approve.
    Erase {
        /// Number of an appeal of his, or of any of its matters.
        #[arg(long, required_unless_present = "citizen", conflicts_with = "citizen")]
        number: Option<String>,
        /// His pseudonym, as appeals show it.
        #[arg(long)]
        citizen: Option<String>,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: String,
        /// Who asks.
        #[arg(long)]
        by: String,
    },
    /// Approves what another person asked for: it cannot be undone.
    Approve {
        /// Id of the request.
        request: Uuid,
        /// Who approves.
        #[arg(long)]
        by: String,
    },
    /// Lists requests to forget somebody, the last one first.
    Erasures,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    if matches!(args.what, What::NewKey) {
        let key = KeyText::fresh();
        writeln!(std::io::stdout(), "{}", key.reveal())?;
        return Ok(Outcome::Well);
    }
    let config = args.place.config()?;
    if erase::is_meant(&args.what) {
        erase::run(args.what, config).await?;
        return Ok(Outcome::Well);
    }
    let names = &[Name::Intake];
    folder::require(&config, names)?;
    let mounted = City::mount(names, &config, Parts::default(), false).await?;
    let done = match mounted.services.first().context("intake is mounted") {
        Ok((_, intake)) => carry_out(&args.what, &intake.core, &mounted.vault).await,
        Err(error) => Err(error),
    };
    mounted.close().await;
    done
}

async fn carry_out(what: &What, core: &Core, vault: &Vault) -> anyhow::Result<Outcome> {
    match what {
        What::Status
        | What::NewKey
        | What::Erase { .. }
        | What::Approve { .. }
        | What::Erasures => status(core, vault).await?,
        What::Rotate => {
            let rotated = rotation::rotate(core, vault).await?;
            let (count, key) = (rotated.wrapped, rotated.current.simple());
            writeln!(
                std::io::stdout(),
                "{count} data keys are wrapped anew by {key}"
            )?;
        }
        What::Discard { key } => {
            rotation::discard(core, vault, *key).await?;
            writeln!(std::io::stdout(), "{} is thrown away", key.simple())?;
        }
        What::Check => return check(core, vault).await,
    }
    Ok(Outcome::Well)
}

async fn status(core: &Core, vault: &Vault) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "keys are in {}", vault.keeps_keys_in())?;
    for standing in rotation::status(core, vault).await? {
        let (key, count) = (standing.key.id.simple(), standing.data_keys);
        let state = match (standing.is_current, standing.key.retired_at) {
            (true, _) => "in use".to_owned(),
            (false, None) => "still wraps".to_owned(),
            (false, Some(at)) => format!("retired {}", at.format("%Y-%m-%dT%H:%M:%SZ")),
        };
        let missing = if standing.is_here { "" } else { "  not there" };
        writeln!(out, "{key}  {count} data keys  {state}{missing}")?;
    }
    Ok(())
}

async fn check(core: &Core, vault: &Vault) -> anyhow::Result<Outcome> {
    let tally = hotline_intake::tally(core, vault).await?;
    writeln!(
        std::io::stdout(),
        "{} sealed values open, {} were erased, {} do not open",
        tally.opened,
        tally.erased,
        tally.broken
    )?;
    Ok(if tally.broken == 0 {
        Outcome::Well
    } else {
        Outcome::Findings
    })
}
