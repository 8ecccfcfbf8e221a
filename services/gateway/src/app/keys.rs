//! API keys: made, changed over, revoked, and their quotas.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CommandContext;
use hotline_platform::page::Page;
use hotline_platform::work::{AuditEntry, Cause, Work};
use zeroize::Zeroizing;

use super::{Accounts, unremembered};
use crate::domain::key::{self, ACTIVE_MAX, DAYS_MAX, Key, KeyText, Verb};
use crate::error::GatewayError;
use crate::store::keys;

/// A process takes a key's quota in so many pieces a minute, so that not every call writes. What it does not use up
/// before the minute ends, or it does, is lost to the key.
const PIECES: u32 = 20;

/// What somebody wants a key to be.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) owner: String,
    pub(crate) channel_code: String,
    pub(crate) verbs: Vec<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) days: u32,
    pub(crate) per_minute: u32,
    pub(crate) per_day: u32,
}

/// A key that was made. Its text is there once: a repetition is answered without it.
pub(crate) struct MadeKey {
    pub(crate) key: Key,
    pub(crate) text: Option<Zeroizing<String>>,
}

/// Whether a call is within a key's quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// It is.
    Granted,
    /// It is not.
    UsedUp {
        /// When the next minute begins.
        after: Duration,
    },
}

/// What this process took out of quotas and did not use yet; as many entries as there are keys in use.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    taken: Mutex<HashMap<String, Taken>>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    minute: i64,
    left: u32,
    is_used_up: bool,
}

impl NewKey {
    /// The key that it becomes.
    fn key(&self, id: &str, now: Timestamp) -> Result<Key, GatewayError> {
        let invalid = |field, expected| GatewayError::Invalid { field, expected };
        let is_word = |text: &str| {
            (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control)
        };
        if !is_word(&self.owner) {
            return Err(invalid("owner", "a name of 1 to 64 characters"));
        }
        if !is_word(&self.channel_code) {
            return Err(invalid("channel_code", "the code of a channel"));
        }
        let verbs: Option<Vec<Verb>> = self.verbs.iter().map(|word| Verb::of(word)).collect();
        let mut verbs = verbs
            .filter(|verbs| !verbs.is_empty())
            .ok_or(invalid("verbs", "one or more of register and query"))?;
        verbs.sort_unstable();
        verbs.dedup();
        let networks = key::networks(&self.networks).ok_or(invalid(
            "networks",
            "at most 32 networks such as 10.1.0.0/16",
        ))?;
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(invalid("days", "1 to 730 days"));
        }
        if self.per_minute == 0 || self.per_day == 0 || self.per_day > 100_000_000 {
            return Err(invalid("per_day", "quotas of 1 to 100000000 calls"));
        }
        Ok(Key {
            id: id.to_owned(),
            version: 1,
            owner: self.owner.clone(),
            channel_code: self.channel_code.clone(),
            verbs,
            networks,
            per_minute: self.per_minute.min(self.per_day),
            per_day: self.per_day,
            made_at: now,
            expires_at: now + TimeDelta::days(self.days.into()),
            revoked_at: None,
        })
    }
}

impl Accounts {
    /// Makes a key.
    pub(crate) async fn create_key(
        &self,
        context: CommandContext,
        wanted: NewKey,
    ) -> Result<MadeKey, GatewayError> {
        keeps(&context)?;
        let text = KeyText::new(&self.inner.key_environment, &self.random(), &self.random());
        let key = wanted.key(&text.id, self.now())?;
        self.make(context, key, text).await
    }

    /// Makes a second key with the scope of one that is active; the first one goes on until it is revoked or ends.
    pub(crate) async fn rotate_key(
        &self,
        context: CommandContext,
        id: &str,
    ) -> Result<MadeKey, GatewayError> {
        keeps(&context)?;
        let found = keys::by_id(self.core().db().read(), id).await?;
        let (old, _) = found.ok_or(GatewayError::KeyNotFound)?;
        let now = self.now();
        if !old.is_active(now) {
            return Err(GatewayError::KeyNotFound);
        }
        let text = KeyText::new(&self.inner.key_environment, &self.random(), &self.random());
        let key = Key {
            id: text.id.clone(),
            version: 1,
            expires_at: now + (old.expires_at - old.made_at),
            made_at: now,
            ..old
        };
        self.make(context, key, text).await
    }

    async fn make(
        &self,
        context: CommandContext,
        key: Key,
        text: KeyText,
    ) -> Result<MadeKey, GatewayError> {
        let mac = self.inner.keys.mac(&[text.secret.as_bytes()]);
        let cause = context.cause.clone();
        let has_run = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&has_run);
        let id = self
            .core()
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<String, GatewayError>> {
                    Box::pin(async move {
                        runs.store(true, Ordering::SeqCst);
                        let txn = work.txn();
                        let known = keys::of_owner(&**txn, &key.owner, &key.channel_code).await?;
                        let active = known.iter().filter(|known| known.is_active(work.now()));
                        if active.count() >= ACTIVE_MAX {
                            return Err(GatewayError::KeysMax);
                        }
                        keys::insert(txn, &key, mac).await?;
                        told(work, &cause, &key, "created");
                        Ok(key.id)
                    })
                },
            )
            .await?;
        let found = keys::by_id(self.core().db().read(), &id).await?;
        let (key, _) = found.ok_or(GatewayError::KeyNotFound)?;
        let text = has_run.load(Ordering::SeqCst).then(|| text.reveal());
        Ok(MadeKey { key, text })
    }

    /// Revokes a key; it opens nothing from now on.
    pub(crate) async fn revoke_key(
        &self,
        context: CommandContext,
        id: String,
    ) -> Result<Key, GatewayError> {
        keeps(&context)?;
        let (cause, wanted) = (context.cause.clone(), id.clone());
        self.core()
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        let found = keys::by_id(&**work.txn(), &wanted).await?;
                        let (mut key, _) = found.ok_or(GatewayError::KeyNotFound)?;
                        if key.revoked_at.is_some() {
                            return Ok(());
                        }
                        key.version += 1;
                        key.revoked_at = Some(work.now());
                        keys::save(work.txn(), &key).await?;
                        told(work, &cause, &key, "revoked");
                        Ok(())
                    })
                },
            )
            .await?;
        let found = keys::by_id(self.core().db().read(), &id).await?;
        Ok(found.ok_or(GatewayError::KeyNotFound)?.0)
    }

    /// Keys by id; one more than the page holds if there is a next one.
    pub(crate) async fn keys(
        &self,
        context: &CommandContext,
        page: &Page<String>,
    ) -> Result<Vec<Key>, GatewayError> {
        keeps(context)?;
        Ok(keys::list(self.core().db().read(), page).await?)
    }

    /// Takes one call out of a key's quotas.
    pub(super) async fn draw(&self, key: &Key) -> Result<Draw, GatewayError> {
        let now = self.now();
        let minute = micros(now).div_euclid(60_000_000);
        let next_minute = Duration::from_micros(
            u64::try_from((minute + 1) * 60_000_000 - micros(now)).unwrap_or(0),
        );
        let used_up = Draw::UsedUp { after: next_minute };
        if let Some(draw) = self.inner.quotas.take(&key.id, minute) {
            return Ok(if draw { Draw::Granted } else { used_up });
        }
        let cause = Cause {
            actor: format!("key:{}", key.id),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: "draw on the quota of a key".to_owned(),
            trace_parent: String::new(),
        };
        let (wanted, drawn_by) = ((key.per_minute / PIECES).max(1), key.clone());
        let drawn = self
            .core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<u32, GatewayError>> {
                    Box::pin(async move {
                        Ok(keys::draw(work.txn(), &drawn_by, wanted, work.now()).await?)
                    })
                },
            )
            .await?;
        self.inner.quotas.put(&key.id, minute, drawn);
        Ok(if drawn > 0 { Draw::Granted } else { used_up })
    }
}

impl Quotas {
    /// Whether a call of this minute is granted out of what was taken; `None`: more must be taken first.
    fn take(&self, id: &str, minute: i64) -> Option<bool> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let known = taken.get_mut(id).filter(|known| known.minute == minute)?;
        if known.left > 0 {
            known.left -= 1;
            return Some(true);
        }
        known.is_used_up.then_some(false)
    }

    /// Puts what was drawn, one call of it granted already.
    fn put(&self, id: &str, minute: i64, drawn: u32) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = taken.get(id).filter(|known| known.minute == minute);
        let left = before.map_or(0, |known| known.left) + drawn.saturating_sub(1);
        let is_used_up = drawn == 0;
        taken.insert(
            id.to_owned(),
            Taken {
                minute,
                left,
                is_used_up,
            },
        );
    }
}

/// Keys are kept by whoever reaches everything; nobody else is told that there are any.
fn keeps(context: &CommandContext) -> Result<(), GatewayError> {
    if context.scope.is_everything() {
        return Ok(());
    }
    Err(GatewayError::KeyNotFound)
}

fn told(work: &Work, cause: &Cause, key: &Key, action: &str) {
    let entry = AuditEntry {
        resource: "api_key",
        resource_id: key.id.clone(),
        version: key.version,
        action: action.to_owned(),
        reason: format!("{} for channel {}", key.owner, key.channel_code),
    };
    work.audit(cause, entry);
}
