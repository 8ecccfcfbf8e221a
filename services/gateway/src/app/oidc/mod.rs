//! Signing in at an identity provider: `OpenID` Connect, authorization code with PKCE. The provider says who somebody is;
//! what he may do stands in our tables.

mod admitting;

use hotline_kernel::time::{from_micros, micros};
use hotline_platform::work::{AuditEntry, Cause};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Accounts;
use super::sign_in::SignedIn;
use crate::domain::account::AccountName;
use crate::domain::token::Token;
use crate::domain::trip::{Purpose, may_come_back};
use crate::error::GatewayError;
use crate::provider::{Luggage, Proof, Provider, Trouble};

/// What a browser's luggage is sealed as, and nothing else.
const TRIP: &[u8] = b"gateway|trip";
/// How long a sealed cookie may be, in characters.
const SEALED_MAX: usize = 2048;

/// Everything a browser keeps, sealed, while its owner is at the provider.
#[derive(Serialize, Deserialize)]
struct Trip {
    luggage: Luggage,
    since: i64,
    /// The session that is to be stepped up; none: to begin one.
    session: Option<Uuid>,
}

/// Somebody who comes back from the provider. It has no `Debug`.
pub(crate) struct Back {
    /// What the provider gave him; empty if it refused him.
    pub(crate) code: String,
    /// What it repeats of what we sent.
    pub(crate) state: String,
    /// Who it says to be, if it does (RFC 9207).
    pub(crate) issuer: Option<String>,
    /// What his browser kept.
    pub(crate) kept: String,
    /// The program he uses.
    pub(crate) agent: String,
}

/// What somebody's coming back led to. It has no `Debug`.
pub(crate) enum CameBack {
    /// He is in.
    SignedIn(Box<SignedIn>),
    /// His second factor is ours: this goes with his code.
    HalfWay(String),
    /// His session is stepped up and has another token.
    SteppedUp(Token),
}

/// Why somebody does not come in.
enum Stop {
    /// He is told no more than that; the audit trail says why.
    Refused {
        account: Option<AccountName>,
        why: &'static str,
    },
    /// That is not his fault.
    Failed(GatewayError),
}

impl Stop {
    fn refused(why: &'static str) -> Self {
        Self::Refused { account: None, why }
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(why) => Self::refused(why),
            Trouble::Failed(error) => Self::Failed(error),
        }
    }
}

impl<E: Into<GatewayError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Accounts {
    /// Whether people may sign in at an identity provider.
    pub(crate) fn has_provider(&self) -> bool {
        self.inner.provider.is_some()
    }

    /// Whether a second factor that the provider asks for counts for ours.
    pub(crate) fn provider_vouches(&self) -> bool {
        self.inner.provider.as_ref().is_some_and(Provider::vouches)
    }

    fn provider(&self) -> Result<&Provider, GatewayError> {
        self.inner
            .provider
            .as_ref()
            .ok_or(GatewayError::ProviderAway)
    }

    /// Sends somebody to the identity provider: where to, and what his browser keeps meanwhile, sealed.
    ///
    /// # Errors
    ///
    /// [`GatewayError::ProviderAway`] if there is none or it does not answer; [`GatewayError::Busy`] if it is asked
    /// for too many at this moment.
    pub(crate) async fn go_to_provider(
        &self,
        purpose: Purpose,
    ) -> Result<(String, String), GatewayError> {
        let (provider, now) = (self.provider()?, self.now());
        let session = match purpose {
            Purpose::SignIn => None,
            Purpose::StepUp(session) => Some(session),
        };
        let (url, luggage) = provider.begin(now, session.is_some()).await?;
        let trip = Trip {
            luggage,
            since: micros(now),
            session,
        };
        Ok((url, self.sealed(TRIP, &trip)?))
    }

    /// Takes somebody in who comes back from the identity provider, once.
    ///
    /// # Errors
    ///
    /// [`GatewayError::ProviderRefused`] whatever was wrong; [`GatewayError::TooMany`] before the provider is asked;
    /// [`GatewayError::ProviderAway`] if it does not answer.
    pub(crate) async fn come_back(
        &self,
        cause: Cause,
        back: Back,
    ) -> Result<CameBack, GatewayError> {
        self.provider()?;
        // Any page of the world can send a browser here; who is on no trip guesses nothing, and uses up nobody's tries.
        let trip = self.trip_of(&back).ok_or(GatewayError::ProviderRefused)?;
        let counters = self.counters_at_provider(&cause.from_addr);
        self.has_time(&counters).await?;
        let entry = AuditEntry {
            resource: "account",
            resource_id: "unknown".to_owned(),
            version: 0,
            action: "sign-in tried".to_owned(),
            reason: "identity provider".to_owned(),
        };
        let counted = self.count_guess(&cause, &counters, entry).await?;
        let came = match self.arrival(trip, back).await {
            Ok(arrival) => {
                let counted = (counters.clone(), counted);
                self.take_in(&cause, arrival, counted).await
            }
            Err(stop) => Err(stop),
        };
        match came {
            Ok(came) => {
                self.tidy().await;
                Ok(came)
            }
            Err(Stop::Refused { account, why }) => {
                self.tell_refusal(cause, account, why).await?;
                Err(GatewayError::ProviderRefused)
            }
            Err(Stop::Failed(error)) => {
                self.forgive_now(&cause, counters, counted).await?;
                Err(error)
            }
        }
    }

    /// The trip that this browser is on, if the answer is to it and came in time.
    fn trip_of(&self, back: &Back) -> Option<Trip> {
        let trip: Trip = self.opened(TRIP, &back.kept)?;
        let is_in_time = may_come_back(from_micros(trip.since)?, self.now());
        (is_in_time && is_same(&trip.luggage.state, &back.state)).then_some(trip)
    }

    /// Who came back, and for what, after everything about his trip and his token was looked at.
    async fn arrival(&self, trip: Trip, back: Back) -> Result<Arrival, Stop> {
        let (provider, now) = (self.provider()?, self.now());
        let since = from_micros(trip.since).ok_or(Stop::refused("the trip began at no time"))?;
        if !provider.is_own_answer(back.issuer.as_deref(), now).await? {
            return Err(Stop::refused("the answer is another provider's"));
        }
        if !self.spend_trip(&trip.luggage.state).await? {
            return Err(Stop::refused("the trip was over"));
        }
        if back.code.is_empty() {
            return Err(Stop::refused("the provider refused him"));
        }
        let proof = provider
            .redeem(back.code, &trip.luggage, (since, now))
            .await?;
        Ok(Arrival {
            proof,
            purpose: trip.session.map_or(Purpose::SignIn, Purpose::StepUp),
            agent: back.agent,
        })
    }

    /// What a browser keeps: only this installation can make or read it.
    fn sealed(&self, what: &[u8], kept: &impl Serialize) -> Result<String, GatewayError> {
        let text = serde_json::to_vec(kept);
        let text = text.map_err(|_| GatewayError::Failed("a trip could not be written"))?;
        let text = Zeroizing::new(text);
        let sealed = self.inner.trips.seal_bytes(what, &text, self.random())?;
        Ok(hex::encode(sealed))
    }

    fn opened<T: for<'de> Deserialize<'de>>(&self, what: &[u8], kept: &str) -> Option<T> {
        if kept.len() > SEALED_MAX {
            return None;
        }
        let sealed = hex::decode(kept).ok()?;
        let text = Zeroizing::new(self.inner.trips.open_bytes(what, &sealed).ok()?);
        serde_json::from_slice(&text).ok()
    }
}

/// Somebody of whom the provider has proven who he is.
struct Arrival {
    proof: Proof,
    purpose: Purpose,
    agent: String,
}

/// Takes as long for a wrong one.
fn is_same(left: &str, right: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
