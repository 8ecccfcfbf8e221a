//! Feedback: what goes back to citizens, and what they say of it.
//!
//! Start reading in `domain::follow_up` (the life of a follow-up) and `app::settle` (how replies and
//! follow-ups come out of what intake and routing tell, in whichever order they tell it).
//! [`mount`] puts the service together.

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
use hotline_platform::runtime::{Runtime, Service};
use hotline_proto::feedback::feedback_service_server::FeedbackServiceServer;
use tonic::service::Routes;

pub use crate::config::Config;

/// The service's name: in configuration, logs, events and `hotline run`.
const NAME: &str = "feedback";

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its database cannot be opened or migrated.
    #[error("cannot open the database of feedback")]
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
    let outbound = app::outbound::Outbound::new(runtime.data_dir().join("outbound"));
    let feedback = app::Feedback::new(core.clone(), runtime.zone());
    let server = FeedbackServiceServer::new(grpc::FeedbackGrpc::new(feedback));
    Ok(Service {
        core,
        routes: Routes::new(server),
        reaction: Some(Arc::new(events::Hearing)),
        timers: Some(Arc::new(outbound)),
    })
}
