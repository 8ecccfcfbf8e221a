//! `hotline run`: serves until it is asked to stop.

use super::Place;
use crate::services::Name;
use crate::signals::StopSignal;
use crate::{City, Parts};

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
    let data_dir = config.data_dir.clone();
    let mut stop = StopSignal::listen()?;
    let running = City::start_some(names, config, Parts::default()).await?;
    let words: Vec<&str> = names.iter().map(|name| name.word()).collect();
    tracing::info!(address = %running.addr(), services = words.join(" "), data = %data_dir.display(), "serving");
    if let Some(figures) = running.metrics_addr() {
        tracing::info!(address = %figures, "figures at /metrics");
    }
    stop.asked().await;
    running.stop().await;
    tracing::info!("stopped");
    Ok(())
}
