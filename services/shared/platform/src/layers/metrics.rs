//! Counts calls by method and outcome, and measures them.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use tonic::Code;

use super::access;

pub(super) async fn count(request: Request, next: Next) -> Response {
    let path = access::method(&request).map_or("unknown", |method| method.path);
    let started = Instant::now();
    let response = next.run(request).await;
    let code = format!("{:?}", code_of(&response));
    counter!("hotline_rpc_total", "method" => path, "code" => code).increment(1);
    histogram!("hotline_rpc_seconds", "method" => path).record(started.elapsed().as_secs_f64());
    response
}

/// The outcome as far as the head of the answer tells; a stream may still fail later.
pub(super) fn code_of(response: &Response) -> Code {
    response
        .headers()
        .get("grpc-status")
        .map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}
