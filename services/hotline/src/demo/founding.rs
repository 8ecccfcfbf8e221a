//! Founds the demo's city: on empty ground only, with the sample's tables.

use anyhow::{Context as _, bail};
use hotline_proto::intake::ListChannelsRequest;
use hotline_proto::routing::ListUnitsRequest;
use hotline_proto::shared::RegistryTable;

use super::city::{Clients, by, said};
use super::sample;
use crate::config::Config;
use crate::services::Name;
use crate::{City, Parts, folder};

/// Refuses databases that hold a city.
///
/// Invented appeals belong in empty databases only: nobody could take them out of a city again.
pub async fn refuse_inhabited(config: &Config, parts: Parts) -> anyhow::Result<()> {
    let services = &[Name::Intake, Name::Routing];
    let locks = folder::lock(config, services)?;
    let mounted = City::mount(services, config, parts, config.auto_migrate(services)).await?;
    let clients = Clients::new(|service| mounted.peers.transport(service, None));
    let has_tables = has_tables(&clients).await;
    mounted.close().await;
    drop(locks);
    if has_tables? {
        bail!(
            "the configured databases already hold a city; expected empty ones, the demo writes invented appeals"
        );
    }
    Ok(())
}

/// Whether a city's tables were loaded; without them it has no appeals either.
async fn has_tables(clients: &Clients) -> anyhow::Result<bool> {
    let mut clients = clients.clone();
    let channels = by("administrator", "demo", ListChannelsRequest::default());
    let units = by("administrator", "demo", ListUnitsRequest::default());
    let channels = said(clients.intake.list_channels(channels).await)?.channels;
    let units = said(clients.routing.list_units(units).await)?.units;
    Ok(!channels.is_empty() || !units.is_empty())
}

/// Loads every table of the sample into its owner.
pub async fn load_city(clients: &Clients) -> anyhow::Result<()> {
    load_tables(clients, Name::ALL).await
}

/// Loads the tables of the sample that `owners` own.
pub async fn load_tables(clients: &Clients, owners: &[Name]) -> anyhow::Result<()> {
    let mut clients = clients.clone();
    let owned = sample::TABLES
        .iter()
        .filter(|table| owners.contains(&table.owner));
    for table in owned {
        let body = Some(RegistryTable {
            name: table.name.to_owned(),
            csv: table.csv.as_bytes().to_vec(),
        });
        let loaded = if table.owner == Name::Intake {
            let request = hotline_proto::intake::LoadRegistryRequest { table: body };
            said(
                clients
                    .intake
                    .load_registry(by("administrator", "demo", request))
                    .await,
            )
            .map(drop)
        } else {
            let request = hotline_proto::routing::LoadRegistryRequest { table: body };
            said(
                clients
                    .routing
                    .load_registry(by("administrator", "demo", request))
                    .await,
            )
            .map(drop)
        };
        loaded.with_context(|| format!("load {}", table.name))?;
    }
    Ok(())
}
