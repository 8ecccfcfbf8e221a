//! What is made of the files: how to answer handshakes and how to begin them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline_kernel::time::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::{Clients, TlsConfig, names};
use crate::clock::machine_time;
use crate::db::BoxError;

/// The largest file that is read, in bytes.
const FILE_MAX_BYTES: u64 = 256 * 1024;
/// What is spoken behind the handshake.
const ALPN: &[u8] = b"h2";

/// What is wrong with `[tls]`.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// A file cannot be read.
    #[error("[tls] cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what was expected.
    #[error("[tls] {path}: expected {expected}")]
    Unexpected {
        /// Which.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The files do not go together.
    #[error(
        "[tls] the certificate, its key and the authority's certificates do not go together: {0}"
    )]
    Unfit(#[source] BoxError),
}

/// The files as they were read, to notice a change.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    ca: Vec<u8>,
}

impl Files {
    pub(super) fn read(config: &TlsConfig) -> Result<Self, BadTls> {
        Ok(Self {
            certificate: read(&config.certificate_file)?,
            key: Zeroizing::new(read(&config.key_file)?),
            ca: read(&config.ca_file)?,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BadTls> {
    let unreadable = |source| BadTls::Unreadable {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_MAX_BYTES {
        return Err(BadTls::Unexpected {
            path: path.to_owned(),
            expected: "a PEM file of at most 256 KiB",
        });
    }
    std::fs::read(path).map_err(unreadable)
}

/// What the files of one moment make.
pub(super) struct Material {
    pub(super) server: Arc<ServerConfig>,
    pub(super) client: Arc<ClientConfig>,
    services: Vec<String>,
    begins: Timestamp,
    expires: Timestamp,
}

impl Material {
    pub(super) fn of(files: &Files, config: &TlsConfig) -> Result<Self, BadTls> {
        let chain = certificates(&files.certificate, &config.certificate_file)?;
        let (begins, expires) = validity(chain.first(), &config.certificate_file)?;
        let services = chain.first().map(|end| names::services(end));
        let mut roots = RootCertStore::empty();
        for root in certificates(&files.ca, &config.ca_file)? {
            roots.add(root).map_err(unfit)?;
        }
        let roots = Arc::new(roots);
        // Said here: which implementation a process has by default depends on what else is built into it.
        let provider = Arc::new(ring::default_provider());
        Ok(Self {
            server: server(
                &provider,
                &roots,
                &chain,
                key(files, config)?,
                config.clients,
            )?,
            client: client(&provider, &roots, chain, key(files, config)?)?,
            services: services.unwrap_or_default(),
            begins,
            expires,
        })
    }

    /// The services that the certificate names.
    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    /// When the certificate is over.
    pub(super) fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The part of the certificate's life that is left at `now`.
    pub(super) fn life_left(&self, now: Timestamp) -> f64 {
        let seconds = |from: Timestamp| (self.expires - from).as_seconds_f64();
        seconds(now) / seconds(self.begins).max(1.0)
    }

    /// Writes the figure for the page of figures.
    pub(super) fn show(&self) {
        super::show_expiry((self.expires - machine_time()).as_seconds_f64());
    }
}

fn server(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: &[CertificateDer<'static>],
    key: PrivateKeyDer<'static>,
    clients: Clients,
) -> Result<Arc<ServerConfig>, BadTls> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
    let verifier = match clients {
        Clients::Required => verifier,
        Clients::Optional => verifier.allow_unauthenticated(),
    };
    let mut made = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(unfit)?
        .with_client_cert_verifier(verifier.build().map_err(unfit)?)
        .with_single_cert(chain.to_vec(), key)
        .map_err(unfit)?;
    made.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed connection would go by the certificates of before.
    made.send_tls13_tickets = 0;
    Ok(Arc::new(made))
}

fn client(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ClientConfig>, BadTls> {
    let mut made = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(unfit)?
        .with_root_certificates(Arc::clone(roots))
        .with_client_auth_cert(chain, key)
        .map_err(unfit)?;
    made.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(made))
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let expected = || BadTls::Unexpected {
        path: path.to_owned(),
        expected: "certificates in PEM",
    };
    let found = found.map_err(|_| expected())?;
    if found.is_empty() {
        Err(expected())
    } else {
        Ok(found)
    }
}

fn key(files: &Files, config: &TlsConfig) -> Result<PrivateKeyDer<'static>, BadTls> {
    PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| BadTls::Unexpected {
        path: config.key_file.clone(),
        expected: "a private key in PEM",
    })
}

fn validity(
    certificate: Option<&CertificateDer<'_>>,
    path: &Path,
) -> Result<(Timestamp, Timestamp), BadTls> {
    let read = || {
        let (_, found) = X509Certificate::from_der(certificate?).ok()?;
        let validity = found.validity();
        let at = |seconds| Timestamp::from_timestamp(seconds, 0);
        Some((
            at(validity.not_before.timestamp())?,
            at(validity.not_after.timestamp())?,
        ))
    };
    read().ok_or_else(|| BadTls::Unexpected {
        path: path.to_owned(),
        expected: "certificates in PEM",
    })
}

fn unfit(error: impl Into<BoxError>) -> BadTls {
    BadTls::Unfit(error.into())
}
