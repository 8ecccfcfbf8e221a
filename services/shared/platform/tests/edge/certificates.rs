//! Certificates of invented processes, and clients that show them, or something else.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hotline_platform::tls::authority::{self, Issued};
use hotline_platform::tls::{Clients, Tls, TlsConfig, dns_name};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use crate::doors::Doors;

/// How long a certificate is good.
pub const LIFE: Duration = Duration::from_hours(24);

/// An authority and a folder for what it issues.
pub struct Certificates {
    folder: tempfile::TempDir,
    pub authority: Issued,
}

/// The files of one process.
#[derive(Clone)]
pub struct Files(pub TlsConfig);

impl Certificates {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            authority: authority::found(LIFE).expect("an authority"),
        }
    }

    /// The files of a process with `services`, by a name of its own.
    pub fn process(&self, name: &str, services: &[&str]) -> Files {
        self.write(name, &issued(&self.authority, services), &self.authority)
    }

    /// Writes files: what is shown, and who is believed.
    pub fn write(&self, name: &str, shown: &Issued, believed: &Issued) -> Files {
        let path = |kind: &str| self.folder.path().join(format!("{name}.{kind}"));
        let files = Files(TlsConfig {
            certificate_file: path("pem"),
            key_file: path("key"),
            ca_file: path("ca"),
            clients: Clients::Required,
        });
        files.show(shown);
        files.believe(&[believed]);
        files
    }
}

impl Files {
    /// Replaces the certificate.
    pub fn show(&self, shown: &Issued) {
        put(&self.0.certificate_file, &shown.certificate);
        put(&self.0.key_file, &shown.key);
    }

    /// Replaces the authorities.
    pub fn believe(&self, authorities: &[&Issued]) {
        let all: String = authorities
            .iter()
            .map(|authority| authority.certificate.as_str())
            .collect();
        put(&self.0.ca_file, &all);
    }

    pub fn open(&self) -> Arc<Tls> {
        Tls::open(&self.0).expect("files that go together")
    }

    /// A client that shows the certificate and does not look at whom it talks to more than the authority.
    pub fn client(&self) -> Client {
        let chain = CertificateDer::pem_file_iter(&self.0.certificate_file).expect("a file");
        Client {
            chain: chain.map(|found| found.expect("PEM")).collect(),
            key: Some(PrivateKeyDer::from_pem_file(&self.0.key_file).expect("PEM")),
            authority: self.0.ca_file.clone(),
            version: &rustls::version::TLS13,
        }
    }
}

fn put(path: &PathBuf, text: &str) {
    std::fs::write(path, text).expect("a writable folder");
}

/// A certificate of `authority` for a process with `services`.
pub fn issued(authority: &Issued, services: &[&str]) -> Issued {
    let services: Vec<String> = services.iter().map(|&name| name.to_owned()).collect();
    authority::issue(&authority.key, &services, &[], LIFE).expect("names of services")
}

/// Somebody who begins a handshake.
pub struct Client {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Option<PrivateKeyDer<'static>>,
    pub authority: PathBuf,
    pub version: &'static SupportedProtocolVersion,
}

impl Client {
    /// A channel to the socket of `doors`.
    pub fn dial(self, doors: &Doors) -> Channel {
        self.dial_at(doors.server.addr())
    }

    /// A channel to a socket.
    pub fn dial_at(self, address: SocketAddr) -> Channel {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(&self.authority).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[self.version])
            .expect("a version that is built in")
            .with_root_certificates(roots);
        let mut config = match self.key {
            Some(key) => builder
                .with_client_auth_cert(self.chain, key)
                .expect("a certificate with its key"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        endpoint.connect_with_connector_lazy(tower::service_fn(
            move |_: Uri| -> BoxFuture<'static, io::Result<_>> {
                let connector = connector.clone();
                Box::pin(async move {
                    let io = TcpStream::connect(address).await?;
                    let name = ServerName::try_from(dns_name("intake")).expect("a name");
                    Ok(TokioIo::new(connector.connect(name, io).await?))
                })
            },
        ))
    }
}
