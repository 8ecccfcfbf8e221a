//! What can be configured of the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use openidconnect::{ClientSecret, reqwest};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::domain::key;

/// OWASP's floor for Argon2id: 19 MiB and two passes.
const PASSWORD_MEMORY_KIB_MIN: u32 = 19 * 1024;
/// See [`PASSWORD_MEMORY_KIB_MIN`].
const PASSWORD_PASSES_MIN: u32 = 2;
/// More would let one sign-in take a machine.
const PASSWORD_MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// See [`PASSWORD_MEMORY_KIB_MAX`].
const PASSWORD_PASSES_MAX: u32 = 16;

/// `[gateway]`: the settings of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where its tables are: `sqlite://data/gateway.db` or `postgres://user@host/gateway`.
    pub database_url: String,
    /// Where pages are served; absent: nowhere.
    pub listen: Option<SocketAddr>,
    /// How browsers reach the pages, such as `https://hotline.example`; absent: at `listen`.
    pub public_url: Option<String>,
    /// How many days a password is good for; 0: for ever.
    pub password_days: u32,
    /// Memory that hashing a password takes, in KiB: at least 19456.
    #[serde(deserialize_with = "memory_kib")]
    pub password_memory_kib: u32,
    /// Passes over that memory: at least 2.
    #[serde(deserialize_with = "passes")]
    pub password_passes: u32,
    /// What the keys of this installation are for, a word such as `city` or `test`: part of every key, and a key
    /// with another word is none here.
    #[serde(deserialize_with = "environment")]
    pub key_environment: String,
    /// `[gateway.oidc]`: the identity provider; absent: everybody has a password here.
    pub oidc: Option<OidcConfig>,
}

/// `[gateway.oidc]`: what is agreed on with the identity provider (`OpenID` Connect).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// Who it is, letter for letter as its tokens say: an `https` address, or `http` on this machine.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// File with the secret that proves it.
    pub client_secret_file: Option<PathBuf>,
    /// That secret itself; goes before the file. For the environment.
    pub client_secret: Option<ClientSecret>,
    /// File with the certificates of the authority that it shows one of, in PEM; absent: those that browsers know.
    pub ca_file: Option<PathBuf>,
    /// Whether everybody has to prove himself anew who signs in, even if it still knows his browser: desks are shared.
    #[serde(default = "yes")]
    pub reauthenticate: bool,
    /// Values of `acr` that mean a second factor, which then counts for ours.
    #[serde(default)]
    pub second_factor_acr: Vec<String>,
    /// Values of `amr` that mean a second factor, which then counts for ours.
    #[serde(default)]
    pub second_factor_amr: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What is wrong with `[gateway.oidc]`.
#[derive(Debug, thiserror::Error)]
pub enum OidcSettingsError {
    /// An address that others could listen to.
    #[error("`[gateway.oidc] issuer`: expected an https address, or http on this machine")]
    Issuer,
    /// Nobody can be sent back.
    #[error(
        "`[gateway] listen` or `public_url`: expected an address, for the identity provider sends people back to the pages"
    )]
    PublicUrl,
    /// No secret.
    #[error(
        "`[gateway.oidc] client_secret_file`: expected a file, or the secret in the environment as \
         HOTLINE__GATEWAY__OIDC__CLIENT_SECRET"
    )]
    SecretMissing,
    /// The secret's file.
    #[error("`[gateway.oidc] client_secret_file`: {path} cannot be read")]
    SecretUnreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The authority's file.
    #[error("`[gateway.oidc] ca_file`: expected certificates in PEM in {0}")]
    Authority(PathBuf),
    /// The program could not make a client.
    #[error("no client for the identity provider could be made")]
    Client(#[source] reqwest::Error),
}

impl OidcConfig {
    /// What proves us to the provider.
    pub(crate) fn secret(&self) -> Result<ClientSecret, OidcSettingsError> {
        if let Some(secret) = &self.client_secret {
            return Ok(secret.clone());
        }
        let path = self.client_secret_file.as_ref();
        let path = path.ok_or(OidcSettingsError::SecretMissing)?;
        let text = std::fs::read_to_string(path).map_err(|source| {
            OidcSettingsError::SecretUnreadable {
                path: path.clone(),
                source,
            }
        })?;
        let text = zeroize::Zeroizing::new(text);
        if text.trim().is_empty() {
            return Err(OidcSettingsError::SecretMissing);
        }
        Ok(ClientSecret::new(text.trim().to_owned()))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://data/gateway.db".to_owned(),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 7080))),
            public_url: None,
            password_days: 90,
            password_memory_kib: 64 * 1024,
            password_passes: 3,
            key_environment: "city".to_owned(),
            oidc: None,
        }
    }
}

impl Config {
    /// How browsers reach the pages, without a slash at the end; `None` if there are none.
    #[must_use]
    pub fn pages_url(&self) -> Option<String> {
        let own = || self.listen.map(|listen| format!("http://{listen}"));
        let url = self.public_url.clone().or_else(own)?;
        Some(url.trim_end_matches('/').to_owned())
    }
}

fn between<'de, D: Deserializer<'de>>(
    deserializer: D,
    key: &str,
    (least, most): (u32, u32),
) -> Result<u32, D::Error> {
    let found = u32::deserialize(deserializer)?;
    if !(least..=most).contains(&found) {
        let told = format!("`{key}`: expected {least} to {most}, found {found}");
        return Err(D::Error::custom(told));
    }
    Ok(found)
}

fn memory_kib<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let limits = (PASSWORD_MEMORY_KIB_MIN, PASSWORD_MEMORY_KIB_MAX);
    between(deserializer, "password_memory_kib", limits)
}

fn passes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let limits = (PASSWORD_PASSES_MIN, PASSWORD_PASSES_MAX);
    between(deserializer, "password_passes", limits)
}

fn environment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let found = String::deserialize(deserializer)?;
    if !key::is_environment(&found) {
        let told = "`key_environment`: expected 1 to 12 small letters and digits";
        return Err(D::Error::custom(told));
    }
    Ok(found)
}
