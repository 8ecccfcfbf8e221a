//! The data folder: made if it is missing, its secret, and the locks of its databases.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hotline_platform::fault;
use hotline_platform::runtime::Secret;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use crate::config::Config;
use crate::services::Name;

/// What who is neither owner nor of the group may do with a file.
const OTHERS: u32 = 0o007;
/// Bytes of a generated secret.
const SECRET_BYTES: usize = 32;
/// The shortest secret that is taken from a file.
const SECRET_MIN_BYTES: usize = 16;

/// Keeps other processes off embedded databases while it lives.
#[derive(Debug)]
pub struct Locks(Vec<File>);

impl Locks {
    /// Writes into the lock files where the city is served, for commands that look for it.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn note(&self, served: SocketAddr) -> std::io::Result<()> {
        for mut file in &self.0 {
            file.set_len(0)?;
            writeln!(file, "{served}")?;
        }
        Ok(())
    }
}

/// Who has a city's databases open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// None of them is embedded: there is nothing to see.
    Unknown,
    /// No process.
    Nobody,
    /// A process, and where it serves, if it does.
    Process(Option<SocketAddr>),
}

/// Looks at the locks of the embedded databases of `services`, without making any.
///
/// # Errors
///
/// A lock file that cannot be read.
pub fn holder(config: &Config, services: &[Name]) -> anyhow::Result<Holder> {
    let mut holder = Holder::Unknown;
    for &service in services {
        let Some(database) = sqlite_file(&config.database_url(service)) else {
            continue;
        };
        let path = database.with_extension("lock");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                holder = Holder::Nobody;
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("open {}", path.display())),
        };
        match file.try_lock_shared() {
            Ok(()) => holder = Holder::Nobody,
            Err(TryLockError::WouldBlock) => {
                let mut served = String::new();
                file.read_to_string(&mut served)
                    .with_context(|| format!("read {}", path.display()))?;
                return Ok(Holder::Process(served.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("lock {} (network file systems cannot)", path.display())
                });
            }
        }
    }
    Ok(holder)
}

/// Locks the SQLite files of `services`, and makes their folders.
///
/// # Errors
///
/// A file that another process holds.
pub fn lock(config: &Config, services: &[Name]) -> anyhow::Result<Locks> {
    make(&config.data_dir)?;
    let mut locks = Vec::new();
    for &service in services {
        let Some(database) = sqlite_file(&config.database_url(service)) else {
            continue;
        };
        if let Some(folder) = database.parent() {
            make(folder)?;
        }
        let path = database.with_extension("lock");
        // Not emptied before it is ours: it may hold the address of who has it.
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)
                    .with_context(|| format!("empty {}", path.display()))?;
                locks.push(file);
            }
            Err(TryLockError::WouldBlock) => {
                bail!("another process has {} open", database.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("lock {} (network file systems cannot)", path.display())
                });
            }
        }
    }
    Ok(Locks(locks))
}

/// Refuses a city that was never started: looking at one must not make it.
///
/// # Errors
///
/// An embedded database that is not there.
pub fn require(config: &Config, services: &[Name]) -> anyhow::Result<()> {
    for &service in services {
        if let Some(database) = sqlite_file(&config.database_url(service))
            && !database.exists()
        {
            bail!(
                "there is no {}; expected the data folder of a city",
                database.display()
            );
        }
    }
    Ok(())
}

/// Reads the installation secret; in an embedded city the first start makes one, from `seed` if the
/// city is to be repeatable.
///
/// # Errors
///
/// A configured file that is missing or too short; no secret where embedded databases are.
pub fn secret(config: &Config, seed: Option<u64>) -> anyhow::Result<Secret> {
    let path = secret_file(config);
    if config.city.secret_file.is_some() {
        return read(&path);
    }
    make(&config.data_dir)?;
    if !path.exists() {
        refuse_orphans(config, &path)?;
        make_secret(&path, seed).with_context(|| format!("make {}", path.display()))?;
    }
    read(&path)
}

/// Where the installation secret is, or will be.
#[must_use]
pub fn secret_file(config: &Config) -> PathBuf {
    let configured = config.city.secret_file.clone();
    configured.unwrap_or_else(|| config.data_dir.join("secret"))
}

/// Refuses databases without the secret they were written with: with another one no receipt would open
/// its progress and no citizen be known again.
fn refuse_orphans(config: &Config, secret: &Path) -> anyhow::Result<()> {
    for &service in Name::ALL {
        if let Some(database) = sqlite_file(&config.database_url(service))
            && database.exists()
        {
            bail!(
                "there is {} but no {}; expected the secret that was made with it (bring it back from the backup)",
                database.display(),
                secret.display()
            );
        }
    }
    Ok(())
}

fn make_secret(path: &Path, seed: Option<u64>) -> std::io::Result<()> {
    let mut bytes = [0; SECRET_BYTES];
    seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64)
        .fill_bytes(&mut bytes);
    write_once(path, &hex::encode(bytes), 0o600)
}

/// Makes a file of one line that is there whole or not at all, whenever the process dies; one that another
/// process made meanwhile stays.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn write_once(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // Two processes can have one number, each in a container of its own.
    let draft = path.with_extension(format!("{:016x}", StdRng::from_os_rng().next_u64()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&draft)?;
    fault::point("start.secret_begun");
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fault::point("start.secret_written");
    let linked = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    std::fs::remove_file(&draft)?;
    linked?;
    // The name must survive too.
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn read(path: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("read the installation secret {}", path.display()))?;
    let secret = text.trim();
    if secret.len() < SECRET_MIN_BYTES {
        bail!(
            "{}: expected a secret of at least {SECRET_MIN_BYTES} characters",
            path.display()
        );
    }
    refuse_open_to_all(path, "the installation secret")?;
    Ok(Secret::new(secret.as_bytes()))
}

/// Refuses a file that who is neither its owner nor of its group can read: whoever has `what` acts in any name.
///
/// # Errors
///
/// That it can be read, and how to mend it.
pub fn refuse_open_to_all(path: &Path, what: &str) -> anyhow::Result<()> {
    let found = std::fs::metadata(path).with_context(|| format!("look at {}", path.display()))?;
    if found.permissions().mode() & OTHERS != 0 {
        bail!(
            "everybody on this machine can read {what} {0} and act in any name; make it its owner's alone (chmod 600 {0}), \
             and a new one if somebody may have read it",
            path.display()
        );
    }
    Ok(())
}

/// Makes a folder with those above it.
///
/// # Errors
///
/// One that cannot be made.
pub fn make(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))
}

/// The file of a `sqlite://` URL.
fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_that_only_its_owner_reads_and_later_starts_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        let first = secret(&config, None).unwrap().derive_key("x");
        let mode = std::fs::metadata(folder.path().join("secret"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(secret(&config, None).unwrap().derive_key("x"), first);

        let other = tempfile::tempdir().unwrap();
        assert_ne!(
            secret(&Config::embedded(other.path()), None)
                .unwrap()
                .derive_key("x"),
            first
        );
    }

    #[test]
    fn databases_without_their_secret_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        secret(&config, None).unwrap();
        File::create(folder.path().join("intake.db")).unwrap();
        assert!(secret(&config, None).is_ok(), "both are there");
        std::fs::remove_file(folder.path().join("secret")).unwrap();
        let told = secret(&config, None).unwrap_err().to_string();
        assert!(
            told.contains("intake.db") && told.contains("secret"),
            "{told}"
        );
        assert!(!folder.path().join("secret").exists(), "none is made");
    }

    #[test]
    fn a_seed_makes_the_same_secret_again() {
        let made = |seed| {
            let folder = tempfile::tempdir().unwrap();
            secret(&Config::embedded(folder.path()), Some(seed))
                .unwrap()
                .derive_key("x")
        };
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
    }

    #[test]
    fn a_short_or_missing_secret_file_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine");
        let mut config = Config::embedded(folder.path());
        config.city.secret_file = Some(path.clone());
        assert!(secret(&config, None).is_err(), "missing");
        std::fs::write(&path, "short\n").unwrap();
        assert!(
            secret(&config, None)
                .unwrap_err()
                .to_string()
                .contains("at least 16")
        );
    }

    #[test]
    fn a_secret_that_everybody_can_read_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        secret(&config, None).unwrap();
        for (mode, is_good) in [(0o644, false), (0o604, false), (0o640, true), (0o600, true)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(secret_file(&config), mode).unwrap();
            let told = secret(&config, None)
                .map(drop)
                .map_err(|error| error.to_string());
            assert_eq!(told.is_ok(), is_good, "{told:?}");
            assert!(told.is_ok() || told.unwrap_err().contains("chmod 600"));
        }
    }

    #[test]
    fn who_holds_the_databases_is_seen_with_the_address_it_serves_at() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        let seen = || holder(&config, Name::ALL).unwrap();
        assert_eq!(seen(), Holder::Nobody);
        let held = lock(&config, Name::ALL).unwrap();
        assert_eq!(seen(), Holder::Process(None));
        let address: SocketAddr = "127.0.0.1:7123".parse().unwrap();
        held.note(address).unwrap();
        assert!(lock(&config, Name::ALL).is_err(), "and asking keeps it");
        assert_eq!(seen(), Holder::Process(Some(address)));
        drop(held);
        assert_eq!(seen(), Holder::Nobody);
        let mut elsewhere = config.clone();
        elsewhere.database.url = Some("postgres://127.0.0.1/{service}".to_owned());
        assert_eq!(holder(&elsewhere, Name::ALL).unwrap(), Holder::Unknown);
    }

    #[test]
    fn a_database_is_open_in_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        let held = lock(&config, &[Name::Intake]).unwrap();
        let refused = lock(&config, Name::ALL).unwrap_err().to_string();
        assert!(refused.contains("intake.db"), "{refused}");
        assert!(lock(&config, &[Name::Routing]).is_ok(), "others are free");
        drop(held);
        assert!(lock(&config, Name::ALL).is_ok());
    }
}
