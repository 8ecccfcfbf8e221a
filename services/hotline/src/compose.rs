//! The whole wiring on one page: which services are mounted, who hears and asks whom, one server.
//!
//! Embedded or distributed is not decided here. A service that is mounted is reached in this
//! process, another one at its address; everything below gets a `Transport` and cannot tell.

mod door;
mod ending;
mod rest;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotline_platform::audit::anchor::Anchors;
use hotline_platform::audit::sealer;
use hotline_platform::audit::service::audit_service;
use hotline_platform::clock::Timepiece;
use hotline_platform::consumer::{self, Source};
use hotline_platform::courier::Courier;
use hotline_platform::db::DbOptions;
use hotline_platform::layers::{self, Admission, Callers, Denials, Edge};
use hotline_platform::peers::{Peers, Transport};
use hotline_platform::runtime::{Runtime, RuntimeParts, Secret, Service};
use hotline_platform::serve::{Server, ServerParts};
use hotline_platform::tasks::Tasks;
use hotline_platform::tls::Tls;
use hotline_platform::vault::Vault;
use hotline_platform::{fault, feed, pages, relay, replay, timers, upkeep};
use tonic::service::Routes;

use crate::cli::administrator;
use crate::config::Config;
use crate::folder::{self, Locks};
use crate::identity::Identity;
use crate::services::{self, Name};
use crate::signals::StopSignal;

/// A city: its services, or some of them, in this process.
pub struct City;

/// What a city does not make for itself.
#[derive(Clone, Default)]
pub struct Parts {
    /// The clock of every service; `None`: each reads its database's time.
    pub clock: Option<Arc<dyn Timepiece>>,
    /// Makes ids, randomness and secret repeatable.
    pub seed: Option<u64>,
    /// Only to be read: no deadline fires meanwhile.
    pub is_for_reading: bool,
}

/// Services that are put together; nothing of them runs.
pub struct Mounted {
    pub(crate) services: Vec<(Name, Service)>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) tasks: Tasks,
    names: Vec<Name>,
    tls: Option<Arc<Tls>>,
    routes: Routes,
    secret: Secret,
    pub(crate) vault: Vault,
    lease: Duration,
    edge: Option<services::Edge>,
    anchors: Anchors,
    locks: Option<Locks>,
}

/// A running city.
pub struct Running {
    server: Server,
    mounted: Mounted,
}

impl City {
    /// Starts every service.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, in words for the one who starts it.
    pub async fn start(config: Config, parts: Parts) -> anyhow::Result<Running> {
        Self::start_some(Name::ALL, config, parts).await
    }

    /// Starts some of the services; the others are peers.
    ///
    /// # Errors
    ///
    /// As [`City::start`], and a service whose producers are neither mounted here nor peers.
    pub async fn start_some(
        names: &[Name],
        config: Config,
        parts: Parts,
    ) -> anyhow::Result<Running> {
        let locks = folder::lock(&config, names)?;
        fault::point("start.locked");
        let fires_timers = !parts.is_for_reading;
        let mounted = Self::mount(names, &config, parts, config.auto_migrate(names)).await?;
        let mounted = Mounted {
            locks: Some(locks),
            ..mounted
        };
        mounted.is_complete()?;
        // Before anybody is served: a city whose disk refuses this does not start, and must not have answered.
        for (name, service) in &mounted.services {
            if kind_of(&config.database_url(*name)) == "sqlite" {
                consumer::end_leases(&service.core).await?; // the locks say that nobody else lives
            }
        }
        fault::point("start.mounted");

        // Only brings events sooner; without one, consumers read the producers' logs.
        let courier = |url| Courier::new(url, mounted.secret.derive_key("courier"));
        let courier = config
            .feed
            .redis_url
            .as_deref()
            .map(courier)
            .transpose()
            .context("[feed] redis_url")?;
        let parts = ServerParts {
            config: &config.server,
            routes: mounted.routes.clone(),
            descriptors: hotline_proto::DESCRIPTORS,
            tls: mounted.tls.clone(),
            tasks: &mounted.tasks,
        };
        let server = Server::start(parts).await?;
        if let Some((addr, pages)) = mounted.pages() {
            let addr = pages::start(addr, pages, mounted.tls.clone(), &mounted.tasks).await?;
            tracing::info!(address = %addr, "pages");
        }
        // It may have answered already: it goes on, and commands beside it are told that it serves nothing.
        if let Some(locks) = &mounted.locks
            && let Err(error) = locks.note(server.addr())
        {
            tracing::warn!(%error, "where the city is served could not be written down");
        }
        fault::point("start.listening");

        for (name, service) in &mounted.services {
            relay::start(&service.core, courier.as_ref());
            if let Some(reaction) = &service.reaction {
                consumer::start(
                    &service.core,
                    reaction,
                    mounted.sources(*name, reaction.producers(), courier.as_ref()),
                );
            }
            if let Some(handler) = service.timers.as_ref().filter(|_| fires_timers) {
                timers::start(&service.core, Arc::clone(handler));
            }
            sealer::start(&service.core, mounted.anchors.clone());
            upkeep::start(&service.core, service.reaction.clone());
            fault::point("start.started");
            tracing::info!(service = %name, database = %kind_of(&config.database_url(*name)), "mounted");
        }
        server.set_serving(mounted.health_names()).await;
        fault::point("start.serving");
        Ok(Running { server, mounted })
    }

    /// Puts services together without starting anything: for `migrate`, `check`, `parked`.
    ///
    /// # Errors
    ///
    /// As [`City::start`].
    pub async fn mount(
        names: &[Name],
        config: &Config,
        parts: Parts,
        auto_migrate: bool,
    ) -> anyhow::Result<Mounted> {
        let secret = folder::secret(config, parts.seed)?;
        let identity = Identity::of(config, &secret)?;
        let peers = Peers::at(&config.peer_addresses(), &identity.outgoing())?;
        let (tasks, peers) = (Tasks::new(), Arc::new(peers));
        let vault = config.vault.open(&config.data_dir)?;
        let runtime = Runtime::new(RuntimeParts {
            clock: parts.clock,
            seed: parts.seed,
            tasks: tasks.clone(),
            peers: Arc::clone(&peers),
            data_dir: config.data_dir.clone(),
            zone: config.zone()?,
            secret: secret.clone(),
            vault: vault.clone(),
            auto_migrate,
            db: DbOptions {
                connections_max: config.database.connections_max,
            },
        });
        let (mut mounted, mut edge) = (Vec::new(), None);
        for &name in names {
            let made = Box::pin(services::mount(name, &runtime, config)).await;
            let made = made
                .map_err(anyhow::Error::from_boxed)
                .with_context(|| format!("mount {name}"))?;
            mounted.push((name, made.service));
            edge = made.edge.or(edge);
        }
        let cores: Vec<_> = mounted
            .iter()
            .map(|(_, service)| service.core.clone())
            .collect();
        let logs = feed::event_log(&cores);
        let trails = audit_service(&cores, door::to_trails(names, &peers));
        let all = mounted
            .iter()
            .map(|(_, service)| service.routes.clone())
            .chain([Routes::new(logs).add_service(trails)])
            .chain(door::to_the_others(names, &peers));
        let routes = layers::on(
            layers::merge(all),
            Edge {
                admission: Admission::new(config.server.limits),
                denials: Denials::of(&cores, Name::Gateway.word()),
                callers: Callers {
                    authenticate: edge.as_ref().map(|edge| Arc::clone(&edge.authenticate)),
                    verifier: Some(identity.verifier),
                },
            },
        );
        for (name, _) in &mounted {
            peers.mount(name.word(), routes.clone());
        }
        Ok(Mounted {
            services: mounted,
            peers,
            tasks,
            names: names.to_vec(),
            tls: identity.tls,
            routes,
            secret,
            vault,
            lease: config.feed.lease(),
            edge,
            anchors: Anchors::new(&config.audit, &config.data_dir)?,
            locks: None,
        })
    }
}

impl Mounted {
    /// A service whose producer can never be heard would wait for ever: it does not start.
    fn is_complete(&self) -> anyhow::Result<()> {
        for (name, service) in &self.services {
            let heard = service
                .reaction
                .as_ref()
                .map_or(&[][..], |reaction| reaction.producers());
            for needed in heard {
                if !self.peers.is_known(needed) {
                    bail!(
                        "{name} needs {needed}, which is neither mounted here nor has an address in [peers]"
                    );
                }
            }
        }
        Ok(())
    }

    /// The logs that a service hears, asked for in its name.
    fn sources(
        &self,
        hearer: Name,
        producers: &[&'static str],
        courier: Option<&Courier>,
    ) -> Vec<Source> {
        let end = |producer: &str| {
            self.services
                .iter()
                .find(|(name, _)| name.word() == producer)
        };
        let source = |&producer: &&'static str| Source {
            producer,
            transport: self.peers.transport(producer, Some(hearer.word())),
            end: end(producer).map(|(_, service)| service.core.log_end()),
            courier: courier.cloned(),
            lease: self.lease,
        };
        producers.iter().map(source).collect()
    }

    /// What is served to browsers, and where.
    fn pages(&self) -> Option<(SocketAddr, axum::Router)> {
        self.edge.as_ref().and_then(|edge| edge.pages.clone())
    }

    fn health_names(&self) -> impl Iterator<Item = &'static str> {
        self.names
            .iter()
            .flat_map(|name| name.health_names())
            .copied()
    }
}

impl Running {
    /// The address of the gRPC server.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The address of `/metrics` and `/healthz`, if they are served.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.server.metrics_addr()
    }

    /// A fresh set-up link for the first security administrator, while there is no account; `None` afterwards, and
    /// where the gateway does not run.
    ///
    /// # Errors
    ///
    /// A database that cannot be written.
    pub async fn first_link(&self) -> anyhow::Result<Option<String>> {
        let Some(edge) = &self.mounted.edge else {
            return Ok(None);
        };
        edge.door
            .first_link()
            .await
            .map_err(anyhow::Error::from_boxed)
    }

    /// How to reach a service of the city.
    #[must_use]
    pub fn transport(&self, service: &str) -> Transport {
        self.mounted.peers.transport(service, None)
    }

    /// Empties what a service derived from events; it hears the logs again from their beginning.
    ///
    /// # Errors
    ///
    /// A service that does not run here, or that cannot be rebuilt from events.
    pub async fn forget(&self, name: Name) -> anyhow::Result<()> {
        self.mounted.forget(name).await
    }

    /// Ends when the process is asked to stop: SIGTERM or Ctrl-C.
    pub async fn until_stopped(&self) {
        match StopSignal::listen() {
            Ok(mut signal) => signal.asked().await,
            // Then either of them kills the process, which is as safe as a power failure.
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops: no new calls, running ones end, consumers and timers finish what they write, databases
    /// are closed. What does not end in time is cut; that is as safe as a power failure.
    pub async fn stop(self) {
        let Self { server, mounted } = self;
        fault::point("stop.asked");
        server.stop(mounted.health_names()).await;
        fault::point("stop.unserved");
        mounted.close().await;
        fault::point("stop.closed");
    }
}

impl Mounted {
    /// Empties what a service derived from events and sets it to the beginning of the logs.
    ///
    /// # Errors
    ///
    /// As [`Running::forget`].
    pub async fn forget(&self, name: Name) -> anyhow::Result<()> {
        let found = self.services.iter().find(|(mounted, _)| *mounted == name);
        let (_, service) = found.with_context(|| format!("{name} has nothing to replay"))?;
        let reaction = service.reaction.as_ref();
        let reaction = reaction.with_context(|| format!("{name} hears nobody"))?;
        replay::replay(&service.core, reaction.as_ref(), &administrator("replay"))
            .await
            .with_context(|| format!("replay {name}"))
    }
}

/// What kind of database a URL names; never the URL, which may hold a password.
fn kind_of(url: &str) -> &str {
    url.split_once(':').map_or("unknown", |(scheme, _)| scheme)
}
