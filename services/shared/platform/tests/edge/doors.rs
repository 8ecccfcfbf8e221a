//! A service that does what its request says, behind two doors: this process and a socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_platform::access::Role;
use hotline_platform::config::ServerConfig;
use hotline_platform::grpc::{
    PRINCIPAL_METADATA, Principal, SERVICE_METADATA, cause, invalid_field,
};
use hotline_platform::identity::{SignKey, Signer, Verifier};
use hotline_platform::layers::{self, Admission, Callers, Edge, Limits};
use hotline_platform::peers::{Outgoing, Peers, Transport};
use hotline_platform::serve::{Server, ServerParts};
use hotline_platform::tasks::Tasks;
use hotline_platform::tls::Tls;
use hotline_proto::event::event_log_client::EventLogClient;
use hotline_proto::event::event_log_server::{EventLog, EventLogServer};
use hotline_proto::event::{FetchRequest, FetchResponse, Head, HeadsRequest, HeadsResponse};
use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use crate::certificates::{Certificates, Client};

/// The service's answer depends on the `producer` that is asked for.
struct Answering {
    peers: Arc<Peers>,
    started: mpsc::UnboundedSender<()>,
}

#[tonic::async_trait]
impl EventLog for Answering {
    async fn heads(
        &self,
        request: Request<HeadsRequest>,
    ) -> Result<Response<HeadsResponse>, Status> {
        self.started.send(()).expect("the test listens");
        let left_ms = timeout_ms(&request);
        match request.get_ref().producer.as_str() {
            "never" => std::future::pending().await,
            "refused" => Err(invalid_field("intake", "producer", "a service")),
            "nested" => {
                let transport = self.peers.transport("intake", Some("routing"));
                let asked = Request::new(HeadsRequest {
                    producer: "timeout".to_owned(),
                });
                EventLogClient::new(transport).heads(asked).await
            }
            "from" => {
                let from = request.remote_addr().expect("a socket").port();
                Ok(answer(&cause(&request).actor, from.into()))
            }
            "timeout" => Ok(answer(&cause(&request).actor, left_ms)),
            _ => Ok(answer(&cause(&request).actor, 0)),
        }
    }

    async fn fetch(
        &self,
        _request: Request<FetchRequest>,
    ) -> Result<Response<FetchResponse>, Status> {
        Err(Status::unimplemented("not asked for in these tests"))
    }
}

fn answer(actor: &str, number: i64) -> Response<HeadsResponse> {
    let partition = u32::try_from(actor.len()).expect("a short name");
    let head = Head {
        partition,
        epoch: 1,
        last_pub_seq: number,
    };
    Response::new(HeadsResponse {
        heads: vec![head],
        ..HeadsResponse::default()
    })
}

fn timeout_ms<T>(request: &Request<T>) -> i64 {
    let value = request
        .metadata()
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok());
    let digits = value.and_then(|value| value.strip_suffix('m'));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Who calls through these doors.
const SERVICES: [&str; 4] = ["routing", "feedback", "reporting", "gateway"];

/// The id of the city that the doors belong to.
pub const CITY: &str = "a1b2c3d4";

/// The key of its tokens.
pub fn key() -> SignKey {
    SignKey::new(&[1; 32].into())
}

fn verifier() -> Verifier {
    Verifier::new(vec![key().verify_key()], CITY).expect("one key")
}

/// The service with both its doors.
pub struct Doors {
    pub certificates: Certificates,
    tls: Arc<Tls>,
    pub server: Server,
    pub tasks: Tasks,
    pub routes: Routes,
    pub started: mpsc::UnboundedReceiver<()>,
    pub here: Transport,
    pub socket: Transport,
}

impl Doors {
    pub async fn open(limits: Limits) -> Self {
        let config = ServerConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            metrics_listen: Some("127.0.0.1:0".parse().expect("an address")),
            limits,
            ..ServerConfig::default()
        };
        Self::open_as(&config).await
    }

    pub async fn open_as(config: &ServerConfig) -> Self {
        Self::open_to(config, Callers::default()).await
    }

    /// With doors that believe these callers.
    pub async fn open_to(config: &ServerConfig, callers: Callers) -> Self {
        let callers = Callers {
            verifier: Some(Arc::new(verifier())),
            ..callers
        };
        let (sender, started) = mpsc::unbounded_channel();
        let here = Arc::new(Peers::default());
        let service = Answering {
            peers: here.clone(),
            started: sender,
        };
        let routes = layers::merge([Routes::new(EventLogServer::new(service))]);
        let routes = layers::on(
            routes,
            Edge {
                admission: Admission::new(config.limits),
                callers,
                ..Edge::default()
            },
        );
        here.mount("intake", routes.clone());

        let certificates = Certificates::new();
        let tls = certificates.process("server", &["intake"]).open();
        let tasks = Tasks::new();
        let parts = ServerParts {
            config,
            routes: routes.clone(),
            descriptors: hotline_proto::DESCRIPTORS,
            tls: Some(tls),
            tasks: &tasks,
        };
        let server = Server::start(parts).await.expect("free ports");
        let certified = certificates.process("services", &SERVICES);
        let mut doors = Self {
            here: here.transport("intake", None),
            socket: here.transport("intake", None),
            tls: certified.open(),
            certificates,
            server,
            tasks,
            routes,
            started,
        };
        let peers = Peers::at(&doors.addresses(), &doors.outgoing()).expect("an address");
        doors.socket = Arc::new(peers).transport("intake", None);
        doors
    }

    /// Where the service is.
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let address = format!("https://{}", self.server.addr());
        [("intake".to_owned(), address)].into()
    }

    /// What the calls of a process carry that has the city's key and the certificate of all services.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing {
            signer: Some(Arc::new(Signer::new(key(), CITY))),
            tls: Some(Arc::clone(&self.tls)),
            ..Outgoing::default()
        }
    }

    /// A client with the certificate of all services.
    pub fn certified(&self) -> Client {
        self.certificates.process("client", &SERVICES).client()
    }

    /// Both ways in, by name.
    pub fn both(&self) -> [(&'static str, EventLogClient<Transport>); 2] {
        [
            ("in-process", EventLogClient::new(self.here.clone())),
            ("socket", EventLogClient::new(self.socket.clone())),
        ]
    }
}

/// A question in the name of a service that the method is for.
pub fn ask(producer: &str) -> Request<HeadsRequest> {
    let mut request = anonymous(producer);
    request
        .metadata_mut()
        .insert(SERVICE_METADATA, "feedback".parse().expect("ASCII"));
    request
}

/// A question in an operator's name, whom the method is not for.
pub fn ask_as_operator(producer: &str) -> Request<HeadsRequest> {
    let mut request = anonymous(producer);
    let value = Principal::new("operator:li", Role::Operator).to_metadata();
    request
        .metadata_mut()
        .insert(PRINCIPAL_METADATA, value.parse().expect("visible ASCII"));
    request
}

/// A question in nobody's name.
pub fn anonymous(producer: &str) -> Request<HeadsRequest> {
    Request::new(HeadsRequest {
        producer: producer.to_owned(),
    })
}

/// With a timeout of the caller's.
pub fn within(mut request: Request<HeadsRequest>, timeout: Duration) -> Request<HeadsRequest> {
    request.set_timeout(timeout);
    request
}

/// The machine-readable reason of a refusal.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}
