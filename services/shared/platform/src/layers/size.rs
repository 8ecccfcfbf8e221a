//! The largest request a method takes, by its access rule.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tonic::{Code, Status};

use super::access;
use super::body::Limited;
use crate::grpc::problem;

pub(super) async fn limit(request: Request, next: Next) -> Response {
    let limit_kib = access::method(&request).map_or(0, |method| method.rule.max_request_kib);
    let limited = request.map(|inner| Body::new(Limited::new(inner, limit_kib)));
    next.run(limited).await
}

/// How a larger request is refused. Not `RESOURCE_EXHAUSTED`: coming back later does not help.
pub(super) fn too_large(limit_kib: u32) -> Status {
    let message = format!("the request is larger than {limit_kib} KiB");
    problem(
        "platform",
        Code::InvalidArgument,
        "REQUEST_TOO_LARGE",
        message,
    )
}
