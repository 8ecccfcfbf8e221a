//! Files that are there whole or not at all, whenever the process dies, and readable by their owner only.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::error::VaultError;
use super::random::Random;

/// Readable and writable by the owner only.
const MODE: u32 = 0o600;

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
