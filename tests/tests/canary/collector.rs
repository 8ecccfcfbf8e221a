//! A collector of traces on this machine: what a process exports by OTLP, as it came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// What was exported.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut taken = self.0.lock().expect("no panic");
        taken.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A collector while it listens.
pub struct Collector {
    /// Where.
    pub addr: SocketAddr,
    taken: Taken,
    task: JoinHandle<()>,
}

impl Collector {
    #[expect(
        clippy::disallowed_methods,
        reason = "a stranger's service, which ends with its handle"
    )]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let addr = listener.local_addr().expect("its address");
        let taken = Taken::default();
        let server = Server::builder().add_service(TraceServiceServer::new(taken.clone()));
        let task = tokio::spawn(async move {
            drop(
                server
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await,
            );
        });
        Self { addr, taken, task }
    }

    /// The names of all spans.
    pub fn names(&self) -> Vec<String> {
        let taken = self.taken.0.lock().expect("no panic");
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans);
        spans.map(|span| span.name.clone()).collect()
    }

    /// Everything that came, as it came: texts stand in it as they are.
    pub fn bytes(&self) -> Vec<u8> {
        let taken = self.taken.0.lock().expect("no panic");
        taken.iter().flat_map(Message::encode_to_vec).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}
