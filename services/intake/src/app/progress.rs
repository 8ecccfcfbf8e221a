//! How far it is, for who knows a number and its query code: as often as limits allow (decision 0024).

use std::collections::HashMap;
use std::fmt;
use std::sync::PoisonError;

use hotline_kernel::id::TicketId;
use hotline_kernel::number::TicketNumber;
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CommandContext;
use serde::{Deserialize, Serialize};

use super::{Intake, Order, view};
use crate::domain::appeal::Appeal;
use crate::domain::guess::{GuessKeys, GuessLimits};
use crate::domain::identity;
use crate::domain::matter::Matter;
use crate::domain::origin::Origin;
use crate::domain::reveal::{Purpose, Reveal};
use crate::domain::terms::{AppealState, TicketState};
use crate::error::IntakeError;
use crate::store::{self, guesses};

/// Looks that a citizen is told of, the latest.
const LOOKS_TOLD_MAX: u64 = 50;

/// What became of an appeal, without any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where the appeal stands.
    pub state: AppealState,
    /// Where its matters stand.
    pub matters: Vec<MatterProgress>,
    /// Who looked at its contact, if that is told.
    pub looks: Vec<Look>,
}

/// Where a matter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatterProgress {
    /// The matter's number.
    pub number: String,
    /// Number of the ticket it stands on, empty if none.
    pub ticket_number: String,
    /// State of that ticket, as last heard.
    pub ticket_state: Option<TicketState>,
    /// The citizen's deadline.
    pub due_at: Option<Timestamp>,
}

/// Somebody looked at the contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// For which unit, empty for the centre.
    pub unit_code: String,
    /// When.
    pub at: Timestamp,
    /// What for.
    pub purpose: Purpose,
}

/// A question how far it is.
#[derive(Clone)]
pub struct Question {
    /// The receipt's number.
    pub number: String,
    /// Its query code.
    pub code: String,
    /// Where it comes from: what wrong tries are counted by.
    pub origin: Origin,
    /// The channel whose key asks, empty if none: it sees its own appeals only.
    pub key_channel: String,
}

impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The code opens the receipt.
        formatter
            .debug_struct("Question")
            .field("origin", &self.origin)
            .field("key_channel", &self.key_channel)
            .finish_non_exhaustive()
    }
}

/// Whether a try was right, wrong, or not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Tried {
    Right,
    Wrong,
    Unlooked,
}

impl Intake {
    /// What became of an appeal, for whoever knows its number and query code.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ReceiptNotFound`] for an unknown number, a wrong code and one try too many alike.
    pub async fn progress(
        &self,
        context: CommandContext,
        question: Question,
    ) -> Result<Progress, IntakeError> {
        let tried = self.tried(context, &question).await?;
        match tried {
            Ok(appeal) => {
                counted("right");
                self.progress_of(&appeal).await
            }
            Err(outcome) => {
                counted(outcome);
                let limit = self.care.guess_alarm;
                let mut burst = self.burst.lock().unwrap_or_else(PoisonError::into_inner);
                if burst.note(self.core.now(), limit) {
                    metrics::counter!("hotline_progress_bursts_total").increment(1);
                    tracing::error!(
                        limit,
                        "more query codes are wrong in a minute than people mistype"
                    );
                }
                Err(IntakeError::ReceiptNotFound)
            }
        }
    }

    /// The appeal, or how the try failed.
    async fn tried(
        &self,
        context: CommandContext,
        question: &Question,
    ) -> Result<Result<Appeal, &'static str>, IntakeError> {
        // What is no number is nobody's: there is nothing to guess, and nothing is counted.
        let Ok(number) = question.number.parse::<TicketNumber>() else {
            return Ok(Err("malformed"));
        };
        let keys = self.guess_keys(number.as_str(), &question.origin);
        let now = self.core.now();
        let (db, limits) = (self.core.db().read(), self.care.guesses);
        let is_known = guesses::is_known(db, &keys.pair, now).await?;
        let so_far = guesses::look(db, &keys).await?.at(now, is_known);
        // A flood is turned away before it writes anything.
        if !so_far.allow_one_more(&limits) {
            return Ok(Err("refused"));
        }
        let expected = identity::query_code(&self.settings.keys.query_code, number.as_str());
        // With a wrong code nobody looks whether there is such a number, so that the answer's time cannot tell.
        let found = if identity::same_code(&expected, &question.code) {
            store::appeals::find_by_number(db, number.as_str()).await?
        } else {
            None
        };
        let is_its_own = |appeal: &Appeal| {
            question.key_channel.is_empty() || question.key_channel == appeal.channel_code
        };
        let right = found.filter(is_its_own);
        let is_right = right.is_some();
        let tried = self
            .command(context, move |order| {
                let keys = keys.clone();
                Box::pin(async move { order.count_try(&keys, limits, is_right).await })
            })
            .await?;
        Ok(match (tried, right) {
            (Tried::Right, Some(appeal)) => Ok(appeal),
            (Tried::Unlooked, _) => Err("refused"),
            _ => Err("wrong"),
        })
    }

    fn guess_keys(&self, number: &str, origin: &Origin) -> GuessKeys {
        let (address, network) = (&*origin.address(), &*origin.network());
        let hashed = |parts| identity::guess_key(&self.settings.keys.query_code, parts);
        GuessKeys {
            number: hashed(["number", number, ""]),
            address: hashed(["address", "", address]),
            network: hashed(["network", "", network]),
            pair: hashed(["pair", number, address]),
        }
    }

    async fn progress_of(&self, appeal: &Appeal) -> Result<Progress, IntakeError> {
        let db = self.core.db().read();
        let matters = store::matters::of_appeals(db, &[appeal.id]).await?;
        let tickets = view::tickets_of(&matters);
        let seen = view::by_id(store::tickets::seen(db, &tickets).await?);
        let numbers: HashMap<TicketId, String> = store::matters::ticket_numbers(db, &tickets)
            .await?
            .into_iter()
            .collect();
        let progress = |matter: &Matter| {
            let ticket = matter.ticket();
            let heard = ticket.and_then(|ticket| seen.get(&ticket));
            MatterProgress {
                number: matter.number.clone(),
                ticket_number: ticket
                    .and_then(|ticket| numbers.get(&ticket))
                    .cloned()
                    .unwrap_or_default(),
                ticket_state: heard.map(|ticket| ticket.state),
                due_at: heard.and_then(|ticket| ticket.due_at),
            }
        };
        Ok(Progress {
            state: appeal.state,
            matters: matters.iter().map(progress).collect(),
            looks: self.looks_told(appeal).await?,
        })
    }

    /// Who looked at the contact of `appeal`, if the city tells.
    async fn looks_told(&self, appeal: &Appeal) -> Result<Vec<Look>, IntakeError> {
        if !self.care.tells_who_looked {
            return Ok(Vec::new());
        }
        let db = self.core.db().read();
        let found = store::reveals::of_appeal(db, appeal.id, LOOKS_TOLD_MAX).await?;
        let look = |reveal: Reveal| Look {
            unit_code: reveal.unit_code,
            at: reveal.at,
            purpose: reveal.purpose,
        };
        Ok(found.into_iter().map(look).collect())
    }
}

impl Order<'_> {
    /// Counts a try before it is answered. Who holds the counters of number, address and network looks alone, so that tries
    /// side by side are not more than one after the other.
    async fn count_try(
        &self,
        keys: &GuessKeys,
        limits: GuessLimits,
        is_right: bool,
    ) -> Result<Tried, IntakeError> {
        let (txn, now) = (self.work.txn(), self.work.now());
        guesses::hold(txn, &keys.number, now).await?;
        guesses::hold(txn, &keys.address, now).await?;
        guesses::hold(txn, &keys.network, now).await?;
        let counters = guesses::look(&**txn, keys).await?;
        let is_known = guesses::is_known(&**txn, &keys.pair, now).await?;
        let found = counters.at(now, is_known);
        if !found.allow_one_more(&limits) {
            return Ok(Tried::Unlooked);
        }
        if is_right {
            guesses::know(txn, &keys.pair, now).await?;
            return Ok(Tried::Right);
        }
        for counted in found.counted() {
            let counter = counters.of(*counted).and_one_more(*counted, now);
            guesses::keep(txn, keys.of(*counted), counter).await?;
        }
        guesses::forget(txn, now).await?;
        Ok(Tried::Wrong)
    }
}

fn counted(outcome: &'static str) {
    metrics::counter!("hotline_progress_queries_total", "outcome" => outcome).increment(1);
}
