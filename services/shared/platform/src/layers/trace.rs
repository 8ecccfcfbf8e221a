//! One span per call, under the caller's trace. It holds method and outcome, never content.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::access::{self, Origin};
use super::metrics::code_of;
use crate::grpc::Call;
use crate::telemetry;

pub(super) async fn follow(mut request: Request, next: Next) -> Response {
    let path = access::method(&request).map_or("unknown", |method| method.path);
    let span = info_span!(
        "rpc",
        otel.name = path,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.code = Empty
    );
    let incoming = incoming_trace(&request);
    telemetry::continue_from(&span, &incoming);
    let own = span.in_scope(telemetry::trace_parent);
    let call = Call {
        path,
        from_addr: Origin::of(request.extensions()).address(),
        trace_parent: if own.is_empty() { incoming } else { own },
    };
    request.extensions_mut().insert(call);

    let response = next.run(request).instrument(span.clone()).await;
    let code = code_of(&response);
    span.record("rpc.code", tracing::field::debug(code));
    span.in_scope(|| tracing::debug!(rpc.path = path, rpc.code = ?code, "answered"));
    response
}

fn incoming_trace(request: &Request) -> String {
    let header = request
        .headers()
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    header
        .filter(|value| telemetry::is_trace_parent(value))
        .unwrap_or_default()
        .to_owned()
}
