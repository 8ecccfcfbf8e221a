//! Owns tickets for their whole life: the unit tree, the dispatch catalogue, assignments, clocks, returns,
//! consultation, rework, supervision and archive.
//!
//! Start reading in `domain::ticket` (the whole life is one `match` there) and `app::turn` (how one step is
//! written). [`mount`] puts the service together.

mod app;
mod config;
mod convert;
mod domain;
mod error;
mod events;
mod grpc;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hotline_platform::core::CoreError;
use hotline_platform::row_fence;
use hotline_platform::runtime::{Runtime, Service};
use hotline_proto::routing::routing_service_server::RoutingServiceServer;
use tonic::service::Routes;

pub use crate::config::Config;

/// The service's name: in configuration, logs, events and `hotline run`.
const NAME: &str = "routing";

/// The largest request: a registry table.
const REQUEST_MAX_BYTES: usize = 4096 * 1024;

/// What units see only their own rows of.
const FENCED: &[&str] = &["ticket", "ticket_matter", "ticket_step"];

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its database cannot be opened or migrated, or the row fence does not stand there.
    #[error("cannot open the database of routing")]
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
    row_fence::assert_stands(core.db(), FENCED).await?;
    let routing = Arc::new(app::Routing::new(
        core.clone(),
        runtime.zone(),
        config.policy_profile,
    ));
    let server = RoutingServiceServer::new(grpc::RoutingGrpc::new(Arc::clone(&routing)))
        .max_decoding_message_size(REQUEST_MAX_BYTES);
    Ok(Service {
        core,
        routes: Routes::new(server),
        reaction: Some(Arc::new(events::Hearing::new(Arc::clone(&routing)))),
        timers: Some(Arc::new(events::Timers::new(routing))),
    })
}
