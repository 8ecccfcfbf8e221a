//! Wrapping keys change while others read and write.

use sea_orm::ConnectionTrait as _;

use super::*;

/// Registers and reads while keys are rotated three times: nothing fails, and nothing is left under an old key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_fails_nobody() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let city = vault(folder.path(), Suite::Aes256Gcm);
        city.start(&core).await.unwrap();
        let sealed = Arc::new(std::sync::Mutex::new(Vec::new()));
        let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let load = {
            let (core, city, sealed, is_over) =
                (core.clone(), city.clone(), sealed.clone(), is_over.clone());
            async move {
                let mut round = 0_u32;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) || round < 20 {
                    let names: Vec<String> = (0..20)
                        .map(|number| format!("{}", (round * 7 + number) % 500))
                        .collect();
                    let keys = keys(&core, &city, &names).await;
                    for (name, key) in names.iter().zip(&keys) {
                        let value = city
                            .seal(key, &place("note", name), name.as_bytes())
                            .unwrap();
                        sealed.lock().unwrap().push((name.clone(), value));
                    }
                    // A reader with nothing in memory.
                    let reader = vault(folder.path(), Suite::Aes256Gcm);
                    let (name, value) = sealed.lock().unwrap()[round as usize * 3].clone();
                    let id = Vault::key_id(&value).unwrap();
                    let found = reader.keys_by_id(core.db().read(), &[id]).await.unwrap();
                    let clear = reader
                        .open(&found[&id], &place("note", &name), &value)
                        .unwrap();
                    assert_eq!(clear.as_slice(), name.as_bytes());
                    round += 1;
                    tokio::task::yield_now().await;
                }
                folder
            }
        };
        let rotations = {
            let (core, is_over) = (core.clone(), is_over.clone());
            let path = folder_of(&city);
            async move {
                let mut seen = HashSet::new();
                for _ in 0..3 {
                    // As the command does it: in another process, with a vault of its own.
                    let command = Vault::new(VaultParts {
                        suite: Suite::Sm4Gcm,
                        holder: Arc::new(KeyFile::new(Suite::Sm4Gcm, Path::new(&path))),
                        erased: ErasedFile::new(Path::new("/nowhere")),
                    });
                    seen.insert(rotation::rotate(&core, &command).await.unwrap().current);
                }
                is_over.store(true, std::sync::atomic::Ordering::Relaxed);
                assert_eq!(seen.len(), 3);
            }
        };
        let (folder, ()) = tokio::join!(load, rotations);
        let last = vault(folder.path(), Suite::Aes256Gcm);
        rotation::rotate(&core, &last).await.unwrap();
        let standing = rotation::status(&core, &last).await.unwrap();
        for key in &standing {
            assert_eq!(key.is_current, key.key.retired_at.is_none(), "{key:?}");
            assert_eq!(key.is_current, key.data_keys > 0, "{key:?}");
        }
        // With the old keys thrown away everything is still there.
        for old in standing.iter().filter(|key| !key.is_current) {
            rotation::discard(&core, &last, old.key.id).await.unwrap();
        }
        let fresh = vault(folder.path(), Suite::Aes256Gcm);
        fresh.start(&core).await.unwrap();
        let all = sealed.lock().unwrap().clone();
        for (name, value) in all {
            let id = Vault::key_id(&value).unwrap();
            let found = fresh.keys_by_id(core.db().read(), &[id]).await.unwrap();
            assert!(
                fresh
                    .open(&found[&id], &place("note", &name), &value)
                    .is_ok()
            );
        }
    }
}

/// What two commands at the same moment, or more, make of one file.
#[test]
fn of_many_who_renew_at_once_nobodys_key_is_lost() {
    const WRITERS: usize = 8;
    const EACH: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.keys");
    let file = || KeyFile::new(Suite::Aes256Gcm, &path);
    file().establish().unwrap();
    let first = file().current().unwrap();
    let made: Vec<Uuid> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mine = file();
                    (0..EACH).map(|_| mine.renew().unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    assert_eq!(made.len(), WRITERS * EACH);
    let after = file();
    for id in made.iter().chain([&first]) {
        assert!(after.has(*id).unwrap(), "{id} is lost");
    }
    assert!(made.contains(&after.current().unwrap()));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "the keys and their lock");
    // No more than can be read again.
    while after.renew().is_ok() {}
    assert!(file().current().is_ok());
}

/// Rotations side by side, each as in a process of its own, while one key is in nobody's memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_side_by_side_leave_every_data_key_with_the_key_that_it_names() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let city = vault(folder.path(), Suite::Aes256Gcm);
        city.start(&core).await.unwrap();
        let keys = keys(&core, &city, &owners(300)).await;
        let value = city.seal(&keys[7], &place("note", "7"), b"said").unwrap();
        let rotations = (0..4).map(|_| {
            let (core, path) = (core.clone(), folder.path().to_owned());
            async move { rotation::rotate(&core, &vault(&path, Suite::Aes256Gcm)).await }
        });
        for rotated in futures::future::join_all(rotations).await {
            rotated.unwrap();
        }
        let fresh = vault(folder.path(), Suite::Aes256Gcm);
        fresh.start(&core).await.unwrap();
        rotation::rotate(&core, &fresh).await.unwrap();
        let standing = rotation::status(&core, &fresh).await.unwrap();
        assert_eq!(standing.len(), 6, "{}: {standing:?}", database.label);
        assert!(standing.iter().all(|key| key.is_here), "{standing:?}");
        assert_named(&core, 300, database.label).await;
        let id = Vault::key_id(&value).unwrap();
        let found = fresh.keys_by_id(core.db().read(), &[id]).await.unwrap();
        let clear = fresh
            .open(&found[&id], &place("note", "7"), &value)
            .unwrap();
        assert_eq!(clear.as_slice(), b"said", "{}", database.label);
    }
}

/// Keys in a file, of which somebody else puts a new one in front whenever one is read to wrap anew.
struct Hurried(KeyFile);

impl KeyHolder for Hurried {
    fn current(&self) -> Result<Uuid, VaultError> {
        self.0.current()
    }

    fn has(&self, id: Uuid) -> Result<bool, VaultError> {
        self.0.has(id)
    }

    fn wrap(&self, data_key: &[u8; 32], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.wrap(data_key, context)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let found = self.0.unwrap(wrapped, context);
        self.0.renew()?;
        found
    }

    fn establish(&self) -> Result<(), VaultError> {
        self.0.establish()
    }

    fn renew(&self) -> Result<Uuid, VaultError> {
        self.0.renew()
    }

    fn discard(&self, id: Uuid) -> Result<(), VaultError> {
        self.0.discard(id)
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

#[tokio::test]
async fn a_data_key_names_the_key_that_wrapped_it_whoever_rotates_meanwhile() {
    for database in Databases::all().await {
        let folder = tempfile::tempdir().unwrap();
        let core = opened(&database.url).await;
        let city = vault(folder.path(), Suite::Aes256Gcm);
        city.start(&core).await.unwrap();
        keys(&core, &city, &owners(3)).await;
        let file = KeyFile::new(Suite::Aes256Gcm, &folder.path().join("vault.keys"));
        let hurried = Vault::new(VaultParts {
            suite: Suite::Aes256Gcm,
            holder: Arc::new(Hurried(file)),
            erased: ErasedFile::new(Path::new("/nowhere")),
        });
        rotation::rotate(&core, &hurried).await.unwrap();
        assert_named(&core, 3, database.label).await;
    }
}

/// What the column says is what the value says.
async fn assert_named(core: &Core, count: usize, label: &str) {
    let text = "SELECT wrapping_key, wrapped FROM data_key";
    let db = core.db().read();
    let asked = crate::db::sql(db, text, Vec::new());
    let rows = db.query_all_raw(asked).await.unwrap();
    assert_eq!(rows.len(), count, "{label}");
    for row in rows {
        let named: Uuid = row.try_get("", "wrapping_key").unwrap();
        let wrapped: Vec<u8> = row.try_get("", "wrapped").unwrap();
        assert_eq!(Vault::key_id(&wrapped).unwrap(), named, "{label}");
    }
}

/// Two machines that were not given one key file.
#[tokio::test]
async fn of_two_first_starts_with_keys_of_their_own_one_goes_on() {
    for database in Databases::all().await {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let core = opened(&database.url).await;
        let (one, two) = (
            vault(here.path(), Suite::Aes256Gcm),
            vault(there.path(), Suite::Aes256Gcm),
        );
        let (first, second) = tokio::join!(one.start(&core), two.start(&core));
        assert!(first.is_ok() != second.is_ok(), "{}", database.label);
        let refused = first.err().or(second.err()).unwrap();
        assert!(
            matches!(refused, VaultError::KeyMissing { .. }),
            "{refused}"
        );
        // The one that saw no key a moment ago, when there is one: it changes nothing.
        rotation::enter_first(&core, Uuid::from_u128(7))
            .await
            .unwrap();
        let known = rotation::wrapping_keys(&core).await.unwrap();
        assert_eq!(known.len(), 1, "{}: {known:?}", database.label);
        let again = [one.start(&core).await, two.start(&core).await];
        let ready = again.iter().filter(|start| start.is_ok()).count();
        assert_eq!(ready, 1, "{}: one still starts", database.label);
    }
}

fn folder_of(vault: &Vault) -> String {
    vault.keeps_keys_in()
}
