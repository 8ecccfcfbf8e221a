//! Calls whose connection breaks off, before the service was reached or after.

use std::sync::Arc;
use std::time::Duration;

use hotline_platform::grpc::SAFE_TO_RETRY;
use hotline_platform::peers::{Outgoing, Peers};
use hotline_platform::tasks::Tasks;
use hotline_proto::event::event_log_client::EventLogClient;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::doors::ask;

async fn refusal(address: std::net::SocketAddr) -> Status {
    let addresses = [("intake".to_owned(), format!("http://{address}"))].into();
    let peers = Arc::new(Peers::at(&addresses, &Outgoing::default()).expect("an address"));
    let mut client = EventLogClient::new(peers.transport("intake", None));
    let answered = tokio::time::timeout(Duration::from_secs(30), client.heads(ask("never"))).await;
    answered
        .expect("an answer, not silence")
        .expect_err("nobody is there to answer")
}

/// Takes every connection, hears what is asked and goes away without a word.
fn hangs_up(listener: TcpListener) -> JoinHandle<()> {
    Tasks::new().spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut heard = [0; 512];
            let read = connection.read(&mut heard).await;
            assert!(read.is_ok_and(|bytes| bytes > 0), "the call was on its way");
        }
    })
}

#[tokio::test]
async fn a_call_that_breaks_off_is_told_as_one_to_repeat() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let peer = hangs_up(listener);
    let broken = refusal(address).await;
    peer.abort();
    // Its port is free again: nobody listens there now.
    drop(peer.await);
    let refused = refusal(address).await;
    for (what, status) in [("broken off", broken), ("refused", refused)] {
        assert_eq!(status.code(), Code::Unavailable, "{what}: {status:?}");
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        assert_eq!(reason, Some(SAFE_TO_RETRY), "{what}");
        assert!(details.retry_info().is_some(), "{what}: when to come back");
    }
}
