//! The end of a city, or of a command that opened its databases.

use std::time::Duration;

use hotline_platform::audit::sealer;
use tokio::time::timeout;

use super::Mounted;

/// How long consumers and timers have to end what they are writing.
const TASKS_DRAIN: Duration = Duration::from_secs(8);
/// How long it may take to seal what a command wrote.
const SEAL_MAX: Duration = Duration::from_secs(8);

impl Mounted {
    /// Ends the tasks, seals what was written meanwhile and closes the databases.
    pub async fn close(self) {
        if timeout(TASKS_DRAIN, self.tasks.drain()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        for (name, service) in &self.services {
            match timeout(SEAL_MAX, sealer::seal_rest(&service.core, &self.anchors)).await {
                Ok(Ok(_)) => {}
                // They are sealed by whoever runs next.
                Ok(Err(error)) => {
                    tracing::warn!(service = %name, %error, "audit rows wait for a seal");
                }
                Err(_) => tracing::warn!(service = %name, "audit rows wait for a seal"),
            }
        }
        for (_, service) in &self.services {
            service.core.db().close().await;
        }
        drop(self.locks);
    }
}
