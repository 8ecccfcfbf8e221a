//! Routing's use cases. Every way in (gRPC, events, timers) comes through here: load, decide, save.

pub(crate) mod cards;
pub(crate) mod dispatch;
pub(crate) mod hearing;
pub(crate) mod loading;
pub(crate) mod order;
mod orders;
pub(crate) mod queries;
mod rework;
pub(crate) mod turn;

use std::sync::{Arc, Mutex, PoisonError};

use hotline_kernel::mask::Masker;
use hotline_kernel::time::Zone;
use hotline_platform::core::Core;
use hotline_platform::work::Work;

use crate::domain::registry::{Registry, Rows};
use crate::error::RoutingError;
use crate::store;

/// The service: its base, and what its decisions need.
#[derive(Debug)]
pub(crate) struct Routing {
    core: Core,
    zone: Zone,
    policy_profile: String,
    masker: Masker,
    // The registry as of the stamp that the tables had when it was read.
    registry: Mutex<Option<(i64, Arc<Registry>)>>,
}

impl Routing {
    /// Puts the service together on `core`.
    pub(crate) fn new(core: Core, zone: Zone, policy_profile: String) -> Self {
        Self {
            core,
            zone,
            policy_profile,
            masker: Masker::standard(),
            registry: Mutex::default(),
        }
    }

    /// The registry as a write sees it; read again only after a table was loaded, here or by another process.
    pub(crate) async fn registry_in(&self, work: &Work) -> Result<Arc<Registry>, RoutingError> {
        let stamp = store::registry::stamp(&**work.txn()).await?;
        if let Some(registry) = self.kept(stamp) {
            return Ok(registry);
        }
        self.keep(stamp, store::registry::rows(&**work.txn()).await?)
    }

    /// The registry as a reader sees it now.
    pub(crate) async fn registry_now(&self) -> Result<Arc<Registry>, RoutingError> {
        let stamp = store::registry::stamp(self.core.db().read()).await?;
        if let Some(registry) = self.kept(stamp) {
            return Ok(registry);
        }
        self.keep(stamp, store::registry::rows(self.core.db().read()).await?)
    }

    fn kept(&self, stamp: i64) -> Option<Arc<Registry>> {
        let kept = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref()
            .filter(|(known, _)| *known == stamp)
            .map(|(_, registry)| Arc::clone(registry))
    }

    fn keep(&self, stamp: i64, rows: Rows) -> Result<Arc<Registry>, RoutingError> {
        let registry = Arc::new(Registry::new(rows)?);
        let mut kept = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((stamp, Arc::clone(&registry)));
        Ok(registry)
    }
}
