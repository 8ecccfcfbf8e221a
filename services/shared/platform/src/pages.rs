//! Pages for browsers, beside the gRPC server: behind TLS or on this machine only, at most so many sockets at once.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::{Stream, StreamExt};
use tokio::net::TcpListener;

use crate::listen::{self, Socket};
use crate::serve::ServeError;
use crate::tasks::Tasks;
use crate::tls::Tls;

/// Browsers' sockets at once.
const CONNECTIONS_MAX: usize = 256;

/// Where a browser is. In the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub struct Browser(pub SocketAddr);

/// Serves `pages` at `addr` until the process stops; returns the address that was bound.
///
/// # Errors
///
/// [`ServeError`] if the address is taken, or is not of this machine and there is no `tls`: what stands on pages is
/// not sent in clear.
pub async fn start(
    addr: SocketAddr,
    pages: Router,
    tls: Option<Arc<Tls>>,
    tasks: &Tasks,
) -> Result<SocketAddr, ServeError> {
    if tls.is_none() && !addr.ip().is_loopback() {
        return Err(ServeError::PagesInClear { addr });
    }
    let failed = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let sockets = Sockets {
        incoming: Box::pin(listen::incoming(listener, CONNECTIONS_MAX, tls)),
        addr: bound,
    };
    let stopped = tasks.stop().clone().cancelled_owned();
    let service = pages.into_make_service_with_connect_info::<Browser>();
    tasks.spawn(async move {
        let served = axum::serve(sockets, service).with_graceful_shutdown(stopped);
        if let Err(error) = served.await {
            tracing::warn!(%error, "the pages are no longer served");
        }
    });
    Ok(bound)
}

/// The sockets that come in.
struct Sockets {
    incoming: Pin<Box<dyn Stream<Item = io::Result<Socket>> + Send>>,
    addr: SocketAddr,
}

impl Listener for Sockets {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            match self.incoming.next().await {
                Some(Ok(socket)) => {
                    if let Some(from) = socket.remote_addr() {
                        return (socket, from);
                    }
                }
                // What the kernel could not give, it may give the next one.
                Some(Err(error)) => {
                    tracing::debug!(%error, "a socket could not be taken");
                    tokio::task::yield_now().await;
                }
                None => pending().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

impl Connected<IncomingStream<'_, Sockets>> for Browser {
    fn connect_info(stream: IncomingStream<'_, Sockets>) -> Self {
        Self(*stream.remote_addr())
    }
}
