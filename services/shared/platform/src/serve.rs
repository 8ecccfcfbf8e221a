//! The one server of a process: gRPC with health and reflection, and the page of figures beside it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server as Transport;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::ServerConfig;
use crate::layers::outside;
use crate::listen;
use crate::tasks::Tasks;
use crate::telemetry;
use crate::tls::Tls;

/// Streams of one connection at once.
const STREAMS_MAX: u32 = 128;
/// Size of all headers of a request, in bytes.
const HEADERS_MAX_BYTES: u32 = 16 * 1024;
/// Streams that a client may open and reset before it is cut off (CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a server is made of.
pub struct ServerParts<'a> {
    /// What is listened on and how much of it is taken.
    pub config: &'a ServerConfig,
    /// Every service's routes, layers already on them.
    pub routes: Routes,
    /// Encoded descriptors for reflection.
    pub descriptors: &'static [u8],
    /// The certificate that it shows; `None`: it listens in the clear.
    pub tls: Option<Arc<Tls>>,
    /// Where its tasks run.
    pub tasks: &'a Tasks,
}

/// A running server.
pub struct Server {
    addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    health: HealthReporter,
    stop: CancellationToken,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
    drain: Duration,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Listen {
        /// Which address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Others than this machine would be listened to in the clear.
    #[error(
        "[server] listen = {addr} is no loopback address: expected [tls] with a certificate, so that nobody on the way \
         reads what is said"
    )]
    Exposed {
        /// Which address.
        addr: SocketAddr,
    },
    /// Pages would be sent in clear to other machines.
    #[error("without [tls] pages are served on loopback only, not at {addr}")]
    PagesInClear {
        /// Which address.
        addr: SocketAddr,
    },
    /// The descriptors cannot be read.
    #[error("the descriptors for reflection cannot be read")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The page of figures has no recorder.
    #[error("the figures cannot be recorded")]
    Figures(#[from] metrics_exporter_prometheus::BuildError),
}

impl Server {
    /// Starts to listen. Health says `NOT_SERVING` until [`Server::set_serving`].
    ///
    /// # Errors
    ///
    /// [`ServeError`] names the address that is taken.
    pub async fn start(parts: ServerParts<'_>) -> Result<Self, ServeError> {
        let ServerParts {
            config,
            routes,
            descriptors,
            tls,
            tasks,
        } = parts;
        let (health, health_server) = tonic_health::server::health_reporter();
        health
            .set_service_status("", ServingStatus::NotServing)
            .await;
        let mut unruled = Routes::new(health_server);
        if config.reflection {
            let reflection = || {
                tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(descriptors)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            };
            // Not every stock client knows the newer name yet.
            unruled = unruled
                .add_service(reflection().build_v1()?)
                .add_service(reflection().build_v1alpha()?);
        }

        if tls.is_none() && !config.listen.ip().to_canonical().is_loopback() {
            return Err(ServeError::Exposed {
                addr: config.listen,
            });
        }
        let (listener, addr) = bind(config.listen).await?;
        let stop = CancellationToken::new();
        let metrics_addr = match config.metrics_listen {
            Some(wanted) => Some(show_figures(wanted, tasks, &stop).await?),
            None => None,
        };
        if let Some(tls) = &tls {
            tls.watch(tasks);
        }
        let incoming = listen::incoming(listener, config.connections_max, tls);
        let serving = transport(Duration::from_secs(config.connection_age_s.max(1)))
            .add_routes(outside::beside(routes, unruled).prepare())
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        let task = tasks.spawn(serving);
        Ok(Self {
            addr,
            metrics_addr,
            health,
            stop,
            task,
            drain: Duration::from_secs(config.drain_s),
        })
    }

    /// The address of the gRPC server.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of `/metrics` and `/healthz`, if they are served.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Says that these services answer; with them the server as a whole.
    pub async fn set_serving<'n>(&self, services: impl IntoIterator<Item = &'n str>) {
        for service in services {
            self.health
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        self.health
            .set_service_status("", ServingStatus::Serving)
            .await;
    }

    /// Stops: health says no, nothing new is taken, running calls have the configured time to end,
    /// then connections are cut.
    pub async fn stop<'n>(mut self, services: impl IntoIterator<Item = &'n str>) {
        self.health
            .set_service_status("", ServingStatus::NotServing)
            .await;
        for service in services {
            self.health
                .set_service_status(service, ServingStatus::NotServing)
                .await;
        }
        self.stop.cancel();
        match timeout(self.drain, &mut self.task).await {
            Ok(Ok(Ok(()))) => {}
            Ok(ended) => tracing::warn!(?ended, "the server ended badly"),
            Err(_) => {
                tracing::warn!(
                    drain_s = self.drain.as_secs(),
                    "calls were still running; connections are cut"
                );
                self.task.abort();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one server")]
fn transport(connection_age: Duration) -> Transport {
    Transport::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADERS_MAX_BYTES)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        // Without a grace: tonic 0.14.9 with one never tells the peer to leave, and cuts its calls off.
        // Each call has a deadline of its own, so an old connection does end.
        .max_connection_age(connection_age)
}

async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// `/metrics` for Prometheus and `/healthz`, which only says that the process breathes: a database
/// that is away must not restart it.
async fn show_figures(
    addr: SocketAddr,
    tasks: &Tasks,
    stop: &CancellationToken,
) -> Result<SocketAddr, ServeError> {
    let figures = telemetry::figures()?;
    let (listener, bound) = bind(addr).await?;
    let pages = Router::new()
        .route("/metrics", get(move || async move { figures.render() }))
        .route("/healthz", get(|| async { "ok\n" }));
    let stopped = stop.clone().cancelled_owned();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, pages)
            .with_graceful_shutdown(stopped)
            .await
        {
            tracing::warn!(%error, "the figures are no longer served");
        }
    });
    Ok(bound)
}
