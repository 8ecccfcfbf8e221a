//! What the system says to the process.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at SIGTERM or Ctrl-C.
pub async fn stop_asked() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler SIGTERM kills the process, which is as safe.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = tokio::signal::ctrl_c() => tracing::info!("interrupted: stopping"),
    }
}
