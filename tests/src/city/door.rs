//! A city in three processes that is reached through one door, the gateway's, from another address than the door's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hotline::services::Name;
use hotline_platform::peers::{self, Outgoing};
use hotline_platform::tls::Tls;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use super::City;
use super::processes::CALL_MAX;

/// Where callers are: on this machine, and not where the processes are.
pub const CALLER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The gateway's door, seen from [`CALLER`].
pub struct Door {
    /// Its address for whoever is there.
    pub address: String,
    /// A way through it, behind a certificate.
    pub channel: Channel,
    carrier: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl City {
    /// One city per arrangement in three processes that reach each other over mutual TLS: the gateway alone, intake and
    /// feedback, routing and reporting.
    pub async fn all_behind_a_door() -> Vec<Self> {
        let first: &[Name] = &[Name::Gateway];
        let second: &[Name] = &[Name::Intake, Name::Feedback];
        Self::with(&[first, second, &[Name::Routing, Name::Reporting]]).await
    }

    /// The way in that everybody has.
    pub async fn door(&self) -> Door {
        let config = &self.processes[self.process_of(Name::Gateway)].config;
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = format!("https://{}", listener.local_addr().expect("its address"));
        let tls = config.tls.as_ref().expect("there are several processes");
        let outgoing = Outgoing {
            tls: Some(Tls::open(tls).expect("files that go together")),
            ..Outgoing::default()
        };
        let channel = peers::channel("gateway", &address, &outgoing, CALL_MAX);
        Door {
            channel: channel.expect("an address"),
            carrier: carry(listener, config.server.listen),
            address,
        }
    }

    /// The configuration file of a command whose user knows the door and nothing else.
    pub fn configures(&self, door: &Door, folder: &Path) -> PathBuf {
        let config = &self.processes[self.process_of(Name::Gateway)].config;
        let tls = config.tls.as_ref().expect("there are several processes");
        let toml = format!(
            "data_dir = '{}'\n[peers]\ngateway = '{}'\n\
             [tls]\ncertificate_file = '{}'\nkey_file = '{}'\nca_file = '{}'\n",
            folder.join("nothing").display(),
            door.address,
            tls.certificate_file.display(),
            tls.key_file.display(),
            tls.ca_file.display(),
        );
        let path = folder.join("desk.toml");
        std::fs::write(&path, toml).expect("a writable folder");
        path
    }
}

/// Carries bytes from whoever connects to `to`, which sees them come from [`CALLER`].
#[expect(
    clippy::disallowed_methods,
    reason = "a test's carrier ends with its handle"
)]
fn carry(listener: TcpListener, to: SocketAddr) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = from_elsewhere(to).await {
                    // Whoever ends it has heard enough.
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                }
            });
        }
    })
}

async fn from_elsewhere(to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(CALLER), 0))?;
    socket.connect(to).await
}
