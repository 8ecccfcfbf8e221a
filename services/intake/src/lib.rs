//! Intake: owns channels, lines, citizens and their contacts, appeals and their matters.
//!
//! Start reading with `domain::registration` (what comes in) and follow an appeal through
//! `app::register` and `app::triage`. [`mount`] puts the service together.

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

use hotline_kernel::mask::Masker;
use hotline_platform::core::CoreError;
use hotline_platform::runtime::{Runtime, Service};
use hotline_platform::vault::VaultError;
use hotline_proto::intake::erasure_service_server::ErasureServiceServer;
use hotline_proto::intake::intake_service_server::IntakeServiceServer;
use tonic::service::Routes;

pub use crate::app::conservation::findings;
pub use crate::app::sealing::tally;
pub use crate::config::Config;
pub use crate::store::tally::Tally;

/// The service's name: in configuration, logs, events and `hotline run`.
const NAME: &str = "intake";
/// Largest request: a registry table or 500 rows of an import file.
const REQUEST_MAX_BYTES: usize = 5 * 1024 * 1024;

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its database cannot be opened or migrated.
    #[error("cannot open the database of intake")]
    Database(#[from] CoreError),
    /// The keys that it was sealed with are not here.
    #[error("cannot open what intake has sealed")]
    Vault(#[from] VaultError),
    /// A restored database cannot be made to forget again.
    #[error("cannot forget again whom this database had forgotten")]
    Erasing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What older versions wrote in clear cannot be sealed.
    #[error("cannot seal what an older version wrote")]
    Sealing(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    let settings = app::register::Settings {
        keys: domain::identity::Keys {
            citizen: runtime.derive_key("citizen"),
            query_code: runtime.derive_key("query-code"),
            hashes: runtime.derive_key("hashes"),
        },
        vault: runtime.vault().clone(),
        zone: runtime.zone(),
        masker: Masker::standard(),
        batch_max: config.batch_max,
    };
    let intake = app::Intake::new(core.clone(), settings).with_care(config.care());
    intake.open().await?;
    let erasures = ErasureServiceServer::new(grpc::ErasureGrpc(intake.clone()));
    let server = IntakeServiceServer::new(grpc::IntakeGrpc(intake))
        .max_decoding_message_size(REQUEST_MAX_BYTES);
    Ok(Service {
        core,
        routes: Routes::new(server).add_service(erasures),
        reaction: Some(Arc::new(events::TicketReaction)),
        timers: None,
    })
}
