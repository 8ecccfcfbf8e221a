//! A city in several processes: each proves who it is, and the gateway's is the one door.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline::cli::reach::by;
use hotline::config::Config;
use hotline::identity::of_a_command;
use hotline::services::Name;
use hotline::{City, Parts, Running};
use hotline_platform::access::Role;
use hotline_platform::peers::{Outgoing, Peers, Transport};
use hotline_platform::tls::authority::{self, Issued};
use hotline_platform::tls::{Clients, TlsConfig};
use hotline_proto::event::HeadsRequest;
use hotline_proto::event::event_log_client::EventLogClient;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{GetConservationRequest, ListChannelsRequest};
use hotline_proto::reporting::GetOverviewRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::{PROCESS_MAX, embedded};

/// How long certificates are good.
const LIFE: Duration = Duration::from_hours(24);

/// `[tls]` of a process that runs `services`, with its files in `folder`.
fn certificate(authority: &Issued, folder: &Path, services: &[Name]) -> TlsConfig {
    let services: Vec<String> = services.iter().map(ToString::to_string).collect();
    let issued = authority::issue(&authority.key, &services, &[], LIFE).expect("services");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a writable folder");
        path
    };
    TlsConfig {
        certificate_file: write("own.pem", &issued.certificate),
        key_file: write("own.key", &issued.key),
        ca_file: write("ca.pem", &authority.certificate),
        clients: Clients::Required,
    }
}

/// Two processes: the four services, which believe the gateway's key, and the gateway.
struct Two {
    _folders: [tempfile::TempDir; 2],
    inside: Running,
    door: Running,
    door_config: Config,
}

impl Two {
    async fn start() -> Self {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [there, here] = &folders;
        let authority = authority::found(LIFE).expect("an authority");
        let secret = here.path().join("shared-secret");
        keep_secret(&secret);
        hotline::identity::make_key(here.path()).expect("a writable folder");

        let services = [Name::Intake, Name::Routing, Name::Feedback, Name::Reporting];
        let mut config = embedded(there.path());
        config.city.secret_file = Some(secret.clone());
        config.identity.verifying_key_files = vec![here.path().join("identity.pub")];
        config.tls = Some(certificate(&authority, there.path(), &services));
        let inside = City::start_some(&services, config, Parts::default()).await;
        let inside = inside.expect("starts");

        let mut config = embedded(here.path());
        config.city.secret_file = Some(secret);
        config.tls = Some(TlsConfig {
            clients: Clients::Optional,
            ..certificate(&authority, here.path(), &[Name::Gateway])
        });
        let address = format!("https://{}", inside.addr());
        config.peers = services
            .iter()
            .map(|&name| (name, address.clone()))
            .collect();
        let door = City::start_some(&[Name::Gateway], config.clone(), Parts::default()).await;
        Self {
            _folders: folders,
            inside,
            door: door.expect("starts"),
            door_config: config,
        }
    }

    async fn stop(self) {
        self.door.stop().await;
        self.inside.stop().await;
    }
}

/// A way that knows one address: that of the process which must prove to be `proves`.
fn way(proves: &str, to: &Running, outgoing: &Outgoing) -> Transport {
    let addresses = [(proves.to_owned(), format!("https://{}", to.addr()))].into();
    let peers = Peers::at(&addresses, outgoing).expect("an address");
    Arc::new(peers).transport(proves, None)
}

#[tokio::test]
async fn the_gateways_process_is_the_one_door_to_all_services() {
    let two = Two::start().await;
    let outgoing = of_a_command(&two.door_config).expect("the key is ours");
    let door = way("gateway", &two.door, &outgoing);
    let mut intake = IntakeServiceClient::new(door.clone());
    intake
        .get_conservation(by(Role::Administrator, GetConservationRequest {}))
        .await
        .expect("handed on to intake");
    let mut reporting = ReportingServiceClient::new(door.clone());
    let overview = reporting.get_overview(by(Role::Analyst, GetOverviewRequest::default()));
    assert_eq!(overview.await.expect("handed on").into_inner().appeals, 0);
    let denied = reporting
        .get_overview(by(Role::Citizen, GetOverviewRequest::default()))
        .await;
    assert_eq!(denied.expect_err("denied").code(), Code::PermissionDenied);

    // The logs are no business of anybody's outside.
    let heads = || HeadsRequest {
        producer: "intake".to_owned(),
    };
    let asked = by(Role::Administrator, heads());
    let refused = EventLogClient::new(door).heads(asked).await;
    assert_eq!(refused.expect_err("denied").code(), Code::PermissionDenied);
    two.stop().await;
}

#[tokio::test]
async fn only_the_gateways_process_speaks_for_others() {
    let two = Two::start().await;
    // The process of the services has no key: what it says of a person is not believed, not even by itself.
    let mut config = two.door_config.clone();
    config.identity.verifying_key_files = vec![config.data_dir.join("identity.pub")];
    let keyless = of_a_command(&config).expect("files that go together");
    assert!(keyless.signer.is_none());
    let mut intake = IntakeServiceClient::new(way("intake", &two.inside, &keyless));
    let refused = intake
        .list_channels(by(Role::Administrator, ListChannelsRequest::default()))
        .await
        .expect_err("nobody signed");
    let reason = refused.get_details_error_info().expect("a reason").reason;
    assert_eq!(reason, "SIGNING_KEY_MISSING");

    // And the gateway is no other service: it hears no log.
    let mut request = Request::new(HeadsRequest {
        producer: "intake".to_owned(),
    });
    request
        .metadata_mut()
        .insert("hotline-service", "routing".parse().expect("ASCII"));
    let outgoing = of_a_command(&two.door_config).expect("the key is ours");
    let inside = way("intake", &two.inside, &outgoing);
    let refused = EventLogClient::new(inside).heads(request).await;
    let reason = refused.expect_err("refused").get_details_error_info();
    assert_eq!(reason.expect("a reason").reason, "SERVICE_NOT_PROVEN");
    two.stop().await;
}

#[tokio::test]
async fn a_city_that_others_could_listen_to_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = embedded(folder.path());
    config.server.listen = "0.0.0.0:0".parse().expect("an address");
    let told = crate::refusal(Name::ALL, config).await;
    assert!(told.contains("expected [tls]"), "{told}");
    let mut config = embedded(folder.path());
    config.peers = [(Name::Routing, "http://192.0.2.7:7020".to_owned())].into();
    let told = crate::refusal(&[Name::Intake], config).await;
    assert!(told.contains("routing") && told.contains("https"), "{told}");
}

#[tokio::test]
async fn a_service_in_another_process_is_a_peer_and_its_events_are_heard() {
    let (here, there) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    // Nobody can know both ports before both listen: reserve one.
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let routing_addr = reserved.local_addr().expect("its address");
    drop(reserved);
    let secret = here.path().join("shared-secret");
    keep_secret(&secret);

    let others = [Name::Intake, Name::Feedback, Name::Reporting];
    let authority = authority::found(LIFE).expect("an authority");
    let mut config = embedded(here.path());
    config.tls = Some(certificate(&authority, here.path(), &others));
    config.city.secret_file = Some(secret.clone());
    config.peers = [(Name::Routing, format!("https://{routing_addr}"))].into();
    let first = City::start_some(&others, config, Parts::default())
        .await
        .expect("starts without its peer");

    let mut config = embedded(there.path());
    config.city.secret_file = Some(secret);
    config.identity.verifying_key_files = vec![here.path().join("identity.pub")];
    config.tls = Some(certificate(&authority, there.path(), &[Name::Routing]));
    config.server.listen = routing_addr;
    config.peers = others
        .iter()
        .map(|&name| (name, format!("https://{}", first.addr())))
        .collect();
    let second = City::start_some(&[Name::Routing], config, Parts::default())
        .await
        .expect("starts");

    // A table loaded in routing is told to reporting, which shows the units' names.
    let csv = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/sample/units.csv"
    ))
    .expect("the sample");
    let table = hotline_proto::shared::RegistryTable {
        name: "units".to_owned(),
        csv,
    };
    let request = hotline_proto::routing::LoadRegistryRequest { table: Some(table) };
    let through_peer = first.transport("routing");
    let mut routing =
        hotline_proto::routing::routing_service_client::RoutingServiceClient::new(through_peer);
    routing
        .load_registry(by(Role::Administrator, request))
        .await
        .expect("loaded over the socket");
    let begun = Instant::now();
    while first.lag("reporting", "routing").await.expect("asked") != 0 {
        assert!(
            begun.elapsed() < PROCESS_MAX,
            "reporting does not hear routing"
        );
        tokio::task::yield_now().await;
    }
    second.stop().await;
    let mut intake = IntakeServiceClient::new(first.transport("intake"));
    intake
        .list_channels(by(Role::Administrator, ListChannelsRequest::default()))
        .await
        .expect("goes on without its peer");
    let gone = routing
        .list_units(by(
            Role::Administrator,
            hotline_proto::routing::ListUnitsRequest::default(),
        ))
        .await;
    assert_eq!(gone.expect_err("it is gone").code(), Code::Unavailable);
    first.stop().await;
}

/// Writes an installation secret that its owner alone can read.
fn keep_secret(path: &Path) {
    std::fs::write(path, "0123456789abcdef0123456789abcdef").expect("written");
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).expect("its owner's");
}
