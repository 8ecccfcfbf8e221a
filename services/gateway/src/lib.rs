//! The edge: who somebody is. Accounts, sessions and API keys; console and public pages come later.
//!
//! Start reading in `domain::throttle` (how slow guessers are made) and `app::sign_in` (how somebody comes in).
//! [`mount`] puts the service together.

mod app;
mod authenticate;
mod config;
mod convert;
mod domain;
mod error;
mod grpc;
mod provider;
mod store;
#[cfg(test)]
mod tests;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

use hotline_platform::core::CoreError;
use hotline_platform::db::BoxError;
use hotline_platform::identity::Authenticate;
use hotline_platform::runtime::{Runtime, Service};
use hotline_proto::gateway::account_service_server::AccountServiceServer;
use tonic::service::Routes;

pub use crate::config::{Config, OidcConfig, OidcSettingsError};
use crate::provider::Provider;

/// The service's name: in configuration, logs, events and `hotline run`.
const NAME: &str = "gateway";

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its database cannot be opened or migrated.
    #[error("cannot open the database of the gateway")]
    Database(#[from] CoreError),
    /// Its settings cannot be used.
    #[error("the settings of the gateway cannot be used")]
    Settings(#[source] BoxError),
}

/// The gateway, put together; nothing of it runs yet.
pub struct Gateway {
    /// Its base and gRPC services.
    pub service: Service,
    /// Knows whose a session or key is; every call that brings a bearer secret is answered by it.
    pub authenticate: Arc<dyn Authenticate>,
    /// How the first person comes in.
    pub door: Door,
    /// Its pages, and where they are to be served; `None`: nowhere.
    pub pages: Option<(SocketAddr, Router)>,
}

/// The first account of an installation.
#[derive(Clone)]
pub struct Door(app::Accounts);

impl Door {
    /// What a fresh set-up link for the first security administrator holds: good once and for 24 hours, in the place
    /// of every earlier one. `None` once there is an account.
    ///
    /// # Errors
    ///
    /// A database that cannot be written.
    pub async fn first_link(&self) -> Result<Option<String>, BoxError> {
        let link = self.0.first_link().await?;
        Ok(link.map(|token| token.reveal().to_owned()))
    }
}

/// The identity provider, if one is agreed on; people come back from it to the pages.
fn provider(config: &Config) -> Result<Option<Provider>, OidcSettingsError> {
    let Some(oidc) = &config.oidc else {
        return Ok(None);
    };
    let url = config.pages_url().ok_or(OidcSettingsError::PublicUrl)?;
    Provider::new(oidc, &url).map(Some)
}

/// Puts the service together; `compose` starts it.
///
/// # Errors
///
/// [`MountError`] if its database cannot be opened or migrated, or its settings are out of range.
pub async fn mount(runtime: &Runtime, config: Config) -> Result<Gateway, MountError> {
    let core = runtime
        .open(NAME, &config.database_url, store::migration::migrations())
        .await?;
    let provider = provider(&config).map_err(|error| MountError::Settings(Box::new(error)))?;
    let derive_key = |purpose: &str| runtime.derive_key(purpose);
    let accounts = app::Accounts::new(core.clone(), derive_key, &config, provider)
        .map_err(|error| MountError::Settings(Box::new(error)))?;
    let server = AccountServiceServer::new(grpc::AccountsGrpc(accounts.clone()));
    Ok(Gateway {
        service: Service {
            core,
            routes: Routes::new(server),
            reaction: None,
            timers: None,
        },
        authenticate: Arc::new(authenticate::Bearers(accounts.clone())),
        door: Door(accounts.clone()),
        pages: config.listen.zip(config.pages_url()).map(|(listen, url)| {
            let forms_key = runtime.derive_key("gateway forms");
            let site = web::Site::new(accounts, forms_key, &url, runtime.zone());
            (listen, web::router(site))
        }),
    })
}
