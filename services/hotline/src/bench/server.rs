//! A city, or a service of it, as a child process: of this binary, or of its ground's.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hotline_platform::peers::{Outgoing, Peers, Transport};

use super::cpu;
use super::ground::Ground;
use super::program::{self, Program};
use crate::demo::city::Clients;
use crate::demo::founding;
use crate::identity;
use crate::services::Name;

/// How long a start may take.
const START_MAX: Duration = Duration::from_mins(1);
/// How often a start is looked after.
const LOOK: Duration = Duration::from_millis(20);
/// Where a service is said to be that does not run: nobody listens on the port of `discard`.
const NOWHERE: &str = "http://127.0.0.1:9";

/// An address of this machine that nobody listens at.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Clients of services at these addresses, in the name of whom `outgoing` can speak for.
pub(super) fn clients_at(
    outgoing: &Outgoing,
    addresses: &BTreeMap<String, String>,
) -> anyhow::Result<Clients> {
    let peers = Arc::new(Peers::at(addresses, outgoing)?);
    Ok(Clients::new(|service| peers.transport(service, None)))
}

/// A running server; dropping it kills it.
pub(super) struct Server {
    child: Child,
    addr: SocketAddr,
    /// What its callers say of themselves; `None`: it believes their word.
    outgoing: Option<Outgoing>,
}

impl Server {
    /// Starts `services` on `ground`; none means all. `overrides` are configuration keys by the names of
    /// their variables, such as `HOTLINE__INTAKE__BATCH_MAX`.
    pub(super) async fn start(
        ground: &Ground,
        services: &[Name],
        overrides: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let addr = free_address()?;
        Self::start_at(addr, ground, services, overrides).await
    }

    /// As [`Server::start`], at an address that others were told before.
    pub(super) async fn start_at(
        addr: SocketAddr,
        ground: &Ground,
        services: &[Name],
        overrides: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let log = ground.folder().join(format!("server-{}.log", addr.port()));
        let mut command = Command::new(ground.program.binary()?);
        command
            .arg("run")
            .args(services.iter().map(|name| name.word()))
            .arg("--config")
            .arg(ground.config_file())
            .env("HOTLINE__SERVER__LISTEN", addr.to_string())
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        if !services.is_empty() {
            let others = ground.program.services().iter();
            for name in others.filter(|name| !services.contains(name)) {
                let key = format!("HOTLINE__PEERS__{}", name.word().to_uppercase());
                command.env(key, NOWHERE);
            }
        }
        command.envs(overrides.iter().copied());
        let child = command.spawn().context("start a server")?;
        let mut server = Self {
            child,
            addr,
            outgoing: None,
        };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(addr).await.is_err() {
            if begun.elapsed() > START_MAX || server.child.try_wait()?.is_some() {
                let told = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server did not start:\n{told}");
            }
            tokio::time::sleep(LOOK).await;
        }
        if let Program::This = ground.program {
            // Its first start made the key.
            server.outgoing = Some(identity::of_a_command(&ground.config()?)?);
        }
        Ok(server)
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time so far.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu::of(self.pid())
    }

    /// The most memory it has held at once, in KiB.
    pub(super) fn peak_memory_kib(&self) -> anyhow::Result<u64> {
        cpu::peak_memory_kib(self.pid())
    }

    /// A connection of its own to it.
    pub(super) fn connect(&self) -> anyhow::Result<Transport> {
        let addresses = BTreeMap::from([("server".to_owned(), self.url())]);
        let Some(outgoing) = &self.outgoing else {
            return program::believing(&self.url());
        };
        let peers = Peers::at(&addresses, outgoing)?;
        Ok(Arc::new(peers).transport("server", None))
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Clients of every service, all of them here.
    pub(super) fn clients(&self) -> anyhow::Result<Clients> {
        let here = self.connect()?;
        Ok(Clients::new(|_| here.clone()))
    }

    /// Loads the sample city's tables that `services` own.
    pub(super) async fn found(&self, services: &[Name]) -> anyhow::Result<()> {
        founding::load_tables(&self.clients()?, services).await
    }

    /// Asks it to end and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status()?;
        if !asked.success() {
            bail!("the server cannot be stopped");
        }
        while self.child.try_wait()?.is_none() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
