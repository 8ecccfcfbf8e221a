//! What can be configured of routing.

use serde::Deserialize;

/// `[routing]`: the settings of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where its tables are: `sqlite://data/routing.db` or `postgres://user@host/routing`.
    pub database_url: String,
    /// Which policy profile of the registry counts deadlines, such as `sichuan-2025`.
    pub policy_profile: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/routing.db".to_owned(),
            policy_profile: "sichuan-2025".to_owned(),
        }
    }
}
