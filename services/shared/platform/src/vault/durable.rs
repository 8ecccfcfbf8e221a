//! Files that are there whole or not at all, whenever the process dies, and readable by their owner only.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::VaultError;
use super::random::Random;

/// Readable and writable by the owner only.
const MODE: u32 = 0o600;
/// How often a turn is asked for, and how long to wait in between: 10 seconds together, where a change takes milliseconds.
const ASKED_MAX: u32 = 1_000;
/// See [`ASKED_MAX`].
const ASKED_EVERY: Duration = Duration::from_millis(10);

/// Who changes a file alone, until it is dropped.
pub(super) struct Turn {
    _held: File,
}

/// Waits until nobody else, in whatever process, changes `path`. A file beside it is locked, for the file itself is
/// another one after each change.
pub(super) fn turn(path: &Path) -> Result<Turn, VaultError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    told(&lock, || {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(MODE)
            .open(&lock)?;
        for _ in 0..ASKED_MAX {
            match file.try_lock() {
                Ok(()) => return Ok(Turn { _held: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(ASKED_EVERY),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let problem = "another process holds it for more than 10 seconds; expected it to end";
        Err(std::io::Error::new(ErrorKind::TimedOut, problem))
    })
}

/// Makes `path` unless it is there already; what another process made meanwhile stays.
pub(super) fn make(path: &Path, text: &str) -> Result<(), VaultError> {
    told(path, || {
        let draft = write_draft(path, text)?;
        let linked = match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        };
        std::fs::remove_file(&draft)?;
        linked?;
        keep_name(path)
    })
}

/// Puts `text` in the place of what `path` holds.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), VaultError> {
    told(path, || {
        let draft = write_draft(path, text)?;
        std::fs::rename(&draft, path)?;
        keep_name(path)
    })
}

/// Appends whole lines to `path`, which is made if it is missing; they are on the disk when this returns.
pub(super) fn append(path: &Path, lines: &str) -> Result<(), VaultError> {
    told(path, || {
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(MODE)
            .open(path)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        if is_new { keep_name(path) } else { Ok(()) }
    })
}

fn write_draft(path: &Path, text: &str) -> std::io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Two processes can have one number, each in a container of its own.
    let draft = path.with_extension(Random::from_os().id().simple().to_string());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

/// The name must survive too.
fn keep_name(path: &Path) -> std::io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn told<T>(path: &Path, write: impl FnOnce() -> std::io::Result<T>) -> Result<T, VaultError> {
    write().map_err(|source| VaultError::File {
        path: path.to_owned(),
        source,
    })
}
