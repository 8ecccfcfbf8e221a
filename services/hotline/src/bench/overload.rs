//! More than it can take: registrations in open loop at five times the capacity of intake.
//!
//! What is accepted must stay near capacity and quick, what is refused must be told so at once, and as
//! soon as the load falls everything must be as before.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::Bench;
use super::load::{Watched, float};
use super::open_loop::{Crowd, Offered, Outcome, Sent};
use super::report::{Goal, Section, Table, figure};
use super::server::Server;
use crate::services::Name;

/// Connections that the load comes over.
const CONNECTIONS: usize = 32;
/// Where the search for the capacity begins, in calls a second.
const RATE_MIN: f64 = 100.0;
/// By how much the rate grows until it is too high.
const STEP: f64 = 1.5;
/// How often the last interval is halved.
const HALVINGS: u32 = 3;
/// The time that 99 of 100 calls keep within capacity.
const P99_MAX_MS: f64 = 250.0;
/// Of what is offered, what must be accepted within capacity.
const ACCEPTED_MIN: f64 = 0.99;
/// How much more than the capacity is offered.
const OVERLOAD: f64 = 5.0;
/// What is offered afterwards, of the capacity.
const AFTERWARDS: f64 = 0.8;
/// How long it is looked for that all is well again.
const RECOVERY_MAX: Duration = Duration::from_secs(15);
/// Seconds that all must be well for.
const WELL_S: u64 = 3;

const HEAD: [&str; 10] = [
    "what",
    "offered/s",
    "accepted/s",
    "p50 ms",
    "p99 ms",
    "refused",
    "p99 ms",
    "server CPU",
    "client CPU",
    "database CPU",
];

struct Trial<'a> {
    crowd: Arc<Crowd>,
    watched: Watched<'a>,
    table: Table,
    numbers: Vec<String>,
}

/// Finds the capacity, offers five times as much, and looks at what is left.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let kind = bench.grounds.kinds()[0];
    let ground = bench.grounds.make(kind).await?;
    let server = Server::start(&ground, &[Name::Intake], &[]).await?;
    server.found(&[Name::Intake]).await?;
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(server.connect()?);
    }
    let caption = format!("{}; CPU in cores:", kind.label());
    let mut trial = Trial {
        crowd: Crowd::new(channels, "overload"),
        watched: Watched {
            server: &server,
            ground: &ground,
        },
        table: Table::new(&caption, &HEAD),
        numbers: Vec::new(),
    };
    trial
        .offer("warm-up", RATE_MIN, bench.sizes.warm_up())
        .await?;
    trial.table.rows.clear();
    let capacity = trial.capacity(bench.sizes.measured()).await?;
    let time = Duration::from_secs(bench.sizes.overload_seconds);
    let storm = trial.send(OVERLOAD * capacity, time).await?;
    // At once: what the storm left behind is part of the time until all is well.
    let calm = trial.send(AFTERWARDS * capacity, RECOVERY_MAX).await?;
    let over = trial.note("**overload**", storm).await?;
    let after = trial.note("afterwards", calm).await?;
    let mut section = Section::default();
    let database = ground.connect(Name::Intake).await?;
    let (lost, doubled) = compare(&database, &trial.numbers).await?;
    database.close().await?;
    goals(&mut section, capacity, &over, &after)?;
    section
        .goals
        .push(Goal::at_most("accepted and lost", 0.0, float(lost), ""));
    section.goals.push(Goal::at_most(
        "appeals of one key beyond the first",
        0.0,
        float(doubled),
        "",
    ));
    section.notes.push(format!(
        "Open loop over {CONNECTIONS} connections, times from when a call was due. The capacity, {} calls a second, is the highest \
         rate that refused at most one in a hundred, with a p99 of at most {P99_MAX_MS} ms; {OVERLOAD} times as much was offered for {} s. Of {} accepted numbers, {lost} were \
         not in the database afterwards.",
        figure(capacity),
        time.as_secs(),
        trial.numbers.len(),
    ));
    section.tables.push(trial.table);
    server.stop().await?;
    Ok(section)
}

impl Trial<'_> {
    async fn offer(&mut self, what: &str, rate: f64, time: Duration) -> anyhow::Result<Offered> {
        let sent = self.send(rate, time).await?;
        self.note(what, sent).await
    }

    async fn send(&self, rate: f64, time: Duration) -> anyhow::Result<Sent> {
        self.crowd.send(rate, time, &self.watched).await
    }

    async fn note(&mut self, what: &str, sent: Sent) -> anyhow::Result<Offered> {
        let offered = sent.answered().await?;
        self.numbers.extend(offered.numbers().map(str::to_owned));
        self.table.rows.push(row(what, &offered)?);
        Ok(offered)
    }

    /// The highest rate that is carried.
    async fn capacity(&mut self, time: Duration) -> anyhow::Result<f64> {
        let (mut carried, mut too_much) = (0.0, RATE_MIN);
        while self.carries(too_much, time).await? {
            carried = too_much;
            too_much *= STEP;
        }
        for _ in 0..HALVINGS {
            let between = f64::midpoint(carried, too_much);
            if self.carries(between, time).await? {
                carried = between;
            } else {
                too_much = between;
            }
        }
        anyhow::ensure!(
            carried > 0.0,
            "not even {RATE_MIN} calls a second are carried"
        );
        Ok(carried)
    }

    async fn carries(&mut self, rate: f64, time: Duration) -> anyhow::Result<bool> {
        let offered = self.offer("search", rate, time).await?;
        let times = offered.accepted()?;
        let is_quick = float(times.value_at_quantile(0.99)) / 1000.0 <= P99_MAX_MS;
        Ok(is_quick && float(times.len()) >= ACCEPTED_MIN * float(offered.calls))
    }
}

fn goals(
    section: &mut Section,
    capacity: f64,
    over: &Offered,
    after: &Offered,
) -> anyhow::Result<()> {
    let (accepted, refused) = (over.accepted()?, over.refused()?);
    let unclear = over.unclear();
    let ms = |quantile: u64| float(quantile) / 1000.0;
    section.goals.push(Goal::at_least(
        "accepted under overload, of the capacity",
        0.9,
        float(accepted.len()) / over.seconds / capacity,
    ));
    section.goals.push(Goal::at_most(
        "p99 of the accepted",
        500.0,
        ms(accepted.value_at_quantile(0.99)),
        "ms",
    ));
    section.goals.push(Goal::at_most(
        "p99 of the refused",
        50.0,
        ms(refused.value_at_quantile(0.99)),
        "ms",
    ));
    section.goals.push(Goal::at_most(
        "neither accepted nor RESOURCE_EXHAUSTED with a hint",
        0.0,
        float(unclear.values().sum()),
        "",
    ));
    if !unclear.is_empty() {
        section.notes.push(format!(
            "Neither accepted nor refused with a hint: {unclear:?}."
        ));
    }
    section.goals.push(Goal::at_most(
        "until all is well again",
        5.0,
        recovered(after),
        "s",
    ));
    Ok(())
}

/// Seconds until [`WELL_S`] seconds on end in which everything was accepted in time begin.
fn recovered(after: &Offered) -> f64 {
    let is_well = |second: u64| {
        let of_second = |answer: &&super::open_loop::Answer| answer.due.as_secs() == second;
        let mut took: Vec<Duration> = Vec::new();
        for answer in after.answers.iter().filter(of_second) {
            match answer.outcome {
                Outcome::Accepted(_) => took.push(answer.took),
                _ => return false,
            }
        }
        took.sort_unstable();
        let place = took.len() * 99 / 100;
        took.get(place.min(took.len().saturating_sub(1)))
            .is_some_and(|took| took.as_secs_f64() * 1000.0 <= P99_MAX_MS)
    };
    let seconds = RECOVERY_MAX.as_secs();
    let begins = |from: &u64| (*from..from + WELL_S).all(is_well);
    let found = (0..=seconds - WELL_S).find(begins);
    float(found.unwrap_or(seconds))
}

/// How many accepted numbers are not there, and how many appeals have a key that another has.
async fn compare(database: &DatabaseConnection, numbers: &[String]) -> anyhow::Result<(u64, u64)> {
    let ask = |text: &str| {
        let none: [sea_orm::Value; 0] = [];
        Statement::from_sql_and_values(database.get_database_backend(), text, none)
    };
    let rows = database
        .query_all_raw(ask("SELECT number FROM appeal"))
        .await?;
    let there: HashSet<String> = rows
        .iter()
        .map(|row| row.try_get("", "number"))
        .collect::<Result<_, _>>()?;
    let lost = numbers
        .iter()
        .filter(|number| !there.contains(*number))
        .count();
    let text = "SELECT COUNT(*) - COUNT(DISTINCT masked_text) AS doubled FROM appeal";
    let row = database.query_one_raw(ask(text)).await?;
    let doubled: i64 = row.context("a count")?.try_get("", "doubled")?;
    Ok((u64::try_from(lost)?, u64::try_from(doubled)?))
}

fn row(what: &str, offered: &Offered) -> anyhow::Result<Vec<String>> {
    let (accepted, refused) = (offered.accepted()?, offered.refused()?);
    let ms = |of: &hdrhistogram::Histogram<u64>, quantile| {
        if of.is_empty() {
            return "-".to_owned();
        }
        figure(float(of.value_at_quantile(quantile)) / 1000.0)
    };
    let cores = |spent: Duration| figure(spent.as_secs_f64() / offered.seconds);
    let share = 100.0 * float(refused.len()) / float(offered.calls.max(1));
    Ok(vec![
        what.to_owned(),
        figure(float(offered.calls) / offered.seconds),
        figure(float(accepted.len()) / offered.seconds),
        ms(&accepted, 0.5),
        ms(&accepted, 0.99),
        format!("{} %", figure(share)),
        ms(&refused, 0.99),
        cores(offered.spent.server),
        cores(offered.spent.client),
        offered.spent.database.map_or_else(|| "-".to_owned(), cores),
    ])
}
