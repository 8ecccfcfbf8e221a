//! A PostgreSQL that crashes, throws its clients out, has no connection left or no room: what was
//! acknowledged stays, each key has one receipt, and the city goes on by itself when the server does.
//!
//! Each test has a server of its own; the city's process is never started again.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says its figures"
)]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotline_platform::testing::times;
use hotline_tests::cluster::Cluster;
use hotline_tests::ledger::Ledger;
use hotline_tests::machine::{LastWill, as_root, user_id};
use hotline_tests::principal::Door;
use hotline_tests::process::{Installation, Process};
use hotline_tests::redis_server::RedisServer;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tokio::task::JoinSet;
use tokio::time::interval;
use tonic::Code;

/// Callers at once.
const CALLERS: usize = 8;
/// How long a caller waits before he asks again what was refused.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the city may take for what it surely does.
const WAIT_MAX: Duration = Duration::from_mins(2);
/// Receipts between two faults.
const RECEIPTS_BETWEEN: usize = 20;
/// Restarts within which a server that does not wait for its disk must have lost something.
const CONTROL_RESTARTS: usize = 10;
/// Between two backends that are terminated.
const TERMINATE_EVERY: Duration = Duration::from_millis(200);
/// Connections that the server has for everybody.
const SERVER_CONNECTIONS: usize = 24;
/// The disk that becomes full.
const DISK_MIB: u32 = 192;

#[tokio::test(flavor = "multi_thread")]
async fn immediate_restarts_lose_nothing_that_was_acknowledged() {
    let restarts = 30 * times();
    let city = City::found(Cluster::start(), 16).await;
    let callers = city.call();
    for number in 0..restarts {
        println!("restart {number}: {} receipts", city.ledger.acknowledged());
        city.restart_under_load().await;
        assert_eq!(city.ledger.broken(), [""; 0]);
    }
    callers.stop().await;
    city.prove().await;
}

/// If this server lost nothing, no restart would ever show a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_wait_for_its_disk_loses_receipts() {
    let cluster = Cluster::start_with(&["wal_writer_delay=10s"]);
    let careless = [("HOTLINE_SEEDED_BUG", "synchronous_normal")];
    let city = City::found_with(cluster, 16, &careless).await;
    let callers = city.call();
    for _ in 0..CONTROL_RESTARTS {
        city.restart_under_load().await;
        city.ledger.ask_again(4 * RECEIPTS_BETWEEN);
        city.receipts(RECEIPTS_BETWEEN).await;
        if !city.ledger.broken().is_empty() {
            callers.stop().await;
            return;
        }
    }
    panic!(
        "{} receipts, and {CONTROL_RESTARTS} restarts took none back",
        city.ledger.acknowledged()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_wait_for_its_disk_is_refused_by_the_name_of_its_setting() {
    for setting in ["synchronous_commit=off", "fsync=off"] {
        let cluster = Cluster::start_with(&[setting]);
        let installation = installation(&cluster, "", 2);
        let mut command = installation.command(&["run"]);
        let refused = command.stderr(Stdio::piped()).output();
        let refused = refused.expect("the binary starts");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{setting}: it served");
        assert!(told.contains(&setting.replace('=', " = ")), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_backends_lose_nothing_that_was_acknowledged() {
    let terminations = 50 * u64::from(times());
    let city = City::found(Cluster::start(), 16).await;
    let callers = city.call();
    let stranger = stranger(&city.cluster).await.expect("a connection");
    let mut looks = interval(TERMINATE_EVERY);
    let (mut terminated, mut last) = (0, Instant::now());
    while terminated < terminations {
        looks.tick().await;
        let now = terminate(&stranger, "ORDER BY random() LIMIT 1").await;
        terminated += now;
        last = if now > 0 { Instant::now() } else { last };
        assert!(last.elapsed() < WAIT_MAX, "nobody is left to terminate");
    }
    city.receipts(RECEIPTS_BETWEEN).await;
    callers.stop().await;
    city.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn few_connections_serve_many_callers_and_none_are_waited_for() {
    let limit = format!("max_connections={SERVER_CONNECTIONS}");
    let city = City::found(Cluster::start_with(&[&limit]), 2).await;
    let callers = city.call_with(8 * CALLERS);
    city.receipts(10 * RECEIPTS_BETWEEN).await;
    callers.stop().await;
    let log = city.cluster.log();
    assert!(!log.contains("too many clients"), "{log}");
    let acknowledged = city.ledger.acknowledged();

    let mut strangers = vec![stranger(&city.cluster).await.expect("a connection")];
    let begun = Instant::now();
    while strangers.len() < SERVER_CONNECTIONS {
        assert!(
            begun.elapsed() < WAIT_MAX,
            "the strangers get no connection"
        );
        terminate(&strangers[0], "").await;
        while let Some(another) = stranger(&city.cluster).await {
            strangers.push(another);
        }
    }
    let callers = city.call();
    city.refusals(CALLERS).await;
    let meanwhile = city.ledger.acknowledged() - acknowledged;
    assert_eq!(meanwhile, 0, "there is no way to the disk");
    drop(strangers);

    city.receipts(RECEIPTS_BETWEEN).await;
    callers.stop().await;
    city.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_is_used_again_when_there_is_room() {
    let disk = SmallDisk::mount();
    // Little WAL is kept, so that the disk is full soon; all of it is on the disk.
    let settings = ["min_wal_size=2MB", "max_wal_size=8MB", "shared_buffers=8MB"];
    let city = City::found(Cluster::start_in(disk.path(), &settings), 16).await;
    let callers = city.call();
    for _ in 0..3 * times() {
        city.receipts(RECEIPTS_BETWEEN).await;
        let refused = city.ledger.refused() + CALLERS;
        disk.fill_until(|| city.ledger.refused() >= refused).await;
        disk.empty();
        // Out of room for its WAL, the server ends; who runs it starts it again.
        if !city.cluster.is_running() {
            city.cluster.start_again();
        }
    }
    city.receipts(RECEIPTS_BETWEEN).await;
    callers.stop().await;
    city.prove().await;
}

/// A city on PostgreSQL and Redis, its process, and what its callers know.
struct City {
    installation: Installation,
    process: Process,
    ledger: Arc<Ledger>,
    cluster: Cluster,
    _redis: RedisServer,
}

impl City {
    async fn found(cluster: Cluster, connections_max: u32) -> Self {
        Self::found_with(cluster, connections_max, &[]).await
    }

    /// One whose process has `environment` besides.
    async fn found_with(
        cluster: Cluster,
        connections_max: u32,
        environment: &[(&str, &str)],
    ) -> Self {
        let redis = RedisServer::start();
        let feed = format!("[feed]\nredis_url = \"{}\"\n", redis.url());
        let installation = installation(&cluster, &feed, connections_max);
        let mut command = installation.command(&["run"]);
        command.envs(environment.iter().copied());
        let process = installation.start_as(command).await;
        let process = process.expect("the city starts");
        installation.load_sample();
        Self {
            installation,
            process,
            ledger: Arc::new(Ledger::new()),
            cluster,
            _redis: redis,
        }
    }

    fn channel(&self) -> Door {
        self.process.channel()
    }

    fn call(&self) -> Callers {
        self.call_with(CALLERS)
    }

    /// Callers who ask until they are stopped. What is refused is asked again, with its key.
    fn call_with(&self, count: usize) -> Callers {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (channel, ledger) = (self.channel(), Arc::clone(&self.ledger));
            let is_over = Arc::clone(&is_over);
            tasks.spawn(async move {
                let mut pauses = interval(PAUSE);
                while !is_over.load(Ordering::Relaxed) {
                    let Err(status) = ledger.ask(&channel).await else {
                        continue;
                    };
                    let is_passing =
                        matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
                    assert!(is_passing, "{status}");
                    pauses.tick().await;
                }
            });
        }
        Callers { tasks, is_over }
    }

    /// Waits for so many more receipts.
    async fn receipts(&self, count: usize) {
        let until = self.ledger.acknowledged() + count;
        until_true("receipts", || self.ledger.acknowledged() >= until).await;
    }

    /// Waits for so many more refusals.
    async fn refusals(&self, count: usize) {
        let until = self.ledger.refused() + count;
        until_true("refusals", || self.ledger.refused() >= until).await;
    }

    async fn restart_under_load(&self) {
        self.receipts(RECEIPTS_BETWEEN / 2).await;
        self.cluster.stop_immediate();
        self.cluster.start_again();
        self.ledger.ask_again(2 * RECEIPTS_BETWEEN);
    }

    /// Everything that was acknowledged is there once, in the same process.
    async fn prove(mut self) {
        println!(
            "{} receipts, {} refusals",
            self.ledger.acknowledged(),
            self.ledger.refused()
        );
        self.ledger.prove(&self.channel()).await;
        assert_eq!(self.ledger.broken(), [""; 0]);
        assert!(self.process.is_running(), "the process went down");
        self.process.kill();
        self.installation.check();
    }
}

/// A city that is not started yet, its databases in `cluster`.
fn installation(cluster: &Cluster, settings: &str, connections_max: u32) -> Installation {
    for service in ["intake", "routing", "feedback", "reporting", "gateway"] {
        cluster.create_database(service);
    }
    let settings = format!(
        "[database]\nurl = \"{}\"\nauto_migrate = true\nconnections_max = {connections_max}\n{settings}",
        cluster.url("{service}"),
    );
    Installation::configured("PostgreSQL + Redis", &settings)
}

/// Callers at work.
struct Callers {
    tasks: JoinSet<()>,
    is_over: Arc<AtomicBool>,
}

impl Callers {
    async fn stop(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(caller) = self.tasks.join_next().await {
            caller.expect("a caller ends");
        }
    }
}

/// A tmpfs of its own, for a server and a file that takes its room.
struct SmallDisk {
    folder: tempfile::TempDir,
    _will: LastWill,
}

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let owner = user_id();
        let size = format!("size={DISK_MIB}m,mode=755,uid={owner}");
        let mounted = as_root("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "the test needs a small disk: run it as root, or where sudo mounts without asking"
        );
        // It is busy until the server on it has ended.
        let remove = "for i in $(seq 60); do $2 \"$1\" && break; sleep 1; done; rmdir \"$1\"";
        let umount = if owner == 0 {
            "umount"
        } else {
            "sudo -n umount"
        };
        Self {
            _will: LastWill::new(remove, folder.path(), &[umount]),
            folder,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast_path(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes whatever room there is, again and again, until `is_enough`.
    async fn fill_until(&self, is_enough: impl Fn() -> bool) {
        let mut ballast = File::create(self.ballast_path()).expect("a file");
        until_true("refusals for want of room", || {
            let block = [0; 4096];
            loop {
                match ballast.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the ballast: {error}"),
                }
            }
            is_enough()
        })
        .await;
    }

    fn empty(&self) {
        std::fs::remove_file(self.ballast_path()).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The server that used it is gone; a failure leaves a mount behind and no wrong verdict.
        drop(as_root("umount").arg(self.path()).status());
    }
}

/// Another user of the server; `None` if it has no connection left.
async fn stranger(cluster: &Cluster) -> Option<DatabaseConnection> {
    let mut options = sea_orm::ConnectOptions::new(cluster.url("postgres"));
    options
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(1))
        .sqlx_logging(false);
    Database::connect(options).await.ok()
}

/// Terminates backends of the city, those that `choice` leaves; how many.
async fn terminate(stranger: &DatabaseConnection, choice: &str) -> u64 {
    let statement = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname <> 'postgres' AND backend_type = 'client backend' {choice}"
    );
    let done = stranger.execute_unprepared(&statement).await;
    done.expect("the server obeys").rows_affected()
}

async fn until_true(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    let mut looks = interval(Duration::from_millis(5));
    while !is_true() {
        assert!(begun.elapsed() < WAIT_MAX, "waited in vain for {what}");
        looks.tick().await;
    }
}
