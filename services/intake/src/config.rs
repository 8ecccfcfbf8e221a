//! What can be configured of intake.

use serde::Deserialize;

/// The `[intake]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where intake keeps its data: `sqlite://…` or `postgres://…`.
    pub database_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/intake.db".to_owned(),
        }
    }
}
