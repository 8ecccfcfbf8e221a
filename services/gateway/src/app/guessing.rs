//! Keeping guessers slow. Whoever has no time left is refused before anything dear is done.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_platform::work::{AuditEntry, Cause, Work};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::sign_in::{SignIn, SignedIn};
use super::{Accounts, unremembered};
use crate::domain::throttle::NotBefore;
use crate::error::GatewayError;
use crate::store::failures;

/// Names that no account has share so many counters.
const NAME_BITS: u32 = 16;
/// Addresses share so many counters.
const ADDRESS_BITS: u32 = 20;
/// A guess that is not compared is refused after such a time: a multiple of what it takes to find out, so that the
/// answer's time does not tell what was found. It costs nobody anything: whoever is told to wait waits.
const REFUSED_AFTER: Duration = Duration::from_millis(25);

/// Which counters a guess counts on.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    /// Of the account, with its device if that is known; none while nobody knows whose it would be.
    account: Option<String>,
    /// Of the address; a known device has a counter of its own and needs none.
    address: Option<String>,
}

impl Counters {
    /// For a device that the account knows.
    pub(crate) fn of_device(device: Uuid) -> Self {
        Self {
            account: Some(format!("device:{}", device.simple())),
            address: None,
        }
    }

    /// For what is guessed in a session that is signed in already.
    pub(crate) fn of_session(account: Uuid) -> Self {
        Self {
            account: Some(format!("session:{}", account.simple())),
            address: None,
        }
    }
}

impl Accounts {
    /// For a device that the account does not know.
    pub(crate) fn counters_of_stranger(&self, account: Uuid, from_addr: &str) -> Counters {
        Counters {
            account: Some(format!("account:{}", account.simple())),
            address: self.address_counter(from_addr),
        }
    }

    /// For a name that no account has: it is counted like one, and takes no room of its own.
    pub(crate) fn counters_of_nobody(&self, name: &str, from_addr: &str) -> Counters {
        Counters {
            account: Some(format!("name:{:x}", self.bucket(name, NAME_BITS))),
            address: self.address_counter(from_addr),
        }
    }

    /// For somebody whom the provider has proven and who owes us a code: whoever has his provider's password uses up
    /// tries at neither his sessions nor his known devices.
    pub(crate) fn counters_half_way(&self, account: Uuid, from_addr: &str) -> Counters {
        Counters {
            account: Some(format!("half-way:{}", account.simple())),
            address: self.address_counter(from_addr),
        }
    }

    /// For somebody who comes back from the identity provider: who he is shows later, so only his address counts,
    /// apart from guesses at passwords.
    pub(crate) fn counters_at_provider(&self, from_addr: &str) -> Counters {
        Counters {
            account: None,
            address: self
                .address_counter(from_addr)
                .map(|address| format!("provider-{address}")),
        }
    }

    /// Calls in this process come from no address. Of IPv6 the network counts: its user has all of it.
    fn address_counter(&self, from_addr: &str) -> Option<String> {
        if from_addr == "in-process" {
            return None;
        }
        let network = match from_addr.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("{:x}", address.to_bits() >> 64),
            _ => from_addr.to_owned(),
        };
        Some(format!("address:{:x}", self.bucket(&network, ADDRESS_BITS)))
    }

    fn bucket(&self, text: &str, bits: u32) -> u32 {
        let mac = self.inner.counters.mac(&[text.as_bytes()]);
        let first = mac.first_chunk::<4>().copied().unwrap_or_default();
        u32::from_be_bytes(first) >> (32 - bits)
    }

    /// Lets somebody in who may have a watch: a refusal takes as long whether there is an account of the name or not.
    ///
    /// # Errors
    ///
    /// As [`Accounts::sign_in`].
    pub(crate) async fn sign_in_evenly(
        &self,
        cause: Cause,
        asked: SignIn,
    ) -> Result<SignedIn, GatewayError> {
        let begun = Instant::now();
        let answer = self.sign_in(cause, asked).await;
        if let Err(GatewayError::TooMany { .. }) = answer {
            sleep_until(begun + REFUSED_AFTER).await;
        }
        answer
    }

    /// Whether a guess would be evaluated now: a look, which writes nothing.
    pub(crate) async fn has_time(&self, counters: &Counters) -> Result<(), GatewayError> {
        let (db, now) = (self.core().db().read(), self.now());
        if let Some(account) = &counters.account {
            let known = failures::find(db, account).await?;
            known.guess(now).map_err(|until| wait(until, now))?;
        }
        if let Some(address) = &counters.address {
            let known = failures::find(db, address).await?;
            known.knock(now).map_err(|until| wait(until, now))?;
        }
        Ok(())
    }

    /// Counts a guess as failed before it is evaluated, with its row in the audit trail; returns when it was counted.
    pub(crate) async fn count_guess(
        &self,
        cause: &Cause,
        counters: &Counters,
        entry: AuditEntry,
    ) -> Result<Timestamp, GatewayError> {
        let (cause, counters) = (cause.clone(), counters.clone());
        let context = unremembered(&cause);
        let counted = self
            .core()
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<i64, GatewayError>> {
                    Box::pin(async move {
                        count(work, &counters).await?;
                        work.audit(&cause, entry);
                        Ok(micros(work.now()))
                    })
                },
            )
            .await?;
        from_micros(counted).ok_or(GatewayError::Failed("an instant out of range"))
    }
}

async fn count(work: &Work, counters: &Counters) -> Result<(), GatewayError> {
    let (txn, now) = (work.txn(), work.now());
    if let Some(account) = &counters.account {
        let known = failures::lock(txn, account, now).await?;
        let next = known.guess(now).map_err(|until| wait(until, now))?;
        failures::save(txn, account, &next, now).await?;
    }
    if let Some(address) = &counters.address {
        let known = failures::lock(txn, address, now).await?;
        let next = known.knock(now).map_err(|until| wait(until, now))?;
        failures::save(txn, address, &next, now).await?;
    }
    Ok(())
}

/// Takes back what was counted at `counted`: it was right.
pub(crate) async fn forgive(
    work: &Work,
    counters: &Counters,
    counted: Timestamp,
) -> Result<(), GatewayError> {
    let (txn, now) = (work.txn(), work.now());
    if let Some(account) = &counters.account {
        failures::clear(txn, account).await?;
    }
    if let Some(address) = &counters.address {
        let known = failures::lock(txn, address, now).await?;
        failures::save(txn, address, &known.without(counted), now).await?;
    }
    Ok(())
}

fn wait(until: NotBefore, now: Timestamp) -> GatewayError {
    let after = (until.0 - now).to_std().unwrap_or(Duration::ZERO);
    GatewayError::TooMany { after }
}
