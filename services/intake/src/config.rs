//! What can be configured of intake.

use hotline_platform::group_commit::BATCH_MAX;
use serde::Deserialize;

/// The `[intake]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where intake keeps its data: `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// How many registrations share a transaction at most; 1 gives each its own.
    pub batch_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/intake.db".to_owned(),
            batch_max: BATCH_MAX,
        }
    }
}
