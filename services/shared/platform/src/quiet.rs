//! Waiting until a process has nothing left to do: everything numbered, heard and fired.
//!
//! Read from memory, so asking an idle process costs microseconds. For tests and the demo; what other
//! processes do is not seen.

use std::time::Duration;

use hotline_kernel::time::{Timestamp, from_micros, micros};

use crate::core::Core;

/// The slowest look while waiting, in case a wake-up was missed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Watches the services of a process.
#[derive(Clone, Debug)]
pub struct Quiet {
    cores: Vec<Core>,
}

/// The process did not come to rest within the limit.
#[derive(Debug, thiserror::Error)]
#[error("not quiet within {limit:?}: {busy}")]
pub struct NotQuiet {
    /// The limit that was given.
    pub limit: Duration,
    /// What was still going on.
    pub busy: String,
}

impl Quiet {
    /// Watches `cores`: every service of the process, after all of them were started.
    #[must_use]
    pub fn new(cores: Vec<Core>) -> Self {
        Self { cores }
    }

    /// Waits until every event is numbered and applied (or parked) and no timer is due.
    ///
    /// # Errors
    ///
    /// [`NotQuiet`] after `limit`.
    pub async fn settle(&self, limit: Duration) -> Result<(), NotQuiet> {
        let Some(tasks) = self.cores.first().map(Core::tasks) else {
            return Ok(());
        };
        let settled = async {
            loop {
                let seen = tasks.beats();
                // Quiet only if nothing happened while looking.
                if self.busy().is_none() && tasks.beats() == seen {
                    return;
                }
                // Either way out leads to another look.
                drop(tokio::time::timeout(LOOK_EVERY, tasks.next_beat(seen)).await);
            }
        };
        tokio::time::timeout(limit, settled)
            .await
            .map_err(|_| NotQuiet {
                limit,
                busy: self.busy().unwrap_or_else(|| "nothing any more".to_owned()),
            })
    }

    /// When the next armed timer of any service can fire.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        let next = self
            .cores
            .iter()
            .map(|core| core.signals().next_due())
            .min()?;
        from_micros(next).filter(|_| next != i64::MAX && next != i64::MIN)
    }

    /// What still goes on, in words.
    fn busy(&self) -> Option<String> {
        for core in &self.cores {
            let (name, signals) = (core.name(), core.signals());
            if !signals.is_relayed() {
                return Some(format!("{name} has events without a number"));
            }
            let hears = signals.progress();
            if let Some(behind) = hears.iter().find(|progress| !progress.is_at_end()) {
                return Some(format!("{name} has not heard all of {}", behind.producer));
            }
            if signals.next_due() <= micros(core.now()) {
                return Some(format!("{name} has a timer that is due"));
            }
        }
        None
    }
}
