//! Wrapping keys in a file of their own, which other processes of the installation may change meanwhile.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{KEY_BYTES, Suite};
use super::durable;
use super::error::VaultError;
use super::holder::KeyHolder;
use super::ring::{KeyRing, KeyText};

/// What stands over the keys.
const TITLE: &str = "# Keys that wrap the data keys of this installation's databases; the first one is in use.\n\
                     # Keep a copy, apart from the backups of the databases. Without it they cannot be read.\n";

/// Keys in a file. It is read when somebody first asks, and again when it was changed.
pub struct KeyFile {
    suite: Suite,
    path: PathBuf,
    read: RwLock<Option<(Stamp, Arc<KeyRing>)>>,
}

/// By what a changed file is known: a new one has another inode, or at least another time or length.
type Stamp = (u64, u64, i64, i64);

impl KeyFile {
    /// The keys of `path`; nothing is read or made yet.
    #[must_use]
    pub fn new(suite: Suite, path: &Path) -> Self {
        Self {
            suite,
            path: path.to_owned(),
            read: RwLock::new(None),
        }
    }

    fn failed(&self, source: std::io::Error) -> VaultError {
        VaultError::File {
            path: self.path.clone(),
            source,
        }
    }

    /// Changes the keys, alone: who changes them at the same moment, in whatever process, waits and finds them changed.
    fn change<T>(
        &self,
        change: impl FnOnce(&KeyRing) -> Result<(Zeroizing<String>, T), VaultError>,
    ) -> Result<T, VaultError> {
        let _turn = durable::turn(&self.path)?;
        let ring = self.read_anew()?;
        let (keys, found) = change(&ring)?;
        let text = Zeroizing::new(format!("{TITLE}{}", *keys));
        durable::replace(&self.path, &text)?;
        Ok(found)
    }

    fn read_anew(&self) -> Result<KeyRing, VaultError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| self.failed(error))?;
        KeyRing::parse(self.suite, &KeyText::new(text), &self.place())
    }

    /// The keys as they are in the file now.
    fn ring(&self) -> Result<Arc<KeyRing>, VaultError> {
        let found = std::fs::metadata(&self.path).map_err(|error| self.failed(error))?;
        let stamp = (found.ino(), found.len(), found.mtime(), found.mtime_nsec());
        {
            let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((known, ring)) = read.as_ref().filter(|(known, _)| *known == stamp) {
                debug_assert_eq!(*known, stamp);
                return Ok(Arc::clone(ring));
            }
        }
        if found.mode() & 0o007 != 0 {
            return Err(VaultError::Keys {
                place: self.place(),
                expected: "a file that others cannot read (chmod 600)".to_owned(),
            });
        }
        let ring = Arc::new(self.read_anew()?);
        *self.read.write().unwrap_or_else(PoisonError::into_inner) =
            Some((stamp, Arc::clone(&ring)));
        Ok(ring)
    }
}

impl KeyHolder for KeyFile {
    fn current(&self) -> Result<Uuid, VaultError> {
        Ok(self.ring()?.current())
    }

    fn has(&self, id: Uuid) -> Result<bool, VaultError> {
        match self.ring() {
            Ok(ring) => Ok(ring.has(id)),
            Err(VaultError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn wrap(&self, data_key: &[u8; KEY_BYTES], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.ring()?.wrap(data_key, context)
    }

    fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
        self.ring()?.unwrap(wrapped, context)
    }

    fn establish(&self) -> Result<(), VaultError> {
        if self.path.exists() {
            return Ok(());
        }
        let fresh = KeyText::fresh();
        let text = Zeroizing::new(format!("{TITLE}{}\n", fresh.reveal()));
        durable::make(&self.path, &text)
    }

    fn renew(&self) -> Result<Uuid, VaultError> {
        self.change(KeyRing::with_a_fresh_one)
    }

    fn discard(&self, id: Uuid) -> Result<(), VaultError> {
        self.change(|ring| {
            if ring.current() == id {
                return Err(VaultError::Keys {
                    place: self.place(),
                    expected: "the key in use to stay; rotate first".to_owned(),
                });
            }
            Ok((ring.without(id), ()))
        })
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}
