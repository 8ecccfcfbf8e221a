//! Mutual TLS between processes: TLS 1.3, a private authority, certificates that name the services of a process.
//!
//! A certificate names a service twice: `<service>.hotline` (DNS), which its callers look for, and
//! `spiffe://hotline/<service>` (URI), by which it may call on its own behalf where a method's rule names it. The files
//! are read again when they change, for every handshake after that.

pub mod authority;
mod material;
mod names;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::gauge;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use self::material::{Files, Material};
use crate::clock::machine_time;
use crate::tasks::Tasks;

pub use material::BadTls;
pub use names::{dns_name, uri_name};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a handshake may take, on either side.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// A certificate that has less than this part of its life left should have been renewed.
const WARN_BELOW: f64 = 1.0 / 3.0;
/// How often that is told.
const WARN_EVERY: u32 = 720;

/// `[tls]`: the certificate of this process and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// File with the certificate of this process and those between it and the authority's, in PEM.
    pub certificate_file: PathBuf,
    /// File with its private key, in PEM.
    pub key_file: PathBuf,
    /// File with the certificates of the authorities that are believed, in PEM: two while one takes over.
    pub ca_file: PathBuf,
    /// Whether callers must show a certificate of their own.
    #[serde(default)]
    pub clients: Clients,
}

/// Whether callers must show a certificate of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clients {
    /// Who has none gets no connection.
    #[default]
    Required,
    /// Who has none may bring a credential or a token; he is no service.
    Optional,
}

/// The certificate of this process and whom it believes, as the files say now.
pub struct Tls {
    config: TlsConfig,
    current: RwLock<(Files, Arc<Material>)>,
}

impl Tls {
    /// Reads the files of `config`.
    ///
    /// # Errors
    ///
    /// [`BadTls`] names the file and what is wrong with it.
    pub fn open(config: &TlsConfig) -> Result<Arc<Self>, BadTls> {
        let files = Files::read(config)?;
        let material = Arc::new(Material::of(&files, config)?);
        material.show();
        Ok(Arc::new(Self {
            config: config.clone(),
            current: RwLock::new((files, material)),
        }))
    }

    /// Reads the files again if they have changed. What cannot be read leaves everything as it was.
    ///
    /// # Errors
    ///
    /// [`BadTls`], which is normal for a moment while several files are replaced.
    pub fn look(&self) -> Result<(), BadTls> {
        let files = Files::read(&self.config)?;
        let is_known = |known: &(Files, Arc<Material>)| known.0 == files;
        if is_known(&self.current.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let material = Arc::new(Material::of(&files, &self.config)?);
        material.show();
        tracing::info!(
            services = material.services().join(" "),
            expires = %material.expires(),
            "the certificates have changed"
        );
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (files, material);
        Ok(())
    }

    /// Looks at the files from time to time until the process stops.
    pub fn watch(self: &Arc<Self>, tasks: &Tasks) {
        let (tls, stop) = (Arc::clone(self), tasks.stop().clone());
        tasks.spawn(async move {
            let mut looks = interval(LOOK_EVERY);
            let mut count = 0_u32;
            while stop.run_until_cancelled(looks.tick()).await.is_some() {
                if let Err(error) = tls.look() {
                    tracing::warn!(%error, "the certificates cannot be read again; the ones before are kept");
                }
                tls.material().show();
                if count.is_multiple_of(WARN_EVERY) {
                    tls.warn();
                }
                count = count.wrapping_add(1);
            }
        });
    }

    fn warn(&self) {
        let material = self.material();
        if material.life_left(machine_time()) < WARN_BELOW {
            tracing::warn!(
                certificate = %self.config.certificate_file.display(),
                expires = %material.expires(),
                "the certificate of this process should be renewed"
            );
        }
    }

    fn material(&self) -> Arc<Material> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.1)
    }

    /// Answers a handshake; with the services that the caller's certificate names.
    ///
    /// # Errors
    ///
    /// A caller who is not believed, or too slow.
    pub(crate) async fn accept(
        &self,
        io: TcpStream,
    ) -> io::Result<(server::TlsStream<TcpStream>, Arc<[String]>)> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.material().server));
        let stream = timeout(HANDSHAKE_MAX, acceptor.accept(io)).await??;
        let shown = stream.get_ref().1.peer_certificates();
        let services = shown.and_then(<[_]>::first).map(|end| names::services(end));
        Ok((stream, services.unwrap_or_default().into()))
    }

    /// Begins a handshake with a process that must prove to be `service`.
    ///
    /// # Errors
    ///
    /// A process that does not, or is too slow.
    pub(crate) async fn connect(
        &self,
        service: &str,
        io: TcpStream,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let name = ServerName::try_from(dns_name(service)).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&self.material().client));
        let stream = timeout(HANDSHAKE_MAX, connector.connect(name, io)).await??;
        let shown = stream.get_ref().1.peer_certificates();
        let is_it = shown
            .and_then(<[_]>::first)
            .is_some_and(|end| names::services(end).iter().any(|named| named == service));
        if !is_it {
            let told = format!(
                "the certificate of the peer does not name {}",
                uri_name(service)
            );
            return Err(io::Error::other(told));
        }
        Ok(stream)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(formatter)
    }
}

/// Seconds that are left until a certificate is over, below 0 afterwards.
fn show_expiry(seconds: f64) {
    gauge!("hotline_certificate_expires_seconds").set(seconds);
}
