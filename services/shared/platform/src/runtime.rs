//! What `mount` gets, and what a mounted service is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use hotline_kernel::time::Zone;
use sea_orm_migration::MigrationTrait;
use sha2::Sha256;
use tonic::service::Routes;

use crate::audit::AuditKey;
use crate::clock::{DatabaseClock, Timepiece};
use crate::core::{Core, CoreError, CoreParts};
use crate::db::{Db, DbOptions};
use crate::ids::Ids;
use crate::migration;
use crate::reaction::{Reaction, TimerHandler};
use crate::tasks::Tasks;
use crate::vault::Vault;

pub use crate::peers::{Peers, Transport};

/// The process's shared parts: clock, ids, tasks, peers, data folder. Only `mount` sees it.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
    /// The service that is being mounted; calls on its own behalf carry its name.
    service: Option<&'static str>,
}

struct Inner {
    parts: RuntimeParts,
    streams: Mutex<HashMap<String, Ids>>,
}

/// What a [`Runtime`] is made of.
pub struct RuntimeParts {
    /// The clock of every service; `None`: each reads its database's time.
    pub clock: Option<Arc<dyn Timepiece>>,
    /// Makes ids and randomness repeatable; `None`: randomness from the operating system.
    pub seed: Option<u64>,
    /// Every task of the process.
    pub tasks: Tasks,
    /// How services reach each other.
    pub peers: Arc<Peers>,
    /// Folder for files that are not a database's.
    pub data_dir: PathBuf,
    /// The city's time zone.
    pub zone: Zone,
    /// The installation secret.
    pub secret: Secret,
    /// Seals personal data.
    pub vault: Vault,
    /// Whether pending migrations are applied when a database is opened, or refused.
    pub auto_migrate: bool,
    /// How large the database pools are.
    pub db: DbOptions,
}

/// The installation secret. Never shown, never stored by anyone who gets it.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// A key for one purpose: HMAC-SHA256 of the purpose under the secret.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

/// A service that `mount` has put together; `compose` starts it.
pub struct Service {
    /// Its base.
    pub core: Core,
    /// Its gRPC services.
    pub routes: Routes,
    /// What it does with other services' events; `None` if it hears nobody.
    pub reaction: Option<Arc<dyn Reaction>>,
    /// What it does when its timers fall due; `None` if it has none.
    pub timers: Option<Arc<dyn TimerHandler>>,
}

impl Runtime {
    /// Puts `parts` together.
    #[must_use]
    pub fn new(parts: RuntimeParts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                streams: Mutex::default(),
            }),
            service: None,
        }
    }

    /// The same runtime, for the mount of `service`.
    #[must_use]
    pub fn for_service(&self, service: &'static str) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            service: Some(service),
        }
    }

    /// Opens a service's database (checks or applies `migrations`) and makes its [`Core`].
    ///
    /// # Errors
    ///
    /// [`CoreError::Storage`] that names the migrations if some are pending and may not be applied.
    pub async fn open(
        &self,
        name: &'static str,
        database_url: &str,
        migrations: Vec<Box<dyn MigrationTrait>>,
    ) -> Result<Core, CoreError> {
        let parts = &self.inner.parts;
        let db = Db::open(database_url, &parts.db).await?;
        if parts.auto_migrate {
            migration::apply(&db, migrations).await?;
        } else {
            let pending = migration::pending(&db, migrations).await?;
            if !pending.is_empty() {
                let names = pending.join(", ");
                let problem =
                    format!("{name}: migrations are pending, run `hotline migrate` first: {names}");
                return Err(CoreError::Storage(problem.into()));
            }
        }
        let clock: Arc<dyn Timepiece> = match &parts.clock {
            Some(clock) => Arc::clone(clock),
            None => DatabaseClock::start(&db, &parts.tasks).await?,
        };
        let (ids, tasks) = (self.ids(name), parts.tasks.clone());
        Ok(Core::new(CoreParts {
            name,
            db,
            clock,
            ids,
            tasks,
            audit_key: AuditKey::new(&parts.secret.derive_key(AuditKey::PURPOSE)),
        }))
    }

    /// How to reach a service, mounted here or elsewhere, now or later.
    #[must_use]
    pub fn transport(&self, service: &str) -> Transport {
        self.inner.parts.peers.transport(service, self.service)
    }

    /// The folder for files that are not a database's (outbound files, locks).
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.inner.parts.data_dir
    }

    /// The city's time zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.inner.parts.zone
    }

    /// A key for one purpose, the same at every start of this installation.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.inner.parts.secret.derive_key(purpose)
    }

    /// Seals personal data.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.parts.vault
    }

    /// Every task of the process.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.inner.parts.tasks
    }

    /// Ids and randomness of a named stream; the same name goes on where it stopped.
    #[must_use]
    pub fn ids(&self, stream: &str) -> Ids {
        let mut streams = self
            .inner
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let new = || {
            self.inner
                .parts
                .seed
                .map_or_else(Ids::from_os, |seed| Ids::seeded(seed, stream))
        };
        streams.entry(stream.to_owned()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_key_depends_on_the_secret_and_the_purpose_alone() {
        let key = |secret: &[u8], purpose| Secret::new(secret).derive_key(purpose);
        assert_eq!(key(b"a", "query code"), key(b"a", "query code"));
        assert_ne!(key(b"a", "query code"), key(b"b", "query code"));
        assert_ne!(key(b"a", "query code"), key(b"a", "citizen"));
        assert!(!format!("{:?}", Secret::new(b"abc")).contains("97"));
    }
}
