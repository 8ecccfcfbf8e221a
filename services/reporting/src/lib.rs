//! Reporting: read models that events feed, and the documents the mayor's office reads.
//!
//! Start reading in `domain::fact` (why rollups do not depend on the order of events),
//! `domain::figures` (what every line of a document is made of, and what must hold between its
//! figures) and `app::compose` (how a document comes together). [`mount`] puts the service together.

mod app;
mod config;
mod convert;
mod domain;
mod error;
mod events;
mod grpc;
mod render;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hotline_platform::core::CoreError;
use hotline_platform::runtime::{Runtime, Service};
use hotline_proto::reporting::reporting_service_server::ReportingServiceServer;
use tonic::service::Routes;

pub use crate::config::Config;

/// The service's name: in configuration, logs, events and `hotline run`.
const NAME: &str = "reporting";

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its database cannot be opened or migrated.
    #[error("cannot open the database of reporting")]
    Database(#[from] CoreError),
}

/// Puts the service together; `compose` starts it.
///
/// # Errors
///
/// [`MountError`] if its database cannot be opened or migrated.
pub async fn mount(runtime: &Runtime, config: Config) -> Result<Service, MountError> {
    let core = runtime
        .open(NAME, &config.database_url, store::migration::migrations())
        .await?;
    let desk = app::Desk {
        zone: runtime.zone(),
        policy: config.rate_policy(),
    };
    let server = ReportingServiceServer::new(grpc::ReportingGrpc::new(app::Reporting::new(
        core.clone(),
        desk,
    )));
    Ok(Service {
        core,
        routes: Routes::new(server),
        reaction: Some(Arc::new(events::Hearing::new(runtime.zone()))),
        timers: None,
    })
}
