//! Does the time of a refusal tell more than its words? Names and numbers that are known beside such as
//! are not, asked in turn over loopback, where nothing hides a difference.

mod asking;
mod people;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use self::asking::{Asker, Numbers};
use self::people::People;
use super::Bench;
use super::apart::{self, Apart, T_MAX};
use super::ground::Kind;
use super::report::{Goal, Section, Table, figure};
use super::server::Server;
use crate::services::Name;

/// What needs no hash and no write is asked so many times as often.
const QUICK: usize = 10;
/// A look at a query code writes: it is asked so many times as often as what needs a hash.
const WRITING: usize = 4;

/// Measures on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(format!(
        "One caller on this machine asks one question after the other, of each kind in a random order; every name gets as many wrong \
         passwords as are free, with the code of a device that nobody knows, and addresses change before they are closed. Times are the \
         caller's. t is Welch's, without the longest quarter of all times; beyond {T_MAX} the two are told apart. The interval is that of \
         the difference of the medians, 95 %, drawn again."
    ));
    let mut table = Table::new(
        "µs:",
        &[
            "database",
            "what",
            "each",
            "median of the first",
            "of the second",
            "difference",
            "t",
            "effect",
        ],
    );
    for &kind in bench.grounds.kinds() {
        for compared in on(bench, kind).await? {
            let apart = compared.apart;
            let (low, high) = apart.difference;
            table.rows.push(vec![
                kind.label().to_owned(),
                compared.what.to_owned(),
                compared.count.to_string(),
                figure(apart.medians[0]),
                figure(apart.medians[1]),
                format!("{} to {}", figure(low), figure(high)),
                figure(apart.t),
                figure(apart.effect),
            ]);
            let what = format!("{}, {}: t", kind.label(), compared.what);
            let goal = Goal::at_most(&what, T_MAX, apart.t.abs(), "");
            section.goals.push(goal);
        }
        bench.grounds.clear().await;
    }
    section.tables.push(table);
    Ok(section)
}

/// Two kinds of answers, compared.
struct Compared {
    what: &'static str,
    count: usize,
    apart: Apart,
}

impl Compared {
    fn of(what: &'static str, first: &[f64], second: &[f64]) -> Self {
        Self {
            what,
            count: first.len(),
            apart: apart::compare(first, second),
        }
    }
}

async fn on(bench: &Bench, kind: Kind) -> anyhow::Result<Vec<Compared>> {
    let samples = bench.sizes.samples;
    let ground = bench.grounds.make(kind).await?;
    let without_limits = [
        ("HOTLINE__INTAKE__WRONG_CODES_PER_NUMBER_MAX", "1000000"),
        ("HOTLINE__INTAKE__WRONG_CODES_PER_NETWORK_MAX", "1000000"),
        ("HOTLINE__INTAKE__WRONG_CODES_PER_MINUTE_MAX", "1000000"),
        ("HOTLINE__INTAKE__WRONG_CODES_PER_MINUTE_ALARM", "1000000"),
    ];
    let services = [Name::Intake, Name::Gateway];
    let server = Server::start(&ground, &services, &without_limits).await?;
    server.found(&[Name::Intake]).await?;
    let people = People::gather(&server, samples.div_ceil(people::FREE)).await?;
    let numbers = Numbers::gather(&server, samples).await?;
    let mut asker = Asker::new(&server, StdRng::seed_from_u64(1));

    let guessed = asker.guess(&people, samples).await?;
    let [known, unknown, disabled] = &guessed;
    let mut all = vec![
        Compared::of(
            "a wrong password: of a known name, of nobody's",
            known,
            unknown,
        ),
        Compared::of(
            "a wrong password: of a known name, of a disabled one",
            known,
            disabled,
        ),
    ];
    let [known, unknown] = asker.at_locked(&people, samples * QUICK).await?;
    let what = "after ten wrong ones: a known name, nobody's";
    all.push(Compared::of(what, &known, &unknown));
    let [known, unknown] = asker.at_closed_address(&people, samples * QUICK).await?;
    let what = "from an address that was wrong too often: a known name, nobody's";
    all.push(Compared::of(what, &known, &unknown));
    let [known, unknown] = asker.look(&numbers, samples * WRITING).await?;
    let what = "a wrong query code: of a ticket, of no ticket";
    all.push(Compared::of(what, &known, &unknown));
    server.stop().await?;
    Ok(all)
}
