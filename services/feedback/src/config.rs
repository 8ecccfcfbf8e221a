//! What can be configured of feedback.

use serde::Deserialize;

/// `[feedback]`: the settings of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where its tables are: `sqlite://data/feedback.db` or `postgres://user@host/feedback`.
    pub database_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/feedback.db".to_owned(),
        }
    }
}
