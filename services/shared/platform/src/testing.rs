//! For tests of services: empty databases of every arrangement, a moved clock, the log, reactions
//! and timers by hand. No test needs a sleep.

#[cfg(feature = "testing")]
pub mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hotline_kernel::time::Timestamp;
use hotline_proto::access::{RULES, Rule};
use hotline_proto::event::{Body, Envelope};
use prost::Message;
use sea_orm::{ConnectionTrait, Database};
use sea_orm_migration::MigrationTrait;

use crate::access::{Scope, decide};
use crate::audit::AuditKey;
pub use crate::clock::ManualClock;
use crate::core::{Core, CoreError, CoreParts};
use crate::db::{Db, DbOptions, Txn};
use crate::grpc::Principal;
use crate::ids::Ids;
use crate::reaction::{Reaction, ReactionError, TimerHandler};
use crate::tasks::Tasks;
use crate::vault::erasure::ErasedFile;
use crate::vault::{KeyFile, Suite, Vault, VaultParts};
use crate::work::Work;
use crate::{migration, outbox, timers};

/// The scope in which `principal` makes a call of the method that is named so.
///
/// # Panics
///
/// If there is no such method, or the principal may not call it.
#[must_use]
pub fn scope(principal: &Principal, method: &str) -> Scope {
    let named = |(path, _): &&(&str, Rule)| path.ends_with(&format!("/{method}"));
    let found = RULES.iter().find(named);
    let (_, rule) = found.unwrap_or_else(|| panic!("no method {method}"));
    // The methods of tests' scopes ask for no second factor, so that the instant does not matter.
    decide(principal, rule, Timestamp::UNIX_EPOCH)
        .unwrap_or_else(|denied| panic!("{method}: {denied}"))
}

/// An empty database, gone when it is dropped (a PostgreSQL one when its cluster goes).
#[derive(Debug)]
pub struct TestDatabase {
    /// For assert messages: `sqlite` or `postgres`.
    pub label: &'static str,
    /// To open it with.
    pub url: String,
    folder: Option<PathBuf>,
}

/// Where tests find databases.
#[derive(Debug)]
pub struct Databases;

impl Databases {
    /// One empty database per arrangement: SQLite in a temporary folder, and PostgreSQL if
    /// `HOTLINE_TEST_POSTGRES` names an administrative database.
    ///
    /// # Panics
    ///
    /// If a database cannot be made: a test must not pass because it did not run.
    pub async fn all() -> Vec<TestDatabase> {
        let mut databases = vec![sqlite()];
        if let Some(admin) = variable("HOTLINE_TEST_POSTGRES") {
            databases.push(postgres(&admin).await);
        }
        databases
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What cannot be removed is left to the system's temporary folder.
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// The URL of a Redis to test with, if there is one.
#[must_use]
pub fn redis_url() -> Option<String> {
    variable("HOTLINE_TEST_REDIS")
}

/// The seed of a random test: `HOTLINE_TEST_SEED`, else another at every run. Whoever uses it prints it.
///
/// # Panics
///
/// As [`only_seed`].
#[must_use]
pub fn seed() -> u64 {
    only_seed().unwrap_or_else(|| Ids::from_os().draw(u32::MAX).into())
}

/// The binary that process tests shall start instead of the one built beside them (`HOTLINE_TEST_BINARY`).
#[must_use]
pub fn binary() -> Option<PathBuf> {
    variable("HOTLINE_TEST_BINARY").map(PathBuf::from)
}

/// How many times as much proofs shall try as in every run of the tests: 1 but in their long form
/// (`tests/run --long`, `HOTLINE_TEST_LONG`).
///
/// # Panics
///
/// If the variable holds no number above 0.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "a size that is not understood must not be replaced"
)]
pub fn times() -> u32 {
    variable("HOTLINE_TEST_LONG").map_or(1, |text| {
        let times: std::num::NonZeroU32 =
            text.parse().expect("HOTLINE_TEST_LONG is a number above 0");
        times.get()
    })
}

/// The one seed that random tests shall run (`HOTLINE_TEST_SEED`), to look at it alone.
///
/// # Panics
///
/// If the variable holds no number.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "a seed that is not understood must not be replaced"
)]
pub fn only_seed() -> Option<u64> {
    let text = variable("HOTLINE_TEST_SEED")?;
    Some(text.parse().expect("HOTLINE_TEST_SEED is a number"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are configured by environment, here and nowhere else"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A name that no other test of this or another process uses.
fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "hotline_test_{}_{count}_{:08x}",
        std::process::id(),
        Ids::from_os().draw(u32::MAX)
    )
}

#[expect(
    clippy::expect_used,
    reason = "a test must not pass because it did not run"
)]
fn sqlite() -> TestDatabase {
    let folder = std::env::temp_dir().join(fresh_name());
    std::fs::create_dir(&folder).expect("the temporary folder can be written");
    let url = format!("sqlite://{}", folder.join("test.db").display());
    TestDatabase {
        label: "sqlite",
        url,
        folder: Some(folder),
    }
}

#[expect(
    clippy::expect_used,
    reason = "a test must not pass because it did not run"
)]
async fn postgres(admin: &str) -> TestDatabase {
    let name = fresh_name();
    let connection = Database::connect(admin)
        .await
        .expect("HOTLINE_TEST_POSTGRES can be reached");
    connection
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("it may create databases");
    connection.close().await.expect("the connection closes");
    let (server, _) = admin
        .rsplit_once('/')
        .expect("the URL ends with a database's name");
    TestDatabase {
        label: "postgres",
        url: format!("{server}/{name}"),
        folder: None,
    }
}

/// Opens `url`, applies `migrations` and makes a core with tasks of its own; nothing runs yet.
///
/// # Panics
///
/// If the database cannot be opened.
pub async fn core(
    name: &'static str,
    url: &str,
    migrations: Vec<Box<dyn MigrationTrait>>,
    clock: &ManualClock,
) -> Core {
    core_with(name, url, migrations, clock, &Tasks::new()).await
}

/// The key of every test's audit trail.
#[must_use]
pub fn audit_key() -> AuditKey {
    AuditKey::new(&[0x5a; 32])
}

/// [`core`] among the tasks of a process, so that [`crate::quiet::Quiet`] can watch several services.
///
/// # Panics
///
/// If the database cannot be opened.
#[expect(
    clippy::expect_used,
    reason = "a test must not pass because it did not run"
)]
pub async fn core_with(
    name: &'static str,
    url: &str,
    migrations: Vec<Box<dyn MigrationTrait>>,
    clock: &ManualClock,
    tasks: &Tasks,
) -> Core {
    let db = Db::open(url, &DbOptions { connections_max: 8 })
        .await
        .expect("the database opens");
    migration::apply(&db, migrations)
        .await
        .expect("the migrations apply");
    let (clock, ids, tasks) = (Arc::new(clock.clone()), Ids::from_os(), tasks.clone());
    Core::new(CoreParts {
        name,
        db,
        clock,
        ids,
        tasks,
        audit_key: audit_key(),
    })
}

/// A vault that keeps its keys in `folder`.
#[must_use]
pub fn vault(folder: &std::path::Path) -> Vault {
    let suite = Suite::default();
    Vault::new(VaultParts {
        suite,
        holder: Arc::new(KeyFile::new(suite, &folder.join("vault.keys"))),
        erased: ErasedFile::new(&folder.join("vault.erased")),
    })
}

/// Commits a transaction that a test wrote into by hand.
///
/// # Panics
///
/// If it cannot be committed.
#[expect(
    clippy::expect_used,
    reason = "a test must not pass because it did not run"
)]
pub async fn commit(txn: Txn) {
    txn.commit().await.expect("commits");
}

/// All events of a service's log, in the order of writing.
///
/// # Panics
///
/// If the log cannot be read.
#[expect(
    clippy::expect_used,
    reason = "a test must not pass because it did not run"
)]
pub async fn log(core: &Core) -> Vec<(Envelope, Body)> {
    let envelopes = outbox::read_all(core.db().read(), core.name())
        .await
        .expect("the log can be read");
    let decoded = |envelope: Envelope| {
        let body = Body::decode(envelope.body.as_slice()).expect("the log holds bodies");
        (envelope, body)
    };
    envelopes.into_iter().map(decoded).collect()
}

/// Applies one event in one transaction, as the consumer does.
pub async fn react(
    core: &Core,
    reaction: &dyn Reaction,
    envelope: &Envelope,
    body: &Body,
) -> Result<(), ReactionError> {
    let work = Work::begin(core).await?;
    let applied = async {
        reaction.begin(&work, &[envelope]).await?;
        reaction.apply(&work, envelope, body).await
    };
    match applied.await {
        Ok(()) => Ok(work.commit().await?),
        Err(error) => {
            work.roll_back().await;
            Err(error)
        }
    }
}

/// Fires every timer that is due, in due order, until none is; returns how many.
pub async fn fire_due(core: &Core, handler: &dyn TimerHandler) -> Result<u32, CoreError> {
    let mut fired = 0;
    loop {
        let round = timers::fire_batch(core, handler).await?;
        if round == 0 {
            return Ok(fired);
        }
        fired += round;
    }
}
