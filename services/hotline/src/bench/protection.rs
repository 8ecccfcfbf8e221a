//! What access, encryption and audit cost: this program beside a release from before it had any, in
//! alternating rounds, driven by the same clients. No release has a switch that turns protection off.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::Bench;
use super::ground::{Ground, Kind};
use super::intake::Driven;
use super::lists::{self, Look, Shelf};
use super::load::{self, Measured, Spent};
use super::program::Program;
use super::report::{Goal, Section, Table, figure};
use super::reports::median;
use crate::services::Name;

/// Of the throughput of the release before, so much must be left.
const GOAL: f64 = 0.7;
/// Clients that register.
const REGISTERING: [usize; 3] = [1, 8, 32];
/// Clients that look at pages.
const LOOKING: usize = 8;
/// Whose pages are looked at.
const SERVICES: &[Name] = &[Name::Intake, Name::Routing];

/// Measures both programs on every database there is.
pub(super) async fn measure(bench: &Bench, before: PathBuf) -> anyhow::Result<Section> {
    let programs = [Program::Before(Arc::new(before)), Program::This];
    let mut section = Section::default();
    section.notes.push(format!(
        "Both programs run all the time, each on databases of its own; they are measured in turn, {} s each, {} rounds, in which the first \
         is the second of the next. Ratios are medians of the rounds' ratios, rates are medians. The older one believes who calls it; this \
         one verifies a signed principal in every call, decides by role, rule and scope (and asks PostgreSQL once more), seals originals and \
         contacts under a key per citizen, and chains its audit rows. Processor time of chaining is its server's and its database's as far \
         as it falls into the measured seconds; the next measurement begins when nothing is left to chain or to publish.",
        bench.sizes.seconds, bench.sizes.rounds
    ));
    for &kind in bench.grounds.kinds() {
        let mut table = Table::new(
            &format!("{}; µs are processor time per call:", kind.label()),
            &[
                "what",
                "clients",
                "program",
                "calls/s",
                "ratio",
                "of rounds",
                "p50 ms",
                "p99 ms",
                "server µs",
                "client µs",
                "database µs",
            ],
        );
        let mut all = registrations(bench, kind, &programs).await?;
        bench.grounds.clear().await;
        all.extend(Box::pin(pages(bench, kind, &programs)).await?);
        bench.grounds.clear().await;
        for beside in all {
            let what = format!(
                "{}, {}, {} clients: calls/s of the release before",
                kind.label(),
                beside.what,
                beside.clients
            );
            section
                .goals
                .push(Goal::at_least(&what, GOAL, beside.ratio()));
            table.rows.extend(beside.rows(&programs)?);
        }
        section.tables.push(table);
    }
    Ok(section)
}

/// What was measured of the one and the other, round by round.
struct Beside {
    what: &'static str,
    clients: usize,
    rounds: Vec<[Measured; 2]>,
}

impl Beside {
    fn ratios(&self) -> impl Iterator<Item = f64> {
        let rounds = self.rounds.iter();
        rounds.map(|[before, now]| now.per_second() / before.per_second())
    }

    fn ratio(&self) -> f64 {
        median(self.ratios().collect())
    }

    fn rows(&self, programs: &[Program; 2]) -> anyhow::Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        for (index, program) in programs.iter().enumerate() {
            let rounds = || self.rounds.iter().map(|round| &round[index]);
            let mut times = load::times()?;
            let (mut spent, mut calls) = (Vec::new(), 0);
            for round in rounds() {
                times.add(&round.times).context("histograms of one shape")?;
                spent.push(round.spent);
                calls += round.calls;
            }
            let whole = Measured {
                calls,
                seconds: rounds().map(|round| round.seconds).sum(),
                times,
                spent: Spent::sum(&spent),
            };
            let (ratio, range) = match program {
                Program::This => (figure(self.ratio()), self.range()),
                Program::Before(_) => ("-".to_owned(), "-".to_owned()),
            };
            let each = |time| figure(whole.each_us(time));
            rows.push(vec![
                self.what.to_owned(),
                self.clients.to_string(),
                program.label().to_owned(),
                figure(median(rounds().map(Measured::per_second).collect())),
                ratio,
                range,
                figure(whole.quantile_ms(0.5)),
                figure(whole.quantile_ms(0.99)),
                each(whole.spent.server),
                each(whole.spent.client),
                whole.spent.database.map_or_else(|| "-".to_owned(), each),
            ]);
        }
        Ok(rows)
    }

    /// The least and the greatest ratio.
    fn range(&self) -> String {
        let least = self.ratios().fold(f64::INFINITY, f64::min);
        let most = self.ratios().fold(0.0, f64::max);
        format!("{} to {}", figure(least), figure(most))
    }
}

/// Measures the one and the other in turn; who begins changes.
async fn alternate(
    rounds: usize,
    measure: impl AsyncFn(usize) -> anyhow::Result<Measured>,
) -> anyhow::Result<Vec<[Measured; 2]>> {
    let mut all = Vec::new();
    for round in 0..rounds {
        all.push(if round % 2 == 0 {
            let before = measure(0).await?;
            [before, measure(1).await?]
        } else {
            let now = measure(1).await?;
            [measure(0).await?, now]
        });
    }
    Ok(all)
}

async fn grounds(
    bench: &Bench,
    kind: Kind,
    programs: &[Program; 2],
) -> anyhow::Result<[Ground; 2]> {
    let [before, now] = programs;
    Ok([
        bench.grounds.make_for(kind, before.clone()).await?,
        bench.grounds.make_for(kind, now.clone()).await?,
    ])
}

async fn registrations(
    bench: &Bench,
    kind: Kind,
    programs: &[Program; 2],
) -> anyhow::Result<Vec<Beside>> {
    let grounds = grounds(bench, kind, programs).await?;
    let mut driven = Vec::new();
    for ground in &grounds {
        driven.push((
            Driven::start(ground, &[]).await?,
            ground.connect(Name::Intake).await?,
        ));
    }
    let mut all = Vec::new();
    for clients in REGISTERING {
        let rounds = alternate(bench.sizes.rounds, async |which| {
            let (driven, database) = &driven[which];
            driven.rest(database).await?;
            let measured = driven.measure(clients, bench.window()).await?;
            driven.rest(database).await?;
            Ok(measured)
        })
        .await?;
        all.push(Beside {
            what: "a registration",
            clients,
            rounds,
        });
    }
    for (driven, database) in driven {
        database.close().await?;
        driven.stop().await?;
    }
    Ok(all)
}

async fn pages(bench: &Bench, kind: Kind, programs: &[Program; 2]) -> anyhow::Result<Vec<Beside>> {
    let grounds = grounds(bench, kind, programs).await?;
    let tickets = bench.sizes.tickets / 10;
    let mut shelves = Vec::new();
    for ground in &grounds {
        lists::filled(ground, tickets, SERVICES).await?;
        shelves.push(Shelf::start(ground, tickets, SERVICES).await?);
    }
    let mut all = Vec::new();
    for look in [
        Look::UnitOpen,
        Look::OwnOpen,
        Look::Ticket,
        Look::History,
        Look::Citizen,
    ] {
        let rounds = alternate(bench.sizes.rounds, async |which| {
            shelves[which].look(look, LOOKING, bench.window()).await
        })
        .await?;
        all.push(Beside {
            what: look.label(),
            clients: LOOKING,
            rounds,
        });
    }
    for shelf in shelves {
        shelf.stop().await?;
    }
    Ok(all)
}
