//! `hotline load`: the city's tables, from CSV files to the services that own them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hotline_platform::access::Role;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::shared::RegistryTable;
use hotline_proto::{intake, routing};

use super::Place;
use super::reach::{Reach, by, said};
use crate::demo::sample::{TABLES, Table};
use crate::services::Name;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with files such as `units.csv`; tables without a file stay as they are.
    dir: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let tables = read(&args.dir)?;
    let city = Reach::find(args.place.config()?).await?;
    let loaded = send(&city, tables).await;
    let left = city.leave().await;
    loaded.and(left)
}

fn read(dir: &Path) -> anyhow::Result<Vec<(Name, RegistryTable)>> {
    let mut tables = Vec::new();
    for &Table { owner, name, .. } in TABLES {
        let file = dir.join(format!("{name}.csv"));
        match std::fs::read(&file) {
            Ok(csv) => tables.push((
                owner,
                RegistryTable {
                    name: name.to_owned(),
                    csv,
                },
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        }
    }
    if tables.is_empty() {
        let known: Vec<String> = TABLES
            .iter()
            .map(|table| format!("{}.csv", table.name))
            .collect();
        bail!("{} holds none of {}", dir.display(), known.join(", "));
    }
    Ok(tables)
}

async fn send(city: &Reach, tables: Vec<(Name, RegistryTable)>) -> anyhow::Result<()> {
    let mut intake_client = IntakeServiceClient::new(city.transport("intake"));
    let mut routing_client = RoutingServiceClient::new(city.transport("routing"));
    for (owner, table) in tables {
        let name = table.name.clone();
        let table = Some(table);
        let (rows, recomputed) = if owner == Name::Intake {
            let request = by(Role::Administrator, intake::LoadRegistryRequest { table });
            let answer = said(intake_client.load_registry(request).await)
                .with_context(|| format!("{name}.csv"))?;
            (answer.rows, 0)
        } else {
            let request = by(Role::Administrator, routing::LoadRegistryRequest { table });
            let answer = said(routing_client.load_registry(request).await)
                .with_context(|| format!("{name}.csv"))?;
            (answer.rows, answer.recomputed)
        };
        writeln!(std::io::stdout(), "{name}: {rows} rows")?;
        if recomputed > 0 {
            writeln!(
                std::io::stdout(),
                "  {recomputed} open tickets have a new deadline"
            )?;
        }
    }
    Ok(())
}
