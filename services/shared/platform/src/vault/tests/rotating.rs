//! Wrapping keys change while others read and write.

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

fn folder_of(vault: &Vault) -> String {
    vault.keeps_keys_in()
}
