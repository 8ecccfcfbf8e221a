//! `hotline replay reporting`: events a second while the read models are made again from the logs.

use std::time::Instant;

use anyhow::Context as _;
use hotline_proto::intake::AcceptAppealRequest;
use tokio::task::JoinSet;

use super::ground::Ground;
use super::load::float;
use super::report::{Section, Table, figure};
use super::{Bench, cpu, texts};
use crate::Running;
use crate::demo::city::{Clients, by, said};
use crate::services::Name;

/// Who register and accept at once.
const DESKS: u64 = 16;

/// Measures replay on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(
        "A city in this process has appeals registered and accepted, so that each is a ticket and dispatched where the catalogue \
         leaves no doubt; when all is heard, reporting forgets and reads every log again. Events are those of all logs that it hears."
            .to_owned(),
    );
    let mut table = Table::new(
        "µs are processor time per event:",
        &[
            "database",
            "events",
            "seconds",
            "events/s",
            "process µs",
            "database µs",
        ],
    );
    for &kind in bench.grounds.kinds() {
        let ground = bench.grounds.make(kind).await?;
        let city = ground.city().await?;
        let measured = replayed(bench, &ground, &city).await;
        city.stop().await;
        table.rows.push(measured?);
        bench.grounds.clear().await;
    }
    section.tables.push(table);
    Ok(section)
}

async fn replayed(bench: &Bench, ground: &Ground, city: &Running) -> anyhow::Result<Vec<String>> {
    let mut desks = JoinSet::new();
    for desk in 0..DESKS {
        let clients = Clients::new(|service| city.transport(service));
        desks.spawn(work(clients, desk, bench.sizes.replayed));
    }
    while let Some(ended) = desks.join_next().await {
        ended??;
    }
    city.settle().await?;
    let mut events = 0;
    for producer in ["intake", "routing", "feedback"] {
        events += count(ground, producer).await?;
    }
    let own = || cpu::of(std::process::id());
    let (own_before, database_before) = (own()?, ground.database_cpu()?);
    let begun = Instant::now();
    city.forget(Name::Reporting).await?;
    city.settle().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let events = float(events);
    let each = |spent: std::time::Duration| figure(spent.as_secs_f64() * 1e6 / events.max(1.0));
    let database = ground
        .database_cpu()?
        .zip(database_before)
        .map(|(now, then)| now.saturating_sub(then));
    Ok(vec![
        ground.kind.label().to_owned(),
        figure(events),
        figure(seconds),
        figure(events / seconds),
        each(own()?.saturating_sub(own_before)),
        database.map_or_else(|| "-".to_owned(), each),
    ])
}

/// Registers and accepts every sixteenth appeal.
async fn work(mut clients: Clients, desk: u64, appeals: u64) -> anyhow::Result<()> {
    let mut index = desk;
    while index < appeals {
        let request = texts::usual("replay", index);
        let registered = said(
            clients
                .intake
                .register_appeal(by("channel", "bench", request))
                .await,
        )?;
        let request = AcceptAppealRequest {
            idempotency_key: format!("accept-{index}"),
            appeal_id: registered.receipt.context("a receipt")?.appeal_id,
            ..AcceptAppealRequest::default()
        };
        said(
            clients
                .intake
                .accept_appeal(by("operator", "bench", request))
                .await,
        )?;
        index += DESKS;
    }
    Ok(())
}

async fn count(ground: &Ground, producer: &str) -> anyhow::Result<u64> {
    let name = Name::ALL.iter().find(|name| name.word() == producer);
    let database = ground.connect(*name.context("a service")?).await?;
    let asking = super::fill::Filler {
        database: &database,
        extent: super::fill::Extent::default(),
    };
    let rows = asking.ask("SELECT count(*) AS n FROM outbox").await?;
    let count: i64 = rows.first().context("a count")?.try_get("", "n")?;
    database.close().await?;
    Ok(u64::try_from(count)?)
}
