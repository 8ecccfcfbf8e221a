//! Pages for browsers, beside the gRPC server: behind TLS or on this machine only, at most so many sockets at once, none
//! of them for ever.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures::{Stream, StreamExt};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::listen::{self, Socket};
use crate::serve::ServeError;
use crate::tasks::Tasks;
use crate::tls::Tls;

/// Browsers' sockets at once.
const CONNECTIONS_MAX: usize = 256;
/// The largest head of a request, in bytes.
const HEADERS_MAX_BYTES: u32 = 16 * 1024;
/// Pages that one browser asks for at once.
const STREAMS_MAX: u32 = 32;
/// How often a silent browser is asked whether it is still there …
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// … and how long it may take to say so.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a socket is held.
const PATIENCE: Patience = Patience {
    headers_within: Duration::from_secs(10),
    age_max: Duration::from_mins(10),
};
/// How long what runs on it then may go on: longer than any page takes.
const LAST_PAGE_MAX: Duration = Duration::from_secs(40);
/// How long what runs may go on when the process stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a socket is held.
#[derive(Clone, Copy)]
struct Patience {
    /// A browser that does not say in so long what it wants is hung up on.
    headers_within: Duration,
    /// A socket that is so old takes no more requests; the browser opens another one.
    age_max: Duration,
}

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
    let sockets = listen::incoming(listener, CONNECTIONS_MAX, tls);
    tasks.spawn(serve(sockets, pages, tasks.clone(), PATIENCE));
    Ok(bound)
}

async fn serve(
    sockets: impl Stream<Item = io::Result<Socket>> + Send,
    pages: Router,
    tasks: Tasks,
    patience: Patience,
) {
    let mut sockets = pin!(sockets);
    let stop = tasks.stop().clone();
    while let Some(Some(socket)) = stop.run_until_cancelled(sockets.next()).await {
        match socket {
            Ok(socket) => {
                if let Some(from) = socket.remote_addr() {
                    let over = stop.clone().cancelled_owned();
                    tasks.spawn(converse(
                        (socket, Browser(from)),
                        pages.clone(),
                        patience,
                        over,
                    ));
                }
            }
            // What the kernel could not give, it may give the next one.
            Err(error) => {
                tracing::debug!(%error, "a socket could not be taken");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// One browser's socket, from its first request to its last.
async fn converse(
    (socket, browser): (Socket, Browser),
    pages: Router,
    patience: Patience,
    stop: impl Future<Output = ()> + Send,
) {
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&has_asked);
    let answers = tower::service_fn(move |request: http::Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(browser));
        pages.clone().oneshot(request)
    });
    let builder = talking(patience);
    let connection =
        builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(answers));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // Until the first request nobody else looks at the time: which protocol is spoken is not known yet.
        () = silence(&has_asked, patience) => return,
        () = sleep(patience.age_max) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_PAGE_MAX, connection).await.unwrap_or(Ok(()))
        }
        () = stop => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_MAX, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a browser's socket ended badly");
    }
}

/// Ends if nothing was asked for in the time that there is for it.
async fn silence(has_asked: &AtomicBool, patience: Patience) {
    sleep(patience.headers_within).await;
    if has_asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn talking(patience: Patience) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers_within)
        .max_buf_size(usize::try_from(HEADERS_MAX_BYTES).unwrap_or(usize::MAX));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(KEEP_ALIVE_INTERVAL))
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_header_list_size(HEADERS_MAX_BYTES)
        .max_concurrent_streams(STREAMS_MAX);
    builder
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use futures::future::join_all;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// Longer than any of this takes.
    const LIMIT: Duration = Duration::from_mins(1);

    async fn served(tasks: &Tasks, patience: Patience) -> SocketAddr {
        let page = Router::new().route("/", get(async || "here"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bound = listener.local_addr().unwrap();
        let sockets = listen::incoming(listener, CONNECTIONS_MAX, None);
        tasks.spawn(serve(sockets, page, tasks.clone(), patience));
        bound
    }

    /// What comes back for `said` until the socket is closed.
    async fn until_hung_up(addr: SocketAddr, said: &[u8]) -> String {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        socket.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        // A socket that is cut off ends with an error; that is as good.
        let ended = timeout(LIMIT, socket.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "it stays open");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_browser_that_asks_for_nothing_is_hung_up_on() {
        let tasks = Tasks::new();
        let patience = Patience {
            headers_within: Duration::from_secs(2),
            ..PATIENCE
        };
        let addr = served(&tasks, patience).await;
        let said: [&[u8]; 5] = [
            b"",
            b"GET / HT",
            b"GET / HTTP/1.1\r\nhost: a\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ];
        let told = join_all(said.map(|said| until_hung_up(addr, said))).await;
        assert!(
            told[3].ends_with("here"),
            "one page, then silence: {}",
            told[3]
        );
        tasks.drain().await;
    }

    #[tokio::test]
    async fn a_socket_serves_many_pages_and_none_when_it_is_old() {
        let tasks = Tasks::new();
        let patience = Patience {
            age_max: Duration::from_secs(3),
            ..PATIENCE
        };
        let mut socket = TcpStream::connect(served(&tasks, patience).await)
            .await
            .unwrap();
        let (mut pages, mut part) = (0, [0; 1024]);
        let ended = timeout(LIMIT, async {
            while socket
                .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                .await
                .is_ok()
                && matches!(socket.read(&mut part).await, Ok(1..))
            {
                pages += 1;
            }
        });
        assert!(ended.await.is_ok(), "it stays open");
        assert!(pages > 1, "{pages}");
        tasks.drain().await;
    }
}
