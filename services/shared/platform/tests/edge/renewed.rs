//! Sockets that are renewed while they are used.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use hotline_platform::config::ServerConfig;
use hotline_platform::peers::Transport;
use hotline_proto::event::event_log_client::EventLogClient;

use crate::doors::{Doors, ask};

/// Callers that share the socket; enough that one of them always has a call on its way.
const CALLERS: usize = 32;
/// How many sockets each has to see.
const SOCKETS: usize = 3;

/// What a caller saw.
#[derive(Default)]
struct Seen {
    sockets: BTreeSet<i64>,
    calls: u64,
}

/// Calls without a pause until its calls went through as many sockets.
async fn keeps_calling(transport: Transport) -> Seen {
    let mut client = EventLogClient::new(transport);
    let mut seen = Seen::default();
    while seen.sockets.len() < SOCKETS {
        seen.calls += 1;
        // Whatever is on its way just when the old socket takes no more is sent again by itself.
        let answer = client.heads(ask("from")).await.expect("no call is cut off");
        let head = answer.into_inner().heads.swap_remove(0);
        seen.sockets.insert(head.last_pub_seq);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_callers_go_over_to_a_renewed_socket() {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        connection_age_s: 1,
        ..ServerConfig::default()
    };
    let doors = Doors::open_as(&config).await;
    let callers = (0..CALLERS).map(|_| keeps_calling(doors.socket.clone()));
    let seen = tokio::time::timeout(Duration::from_mins(1), join_all(callers)).await;
    let seen = seen.expect("sockets are renewed long before they would be cut");
    let calls: u64 = seen.iter().map(|seen| seen.calls).sum();
    assert!(calls > 1_000, "{calls} calls");
}
