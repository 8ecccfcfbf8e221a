//! `hotline migrate`: brings the databases to what this program expects.

use std::io::Write as _;

use super::Place;
use crate::services::Name;
use crate::{City, Parts, folder};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services whose databases are meant; none means all.
    services: Vec<Name>,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let names = if args.services.is_empty() {
        Name::ALL
    } else {
        &args.services
    };
    let locks = folder::lock(&config, names)?;
    let mounted = City::mount(names, &config, Parts::default(), true).await?;
    for &(name, _) in &mounted.services {
        writeln!(std::io::stdout(), "{name}: every migration is applied")?;
    }
    mounted.close().await;
    drop(locks);
    Ok(())
}
