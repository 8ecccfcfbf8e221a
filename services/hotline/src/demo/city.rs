//! The city's services as the actors reach them: gRPC clients, each call in somebody's name.

use std::future::Future;

use hotline_platform::runtime::Transport;
use hotline_proto::feedback::feedback_service_client::FeedbackServiceClient;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use tonic::{Request, Response, Status};

/// One client per service.
#[derive(Clone)]
pub struct Clients {
    /// Appeals.
    pub intake: IntakeServiceClient<Transport>,
    /// Tickets.
    pub routing: RoutingServiceClient<Transport>,
    /// Replies and follow-up.
    pub feedback: FeedbackServiceClient<Transport>,
    /// Documents.
    pub reporting: ReportingServiceClient<Transport>,
}

impl Clients {
    /// Clients over whatever `transport` answers for each service.
    pub fn new(transport: impl Fn(&str) -> Transport) -> Self {
        Self {
            intake: IntakeServiceClient::new(transport("intake")),
            routing: RoutingServiceClient::new(transport("routing")),
            feedback: FeedbackServiceClient::new(transport("feedback")),
            reporting: ReportingServiceClient::new(transport("reporting")),
        }
    }
}

/// `message` as said by a person of the centre.
pub fn by<T>(role: &str, name: &str, message: T) -> Request<T> {
    signed(&format!("{role}:{name}"), role, "", message)
}

/// `message` as said by a clerk of a unit.
pub fn by_unit<T>(unit: &str, message: T) -> Request<T> {
    signed(&format!("unit:{unit}"), "unit_clerk", unit, message)
}

fn signed<T>(id: &str, role: &str, unit: &str, message: T) -> Request<T> {
    let principal = serde_json::json!({ "id": id, "roles": [role], "unit_code": unit });
    let mut request = Request::new(message);
    if let Ok(value) = principal.to_string().parse() {
        request.metadata_mut().insert("hotline-principal", value);
    }
    request
}

/// Reads every page of a list.
pub async fn pages<T, F, Fut>(mut page: F) -> Result<Vec<T>, Status>
where
    F: FnMut(String) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, String), Status>>,
{
    let mut all = Vec::new();
    let mut token = String::new();
    loop {
        let (rows, next) = page(token).await?;
        all.extend(rows);
        if next.is_empty() {
            return Ok(all);
        }
        token = next;
    }
}

/// The message of an answer.
pub fn said<T>(answer: Result<Response<T>, Status>) -> anyhow::Result<T> {
    answer
        .map(Response::into_inner)
        .map_err(|status| anyhow::anyhow!("{:?}: {}", status.code(), status.message()))
}
