//! What a service does beside its work: retry what is parked, forget old commands, tell its state.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::core::{Core, CoreError};
use crate::parked;
use crate::reaction::Reaction;

/// How often the round is made.
const EVERY: Duration = Duration::from_secs(5);
/// Old commands are looked for in every so manieth round: hourly.
const FORGET_ROUNDS: u32 = 720;
/// How long a command's outcome is kept for repetitions, in days.
const COMMAND_DAYS: i64 = 30;

/// Starts a service's upkeep. `reaction` is `None` if it hears nobody.
pub fn start(core: &Core, reaction: Option<Arc<dyn Reaction>>) {
    let core = core.clone();
    let stop = core.tasks().stop().clone();
    core.tasks().clone().spawn(async move {
        for round_number in 0_u32.. {
            if let Err(error) = round(&core, reaction.as_deref(), round_number).await {
                tracing::warn!(service = core.name(), %error, "upkeep waits for storage");
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_none()
            {
                return;
            }
        }
    });
}

async fn round(core: &Core, reaction: Option<&dyn Reaction>, number: u32) -> Result<(), CoreError> {
    if let Some(reaction) = reaction {
        parked::retry_due(core, reaction).await?;
        let waiting = u32::try_from(parked::count(core).await?).unwrap_or(u32::MAX);
        metrics::gauge!("hotline_events_parked", "consumer" => core.name()).set(f64::from(waiting));
    }
    if number.is_multiple_of(FORGET_ROUNDS) {
        let forgotten = core
            .forget_commands(core.now() - TimeDelta::days(COMMAND_DAYS))
            .await?;
        if forgotten > 0 {
            tracing::info!(
                service = core.name(),
                forgotten,
                "old commands are forgotten"
            );
        }
    }
    Ok(())
}
