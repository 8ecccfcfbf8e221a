//! `hotline run`: serves until it is asked to stop.

use std::io::Write as _;

use super::Place;
use super::user::Pages;
use crate::services::Name;
use crate::signals::StopSignal;
use crate::{City, Parts, Running};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services to mount; none means all.
    services: Vec<Name>,
    #[command(flatten)]
    pub(super) place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let names = if args.services.is_empty() {
        Name::ALL
    } else {
        &args.services
    };
    let (data_dir, pages) = (config.data_dir.clone(), Pages::of(&config));
    let mut stop = StopSignal::listen()?;
    let running = City::start_some(names, config, Parts::default()).await?;
    let words: Vec<&str> = names.iter().map(|name| name.word()).collect();
    tracing::info!(address = %running.addr(), services = words.join(" "), data = %data_dir.display(), "serving");
    if let Some(figures) = running.metrics_addr() {
        tracing::info!(address = %figures, "figures at /metrics");
    }
    if let Err(error) = tell_first_link(&running, &pages).await {
        // The city serves all the same; the next start makes another one.
        tracing::warn!(%error, "the link for the first account could not be made or told; start again for one");
    }
    stop.asked().await;
    running.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Tells whoever started the city, and not its log, how the first account is set up; nothing if there is one.
async fn tell_first_link(running: &Running, pages: &Pages) -> anyhow::Result<()> {
    let Some(link) = running.first_link().await? else {
        return Ok(());
    };
    writeln!(
        std::io::stdout(),
        "There is no account yet. The first security administrator sets himself up here, once, within 24 hours:\n  {}",
        pages.link(&link)
    )?;
    Ok(())
}
