//! What a city's processes are started with: configuration, keys, certificates, a way in.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use hotline::services::Name;
use hotline_platform::identity::SignKey;
use hotline_platform::peers::{self, Outgoing};
use hotline_platform::testing::redis_url;
use hotline_platform::tls::Tls;

use super::Process;
use crate::certificates::Authority;
use crate::principal::Signing;
use crate::process::Installation;

/// How long a call may take.
pub(super) const CALL_MAX: Duration = Duration::from_mins(1);
/// Databases of a Redis that tests share; number 0 is left to others.
const REDIS_DATABASES: u32 = 15;

/// The processes of an installation: one configuration each, on free ports, peers of each other.
pub(super) async fn processes(
    installation: &Installation,
    groups: &[&'static [Name]],
) -> Vec<Process> {
    let mut config = installation.config();
    let secret = installation.folder().join("city_secret");
    std::fs::write(&secret, "a secret of an invented city").expect("a writable folder");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("its owner's");
    config.city.secret_file = Some(secret);
    if config.feed.redis_url.is_some() {
        config.feed.redis_url = Some(empty_redis().await);
    }
    let key = installation.folder().join("city.key");
    let public = installation.folder().join("city.pub");
    let signs = SignKey::new(&[7; 32].into());
    std::fs::write(&key, signs.text().as_str()).expect("a writable folder");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("its owner's");
    std::fs::write(&public, signs.verify_key().text()).expect("a writable folder");
    config.identity.signing_key_file = Some(key);
    let signing = Signing::of(&config);
    let authority = Authority::found(installation.folder());
    let scheme = if groups.len() > 1 { "https" } else { "http" };
    let addresses: Vec<_> = groups.iter().map(|_| free_address()).collect();
    let mut processes = Vec::new();
    for (number, services) in groups.iter().enumerate() {
        let mut config = config.clone();
        config.server.listen = addresses[number].parse().expect("an address");
        if groups.len() > 1 {
            let words: Vec<&str> = services.iter().map(|name| name.word()).collect();
            config.tls = Some(authority.issues(&words));
        }
        if number > 0 {
            config.data_dir = installation.folder().join(format!("process{number}"));
            // It speaks for itself only.
            config.identity.signing_key_file = None;
            config.identity.verifying_key_files = vec![public.clone()];
        }
        for (other, peers) in groups
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
        {
            let address = format!("https://{}", addresses[other]);
            config
                .peers
                .extend(peers.iter().map(|peer| (*peer, address.clone())));
        }
        let address = format!("{scheme}://{}", addresses[number]);
        let tls = config.tls.as_ref();
        let outgoing = Outgoing {
            tls: tls.map(|tls| Tls::open(tls).expect("files that go together")),
            ..Outgoing::default()
        };
        let channel = peers::channel(services[0].word(), &address, &outgoing, CALL_MAX);
        let channel = channel.expect("an address");
        processes.push(Process {
            services,
            config,
            channel: signing.on(channel.clone()),
            plain: channel,
            running: None,
        });
    }
    processes
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

/// A database of the shared Redis, emptied. Another test may get the same one at the same time and
/// empties it again: then it is a courier that lies, and nothing may be lost by that either.
async fn empty_redis() -> String {
    let url = redis_url().expect("this arrangement has a Redis");
    let database = std::process::id() % REDIS_DATABASES + 1;
    let url = format!(
        "{}/{database}",
        url.trim_end_matches('/').trim_end_matches("/0")
    );
    let client = redis::Client::open(url.as_str()).expect("a URL of Redis");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis answers");
    redis::cmd("FLUSHDB")
        .exec_async(&mut connection)
        .await
        .expect("Redis empties it");
    url
}
