//! Which city a command is about.

use std::path::PathBuf;

use anyhow::Context as _;
use hotline_platform::config::credential_of_environment;
use hotline_platform::identity::Credential;
use zeroize::Zeroizing;

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
    /// File with a session's or key's secret, instead of the variable `HOTLINE_TOKEN`; without either, the city's key
    /// signs who calls, if it can be read.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
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
        config.credential = self.credential()?;
        Ok(config)
    }

    fn credential(&self) -> anyhow::Result<Option<Credential>> {
        let text = match &self.token_file {
            Some(path) => Some(Zeroizing::new(
                std::fs::read_to_string(path)
                    .with_context(|| format!("read {}", path.display()))?,
            )),
            None => credential_of_environment(),
        };
        let Some(text) = text else { return Ok(None) };
        let credential = Credential::new(text.trim());
        credential.map(Some).context(
            "expected a session's or key's secret, one word, in --token-file or HOTLINE_TOKEN",
        )
    }
}
