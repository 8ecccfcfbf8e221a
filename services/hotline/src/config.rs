//! The configuration of a process: one TOML file, every key with a default that works.
//!
//! `deploy/config/` has commented files. A key that does not exist stops the start. Variables such
//! as `HOTLINE__SERVER__LISTEN` override keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline_kernel::time::Zone;
use hotline_platform::audit::anchor::AuditConfig;
use hotline_platform::config::{ConfigError, ServerConfig, TelemetryConfig, environment, parse};
use hotline_platform::identity::Credential;
use hotline_platform::tls::TlsConfig;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use toml::Table;

use crate::identity::IdentityConfig;
use crate::services::Name;
use crate::vault_config::VaultConfig;

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder for embedded databases, outbound files and the generated secret.
    pub data_dir: PathBuf,
    /// The city.
    pub city: CityConfig,
    /// With which keys principals travel between processes.
    pub identity: IdentityConfig,
    /// What personal data is sealed with.
    pub vault: VaultConfig,
    /// The certificate of this process; absent: nobody on another machine is spoken to.
    pub tls: Option<TlsConfig>,
    /// What is listened on.
    pub server: ServerConfig,
    /// Where services keep their data.
    pub database: DatabaseConfig,
    /// `[intake]`.
    pub intake: Section<hotline_intake::Config>,
    /// `[routing]`.
    pub routing: Section<hotline_routing::Config>,
    /// `[feedback]`.
    pub feedback: Section<hotline_feedback::Config>,
    /// `[reporting]`.
    pub reporting: Section<hotline_reporting::Config>,
    /// `[gateway]`.
    pub gateway: Section<hotline_gateway::Config>,
    /// How events are fanned out.
    pub feed: FeedConfig,
    /// Addresses of services that run in other processes, by name.
    pub peers: BTreeMap<Name, String>,
    /// Where anchors of the audit trail go.
    pub audit: AuditConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// What a command shows to say who runs it; in no file.
    #[serde(skip)]
    pub credential: Option<Credential>,
}

/// `[city]`: what every service of a city shares.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CityConfig {
    /// IANA name of the zone that decides number dates, working days and report days.
    pub zone: String,
    /// File with the installation secret; absent: `secret` in the data folder, made at the first start.
    pub secret_file: Option<PathBuf>,
}

impl Default for CityConfig {
    fn default() -> Self {
        Self {
            zone: "Asia/Shanghai".to_owned(),
            secret_file: None,
        }
    }
}

/// `[database]`: where services keep their data.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// A pattern with `{service}` in it, such as `postgres://hotline@db/{service}`; absent: a SQLite
    /// file per service in the data folder.
    pub url: Option<String>,
    /// Connections per service on PostgreSQL.
    pub connections_max: u32,
    /// Whether `run` applies pending migrations; absent: only on SQLite.
    pub auto_migrate: Option<bool>,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            connections_max: 16,
            auto_migrate: None,
        }
    }
}

/// A service's section: its database, and the service's own settings.
#[derive(Clone, Debug, Default)]
pub struct Section<C> {
    /// Its database, `sqlite://…` or `postgres://…`; absent: by `[database] url`.
    pub database_url: Option<String>,
    /// The service's own settings.
    pub own: C,
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Section<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let database_url = table
            .remove("database_url")
            .map(String::deserialize)
            .transpose();
        let database_url =
            database_url.map_err(|_| D::Error::custom("`database_url`: expected a text"))?;
        let own = C::deserialize(table).map_err(|error| D::Error::custom(error.message()))?;
        Ok(Self { database_url, own })
    }
}

/// `[feed]`: how events are fanned out.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedConfig {
    /// `redis://…` of the courier; absent: consumers read the producers' logs.
    pub redis_url: Option<String>,
    /// Seconds that a silent process keeps the logs it reads, before another may take them; at least 3,
    /// because a process that waits for the courier is silent for one.
    #[serde(deserialize_with = "lease_seconds")]
    pub lease_s: u16,
}

/// The shortest lease.
const LEASE_MIN_S: u16 = 3;

fn lease_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let seconds = u16::deserialize(deserializer)?;
    if seconds < LEASE_MIN_S {
        let told = format!("`lease_s`: expected at least {LEASE_MIN_S} seconds, found {seconds}");
        return Err(D::Error::custom(told));
    }
    Ok(seconds)
}

impl FeedConfig {
    /// How long a silent process keeps the logs it reads.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.into())
    }
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            redis_url: None,
            lease_s: 15,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            city: CityConfig::default(),
            identity: IdentityConfig::default(),
            vault: VaultConfig::default(),
            tls: None,
            server: ServerConfig::default(),
            database: DatabaseConfig::default(),
            intake: Section::default(),
            routing: Section::default(),
            feedback: Section::default(),
            reporting: Section::default(),
            gateway: Section::default(),
            feed: FeedConfig::default(),
            peers: BTreeMap::new(),
            audit: AuditConfig::default(),
            telemetry: TelemetryConfig::default(),
            credential: None,
        }
    }
}

impl Config {
    /// Reads `file`, or the defaults if there is none, with overrides from the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says which line, key or variable is not as expected.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                })?
            }
            None => String::new(),
        };
        parse(&text, &environment())
    }

    /// Everything embedded, under `data_dir`, at the default address.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            ..Self::default()
        }
    }

    /// The city's zone.
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn zone(&self) -> Result<Zone, hotline_kernel::time::UnknownZone> {
        Zone::named(&self.city.zone)
    }

    /// `[peers]` by the services' words.
    #[must_use]
    pub fn peer_addresses(&self) -> BTreeMap<String, String> {
        self.peers
            .iter()
            .map(|(name, address)| (name.word().to_owned(), address.clone()))
            .collect()
    }

    /// Where a service keeps its data.
    #[must_use]
    pub fn database_url(&self, service: Name) -> String {
        let own = match service {
            Name::Intake => &self.intake.database_url,
            Name::Routing => &self.routing.database_url,
            Name::Feedback => &self.feedback.database_url,
            Name::Reporting => &self.reporting.database_url,
            Name::Gateway => &self.gateway.database_url,
        };
        if let Some(url) = own {
            return url.clone();
        }
        match &self.database.url {
            Some(pattern) => pattern.replace("{service}", service.word()),
            None => format!(
                "sqlite://{}",
                self.data_dir.join(format!("{service}.db")).display()
            ),
        }
    }

    /// Whether `run` applies pending migrations of `services`.
    #[must_use]
    pub fn auto_migrate(&self, services: &[Name]) -> bool {
        let is_embedded = || {
            services
                .iter()
                .all(|&service| self.database_url(service).starts_with("sqlite:"))
        };
        self.database.auto_migrate.unwrap_or_else(is_embedded)
    }
}

#[cfg(test)]
mod tests;
