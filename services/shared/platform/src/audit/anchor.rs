//! Anchors: how far a chain is, told to where the database's administrator cannot reach.
//!
//! A chain that is cut off at its end looks like a shorter one. Only an anchor that was kept elsewhere tells.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hotline_kernel::time::{Timestamp, from_micros, micros};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::key::{AuditKey, CODE_BYTES};
use super::row::put;
use super::seal::Seal;

/// How long a file or a syslog host may take to take an anchor.
const CAST_MAX: Duration = Duration::from_secs(5);
/// Facility 13 (log audit), severity 5 (notice), RFC 5424 6.2.1.
const PRIORITY: u8 = 13 * 8 + 5;

/// `[audit]`: where anchors go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// File that anchors are appended to, a JSON object each; absent: `audit-anchors.jsonl` in the data folder.
    pub anchor_file: Option<PathBuf>,
    /// A syslog host (RFC 5424) that gets each anchor too: `udp://10.0.0.9:514` or `unix:///dev/log`.
    pub syslog: Option<String>,
}

/// One anchor, as a line of the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Whose chain.
    pub service: String,
    /// The last number sealed.
    pub chain_seq: i64,
    /// The chain's hash there, in hex.
    pub hash: String,
    /// When it was cast, in microseconds UTC.
    pub at_micros: i64,
    /// The code of the four under the installation's key, in hex.
    pub mac: String,
}

impl Anchor {
    fn new(service: &str, key: &AuditKey, seal: &Seal, at: Timestamp) -> Self {
        let mut anchor = Self {
            service: service.to_owned(),
            chain_seq: seal.chain_seq,
            hash: hex::encode(seal.hash),
            at_micros: micros(at),
            mac: String::new(),
        };
        anchor.mac = hex::encode(key.anchor(&anchor.encode()));
        anchor
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        put(&mut bytes, self.service.as_bytes());
        put(&mut bytes, &self.chain_seq.to_be_bytes());
        put(&mut bytes, self.hash.as_bytes());
        put(&mut bytes, &self.at_micros.to_be_bytes());
        bytes
    }

    /// Whether the installation made it.
    pub(crate) fn is_ours(&self, key: &AuditKey) -> bool {
        hex::decode(&self.mac).is_ok_and(|code| key.is_anchor(&self.encode(), &code))
    }

    /// The hash it holds; `None` if it is none.
    pub(crate) fn hash(&self) -> Option<[u8; CODE_BYTES]> {
        hex::decode(&self.hash).ok()?.try_into().ok()
    }
}

/// Where a process casts its anchors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Anchors {
    file: PathBuf,
    syslog: Option<Syslog>,
    /// One at a time: the lines of all services of a process go to one file.
    turn: Arc<Mutex<()>>,
}

/// A syslog host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Syslog {
    Udp(String),
    Unix(PathBuf),
}

/// A `[audit] syslog` that is none.
#[derive(Debug, thiserror::Error)]
#[error("[audit] syslog: expected `udp://host:port` or `unix:///path`, found `{0}`")]
pub struct BadSyslog(String);

impl Anchors {
    /// As `config` says; `data_dir` is the folder for files that are no database's.
    ///
    /// # Errors
    ///
    /// [`BadSyslog`].
    pub fn new(config: &AuditConfig, data_dir: &Path) -> Result<Self, BadSyslog> {
        let syslog = config.syslog.as_deref().map(syslog).transpose()?;
        Ok(Self {
            file: file(config, data_dir),
            syslog,
            turn: Arc::default(),
        })
    }

    /// Tells how far the chain is. Told twice after a crash, which does no harm.
    pub(crate) async fn cast(
        &self,
        service: &str,
        key: &AuditKey,
        seal: &Seal,
        at: Timestamp,
    ) -> std::io::Result<()> {
        let anchor = Anchor::new(service, key, seal, at);
        let _turn = self.turn.lock().await;
        let cast = async {
            append(&self.file, &anchor).await?;
            match &self.syslog {
                Some(syslog) => syslog.send(&message(&anchor)).await,
                None => Ok(()),
            }
        };
        timeout(CAST_MAX, cast)
            .await
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
    }
}

/// The file that anchors are appended to.
#[must_use]
pub fn file(config: &AuditConfig, data_dir: &Path) -> PathBuf {
    let default = || data_dir.join("audit-anchors.jsonl");
    config.anchor_file.clone().unwrap_or_else(default)
}

/// A whole line in one write: another process may append to the same file.
async fn append(path: &Path, anchor: &Anchor) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut options = tokio::fs::OpenOptions::new();
    let options = options.create(true).read(true).append(true);
    let mut file = options.open(path).await?;
    let mut line = Vec::with_capacity(256);
    if file.metadata().await?.len() > 0 {
        file.seek(std::io::SeekFrom::End(-1)).await?;
        if file.read_u8().await? != b'\n' {
            // A process died in the middle of a line.
            line.push(b'\n');
        }
    }
    serde_json::to_writer(&mut line, anchor)?;
    line.push(b'\n');
    file.write_all(&line).await?;
    file.flush().await?;
    file.sync_data().await
}

fn syslog(text: &str) -> Result<Syslog, BadSyslog> {
    let bad = || BadSyslog(text.to_owned());
    if let Some(address) = text.strip_prefix("udp://") {
        let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(bad());
        }
        return Ok(Syslog::Udp(address.to_owned()));
    }
    let path = text
        .strip_prefix("unix://")
        .filter(|path| path.starts_with('/'));
    path.map(|path| Syslog::Unix(path.into())).ok_or_else(bad)
}

impl Syslog {
    async fn send(&self, message: &str) -> std::io::Result<()> {
        match self {
            Self::Udp(address) => {
                let target = tokio::net::lookup_host(address).await?.next();
                let target = target.ok_or(std::io::ErrorKind::NotFound)?;
                let any = if target.is_ipv4() {
                    "0.0.0.0:0"
                } else {
                    "[::]:0"
                };
                let socket = UdpSocket::bind(any).await?;
                socket.send_to(message.as_bytes(), target).await?;
            }
            Self::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.send_to(message.as_bytes(), path).await?;
            }
        }
        Ok(())
    }
}

/// RFC 5424: header, structured data, and the anchor's line as the message.
fn message(anchor: &Anchor) -> String {
    let at = from_micros(anchor.at_micros).map_or_else(
        || "-".to_owned(),
        |at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
    );
    // A line of it can be cut out of the syslog host's file and given to `verify`.
    let line = serde_json::to_string(anchor).unwrap_or_default();
    format!(
        "<{PRIORITY}>1 {at} - hotline {} audit-anchor - {line}",
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor() -> (AuditKey, Anchor) {
        let key = AuditKey::new(&[7; 32]);
        let seal = Seal::new("intake", &key, (1, 5), [3; 32], 9);
        let at = from_micros(1_780_000_000_000_000).unwrap();
        let anchor = Anchor::new("intake", &key, &seal, at);
        (key, anchor)
    }

    #[test]
    fn an_anchor_is_ours_only_as_it_was_cast() {
        let (key, anchor) = anchor();
        assert!(anchor.is_ours(&key));
        assert!(!anchor.is_ours(&AuditKey::new(&[8; 32])));
        let changed = [
            Anchor {
                service: "routing".to_owned(),
                ..anchor.clone()
            },
            Anchor {
                chain_seq: 4,
                ..anchor.clone()
            },
            Anchor {
                hash: hex::encode([4; 32]),
                ..anchor.clone()
            },
            Anchor {
                at_micros: 1,
                ..anchor.clone()
            },
            Anchor {
                mac: "zz".to_owned(),
                ..anchor.clone()
            },
        ];
        for other in changed {
            assert!(!other.is_ours(&key), "{other:?}");
        }
    }

    #[test]
    fn a_syslog_host_is_told_in_its_format() {
        let (_, anchor) = anchor();
        let told = message(&anchor);
        assert!(told.starts_with("<109>1 2026-05-28T"), "{told}");
        assert!(told.contains("Z - hotline "), "{told}");
        let (_, line) = told.split_once(" audit-anchor - ").unwrap();
        assert_eq!(serde_json::from_str::<Anchor>(line).unwrap(), anchor);
    }

    #[test]
    fn a_syslog_host_that_is_none_is_refused() {
        for good in ["udp://10.0.0.9:514", "udp://[::1]:514", "unix:///dev/log"] {
            assert!(syslog(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "10.0.0.9:514",
            "udp://:514",
            "udp://host",
            "udp://h:x",
            "unix://dev",
            "tcp://h:1",
        ] {
            assert!(syslog(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn anchors_go_to_file_and_syslog() {
        let folder = tempfile::tempdir().unwrap();
        let host = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let config = AuditConfig {
            anchor_file: Some(folder.path().join("far").join("anchors")),
            syslog: Some(format!("udp://{}", host.local_addr().unwrap())),
        };
        let anchors = Anchors::new(&config, folder.path()).unwrap();
        let key = AuditKey::new(&[7; 32]);
        for number in [3, 5] {
            let seal = Seal::new("intake", &key, (1, number), [3; 32], 9);
            anchors
                .cast("intake", &key, &seal, from_micros(1).unwrap())
                .await
                .unwrap();
            let mut heard = [0; 1024];
            let length = host.recv(&mut heard).await.unwrap();
            let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
            assert!(
                heard.contains(&format!("\"chain_seq\":{number}")),
                "{heard}"
            );
        }
        let text = std::fs::read_to_string(file(&config, folder.path())).unwrap();
        let read: Vec<Anchor> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            read.iter()
                .map(|anchor| anchor.chain_seq)
                .collect::<Vec<_>>(),
            [3, 5]
        );
    }
}
