//! Taking in whom the provider has proven: his account, his second factor, his session.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_platform::work::{AuditEntry, Cause, Work};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Arrival, CameBack, Stop};
use crate::app::guessing::{Counters, forgive};
use crate::app::sign_in::{SignedIn, refuse_closed};
use crate::app::{Accounts, audit, unremembered};
use crate::domain::account::{Account, AccountName};
use crate::domain::session::Session;
use crate::domain::token::Opens;
use crate::domain::trip::{Purpose, SKEW, TRIP_MAX, may_give_code};
use crate::error::GatewayError;
use crate::provider::Proof;
use crate::store::{accounts, credentials, sessions, spent_trips};

/// What somebody half way in is sealed as, and nothing else.
const HALF_WAY: &[u8] = b"gateway|half way";
/// How long it is remembered that a trip is over: until nobody could come back from it anyway.
const SPENT_FOR: TimeDelta = TimeDelta::minutes(TRIP_MAX.num_minutes() + 2 * SKEW.num_minutes());

/// Somebody whom the provider has proven, and who owes us a code.
#[derive(Serialize, Deserialize)]
struct HalfWay {
    account_id: Uuid,
    since: i64,
}

/// What the look in the transaction led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Admission {
    Granted,
    CodeWrong,
    Refused,
}

/// Who comes in, and how.
#[derive(Clone)]
struct Entrance {
    account_id: Uuid,
    session: Session,
    token_hash: Vec<u8>,
    /// His code, if he owes one.
    code: Option<String>,
    counters: Counters,
    counted: Timestamp,
}

impl Accounts {
    /// Notes that a trip is over; false if it was.
    pub(super) async fn spend_trip(&self, state: &str) -> Result<bool, GatewayError> {
        let hash = Sha256::digest(state.as_bytes()).to_vec();
        let cause = Cause {
            actor: "gateway".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: "end a trip".to_owned(),
            trace_parent: String::new(),
        };
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<bool, GatewayError>> {
                    Box::pin(async move {
                        let (txn, now) = (work.txn(), work.now());
                        spent_trips::forget(txn, now - SPENT_FOR).await?;
                        Ok(spent_trips::insert(txn, hash, now).await?)
                    })
                },
            )
            .await
    }

    /// Takes somebody in: into a session, half way, or up in the session he has.
    pub(super) async fn take_in(
        &self,
        cause: &Cause,
        arrival: Arrival,
        (counters, counted): (Counters, Timestamp),
    ) -> Result<CameBack, Stop> {
        let Arrival {
            proof,
            purpose,
            agent,
        } = arrival;
        let found = accounts::by_subject(self.core().db().read(), &proof.subject).await?;
        let account = found.ok_or(Stop::refused("nobody here is this person of the provider"))?;
        if let Purpose::StepUp(session) = purpose {
            let came = self.step_up_by(cause, account, session, &proof).await?;
            self.forgive_now(cause, counters, counted).await?;
            return Ok(came);
        }
        if !proof.has_second_factor {
            let came = self.half_way(account).await?;
            self.forgive_now(cause, counters, counted).await?;
            return Ok(came);
        }
        let (token, session) = (
            self.token(Opens::Session),
            self.new_session(cause, account.id, &agent),
        );
        let entrance = Entrance {
            account_id: account.id,
            session: session.clone(),
            token_hash: token.hash(),
            code: None,
            counters,
            counted,
        };
        match self.enter(cause, &account, entrance).await? {
            Admission::Granted => Ok(CameBack::SignedIn(Box::new(SignedIn {
                account,
                session,
                token,
                device: None,
            }))),
            // The audit trail has it already.
            Admission::CodeWrong | Admission::Refused => {
                Err(Stop::Failed(GatewayError::ProviderRefused))
            }
        }
    }

    pub(super) async fn forgive_now(
        &self,
        cause: &Cause,
        counters: Counters,
        counted: Timestamp,
    ) -> Result<(), GatewayError> {
        self.core()
            .execute(
                unremembered(cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move { forgive(work, &counters, counted).await })
                },
            )
            .await
    }

    /// Somebody whose second factor is ours; who has none of ours cannot come in.
    async fn half_way(&self, account: Account) -> Result<CameBack, Stop> {
        let db = self.core().db().read();
        let refused = |why| Stop::Refused {
            account: Some(account.name.clone()),
            why,
        };
        if !account.is_open(self.now()) {
            return Err(refused("disabled, idle or without a role"));
        }
        if credentials::find(db, account.id).await?.is_none() {
            return Err(refused(
                "no second factor: none of the provider's counts, and none was set up here",
            ));
        }
        let kept = HalfWay {
            account_id: account.id,
            since: micros(self.now()),
        };
        Ok(CameBack::HalfWay(self.sealed(HALF_WAY, &kept)?))
    }

    /// Lets somebody in who was half way in and gives his code.
    ///
    /// # Errors
    ///
    /// [`GatewayError::CodeWrong`] if only that was wrong; [`GatewayError::ProviderRefused`] if he has to begin again.
    pub(crate) async fn finish_half_way(
        &self,
        cause: Cause,
        kept: &str,
        (code, agent): (String, &str),
    ) -> Result<SignedIn, GatewayError> {
        let refused = GatewayError::ProviderRefused;
        let Some(half) = self.opened::<HalfWay>(HALF_WAY, kept) else {
            return Err(refused);
        };
        let since = from_micros(half.since).filter(|since| may_give_code(*since, self.now()));
        let found = accounts::by_id(self.core().db().read(), half.account_id).await?;
        let (Some(_), Some(account)) = (since, found) else {
            return Err(refused);
        };
        let counters = self.counters_half_way(account.id, &cause.from_addr);
        self.has_time(&counters).await?;
        let entry = entry(Some(&account.name), "second factor tried", "sign-in");
        let counted = self.count_guess(&cause, &counters, entry).await?;
        let (token, session) = (
            self.token(Opens::Session),
            self.new_session(&cause, account.id, agent),
        );
        let entrance = Entrance {
            account_id: account.id,
            session: session.clone(),
            token_hash: token.hash(),
            code: Some(code),
            counters,
            counted,
        };
        match self.enter(&cause, &account, entrance).await? {
            Admission::Granted => Ok(SignedIn {
                account,
                session,
                token,
                device: None,
            }),
            Admission::CodeWrong => Err(GatewayError::CodeWrong),
            Admission::Refused => Err(refused),
        }
    }

    /// Looks at everything again in the transaction that lets him in: what was read before may have changed.
    async fn enter(
        &self,
        cause: &Cause,
        account: &Account,
        entrance: Entrance,
    ) -> Result<Admission, GatewayError> {
        let cause = Cause {
            actor: account.name.actor(),
            session: entrance.session.id.to_string(),
            ..cause.clone()
        };
        let accounts = self.clone();
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<Admission, GatewayError>> {
                    Box::pin(async move { accounts.enter_now(work, &cause, entrance).await })
                },
            )
            .await
    }

    async fn enter_now(
        &self,
        work: &Work,
        cause: &Cause,
        entrance: Entrance,
    ) -> Result<Admission, GatewayError> {
        let (txn, now) = (work.txn(), work.now());
        let account = accounts::by_id(&**txn, entrance.account_id).await?;
        let account = account.ok_or(GatewayError::ProviderRefused)?;
        if !account.is_open(now) {
            refuse_closed(work, cause, account).await?;
            return Ok(Admission::Refused);
        }
        let factors = match &entrance.code {
            None => "identity provider with its second factor",
            Some(code) => match self.proven(work, account.id, code).await? {
                Some("recovery code") => "identity provider and recovery code",
                Some(_) => "identity provider and authenticator",
                None => return Ok(Admission::CodeWrong),
            },
        };
        accounts::note_use(txn, account.id, now).await?;
        forgive(work, &entrance.counters, entrance.counted).await?;
        sessions::insert(txn, &entrance.session, entrance.token_hash).await?;
        audit(work, cause, &account, "signed in", factors);
        Ok(Admission::Granted)
    }

    /// Steps a session up whose person proved himself at the provider anew, with a second factor.
    async fn step_up_by(
        &self,
        cause: &Cause,
        account: Account,
        session: Uuid,
        proof: &Proof,
    ) -> Result<CameBack, Stop> {
        let refused = |why| Stop::Refused {
            account: Some(account.name.clone()),
            why,
        };
        let db = self.core().db().read();
        let found = sessions::by_id(db, session).await?;
        let found = found.filter(|found| found.is_alive(self.now()));
        if found.is_none_or(|found| found.account_id != account.id) {
            return Err(refused("the session is over or another person's"));
        }
        if !account.is_open(self.now()) || !proof.has_second_factor {
            return Err(refused("no second factor, or the account is not open"));
        }
        let (token, cause) = (
            self.token(Opens::Session),
            Cause {
                actor: account.name.actor(),
                session: session.to_string(),
                ..cause.clone()
            },
        );
        let hash = token.hash();
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        sessions::step_up(work.txn(), session, hash, work.now()).await?;
                        audit(work, &cause, &account, "stepped up", "identity provider");
                        Ok(())
                    })
                },
            )
            .await?;
        Ok(CameBack::SteppedUp(token))
    }

    /// Writes down why somebody did not come in. Who he is at the provider is not written down.
    pub(super) async fn tell_refusal(
        &self,
        cause: Cause,
        account: Option<AccountName>,
        why: &'static str,
    ) -> Result<(), GatewayError> {
        let entry = entry(account.as_ref(), "sign-in refused", why);
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        work.audit(&cause, entry);
                        Ok(())
                    })
                },
            )
            .await
    }
}

fn entry(account: Option<&AccountName>, action: &str, reason: &str) -> AuditEntry {
    AuditEntry {
        resource: "account",
        resource_id: account.map_or("unknown", AccountName::as_str).to_owned(),
        version: 0,
        action: action.to_owned(),
        reason: reason.to_owned(),
    }
}
