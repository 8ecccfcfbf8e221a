//! Traces: a caller's trace goes on, is exported, and holds nothing personal.

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use hotline_platform::config::{LogFormat, TelemetryConfig};
use hotline_platform::layers::Limits;
use hotline_platform::telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::doors::{Doors, ask, ask_as_operator};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn collect(
    State(received): State<mpsc::UnboundedSender<Bytes>>,
    request: Request,
) -> impl IntoResponse {
    let body = to_bytes(request.into_body(), 1 << 20)
        .await
        .expect("a body");
    received.send(body).expect("the test listens");
    // An empty message, so that the exporter is content.
    (
        [("content-type", "application/grpc"), ("grpc-status", "0")],
        vec![0_u8; 5],
    )
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_trace_is_continued_and_exported_without_anything_personal() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let collector = listener.local_addr().expect("its address");
    let doors = Doors::open(Limits::default()).await;
    let pages = Router::new().fallback(collect).with_state(sender);
    doors
        .tasks
        .spawn(async move { axum::serve(listener, pages).await });

    let telemetry = Telemetry::start(&TelemetryConfig {
        log_format: LogFormat::Json,
        log_filter: "off".to_owned(),
        otlp_endpoint: Some(format!("http://{collector}")),
    });
    let telemetry = telemetry.expect("the first in this process");
    for (label, mut client) in doors.both() {
        let mut request = ask("nested");
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        request
            .metadata_mut()
            .insert("traceparent", parent.parse().expect("ASCII"));
        client.heads(request).await.expect(label);
        client.heads(ask("张三 13800000000")).await.expect(label);
        let denied = client.heads(ask_as_operator("intake")).await;
        denied.expect_err(label);
    }
    telemetry.flush().await;

    let mut exported = Vec::new();
    while let Ok(part) = received.try_recv() {
        exported.extend_from_slice(&part);
    }
    assert!(
        holds(&exported, b"/hotline.event.v1.EventLog/Heads"),
        "spans are named by method"
    );
    let trace = hex::decode(TRACE).expect("hex");
    let continued = exported
        .windows(trace.len())
        .filter(|window| *window == trace)
        .count();
    // Two doors, and in each the call and the nested call: all four under the caller's trace.
    assert_eq!(continued, 4);
    for personal in ["张三", "13800000000", "operator:li"] {
        assert!(
            !holds(&exported, personal.as_bytes()),
            "{personal} was exported"
        );
    }
}
