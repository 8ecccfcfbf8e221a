//! Configuration: one TOML text, typed, unknown keys refused, overridden from the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use zeroize::Zeroizing;

use crate::layers::Limits;

/// What begins the name of a variable that overrides a key: `HOTLINE__SERVER__LISTEN`.
const PREFIX: &str = "HOTLINE__";
/// What stands between section and key.
const SEPARATOR: &str = "__";

/// `[server]`: what is listened on.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address of the gRPC server. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of `/metrics` and `/healthz`; absent: not served.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether a stock client may ask for the descriptors, whoever he is.
    pub reflection: bool,
    /// Seconds that running calls have to end after a stop was asked for.
    pub drain_s: u64,
    /// How many sockets are open at once.
    pub connections_max: usize,
    /// Seconds after which a socket is renewed, so that load spreads over new servers.
    pub connection_age_s: u64,
    /// How many calls run at once, by priority.
    pub limits: Limits,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7010)),
            metrics_listen: None,
            reflection: false,
            drain_s: 20,
            connections_max: 1024,
            connection_age_s: 600,
            limits: Limits::default(),
        }
    }
}

/// `[telemetry]`: logs and traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `human` or `json`.
    pub log_format: LogFormat,
    /// What is logged, such as `info` or `info,hotline_platform=debug`.
    pub log_filter: String,
    /// Address of an OTLP collector, such as `http://collector:4317`; absent: no traces.
    pub otlp_endpoint: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Human,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object per line.
    Json,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not as expected; the message shows the line.
    #[error("the configuration is not as expected\n{0}")]
    Text(toml::de::Error),
    /// A variable of the environment is not as expected.
    #[error(
        "the configuration with its overrides from the environment ({names}) is not as expected: {message}"
    )]
    Override {
        /// The variables that override something; not their values, which may be secret.
        names: String,
        /// What was expected.
        message: String,
    },
}

/// Reads a configuration from `text`, with overrides such as `HOTLINE__SERVER__LISTEN`.
///
/// # Errors
///
/// [`ConfigError`] says which line, key or variable is not as expected.
pub fn parse<C: DeserializeOwned>(
    text: &str,
    environment: &[(String, String)],
) -> Result<C, ConfigError> {
    // Once without overrides: only then can a message show the line.
    let plain: C = toml::from_str(text).map_err(ConfigError::Text)?;
    let overrides: Vec<_> = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    if overrides.is_empty() {
        return Ok(plain);
    }
    let mut table: Table = toml::from_str(text).map_err(ConfigError::Text)?;
    for (name, value) in &overrides {
        put(&mut table, &name[PREFIX.len()..].to_lowercase(), value);
    }
    let names = overrides
        .iter()
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    C::deserialize(table).map_err(|error| ConfigError::Override {
        names,
        message: error.message().trim_end().to_owned(),
    })
}

/// The variables of the process that override keys: the one place that reads the environment.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// The secret that a command shows, from `HOTLINE_TOKEN`; an empty one is none.
#[must_use]
pub fn credential_of_environment() -> Option<Zeroizing<String>> {
    let text = std::env::var_os("HOTLINE_TOKEN")?.into_string().ok()?;
    let text = Zeroizing::new(text);
    (!text.is_empty()).then_some(text)
}

fn put(table: &mut Table, path: &str, value: &str) {
    let (head, rest) = path
        .split_once(SEPARATOR)
        .map_or((path, None), |(head, rest)| (head, Some(rest)));
    let Some(rest) = rest else {
        table.insert(head.to_owned(), literal(value));
        return;
    };
    let section = table
        .entry(head)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = section {
        put(inner, rest, value);
    } else {
        *section = Value::String(value.to_owned());
    }
}

/// A number or a bool if it reads as one, else the text itself.
fn literal(value: &str) -> Value {
    if let Ok(flag) = value.parse::<bool>() {
        return Value::Boolean(flag);
    }
    value
        .parse::<i64>()
        .map_or_else(|_| Value::String(value.to_owned()), Value::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        server: ServerConfig,
        telemetry: TelemetryConfig,
    }

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_empty_text_is_a_usable_configuration() {
        let sample: Sample = parse("", &[]).unwrap();
        assert!(sample.server.listen.ip().is_loopback());
        assert_eq!(sample.telemetry.log_format, LogFormat::Human);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_keys_that_exist() {
        let message = parse::<Sample>("[server]\nlissen = \"127.0.0.1:1\"\n", &[])
            .unwrap_err()
            .to_string();
        assert!(message.contains("lissen"), "{message}");
        assert!(message.contains("line 2"), "{message}");
        assert!(message.contains("`listen`"), "{message}");
    }

    #[test]
    fn the_environment_overrides_the_file_and_other_variables_do_not_matter() {
        let overrides = environment(&[
            ("HOTLINE__SERVER__LISTEN", "127.0.0.1:9"),
            ("HOTLINE__SERVER__LIMITS__BULK", "3"),
            ("HOTLINE__TELEMETRY__LOG_FORMAT", "json"),
            ("HOTLINE_TEST_POSTGRES", "postgres://elsewhere"),
        ]);
        let sample: Sample = parse("[server]\nlisten = \"127.0.0.1:8\"\n", &overrides).unwrap();
        assert_eq!(sample.server.listen.port(), 9);
        assert_eq!(sample.server.limits.bulk, 3);
        assert_eq!(sample.telemetry.log_format, LogFormat::Json);
    }

    #[test]
    fn an_override_that_fits_nowhere_is_refused_without_its_value() {
        let overrides = environment(&[("HOTLINE__SERVER__SECRET_DOOR", "value-of-it")]);
        let message = parse::<Sample>("", &overrides).unwrap_err().to_string();
        assert!(
            message.contains("HOTLINE__SERVER__SECRET_DOOR"),
            "{message}"
        );
        assert!(!message.contains("value-of-it"), "{message}");
    }
}
