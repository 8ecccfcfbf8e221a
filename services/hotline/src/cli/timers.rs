//! `hotline timers`: timers that failed for good.

use std::io::Write as _;

use anyhow::bail;
use hotline_platform::timers::{self, FailedTimer};

use super::{Place, administrator};
use crate::compose::Mounted;
use crate::services::Name;
use crate::{City, Parts, folder};

/// Timers read at once.
const PAGE: u32 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists the timers that failed for good, oldest first.
    List,
    /// Arms failed timers again; they fire as soon as their service runs.
    Retry {
        /// The timer's service and number, from the list; none means every failed timer.
        #[arg(requires = "number")]
        service: Option<Name>,
        /// Its number, from the list.
        number: Option<i64>,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    folder::require(&config, Name::ALL)?;
    let mounted = City::mount(Name::ALL, &config, Parts::default(), false).await?;
    let done = match args.what {
        What::List => list(&mounted).await,
        What::Retry { service, number } => retry(&mounted, service.zip(number)).await,
    };
    mounted.close().await;
    done
}

async fn list(mounted: &Mounted) -> anyhow::Result<()> {
    let mut count = 0;
    for (name, service) in &mounted.services {
        let mut after = None;
        loop {
            let page = timers::failed(&service.core, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            for timer in &page {
                let FailedTimer {
                    seq,
                    aggregate_id,
                    kind,
                    attempts,
                    error,
                    ..
                } = timer;
                let due = timer.due_at.format("%Y-%m-%dT%H:%M:%SZ");
                writeln!(
                    std::io::stdout(),
                    "{name} {seq}  {kind} of {aggregate_id}  due {due}  tries {attempts}  {error}"
                )?;
                count += 1;
            }
        }
    }
    writeln!(std::io::stdout(), "{count} failed")?;
    Ok(())
}

async fn retry(mounted: &Mounted, which: Option<(Name, i64)>) -> anyhow::Result<()> {
    let cause = administrator("timers retry");
    let mut count = 0;
    for (name, service) in &mounted.services {
        if let Some((wanted, number)) = which {
            if wanted == *name && timers::rearm(&service.core, number, &cause).await? {
                count += 1;
            }
            continue;
        }
        loop {
            let page = timers::failed(&service.core, None, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for timer in page {
                count += usize::from(timers::rearm(&service.core, timer.seq, &cause).await?);
            }
        }
    }
    if let Some((name, number)) = which
        && count == 0
    {
        bail!("{name} has no failed timer {number}; `hotline timers list` shows what failed");
    }
    writeln!(std::io::stdout(), "{count} armed again")?;
    Ok(())
}
