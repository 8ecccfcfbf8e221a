//! `hotline epoch`: what a log needs whose database was restored to an earlier time.

use std::io::Write as _;

use anyhow::Context as _;
use hotline_platform::epoch;
use hotline_platform::reaction::Reaction;

use super::{Place, administrator};
use crate::compose::Mounted;
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
    /// Raises the epoch of a service's log and takes every consumer into it. Stop every process first.
    Raise {
        /// The service whose database was restored.
        service: Name,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let What::Raise { service } = args.what;
    folder::require(&config, Name::ALL)?;
    let locks = folder::lock(&config, Name::ALL)?;
    let mounted = City::mount(Name::ALL, &config, Parts::default(), false).await?;
    let raised = raise(&mounted, service).await;
    mounted.close().await;
    drop(locks);
    raised
}

async fn raise(mounted: &Mounted, name: Name) -> anyhow::Result<()> {
    let found = mounted.services.iter().find(|(of, _)| *of == name);
    let (_, producer) = found.with_context(|| format!("{name} has no log"))?;
    let hears = |reaction: &dyn Reaction| reaction.producers().contains(&name.word());
    let all = mounted.services.iter().map(|(_, service)| service);
    let consumers: Vec<_> = all
        .filter(|service| service.reaction.as_deref().is_some_and(hears))
        .map(|service| &service.core)
        .collect();
    let epoch = epoch::raise(&producer.core, &consumers, &administrator("epoch raise")).await?;
    for consumer in consumers {
        epoch::enter(consumer, &producer.core).await?;
    }
    writeln!(
        std::io::stdout(),
        "the log of {name} is in epoch {epoch}; who hears it goes on from its end"
    )?;
    Ok(())
}
