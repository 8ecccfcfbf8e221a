//! From accepted to visible: how long after an operator's `AcceptAppeal` is answered the ticket stands in
//! the list of its unit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hotline_platform::tls::{Clients, TlsConfig, authority};
use hotline_proto::intake::{AcceptAppealRequest, NewMatter};
use hotline_proto::routing::ListTicketsRequest;

use super::ground::{Ground, Kind};
use super::report::{Section, Table, figure};
use super::server::{Server, clients_at, free_address};
use super::{Bench, load, texts};
use crate::demo::city::{self, by, by_unit, said};
use crate::identity;
use crate::services::Name;

/// How often the list is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How long a ticket may take before the bench gives up.
const SEEN_MAX: Duration = Duration::from_secs(20);
/// Rows of a page of the list.
const PAGE: u32 = 200;

/// Categories for which the sample's catalogue names one unit in the whole city.
const CASES: [(&str, &str); 3] = [("0102", "HOUSING"), ("0104", "NATRES"), ("0301", "WATERCO")];

/// Measures each arrangement that can be made here.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(
        "One appeal after the other: registered and accepted with a category that leaves no doubt; from the answer on, the \
         list of the unit is asked again and again, about once a millisecond, until it holds the ticket."
            .to_owned(),
    );
    let mut table = Table::new("ms:", &["arrangement", "appeals", "p50", "p99", "longest"]);
    for &kind in bench.grounds.kinds() {
        let ground = bench.grounds.make(kind).await?;
        let server = Server::start(&ground, &[], &[]).await?;
        server.found(Name::FLOW).await?;
        let label = format!("{}, one process", kind.label());
        table
            .rows
            .push(followed(bench, &label, server.clients()?).await?);
        server.stop().await?;
        if kind == Kind::Postgres {
            table.rows.push(processes(bench, None).await?);
            if let Some(redis) = bench.grounds.redis() {
                table.rows.push(processes(bench, Some(redis)).await?);
            }
        }
    }
    section.tables.push(table);
    Ok(section)
}

/// Four processes, with a courier between them or without.
async fn processes(bench: &Bench, redis: Option<&str>) -> anyhow::Result<Vec<String>> {
    let ground: Ground = bench.grounds.make(Kind::Postgres).await?;
    let mut places = BTreeMap::new();
    for &name in Name::FLOW {
        places.insert(name, free_address()?);
    }
    let tls = certificate(&ground)?;
    let mut servers = Vec::new();
    for (name, address) in &places {
        let mut overrides = vec![
            (
                "HOTLINE__TLS__CERTIFICATE_FILE".to_owned(),
                path(&tls.certificate_file),
            ),
            ("HOTLINE__TLS__KEY_FILE".to_owned(), path(&tls.key_file)),
            ("HOTLINE__TLS__CA_FILE".to_owned(), path(&tls.ca_file)),
        ];
        for (peer, place) in places.iter().filter(|(peer, _)| *peer != name) {
            let key = format!("HOTLINE__PEERS__{}", peer.word().to_uppercase());
            overrides.push((key, format!("https://{place}")));
        }
        if let Some(redis) = redis {
            overrides.push(("HOTLINE__FEED__REDIS_URL".to_owned(), redis.to_owned()));
        }
        let overrides: Vec<(&str, &str)> = overrides
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        servers.push(Server::start_at(*address, &ground, &[*name], &overrides).await?);
    }
    let addresses = places
        .iter()
        .map(|(name, place)| (name.word().to_owned(), format!("https://{place}")))
        .collect();
    let mut config = ground.config()?;
    config.tls = Some(tls);
    let clients = clients_at(&identity::of_a_command(&config)?, &addresses)?;
    crate::demo::founding::load_city(&clients).await?;
    let with = if redis.is_some() { "with" } else { "without" };
    let label = format!("PostgreSQL, four processes, {with} Redis");
    let row = followed(bench, &label, clients).await?;
    for server in servers {
        server.stop().await?;
    }
    Ok(row)
}

/// A certificate that names every service, for all processes.
fn certificate(ground: &Ground) -> anyhow::Result<TlsConfig> {
    let life = Duration::from_hours(24);
    let services: Vec<String> = Name::ALL.iter().map(ToString::to_string).collect();
    let authority = authority::found(life)?;
    let issued = authority::issue(&authority.key, &services, &[], life)?;
    let write = |name: &str, text: &str| {
        let path = ground.folder().join(name);
        std::fs::write(&path, text).map(|()| path)
    };
    Ok(TlsConfig {
        certificate_file: write("city.pem", &issued.certificate)?,
        key_file: write("city.key", &issued.key)?,
        ca_file: write("ca.pem", &authority.certificate)?,
        clients: Clients::Required,
    })
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

async fn followed(
    bench: &Bench,
    label: &str,
    mut clients: city::Clients,
) -> anyhow::Result<Vec<String>> {
    let mut times = load::times()?;
    // The first ones warm connections and caches.
    let warm_up = 10;
    for index in 0..bench.sizes.followed + warm_up {
        let took = follow(&mut clients, index)
            .await
            .with_context(|| format!("{label}, appeal {index}"))?;
        if index >= warm_up {
            times.saturating_record(u64::try_from(took.as_micros())?.max(1));
        }
    }
    let ms = |micros: u64| figure(load::float(micros) / 1000.0);
    Ok(vec![
        label.to_owned(),
        times.len().to_string(),
        ms(times.value_at_quantile(0.5)),
        ms(times.value_at_quantile(0.99)),
        ms(times.max()),
    ])
}

async fn follow(clients: &mut city::Clients, index: u64) -> anyhow::Result<Duration> {
    let request = texts::usual("visible", index);
    let registered = said(
        clients
            .intake
            .register_appeal(by("channel", "bench", request))
            .await,
    )?;
    let request = AcceptAppealRequest {
        idempotency_key: format!("accept-{index}"),
        appeal_id: registered.receipt.context("a receipt")?.appeal_id,
        matters: vec![NewMatter {
            category_code: CASES[usize::try_from(index)? % CASES.len()].0.to_owned(),
            area_code: "99990101".to_owned(),
            ..NewMatter::default()
        }],
        ..AcceptAppealRequest::default()
    };
    let accepted = said(
        clients
            .intake
            .accept_appeal(by("operator", "bench", request))
            .await,
    )?;
    let begun = Instant::now();
    let view = accepted.appeal.context("an appeal")?;
    let matter = view.matters.into_iter().next().and_then(|view| view.matter);
    let ticket_id = matter.context("a matter")?.ticket_id;
    let unit = CASES[usize::try_from(index)? % CASES.len()].1;
    while !stands(clients, unit, &ticket_id).await? {
        if begun.elapsed() > SEEN_MAX {
            bail!("the ticket does not come into the list of {unit}");
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(begun.elapsed())
}

async fn stands(clients: &mut city::Clients, unit: &str, ticket_id: &str) -> anyhow::Result<bool> {
    let mut page_token = String::new();
    loop {
        let request = ListTicketsRequest {
            unit_code: unit.to_owned(),
            page_size: PAGE,
            page_token,
            ..ListTicketsRequest::default()
        };
        let page = said(clients.routing.list_tickets(by_unit(unit, request)).await)?;
        let is_there = page
            .tickets
            .iter()
            .filter_map(|view| view.ticket.as_ref())
            .any(|ticket| ticket.id == ticket_id);
        if is_there || page.next_page_token.is_empty() {
            return Ok(is_there);
        }
        page_token = page.next_page_token;
    }
}
