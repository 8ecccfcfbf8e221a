//! The identity provider: what it publishes, where browsers are sent, what it says of who comes back.

mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClient, CoreClientAuthMethod, CoreGrantType, CoreIdToken, CoreIdTokenVerifier,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationContextClass, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RequestTokenError, SignatureVerificationError,
    TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use self::wire::Wire;
use crate::config::{OidcConfig, OidcSettingsError};
use crate::domain::trip::{SKEW, TRIP_MAX, Vouching};
use crate::error::GatewayError;

/// What it publishes is asked for again after so long …
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// … and never twice in so long, whatever keys its tokens name and however often it failed.
const ASKED_EVERY: TimeDelta = TimeDelta::seconds(10);
/// People for whom it is asked at once. The others are told to try again, and pages without it go on.
const AT_ONCE: usize = 16;
/// What it may sign with. Never `none`, never a secret that it shares with us.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What else a provider publishes that we look at.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Further {
    /// Whether it says in its answers who it is (RFC 9207); then an answer that does not is none of its own.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Further {}

type Published = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What nobody but the browser's owner and we may know while he is away. It has no `Debug`.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Luggage {
    /// What the answer repeats.
    pub(crate) state: String,
    nonce: String,
    verifier: String,
    /// Whether he must prove himself anew, even if the provider still knows him.
    is_fresh: bool,
}

/// Why nobody is proven.
pub(crate) enum Trouble {
    /// What the provider said proves nobody.
    Refused(&'static str),
    /// It did not answer; that is not his fault.
    Failed(GatewayError),
}

impl From<GatewayError> for Trouble {
    fn from(error: GatewayError) -> Self {
        Self::Failed(error)
    }
}

/// When it was asked last, and what it said last.
#[derive(Clone)]
struct Told {
    asked_at: Timestamp,
    published: Option<Arc<Published>>,
}

/// What its token proves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Who somebody is there: its `sub`.
    pub(crate) subject: String,
    /// Whether he gave a second factor there, in words that are agreed on.
    pub(crate) has_second_factor: bool,
}

/// The provider, as far as this process knows it.
pub(crate) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect_url: RedirectUrl,
    vouching: Vouching,
    reauthenticate: bool,
    wire: Wire,
    places: Semaphore,
    /// Who holds it asks what is published; the others wait for what he hears.
    asking: tokio::sync::Mutex<()>,
    told: Mutex<Option<Told>>,
}

impl Provider {
    /// The provider that is agreed on; nobody is asked yet. Browsers come back to `pages_url`.
    ///
    /// # Errors
    ///
    /// The setting that cannot be used.
    pub(crate) fn new(config: &OidcConfig, pages_url: &str) -> Result<Self, OidcSettingsError> {
        let issuer =
            IssuerUrl::new(config.issuer.clone()).map_err(|_| OidcSettingsError::Issuer)?;
        let redirect_url = RedirectUrl::new(format!("{pages_url}/oidc/callback"));
        Ok(Self {
            wire: Wire::new(issuer.url().clone(), config.ca_file.as_deref())?,
            issuer,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: config.secret()?,
            redirect_url: redirect_url.map_err(|_| OidcSettingsError::PublicUrl)?,
            vouching: Vouching {
                acr: config.second_factor_acr.clone(),
                amr: config.second_factor_amr.clone(),
            },
            reauthenticate: config.reauthenticate,
            places: Semaphore::new(AT_ONCE),
            asking: tokio::sync::Mutex::new(()),
            told: Mutex::new(None),
        })
    }

    /// Whether its second factor counts for ours.
    pub(crate) fn vouches(&self) -> bool {
        self.vouching.is_agreed()
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, GatewayError> {
        self.places.try_acquire().map_err(|_| GatewayError::Busy)
    }

    fn last_told(&self) -> Option<Told> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// What it publishes; asked for if that was not done for long, or if a key is missing (`wants_keys`).
    async fn published(
        &self,
        now: Timestamp,
        wants_keys: bool,
    ) -> Result<Arc<Published>, GatewayError> {
        let good = |told: &Option<Told>| {
            let told = told.as_ref()?;
            let age = now - told.asked_at;
            let is_good =
                age < ASKED_EVERY || !wants_keys && told.published.is_some() && age < FRESH;
            is_good.then(|| told.published.clone().ok_or(GatewayError::ProviderAway))
        };
        if let Some(found) = good(&self.last_told()) {
            return found;
        }
        let _turn = self.asking.lock().await;
        // Somebody else may have heard it meanwhile.
        let before = self.last_told();
        if let Some(found) = good(&before) {
            return found;
        }
        let found = Published::discover_async(self.issuer.clone(), &self.wire).await;
        let found = found
            .inspect_err(|error| {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the identity provider does not answer as expected");
            })
            .ok();
        // What it said before is good until it says something else.
        let published = found
            .map(Arc::new)
            .or(before.and_then(|told| told.published));
        let told = Told {
            asked_at: now,
            published: published.clone(),
        };
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        published.ok_or(GatewayError::ProviderAway)
    }

    fn client(&self, published: &Published) -> Client {
        let secret = Some(self.client_secret.clone());
        let methods = published.token_endpoint_auth_methods_supported();
        let has = |wanted| methods.is_some_and(|all| all.contains(&wanted));
        let is_post_only = has(CoreClientAuthMethod::ClientSecretPost)
            && !has(CoreClientAuthMethod::ClientSecretBasic);
        let auth_type = if is_post_only {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        Client::from_provider_metadata(published.clone(), self.client_id.clone(), secret)
            .set_redirect_uri(self.redirect_url.clone())
            .set_auth_type(auth_type)
    }

    /// Where to send a browser, and what it keeps meanwhile. `is_again`: who comes back must have proved himself anew.
    pub(crate) async fn begin(
        &self,
        now: Timestamp,
        is_again: bool,
    ) -> Result<(String, Luggage), GatewayError> {
        let _place = self.place()?;
        let published = self.published(now, false).await?;
        let client = self.client(&published);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge);
        let is_fresh = is_again || self.reauthenticate;
        if is_fresh {
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(std::time::Duration::ZERO);
        }
        for class in &self.vouching.acr {
            request =
                request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        let (url, state, nonce) = request.url();
        if !self.wire.may_go_to(&url) {
            tracing::warn!("the identity provider publishes a page that is not behind TLS");
            return Err(GatewayError::ProviderAway);
        }
        let luggage = Luggage {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            is_fresh,
        };
        Ok((url.into(), luggage))
    }

    /// Whether an answer that names `issuer` (RFC 9207) is this provider's.
    pub(crate) async fn is_own_answer(
        &self,
        issuer: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, GatewayError> {
        if let Some(issuer) = issuer {
            return Ok(issuer == self.issuer.as_str());
        }
        let _place = self.place()?;
        let published = self.published(now, false).await?;
        let further = published.additional_metadata();
        Ok(!further.authorization_response_iss_parameter_supported)
    }

    /// What the provider proves of whoever came back with `code`.
    pub(crate) async fn redeem(
        &self,
        code: String,
        luggage: &Luggage,
        (since, now): (Timestamp, Timestamp),
    ) -> Result<Proof, Trouble> {
        let _place = self.place()?;
        let published = self.published(now, false).await?;
        let client = self.client(&published);
        let exchange = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| GatewayError::ProviderAway)?
            .set_pkce_verifier(PkceCodeVerifier::new(luggage.verifier.clone()));
        let tokens = exchange
            .request_async(&self.wire)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(told) => {
                    tracing::info!(error = %told.error(), "the identity provider gives no token");
                    Trouble::Refused("the provider gives no token for this code")
                }
                RequestTokenError::Request(error) => {
                    tracing::warn!(%error, "the identity provider does not answer");
                    Trouble::Failed(GatewayError::ProviderAway)
                }
                _ => Trouble::Refused("the provider's answer is no token"),
            })?;
        // It opens something at the provider that we do not ask for.
        drop(Zeroizing::new(tokens.access_token().secret().clone()));
        let token = tokens
            .id_token()
            .ok_or(Trouble::Refused("the provider's answer has no identity"))?;
        let asked = Asked {
            nonce: Nonce::new(luggage.nonce.clone()),
            proven_since: luggage.is_fresh.then_some(since),
            now,
        };
        let proven = match self.proof(published.jwks(), token, &asked) {
            Err(error) if is_about_keys(&error) => {
                // It may sign with a key that it did not have when we asked.
                let published = self.published(now, true).await?;
                self.proof(published.jwks(), token, &asked)
            }
            proven => proven,
        };
        proven.map_err(|error| {
            tracing::warn!(%error, "a token of the identity provider is refused");
            Trouble::Refused("the provider's token is not good for this")
        })
    }

    /// What `token` proves, if one of `keys` signed it, for us, in answer to what was `asked`, lately.
    pub(crate) fn proof(
        &self,
        keys: &CoreJsonWebKeySet,
        token: &CoreIdToken,
        asked: &Asked,
    ) -> Result<Proof, ClaimsVerificationError> {
        let now = asked.now;
        let (client_id, issuer) = (self.client_id.clone(), self.issuer.clone());
        let verifier = CoreIdTokenVerifier::new_public_client(client_id, issuer, keys.clone())
            .set_allowed_algs(ALGORITHMS)
            .set_other_audience_verifier_fn(|_| false)
            .set_time_fn(move || now - SKEW)
            .set_issue_time_verifier_fn(move |issued| {
                let is_of_now = (now - TRIP_MAX..=now + SKEW).contains(&issued);
                is_of_now
                    .then_some(())
                    .ok_or_else(|| "it was not issued for this trip".to_owned())
            })
            .set_auth_time_verifier_fn(|told| match (asked.proven_since, told) {
                (None, _) => Ok(()),
                (Some(since), Some(at)) if at >= since - SKEW => Ok(()),
                (Some(_), Some(_)) => Err("he did not prove himself anew".to_owned()),
                (Some(_), None) => Err("expected `auth_time`, for `max_age` was asked".to_owned()),
            });
        let claims = token.claims(&verifier, &asked.nonce)?;
        let acr = claims.auth_context_ref().map(|class| class.as_str());
        let amr = claims.auth_method_refs().into_iter().flatten();
        Ok(Proof {
            subject: claims.subject().as_str().to_owned(),
            has_second_factor: self
                .vouching
                .is_given(acr, amr.map(|method| method.as_str())),
        })
    }
}

/// What a token must answer to.
pub(crate) struct Asked {
    /// What was sent with the question.
    pub(crate) nonce: Nonce,
    /// Since when he must have proved himself; `None`: any time.
    pub(crate) proven_since: Option<Timestamp>,
    /// The present instant.
    pub(crate) now: Timestamp,
}

/// Whether other keys than those could have made it right.
fn is_about_keys(error: &ClaimsVerificationError) -> bool {
    let ClaimsVerificationError::SignatureVerification(cause) = error else {
        return false;
    };
    matches!(
        cause,
        SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
    )
}
