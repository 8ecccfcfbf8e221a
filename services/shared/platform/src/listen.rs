//! Sockets, at most so many at once; behind a handshake if the process has a certificate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::tls::Tls;

/// Handshakes at once. Whoever connects and says nothing holds one of these for a moment, and no place.
const HANDSHAKES_MAX: usize = 512;

/// Who is at the other end of a socket, as far as the socket tells.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where he is.
    pub(crate) tcp: TcpConnectInfo,
    /// The services that his certificate names; none without one.
    pub(crate) services: Arc<[String]>,
}

/// A socket that holds its place until it is closed.
pub(crate) struct Socket {
    io: Io,
    peer: Peer,
    _place: OwnedSemaphorePermit,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The sockets that come in. While `connections_max` are open, the next ones wait.
pub(crate) fn incoming(
    listener: TcpListener,
    connections_max: usize,
    tls: Option<Arc<Tls>>,
) -> impl Stream<Item = io::Result<Socket>> + Send + 'static {
    let places = Arc::new(Semaphore::new(
        connections_max.clamp(1, Semaphore::MAX_PERMITS),
    ));
    match tls {
        None => plain(listener, places).left_stream(),
        Some(tls) => shaken(listener, places, tls).right_stream(),
    }
}

/// Without a certificate: while there is no place, the next sockets wait in the kernel.
fn plain(
    listener: TcpListener,
    places: Arc<Semaphore>,
) -> impl Stream<Item = io::Result<Socket>> + Send + 'static {
    futures::stream::unfold((listener, places), async move |(listener, places)| {
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        let socket = accepted(&listener).await.map(|io| Socket {
            peer: Peer {
                tcp: io.connect_info(),
                services: Arc::default(),
            },
            io: Io::Plain(io),
            _place: place,
        });
        Some((socket, (listener, places)))
    })
}

/// Behind a handshake. Many shake hands at once, and only who has done so takes a place.
fn shaken(
    listener: TcpListener,
    places: Arc<Semaphore>,
    tls: Arc<Tls>,
) -> impl Stream<Item = io::Result<Socket>> + Send + 'static {
    let sockets = futures::stream::unfold(listener, async move |listener| {
        Some((accepted(&listener).await, listener))
    });
    let handshakes = sockets.map(move |socket| {
        let tls = Arc::clone(&tls);
        async move {
            let io = match socket {
                Ok(io) => io,
                // What the kernel could not give is told to the server, which goes on.
                Err(error) => return Some(Err(error)),
            };
            let tcp = io.connect_info();
            match tls.accept(io).await {
                Ok((io, services)) => Some(Ok((Io::Tls(Box::new(io)), Peer { tcp, services }))),
                Err(error) => {
                    counter!("hotline_tls_refused_total").increment(1);
                    tracing::debug!(peer = ?tcp.remote_addr(), %error, "a handshake failed");
                    None
                }
            }
        }
    });
    let done = handshakes
        .buffer_unordered(HANDSHAKES_MAX)
        .filter_map(std::future::ready);
    done.then(move |done| {
        let places = Arc::clone(&places);
        async move {
            let (io, peer) = done?;
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            Ok(Socket {
                io,
                peer,
                _place: place,
            })
        }
    })
    .boxed()
}

async fn accepted(listener: &TcpListener) -> io::Result<TcpStream> {
    let (io, _) = listener.accept().await?;
    io.set_nodelay(true)?;
    Ok(io)
}

impl Socket {
    /// Where the other end is.
    pub(crate) fn remote_addr(&self) -> Option<std::net::SocketAddr> {
        self.peer.tcp.remote_addr()
    }
}

impl Connected for Socket {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(context),
            Io::Tls(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(context),
            Io::Tls(io) => Pin::new(io).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(context, buffers),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
}
