//! `hotline replay`: a service forgets what it derived from events and hears the logs again.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hotline_platform::check;

use super::Place;
use crate::compose::Mounted;
use crate::services::Name;
use crate::{City, Parts, folder};

/// How often a process elsewhere is looked at while it reads.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Without any progress for so long, nobody reads.
const STANDSTILL: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service.
    service: Name,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut config = args.place.config()?;
    let name = args.service;
    folder::require(&config, Name::ALL)?;
    let is_alone = config.peers.is_empty() && folder::lock(&config, Name::ALL).is_ok();
    if !is_alone {
        let mounted = City::mount(Name::ALL, &config, Parts::default(), false).await?;
        let read = mounted.forget(name).await;
        let read = match read {
            Ok(()) => until_read(&mounted, name).await,
            Err(error) => Err(error),
        };
        mounted.close().await;
        return read;
    }
    config.server.listen.set_port(0);
    config.gateway.own.listen = None;
    config.server.metrics_listen = None;
    let running = City::start(config, Parts::default()).await?;
    let read = match running.forget(name).await {
        Ok(()) => running.settle().await,
        Err(error) => Err(error),
    };
    running.stop().await;
    read?;
    writeln!(std::io::stdout(), "{name} has read every log again")?;
    Ok(())
}

/// Another process reads; this one waits until it is through.
async fn until_read(mounted: &Mounted, name: Name) -> anyhow::Result<()> {
    let mut seen = (i64::MAX, Instant::now());
    loop {
        let lag = lag(mounted, name).await?;
        if lag == 0 {
            writeln!(std::io::stdout(), "{name} has read every log again")?;
            return Ok(());
        }
        if lag < seen.0 {
            seen = (lag, Instant::now());
        } else if seen.1.elapsed() > STANDSTILL {
            bail!(
                "{name} is emptied, but nobody reads the logs: start `hotline run {name}` ({lag} events to go)"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn lag(mounted: &Mounted, name: Name) -> anyhow::Result<i64> {
    let of = |word: &str| {
        mounted
            .services
            .iter()
            .find(|(mounted, _)| mounted.word() == word)
            .map(|(_, service)| service)
    };
    let service = of(name.word()).context("mounted")?;
    let mut lag = 0;
    for producer in service
        .reaction
        .as_ref()
        .map_or(&[][..], |reaction| reaction.producers())
    {
        let reached = check::positions(&service.core, producer).await?;
        let heads = check::heads(&of(producer).context("mounted")?.core).await?;
        lag += check::lag(&reached, &heads);
    }
    Ok(lag)
}
