//! What `mount` gets, and what a mounted service is.

use std::sync::Arc;

use tonic::service::Routes;

use crate::core::{Core, CoreError};
use crate::reaction::{Reaction, TimerHandler};

/// The process's shared parts: clock, ids, tasks, peers, data folder. Only `mount` sees it.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<()>,
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
    /// Opens a service's database (checks or applies `migrations`) and makes its [`Core`].
    pub async fn open(
        &self,
        name: &'static str,
        database_url: &str,
        migrations: Vec<Box<dyn sea_orm_migration::MigrationTrait>>,
    ) -> Result<Core, CoreError> {
        let _ = (&self.inner, name, database_url, migrations);
        todo!()
    }

    /// How to reach a service, mounted here or elsewhere.
    pub fn transport(&self, service: &str) -> Transport {
        let _ = service;
        todo!()
    }

    /// The folder for files that are not a database's (outbound files, locks).
    pub fn data_dir(&self) -> &std::path::Path {
        todo!()
    }
}

/// How to reach a service: over a socket, or in this process. Callers cannot tell which.
pub type Transport = tower::util::BoxCloneSyncService<
    http::Request<tonic::body::Body>,
    http::Response<tonic::body::Body>,
    crate::db::BoxError,
>;
