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

/// Calls without a pause until it went through as many sockets; tells how many calls that were.
async fn keeps_calling(transport: Transport) -> u64 {
    let mut client = EventLogClient::new(transport);
    let (mut sockets, mut calls) = (BTreeSet::new(), 0);
    while sockets.len() < SOCKETS {
        let answer = client.heads(ask("from")).await;
        let heads = answer.map_err(|status| format!("call {calls}: {status:?}"));
        let heads = heads.expect("an answer on the old socket or the new one");
        sockets.insert(heads.into_inner().heads[0].last_pub_seq);
        calls += 1;
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_caller_notices_nothing_of_a_socket_that_is_renewed() {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        connection_age_s: 1,
        ..ServerConfig::default()
    };
    let doors = Doors::open_as(&config).await;
    let callers = (0..CALLERS).map(|_| keeps_calling(doors.socket.clone()));
    let calls = tokio::time::timeout(Duration::from_mins(1), join_all(callers)).await;
    let calls = calls.expect("sockets are renewed");
    assert!(calls.iter().all(|calls| *calls > 100), "busy: {calls:?}");
}
