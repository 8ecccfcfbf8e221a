//! `[vault]`: what personal data is sealed with, and where the keys are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline_platform::vault::erasure::ErasedFile;
use hotline_platform::vault::{
    KeyEnvironment, KeyFile, KeyHolder, KeyText, Suite, Vault, VaultError, VaultParts,
};
use serde::Deserialize;

/// `[vault]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultConfig {
    /// What is sealed from now on: `aes-256-gcm` or `sm4-gcm`. What was sealed before stays readable.
    pub cipher: Suite,
    /// File with the keys that wrap data keys; absent: `vault.keys` in the data folder, made at the first start.
    pub key_file: Option<PathBuf>,
    /// Those keys themselves, the one in use first; goes before a file. For the environment.
    pub keys: Option<KeyText>,
    /// File that says which data keys were destroyed; absent: `vault.erased` beside the key file.
    pub erased_file: Option<PathBuf>,
}

impl VaultConfig {
    /// The vault of the city in `data_dir`; no key is read or made yet.
    ///
    /// # Errors
    ///
    /// Keys that are not as expected.
    pub fn open(&self, data_dir: &Path) -> Result<Vault, VaultError> {
        let key_file = self
            .key_file
            .clone()
            .unwrap_or_else(|| data_dir.join("vault.keys"));
        let erased = match &self.erased_file {
            Some(path) => path.clone(),
            None => key_file.with_file_name("vault.erased"),
        };
        let suite = self.cipher;
        let holder: Arc<dyn KeyHolder> = match &self.keys {
            Some(keys) => Arc::new(KeyEnvironment::new(suite, keys)?),
            None => Arc::new(KeyFile::new(suite, &key_file)),
        };
        Ok(Vault::new(VaultParts {
            suite,
            holder,
            erased: ErasedFile::new(&erased),
        }))
    }
}
