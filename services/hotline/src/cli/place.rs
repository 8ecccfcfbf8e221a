//! Which city a command is about.

use std::path::PathBuf;

use crate::config::Config;

/// Where the configuration and the data are.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Place {
    /// Configuration file; without one, SQLite under ./data.
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// The configuration, with overrides from the environment and the command line.
    ///
    /// # Errors
    ///
    /// What in the file or the environment is not as expected.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::read(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.data_dir.clone_from(data);
        }
        Ok(config)
    }
}
