//! What can be configured of intake.

use hotline_platform::group_commit::BATCH_MAX;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The `[intake]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where intake keeps its data: `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// How many registrations share a transaction at most, 1 to 256; 1 gives each its own.
    #[serde(deserialize_with = "batch")]
    pub batch_max: usize,
}

fn batch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let batch = usize::deserialize(deserializer)?;
    if !(1..=BATCH_MAX).contains(&batch) {
        let told = format!("`batch_max`: expected 1 to {BATCH_MAX}, found {batch}");
        return Err(D::Error::custom(told));
    }
    Ok(batch)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/intake.db".to_owned(),
            batch_max: BATCH_MAX,
        }
    }
}
