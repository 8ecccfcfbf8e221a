//! The way to one peer: in the clear on this machine, behind a certificate everywhere else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::{Outgoing, PeerAddress};
use crate::tls::Tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a peer is and how it is spoken to.
pub(super) struct Way {
    endpoint: Endpoint,
    /// The certificate, and the service that the other side must prove to be.
    secured: Option<(Arc<Tls>, Arc<str>)>,
}

/// A channel to the process at `address` that must prove to be `service`; its calls take `call_max` at most. For
/// programs that name and sign their principals themselves.
///
/// # Errors
///
/// [`PeerAddress`].
pub fn channel(
    service: &str,
    address: &str,
    outgoing: &Outgoing,
    call_max: Duration,
) -> Result<Channel, PeerAddress> {
    let mut way = Way::to(service, address, outgoing)?;
    way.endpoint = way.endpoint.timeout(call_max);
    Ok(way.channel())
}

impl Way {
    /// The way to `service` at `address`.
    pub(super) fn to(
        service: &str,
        address: &str,
        outgoing: &Outgoing,
    ) -> Result<Self, PeerAddress> {
        Self::find(service, address, outgoing).map_err(|expected| PeerAddress {
            service: service.to_owned(),
            address: address.to_owned(),
            expected,
        })
    }

    fn find(service: &str, address: &str, outgoing: &Outgoing) -> Result<Self, &'static str> {
        const EXPECTED: &str = "an address such as https://routing.example:7010";
        let uri: Uri = address.parse().map_err(|_| EXPECTED)?;
        let authority = uri.authority().ok_or(EXPECTED)?;
        let secured = match (uri.scheme_str(), &outgoing.tls) {
            (Some("https"), Some(tls)) => Some((Arc::clone(tls), service.into())),
            (Some("https"), None) => return Err("[tls] beside an https address"),
            (Some("http"), _) if is_here(authority.host()) => None,
            (Some("http"), _) => return Err("https, for it is not on this machine"),
            _ => return Err(EXPECTED),
        };
        // The handshake is ours: tonic's own would need to be told which service it is.
        let endpoint =
            Endpoint::from_shared(format!("http://{authority}")).map_err(|_| EXPECTED)?;
        Ok(Self { endpoint, secured })
    }

    /// A channel that connects at its first call.
    pub(super) fn channel(self) -> Channel {
        let endpoint = self
            .endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        match self.secured {
            None => endpoint.connect_lazy(),
            Some((tls, service)) => endpoint.connect_with_connector_lazy(tower::service_fn(
                move |uri: Uri| -> BoxFuture<'static, io::Result<_>> {
                    let (tls, service) = (Arc::clone(&tls), Arc::clone(&service));
                    Box::pin(async move {
                        let io = TcpStream::connect(place(&uri)?).await?;
                        io.set_nodelay(true)?;
                        Ok(TokioIo::new(tls.connect(&service, io).await?))
                    })
                },
            )),
        }
    }
}

/// Host and port; an IPv6 address stands in brackets, as it must.
fn place(uri: &Uri) -> io::Result<String> {
    let host = uri.host().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(443)))
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_this_machine_is_not_spoken_to_in_the_clear() {
        let allowed = [
            "http://127.0.0.1:7010",
            "http://[::1]:7010",
            "http://localhost:7010",
        ];
        for address in allowed {
            assert!(
                Way::to("routing", address, &Outgoing::default()).is_ok(),
                "{address}"
            );
        }
        let refused = [
            "http://192.0.2.7:7010",
            "http://routing:7010",
            "http://localhost.example:7010",
            // There is no certificate to show.
            "https://routing:7010",
            "routing:7010",
            "ftp://127.0.0.1:7010",
            "http:///x",
            "",
        ];
        for address in refused {
            assert!(
                Way::to("routing", address, &Outgoing::default()).is_err(),
                "{address}"
            );
        }
    }
}
