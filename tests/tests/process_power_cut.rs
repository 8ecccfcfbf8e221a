//! Power fails under an embedded city, again and again: what was acknowledged stays, the databases are
//! whole, and nobody has to mend anything.
//!
//! The disk is `tests/shim/disk.c` with `hotline_tests::disk`: power fails at a random change of a file,
//! and takes back a random part of what was not synced.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use hotline_platform::testing::{is_long, seed};
use hotline_tests::disk::Disk;
use hotline_tests::ledger::Ledger;
use hotline_tests::process::{Installation, Process};
use hotline_tests::shim::Shim;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tokio::task::JoinSet;

/// Cuts of one city, before it is looked at as a whole and another one is founded.
const CUTS_PER_CITY: usize = 50;
/// Power fails at one of so many changes after a start, which is one of the first few hundred
/// registrations.
const CHANGES_MAX: u64 = 3_000;
/// Changes of a first start, about.
const FIRST_CHANGES_MAX: u64 = 1_200;
/// Callers at once.
const CALLERS: usize = 4;
/// After a cut, so many of the latest entries are asked again.
const ASKED_AGAIN: usize = 60;
/// Cuts within which a city that does not sync its commits must have lost something.
const CONTROL_CUTS: usize = 20;

const SIGKILL: i32 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_lose_nothing_that_was_acknowledged() {
    let (cities, seed) = (if is_long() { 100 } else { 4 }, seed());
    for number in 0..cities {
        let seed = seed + number;
        println!("HOTLINE_TEST_SEED={seed}");
        let mut city = City::found(seed).await;
        for _ in 0..CUTS_PER_CITY {
            city.live_until_a_cut(&[]).await;
            city.assert_whole().await;
            assert_eq!(city.ledger.broken(), [""; 0], "seed {seed}");
        }
        let process = city.installation.start().await;
        city.ledger.prove(&process.channel()).await;
        assert_eq!(city.ledger.broken(), [""; 0], "seed {seed}");
        println!("{} receipts", city.ledger.acknowledged());
        process.kill();
        city.installation.check();
    }
}

/// If this city lost nothing, no cut would ever show a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_city_that_does_not_sync_its_commits_loses_receipts() {
    let seed = seed();
    println!("HOTLINE_TEST_SEED={seed}");
    let mut city = City::found(seed).await;
    for _ in 0..CONTROL_CUTS {
        city.live_until_a_cut(&[("HOTLINE_SEEDED_BUG", "synchronous_normal")])
            .await;
        if !city.ledger.broken().is_empty() {
            return;
        }
    }
    panic!(
        "seed {seed}: {} receipts, and {CONTROL_CUTS} cuts took none back",
        city.ledger.acknowledged()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_in_the_first_start_leaves_a_city_that_starts() {
    let (cities, seed) = (if is_long() { 500 } else { 20 }, seed());
    for number in 0..cities {
        let seed = seed + number;
        println!("HOTLINE_TEST_SEED={seed}");
        let mut city = City::empty(seed);
        for _ in 0..3 {
            city.start_until_a_cut(FIRST_CHANGES_MAX).await;
        }
        let process = city.installation.start().await;
        city.installation.load_sample();
        city.ledger.ask(&process.channel()).await.expect("a receipt");
        process.kill();
        city.installation.check();
    }
}

/// An embedded city on a disk that forgets.
struct City {
    installation: Installation,
    shim: Shim,
    disk: Disk,
    ledger: Arc<Ledger>,
    random: StdRng,
}

impl City {
    fn empty(seed: u64) -> Self {
        Self {
            installation: Installation::embedded(),
            shim: Shim::compile(),
            disk: Disk::default(),
            ledger: Arc::new(Ledger::new()),
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// A city with the sample's tables, safe on its disk.
    async fn found(seed: u64) -> Self {
        let mut city = Self::empty(seed);
        let process = city.installation.start().await;
        city.installation.load_sample();
        process.kill();
        city.disk = Disk::read(&city.data());
        city
    }

    /// Starts it with `environment`, and has callers ask until power fails.
    async fn live_until_a_cut(&mut self, environment: &[(&str, &str)]) {
        self.ledger.ask_again(ASKED_AGAIN);
        let started = self.start(environment, CHANGES_MAX).await;
        let status = match started {
            Ok(process) => {
                call_until_it_ends(&process, &self.ledger).await;
                process.end().await
            }
            Err(status) => status,
        };
        self.cut(status);
    }

    /// Starts it; power fails before it has done much, or soon after.
    async fn start_until_a_cut(&mut self, changes_max: u64) {
        let status = match self.start(&[], changes_max).await {
            Ok(process) => {
                self.shim.cut_now();
                process.end().await
            }
            Err(status) => status,
        };
        self.cut(status);
    }

    async fn start(
        &mut self,
        environment: &[(&str, &str)],
        changes_max: u64,
    ) -> Result<Process, ExitStatus> {
        let mut command = self.installation.command(&["run"]);
        self.shim.put_under(&mut command, &self.data());
        self.shim.cut_at(self.random.random_range(1..=changes_max));
        let log = File::create(self.log_path()).expect("a writable folder");
        command.envs(environment.iter().copied()).stdout(log);
        self.installation.start_as(command).await
    }

    /// What power leaves of the disk.
    fn cut(&mut self, status: ExitStatus) {
        let told = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        assert_eq!(status.signal(), Some(SIGKILL), "ended by itself: {told}");
        let mut disk = std::mem::take(&mut self.disk);
        disk.follow(&self.shim.trace(), &mut self.random);
        disk.assert_seen(&self.data());
        self.disk = disk.cut(&mut self.random);
        self.disk.write(&self.data());
    }

    /// SQLite finds its files whole; asked of copies, because to open one is to mend it.
    async fn assert_whole(&self) {
        let copies = tempfile::tempdir().expect("a temporary folder");
        self.disk.write(copies.path());
        for service in ["intake", "routing", "feedback", "reporting"] {
            let path = copies.path().join(format!("{service}.db"));
            let database = Database::connect(format!("sqlite://{}", path.display())).await;
            let database = database.expect("the database opens");
            let question = "PRAGMA integrity_check";
            let question = Statement::from_sql_and_values(DbBackend::Sqlite, question, []);
            let answer = database.query_one_raw(question).await;
            let answer = answer.expect("an answer").expect("a row");
            let found: String = answer.try_get_by_index(0).expect("a text");
            assert_eq!(found, "ok", "{service}");
            database.close().await.expect("it closes");
        }
    }

    fn data(&self) -> PathBuf {
        self.installation.data()
    }

    fn log_path(&self) -> PathBuf {
        self.installation.folder().join("log")
    }
}

async fn call_until_it_ends(process: &Process, ledger: &Arc<Ledger>) {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (channel, ledger) = (process.channel(), Arc::clone(ledger));
        callers.spawn(async move { while ledger.ask(&channel).await.is_ok() {} });
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("a caller ends");
    }
}
