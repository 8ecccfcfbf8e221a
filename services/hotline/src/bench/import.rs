//! `hotline import` of invented CSV files into a running intake: rows a second, and the memory of both.

use std::time::Duration;

use tokio::process::Command;

use super::ground::{Ground, Kind};
use super::load::float;
use super::report::{Section, Table, figure};
use super::server::Server;
use super::{Bench, child, texts};
use crate::services::Name;

/// Measures imports on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(
        "`hotline import` as a process of its own sends a CSV file of historical appeals (id, name, telephone, subject, \
         about 120 characters of text, time, category) to intake as a process of its own; every file goes into empty databases."
            .to_owned(),
    );
    let mut table = Table::new(
        "Peak memory is resident, MiB; µs are processor time per row:",
        &[
            "database",
            "rows",
            "seconds",
            "rows/s",
            "import MiB",
            "intake MiB",
            "intake µs",
            "database µs",
        ],
    );
    for &kind in bench.grounds.kinds() {
        let largest = match kind {
            Kind::Postgres => bench.sizes.rows_postgres_max,
            Kind::Sqlite => u64::MAX,
        };
        for &rows in bench.sizes.rows.iter().filter(|rows| **rows <= largest) {
            let ground = bench.grounds.make(kind).await?;
            table.rows.push(one(&ground, rows).await?);
            bench.grounds.clear().await;
        }
    }
    section.tables.push(table);
    Ok(section)
}

async fn one(ground: &Ground, rows: u64) -> anyhow::Result<Vec<String>> {
    let file = ground.folder().join("appeals.csv");
    texts::csv(&file, rows)?;
    let server = Server::start(ground, &[Name::Intake], &[]).await?;
    server.found(&[Name::Intake]).await?;
    let (server_before, database_before) = (server.cpu()?, ground.database_cpu()?);
    let mut importing = Command::new(std::env::current_exe()?);
    importing
        .arg("import")
        .arg(&file)
        .args([
            "--channel",
            "people_board",
            "--nature",
            "historical",
            "--server",
        ])
        .arg(server.url())
        .current_dir(ground.folder());
    let imported = child::run(&mut importing, "hotline import").await?;
    let (seconds, import_kib) = (imported.seconds, imported.peak_kib);
    let each = |spent: Duration| figure(spent.as_secs_f64() * 1e6 / float(rows.max(1)));
    let database = ground
        .database_cpu()?
        .zip(database_before)
        .map(|(now, then)| now.saturating_sub(then));
    let row = vec![
        ground.kind.label().to_owned(),
        rows.to_string(),
        figure(seconds),
        figure(float(rows) / seconds),
        figure(float(import_kib) / 1024.0),
        figure(float(server.peak_memory_kib()?) / 1024.0),
        each(server.cpu()?.saturating_sub(server_before)),
        database.map_or_else(|| "-".to_owned(), each),
    ];
    server.stop().await?;
    Ok(row)
}
