//! A city on a disk whose power fails, or that refuses.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use hotline_tests::disk::Disk;
use hotline_tests::ledger::Ledger;
use hotline_tests::process::{Installation, Process};
use hotline_tests::shim::Shim;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tokio::task::JoinSet;

/// Power fails at one of so many changes after a start: before it answers, or in the first few dozen
/// registrations.
const CHANGES_MAX: u64 = 3_000;
/// Changes of a first start, about, as a power of two.
const FIRST_CHANGES_LOG2: u32 = 10;
/// Callers at once.
const CALLERS: usize = 4;
/// After a cut, so many of the latest entries are asked again.
const ASKED_AGAIN: usize = 60;

const SIGKILL: i32 = 9;

/// An embedded city on a disk that forgets.
pub(crate) struct City {
    pub(crate) installation: Installation,
    pub(crate) shim: Shim,
    disk: Disk,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) random: StdRng,
}

impl City {
    pub(crate) fn empty(seed: u64) -> Self {
        Self {
            installation: Installation::embedded(),
            shim: Shim::compile(),
            disk: Disk::default(),
            ledger: Arc::new(Ledger::new()),
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// A city with the sample's tables, safe on its disk.
    pub(crate) async fn found(seed: u64) -> Self {
        let mut city = Self::empty(seed);
        let process = city.installation.start().await;
        city.installation.load_sample();
        process.kill();
        city.disk = Disk::read(&city.data());
        city
    }

    /// Starts it with `environment`, and has callers ask until power fails.
    pub(crate) async fn live_until_a_cut(&mut self, environment: &[(&str, &str)]) {
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

    /// Starts it; power fails in one of its first changes, the earlier the more often, or soon after.
    pub(crate) async fn start_until_a_cut(&mut self) {
        let changes_max = 1 << self.random.random_range(0..=FIRST_CHANGES_LOG2);
        match self.start(&[], changes_max).await {
            Ok(process) => self.cut_now(process).await,
            Err(status) => self.cut(status),
        }
    }

    /// Power fails at the next change of `process`.
    pub(crate) async fn cut_now(&mut self, process: Process) {
        self.shim.cut_now();
        let status = process.end().await;
        self.cut(status);
    }

    /// Starts it on its disk; power does not fail until it is told to.
    pub(crate) async fn start_uncut(&mut self) -> Process {
        let started = self.start(&[], u64::MAX).await;
        started.unwrap_or_else(|status| panic!("the process ended: {status}"))
    }

    pub(crate) async fn start(
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
    pub(crate) fn cut(&mut self, status: ExitStatus) {
        let told = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        assert_eq!(status.signal(), Some(SIGKILL), "ended by itself: {told}");
        let mut disk = std::mem::take(&mut self.disk);
        disk.follow(&self.shim.trace(), &mut self.random);
        disk.assert_seen(&self.data());
        self.disk = disk.cut(&mut self.random);
        self.disk.write(&self.data());
    }

    /// SQLite finds its files whole; asked of copies, because to open one is to mend it.
    pub(crate) async fn assert_whole(&self) {
        let copies = tempfile::tempdir().expect("a temporary folder");
        self.disk.write(copies.path());
        for service in ["intake", "routing", "feedback", "reporting", "gateway"] {
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
