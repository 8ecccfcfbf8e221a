//! The vault on real databases.

mod rotating;

use std::collections::HashSet;
use std::path::Path;

use sea_orm_migration::prelude::*;
use sea_orm_migration::{MigrationName, MigrationTrait};

use super::*;
use crate::migration;
use crate::testing::{self, Databases, ManualClock};
use crate::work::Work;

struct VaultTables;

impl MigrationName for VaultTables {
    fn name(&self) -> &'static str {
        "m20260101_000001_vault"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for VaultTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables::all() {
            manager.create_table(table).await?;
        }
        manager.alter_table(tables::erased_owners()).await
    }
}

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = migration::migrations();
    all.push(Box::new(VaultTables));
    all
}

async fn opened(url: &str) -> Core {
    let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
    testing::core("ledger", url, migrations(), &clock).await
}

fn vault(folder: &Path, suite: Suite) -> Vault {
    Vault::new(VaultParts {
        suite,
        holder: Arc::new(KeyFile::new(suite, &folder.join("vault.keys"))),
        erased: ErasedFile::new(&folder.join("vault.erased")),
    })
}

fn place<'a>(column: &'a str, row: &'a str) -> Place<'a> {
    Place {
        schema: "ledger",
        table: "entry",
        column,
        row,
    }
}

async fn keys(core: &Core, vault: &Vault, owners: &[String]) -> Vec<DataKey> {
    let work = Work::begin(core).await.unwrap();
    let found = vault.keys_of(&work, owners).await.unwrap();
    work.commit().await.unwrap();
    owners.iter().map(|owner| found[owner].clone()).collect()
}

fn owners(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("owner {number}")).collect()
}

#[tokio::test]
async fn an_owner_has_one_key_that_another_process_reads_again_under_either_suite() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let mut sealed = Vec::new();
        for suite in [Suite::Aes256Gcm, Suite::Sm4Gcm, Suite::Aes256Gcm] {
            let vault = vault(folder.path(), suite);
            vault.start(&core).await.unwrap();
            let mine = keys(&core, &vault, &owners(3)).await;
            let again = keys(&core, &vault, &owners(3)).await;
            let ids = |keys: &[DataKey]| keys.iter().map(DataKey::id).collect::<Vec<_>>();
            assert_eq!(ids(&mine), ids(&again), "{}", database.label);
            sealed.push(vault.seal(&mine[0], &place("note", "1"), b"said").unwrap());
            for old in &sealed {
                let clear = vault.open(&mine[0], &place("note", "1"), old).unwrap();
                assert_eq!(clear.as_slice(), b"said", "{}", database.label);
            }
        }
    }
}

/// Everything a value is pinned to, changed one at a time: row, column, table, service, owner, format, key.
#[tokio::test]
async fn ten_thousand_swapped_values_are_refused() {
    let database = Databases::all().await.into_iter().next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let core = opened(&database.url).await;
    let mut refused = 0;
    for suite in [Suite::Aes256Gcm, Suite::Sm4Gcm] {
        let vault = vault(folder.path(), suite);
        vault.start(&core).await.unwrap();
        let keys = keys(&core, &vault, &owners(100)).await;
        let rows: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let sealed: Vec<_> = rows
            .iter()
            .zip(&keys)
            .map(|(row, key)| {
                vault
                    .seal(key, &place("note", row), row.as_bytes())
                    .unwrap()
            })
            .collect();
        let mut stays_shut = |key: &DataKey, at: Place<'_>, value: &[u8]| {
            assert!(vault.open(key, &at, value).is_err(), "{suite:?} {at:?}");
            refused += 1;
        };
        for index in 0..100_usize {
            let (row, key, value) = (&rows[index], &keys[index], &sealed[index]);
            assert!(vault.open(key, &place("note", row), value).is_ok());
            for step in 1..25_usize {
                let other = (index + step) % 100;
                // Another row's place; another owner's key; another owner's value.
                stays_shut(key, place("note", &rows[other]), value);
                stays_shut(&keys[other], place("note", row), value);
                // A value that claims to be of another key.
                let mut claimed = value.clone();
                claimed[2..18].copy_from_slice(keys[other].id().as_bytes());
                stays_shut(&keys[other], place("note", row), &claimed);
            }
            stays_shut(key, place("name", row), value);
            stays_shut(
                key,
                Place {
                    table: "other",
                    ..place("note", row)
                },
                value,
            );
            stays_shut(
                key,
                Place {
                    schema: "other",
                    ..place("note", row)
                },
                value,
            );
            for (at, byte) in [(0, 2), (1, 1), (1, 2)] {
                let mut changed = value.clone();
                if changed[at] != byte {
                    changed[at] = byte;
                    stays_shut(key, place("note", row), &changed);
                }
            }
        }
    }
    assert!(refused >= 10_000, "{refused}");
}

#[test]
fn no_nonce_of_a_million_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), Suite::Aes256Gcm);
    let key = DataKey::for_tests();
    let nonces: HashSet<[u8; 12]> = (0..1_000_000)
        .map(|_| {
            let sealed = vault.seal(&key, &place("note", "1"), b"").unwrap();
            sealed[18..30].try_into().unwrap()
        })
        .collect();
    assert_eq!(nonces.len(), 1_000_000);
}

#[tokio::test]
async fn a_wrapped_key_opens_for_its_owner_and_row_only() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let maker = vault(folder.path(), Suite::Aes256Gcm);
        maker.start(&core).await.unwrap();
        keys(&core, &maker, &owners(2)).await;
        let work = Work::begin(&core).await.unwrap();
        let swap = "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key AS other WHERE other.id <> data_key.id)";
        work.txn().execute_unprepared(swap).await.unwrap();
        work.commit().await.unwrap();
        let other = vault(folder.path(), Suite::Aes256Gcm);
        let work = Work::begin(&core).await.unwrap();
        let found = other.keys_of(&work, &owners(2)).await;
        assert!(
            matches!(found, Err(VaultError::Unreadable)),
            "{}",
            database.label
        );
        work.roll_back().await;
    }
}

#[tokio::test]
async fn a_database_whose_keys_are_missing_is_refused_by_name_and_no_key_is_made() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        vault(folder.path(), Suite::Aes256Gcm)
            .start(&core)
            .await
            .unwrap();
        let path = folder.path().join("vault.keys");
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        let refused = vault(folder.path(), Suite::Aes256Gcm)
            .start(&core)
            .await
            .unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains("vault.keys") && told.contains("backup"),
            "{told}"
        );
        assert!(!path.exists(), "{}", database.label);
        // Keys of another installation are as good as none.
        let other = tempfile::tempdir().unwrap();
        vault(other.path(), Suite::Aes256Gcm)
            .start(&opened_afresh().await)
            .await
            .unwrap();
        std::fs::copy(other.path().join("vault.keys"), &path).unwrap();
        assert!(
            vault(folder.path(), Suite::Aes256Gcm)
                .start(&core)
                .await
                .is_err()
        );
    }
}

async fn opened_afresh() -> Core {
    let database = Databases::all().await.into_iter().next().unwrap();
    let core = opened(&database.url).await;
    std::mem::forget(database);
    core
}

#[test]
fn a_key_file_is_its_owners_alone_and_keys_are_never_printed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.keys");
    let file = KeyFile::new(Suite::Aes256Gcm, &path);
    file.establish().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = file.current().unwrap();
    file.establish().unwrap();
    assert_eq!(file.current().unwrap(), first, "a second start keeps it");
    let second = file.renew().unwrap();
    assert_eq!(file.current().unwrap(), second);
    assert!(file.has(first).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(file.discard(second).is_err(), "the one in use stays");
    file.discard(first).unwrap();
    assert!(!file.has(first).unwrap());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = KeyFile::new(Suite::Aes256Gcm, &path).current().unwrap_err();
    assert!(told.to_string().contains("chmod 600"), "{told}");
    let text = KeyText::fresh();
    assert_eq!(format!("{text:?}"), "KeyText");
}

#[test]
fn keys_of_the_environment_are_read_as_those_of_a_file() {
    let (new, old) = (KeyText::fresh(), KeyText::fresh());
    let text = KeyText::new(format!("{},{}", new.reveal(), old.reveal()));
    let holder = KeyEnvironment::new(Suite::Sm4Gcm, &text).unwrap();
    let wrapped = holder.wrap(&[5; 32], b"here").unwrap();
    assert_eq!(Vault::key_id(&wrapped).unwrap(), holder.current().unwrap());
    assert_eq!(*holder.unwrap(&wrapped, b"here").unwrap(), [5; 32]);
    assert!(holder.unwrap(&wrapped, b"there").is_err());
    for unfit in [
        "",
        "abc",
        "0:0",
        &format!("{},{}", new.reveal(), new.reveal()),
    ] {
        let refused = KeyEnvironment::new(Suite::Sm4Gcm, &KeyText::new(unfit.to_owned()));
        let told = refused.err().unwrap().to_string();
        assert!(told.contains("hexadecimal digits"), "{unfit}: {told}");
    }
}

#[test]
fn unwrapped_keys_are_bounded_and_forgotten() {
    let cache = Cache::holding(100);
    let ids: Vec<Uuid> = (0..1000)
        .map(|_| {
            let key = DataKey::for_tests();
            cache.put(key.0.clone());
            key.id()
        })
        .collect();
    assert!(cache.len() <= 100);
    let last = ids[999];
    assert!(cache.get(last).is_some());
    cache.forget(last);
    assert!(cache.get(last).is_none());
}

#[tokio::test]
async fn a_restored_database_is_told_which_keys_must_go() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let first = vault(folder.path(), Suite::Aes256Gcm);
        first.start(&core).await.unwrap();
        let mine = keys(&core, &first, &owners(3)).await;
        let work = Work::begin(&core).await.unwrap();
        let gone = first.destroy(&work, &owners(2), "request 1").await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(gone, 2);
        first.note_erasures(&core).await.unwrap();
        first.note_erasures(&core).await.unwrap();
        let noted = std::fs::read_to_string(folder.path().join("vault.erased")).unwrap();
        assert_eq!(noted.lines().count(), 2, "{noted}");
        assert!(first.unapplied_erasures(&core).await.unwrap().is_none());
        let ids: Vec<Uuid> = mine.iter().map(DataKey::id).collect();
        let left = first.keys_by_id(core.db().read(), &ids).await.unwrap();
        assert_eq!(left.len(), 1, "{}", database.label);

        // The same file beside a database that never heard of it, with the keys still in it.
        let work = Work::begin(&core).await.unwrap();
        work.txn()
            .execute_unprepared("DELETE FROM erased_key")
            .await
            .unwrap();
        work.commit().await.unwrap();
        let restored = vault(folder.path(), Suite::Aes256Gcm);
        let found = restored.unapplied_erasures(&core).await.unwrap().unwrap();
        assert_eq!(found.keys.len(), 2);
        assert!(found.owners.is_empty(), "their keys are gone here");
        let work = Work::begin(&core).await.unwrap();
        restored.enter_erased(&work, &found.keys).await.unwrap();
        work.commit().await.unwrap();
        assert!(restored.unapplied_erasures(&core).await.unwrap().is_none());
    }
}
