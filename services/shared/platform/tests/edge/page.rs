//! The page of figures.

use hotline_platform::layers::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::doors::{Doors, anonymous, ask, ask_as_operator};

async fn get(doors: &Doors, path: &str) -> String {
    let address = doors.server.metrics_addr().expect("configured");
    let mut socket = TcpStream::connect(address).await.expect("listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("read");
    answer
}

#[tokio::test]
async fn calls_are_counted_by_method_and_outcome_and_nothing_personal_is_shown() {
    let doors = Doors::open(Limits::default()).await;
    let [(_, mut client), _] = doors.both();
    client
        .heads(ask("张三 13800000000"))
        .await
        .expect("answered");
    client
        .heads(anonymous("intake"))
        .await
        .expect_err("refused");
    client
        .heads(ask_as_operator("intake"))
        .await
        .expect_err("denied");
    let page = get(&doors, "/metrics").await;
    let method = "method=\"/hotline.event.v1.EventLog/Heads\"";
    assert!(
        page.contains(&format!("hotline_rpc_total{{{method},code=\"Ok\"}} 1")),
        "{page}"
    );
    assert!(
        page.contains(&format!(
            "hotline_rpc_total{{{method},code=\"Unauthenticated\"}} 1"
        )),
        "{page}"
    );
    assert!(
        page.contains(&format!(
            "hotline_rpc_denied_total{{{method},reason=\"ROLE_NOT_ALLOWED\"}} 1"
        )),
        "{page}"
    );
    assert!(page.contains("hotline_rpc_seconds_bucket"), "{page}");
    for personal in ["张三", "13800000000", "operator:li"] {
        assert!(!page.contains(personal), "{personal} is in the figures");
    }
    assert!(get(&doors, "/healthz").await.ends_with("ok\n"));
}
