//! Applies what was read: together if all is well, else one by one, retried or parked.

use std::time::Duration;

use hotline_proto::event::Envelope;

use super::Feed;
use crate::apply::{Applied, apply, park};
use crate::backoff::Backoff;
use crate::core::CoreError;
use crate::fault::{self, Bug};
use crate::parked::Failure;
use crate::reaction::ReactionError;

/// Attempts of a failure of unknown kind before its stream is parked.
const ATTEMPTS_MAX: i32 = 8;

impl Feed {
    /// Applies a batch, in one transaction if all is well; false if the partitions must be looked at again.
    pub(super) async fn apply_batch(&mut self, batch: &[Envelope]) -> Result<bool, CoreError> {
        let applied = apply(
            &self.core,
            self.reaction.as_ref(),
            &self.lease,
            &self.holdings,
            batch,
        )
        .await?;
        match applied {
            Applied::Done => self.advanced(batch),
            Applied::Lost => return Ok(self.lost()),
            Applied::Failed(_) => {
                // Nothing was written; one by one, so that only the culprit is retried or parked.
                for event in batch {
                    if !self.apply_alone(event).await? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    async fn apply_alone(&mut self, event: &Envelope) -> Result<bool, CoreError> {
        let alone = std::slice::from_ref(event);
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
        for attempts in 1.. {
            let applied = apply(
                &self.core,
                self.reaction.as_ref(),
                &self.lease,
                &self.holdings,
                alone,
            )
            .await?;
            let error = match applied {
                Applied::Done => {
                    self.advanced(alone);
                    return Ok(true);
                }
                Applied::Lost => return Ok(self.lost()),
                Applied::Failed(error) => error,
            };
            match &error {
                ReactionError::Transient(cause) => {
                    return Err(CoreError::Unavailable(cause.to_string().into()));
                }
                ReactionError::Unknown(_) if attempts < ATTEMPTS_MAX => {
                    let wait = backoff.next(self.core.ids());
                    let rest = self.core.clock().rest(wait);
                    if self.stop.run_until_cancelled(rest).await.is_none() {
                        return Ok(false);
                    }
                }
                _ if fault::is_seeded(Bug::PoisonStops) => {
                    return Err(CoreError::Unavailable(error.to_string().into()));
                }
                ReactionError::Unknown(_) | ReactionError::Permanent(_) => {
                    let failure = Failure {
                        attempts,
                        error: error.to_string(),
                    };
                    if !park(&self.core, &self.lease, &self.holdings, event, &failure).await? {
                        return Ok(self.lost());
                    }
                    self.advanced(alone);
                    return Ok(true);
                }
            }
        }
        Ok(true)
    }

    fn lost(&mut self) -> bool {
        self.leased_at = None;
        false
    }
}
