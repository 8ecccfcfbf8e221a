//! How a command reaches the city: the process that serves it, or one of its own for as long as it takes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotline_platform::access::Role;
use hotline_platform::clock::machine_time;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_platform::peers::{Peers, Transport};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::config::Config;
use crate::folder::{self, Holder};
use crate::identity;
use crate::os_user::os_user;
use crate::services::Name;
use crate::{City, Parts, Running};

/// How long a server may take to take a call.
const KNOCK: Duration = Duration::from_secs(1);

/// A way to every service of the city.
pub enum Reach {
    /// Other processes serve it.
    Elsewhere(Arc<Peers>),
    /// Nobody served it; this process does.
    Here(Box<Running>),
}

impl Reach {
    /// Finds the city to read from it: one that was never started is refused, not made, and one that is
    /// started for it fires no deadline.
    ///
    /// # Errors
    ///
    /// An embedded database that is not there; else as [`Reach::find`].
    pub async fn find_existing(config: Config) -> anyhow::Result<Self> {
        if config.peers.is_empty() {
            folder::require(&config, Name::ALL)?;
        }
        let parts = Parts {
            is_for_reading: true,
            ..Parts::default()
        };
        Self::reach(config, parts).await
    }

    /// Finds the city, or starts it in this process if nobody serves it.
    ///
    /// A city on embedded databases is served by whoever holds their locks, at the address that stands
    /// there; what listens at `[server] listen` may be another city. With other databases that address
    /// is all there is to go by.
    ///
    /// # Errors
    ///
    /// What stands in the way of starting it, and a process that holds its databases but serves nothing.
    pub async fn find(config: Config) -> anyhow::Result<Self> {
        Self::reach(config, Parts::default()).await
    }

    async fn reach(mut config: Config, parts: Parts) -> anyhow::Result<Self> {
        let mut address = reachable(config.server.listen);
        let is_served = match folder::holder(&config, Name::ALL)? {
            Holder::Unknown => is_listening(address).await,
            Holder::Nobody => false,
            Holder::Process(served) if config.peers.is_empty() => {
                address = reachable(served.context(
                    "another process has the databases open and serves nothing; try again when it has ended",
                )?);
                true
            }
            Holder::Process(_) => true,
        };
        if is_served || !config.peers.is_empty() {
            let scheme = if config.tls.is_some() {
                "https"
            } else {
                "http"
            };
            let mut addresses = config.peer_addresses();
            for name in Name::ALL {
                addresses
                    .entry(name.word().to_owned())
                    .or_insert_with(|| format!("{scheme}://{address}"));
            }
            let outgoing = identity::of_a_command(&config)?;
            // Whose a credential is is known to the gateway alone.
            if let (Some(_), Some(door)) = (&config.credential, config.peers.get(&Name::Gateway)) {
                let services = Name::ALL.iter().map(|name| name.word());
                let peers = Peers::behind(Name::Gateway.word(), door, services, &outgoing)?;
                return Ok(Self::Elsewhere(Arc::new(peers)));
            }
            return Ok(Self::Elsewhere(Arc::new(Peers::at(&addresses, &outgoing)?)));
        }
        if config.credential.is_some() {
            bail!(
                "nobody serves this city; whose the credential is can only be told by one that runs"
            );
        }
        config.server.listen.set_port(0);
        config.gateway.own.listen = None;
        config.server.metrics_listen = None;
        let running = City::start(config, parts).await?;
        // A killed process may have left events that nobody has heard: no document without them.
        running.settle().await?;
        Ok(Self::Here(Box::new(running)))
    }

    /// How to reach a service.
    #[must_use]
    pub fn transport(&self, service: &str) -> Transport {
        match self {
            Self::Elsewhere(peers) => peers.transport(service, None),
            Self::Here(running) => running.transport(service),
        }
    }

    /// Ends a city that was started for the command, once it has come to rest.
    ///
    /// # Errors
    ///
    /// Events that do not come to rest.
    pub async fn leave(self) -> anyhow::Result<()> {
        let Self::Here(running) = self else {
            return Ok(());
        };
        let settled = running.settle().await;
        running.stop().await;
        settled
    }
}

/// `message` in the name of whoever has `role` and sits at this machine.
pub fn by<T>(role: Role, message: T) -> Request<T> {
    by_person(role, &format!("{}:cli", role.word()), message)
}

/// `message` in the name of a person with `role`, as whoever sits at this machine says; the audit trail has in the
/// place of a session who that is to the operating system.
pub(super) fn by_person<T>(role: Role, id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let mut principal = Principal::new(id, role);
    principal.session = os_user();
    if let Ok(value) = principal.to_metadata().parse() {
        request.metadata_mut().insert(PRINCIPAL_METADATA, value);
    }
    request
}

/// `message` in the name of the security administrator who sits at this machine. That he does is as good as a second
/// factor: whoever can run this owns the databases.
pub fn at_this_machine<T>(message: T) -> Request<T> {
    let role = Role::SecurityAdministrator;
    let mut principal = Principal::new(&format!("{}:cli", role.word()), role);
    principal.stepped_up_at = Some(hotline_kernel::time::micros(machine_time()));
    principal.session = os_user();
    let mut request = Request::new(message);
    if let Ok(value) = principal.to_metadata().parse() {
        request.metadata_mut().insert(PRINCIPAL_METADATA, value);
    }
    request
}

/// The message of an answer, or the refusal in words.
pub fn said<T>(answer: Result<Response<T>, Status>) -> anyhow::Result<T> {
    answer
        .map(Response::into_inner)
        .map_err(|status| refusal(&status))
}

/// What a refusal says, with each wrong field or row that its message does not name already.
pub(super) fn refusal(status: &Status) -> anyhow::Error {
    let mut told = format!("{} ({:?})", status.message(), status.code());
    let wrong = status.get_details_bad_request();
    for violation in wrong.into_iter().flat_map(|wrong| wrong.field_violations) {
        if !status.message().contains(&violation.description) {
            told.push_str("\n  ");
            told.push_str(&violation.field);
            told.push_str(": ");
            told.push_str(&violation.description);
        }
    }
    anyhow::Error::msg(told)
}

async fn is_listening(address: SocketAddr) -> bool {
    matches!(timeout(KNOCK, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// Where a server that listens everywhere can be reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port());
    }
    listen
}
