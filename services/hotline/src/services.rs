//! The services of a city: their names, their gRPC services, how each is mounted.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hotline_platform::db::BoxError;
use hotline_platform::identity::Authenticate;
use hotline_platform::runtime::{Runtime, Service};
use serde::Deserialize;

use crate::config::Config;

/// A service's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Name {
    /// Appeals and their matters.
    Intake,
    /// Tickets.
    Routing,
    /// Replies and follow-ups.
    Feedback,
    /// Read models and documents.
    Reporting,
    /// Who somebody is: accounts, sessions, keys.
    Gateway,
}

impl Name {
    /// Every service. Each has a database of its own.
    pub const ALL: &[Self] = &[
        Self::Intake,
        Self::Routing,
        Self::Feedback,
        Self::Reporting,
        Self::Gateway,
    ];

    /// The services that a ticket goes through and tell each other events.
    pub const FLOW: &[Self] = &[Self::Intake, Self::Routing, Self::Feedback, Self::Reporting];

    /// Its name in configuration, database, log and metadata.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Feedback => "feedback",
            Self::Reporting => "reporting",
            Self::Gateway => "gateway",
        }
    }

    /// Its names for `grpc.health.v1`: its gRPC service, and the short one.
    #[must_use]
    pub fn health_names(self) -> &'static [&'static str] {
        match self {
            Self::Intake => &["hotline.intake.v1.IntakeService", "intake"],
            Self::Routing => &["hotline.routing.v1.RoutingService", "routing"],
            Self::Feedback => &["hotline.feedback.v1.FeedbackService", "feedback"],
            Self::Reporting => &["hotline.reporting.v1.ReportingService", "reporting"],
            Self::Gateway => &["hotline.gateway.v1.AccountService", "gateway"],
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// A service that was put together.
pub struct Mount {
    /// Its base and gRPC services.
    pub service: Service,
    /// What only the gateway has.
    pub edge: Option<Edge>,
}

/// What the gateway gives to its process.
pub struct Edge {
    /// Knows whose a session or key is.
    pub authenticate: Arc<dyn Authenticate>,
    /// How the first person comes in.
    pub door: hotline_gateway::Door,
    /// Pages, and where they are to be served.
    pub pages: Option<(SocketAddr, Router)>,
}

impl From<Service> for Mount {
    fn from(service: Service) -> Self {
        Self {
            service,
            edge: None,
        }
    }
}

/// Puts a service together; nothing of it runs yet.
///
/// # Errors
///
/// What the service's `mount` failed with.
pub async fn mount(name: Name, runtime: &Runtime, config: &Config) -> Result<Mount, BoxError> {
    let runtime = runtime.for_service(name.word());
    let database_url = config.database_url(name);
    Ok(match name {
        Name::Intake => {
            let own = hotline_intake::Config {
                database_url,
                ..config.intake.own.clone()
            };
            hotline_intake::mount(&runtime, own).await?.into()
        }
        Name::Routing => {
            let own = hotline_routing::Config {
                database_url,
                ..config.routing.own.clone()
            };
            hotline_routing::mount(&runtime, own).await?.into()
        }
        Name::Feedback => {
            let own = hotline_feedback::Config { database_url };
            hotline_feedback::mount(&runtime, own).await?.into()
        }
        Name::Reporting => {
            let own = hotline_reporting::Config {
                database_url,
                ..config.reporting.own.clone()
            };
            hotline_reporting::mount(&runtime, own).await?.into()
        }
        Name::Gateway => {
            let own = hotline_gateway::Config {
                database_url,
                ..config.gateway.own.clone()
            };
            let gateway = hotline_gateway::mount(&runtime, own).await?;
            Mount {
                service: gateway.service,
                edge: Some(Edge {
                    authenticate: gateway.authenticate,
                    door: gateway.door,
                    pages: gateway.pages,
                }),
            }
        }
    })
}
