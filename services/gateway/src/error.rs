//! What the gateway refuses, and how it tells callers.

use std::time::Duration;

use hotline_platform::core::CoreError;
use hotline_platform::grpc::{core_status, invalid_field, problem, retry_later};
use tonic::{Code, Status};

use crate::NAME;
use crate::domain::account::Unfit;
use crate::domain::password::Weak;
use crate::domain::request;

/// Why a call was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    /// A field is not as expected.
    #[error("`{field}` must be {expected}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// Nobody is told which of them it was, nor whether there is such an account.
    #[error("name, password or code is wrong, or the account cannot be signed in to")]
    SignInRefused,
    /// Too many guesses.
    #[error("too many failures; try again later")]
    TooMany {
        /// When the next guess is evaluated.
        after: Duration,
    },
    /// Everything was right, but the password is too old.
    #[error("the password has expired; sign in again with a new one and the next code")]
    PasswordExpired,
    /// A password that is not taken.
    #[error(transparent)]
    Weak(#[from] Weak),
    /// Too many passwords are being hashed.
    #[error("too many people sign in at this moment; try again")]
    Busy,
    /// Nobody is told what was wrong, nor whether there is an account for this person of the provider.
    #[error("this person of the identity provider cannot sign in here, or has to begin again")]
    ProviderRefused,
    /// The identity provider does not answer, or none is agreed on.
    #[error("the identity provider does not answer; try again later")]
    ProviderAway,
    /// The code was not the one of the moment, or was used.
    #[error("the code is wrong or was used; wait for the next one")]
    CodeWrong,
    /// There is no such session.
    #[error("no such session")]
    SessionNotFound,
    /// There is no such account.
    #[error("no such account")]
    AccountNotFound,
    /// The account's name or its person at the identity provider is another account's.
    #[error("there is an account with this name or this person of the identity provider")]
    AccountTaken,
    /// The link was used, replaced, is too old or was never made.
    #[error(
        "no such set-up link; expected one that was not used and is not older than a day, with its second part if it has one"
    )]
    LinkNotFound,
    /// Roles that do not go together.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A second person is needed, another one than this.
    #[error(transparent)]
    Request(#[from] request::Refused),
    /// There is no such request.
    #[error("no such request")]
    RequestNotFound,
    /// There is no such key.
    #[error("no such key")]
    KeyNotFound,
    /// Two keys are enough to change over.
    #[error("the owner has two active keys for this channel; revoke one first")]
    KeysMax,
    /// Something of our own could not be sealed, opened or hashed. The cause is for the log only.
    #[error("the gateway failed")]
    Failed(&'static str),
    /// The plumbing refused or failed.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<GatewayError> for Status {
    fn from(error: GatewayError) -> Self {
        let told = error.to_string();
        let (code, reason) = match &error {
            GatewayError::Invalid { field, expected } => {
                return invalid_field(NAME, field, expected);
            }
            GatewayError::Core(core) => return core_status(NAME, core),
            GatewayError::TooMany { after } => {
                return retry_later(NAME, Code::ResourceExhausted, "TRY_LATER", told, *after);
            }
            GatewayError::Busy => {
                let after = Duration::from_secs(1);
                return retry_later(NAME, Code::Unavailable, "TRY_LATER", told, after);
            }
            GatewayError::Failed(cause) => {
                tracing::error!(cause, "the gateway failed");
                (Code::Internal, "FAILED")
            }
            GatewayError::ProviderRefused => (Code::Unauthenticated, "PROVIDER_REFUSED"),
            GatewayError::ProviderAway => (Code::Unavailable, "PROVIDER_AWAY"),
            GatewayError::SignInRefused => (Code::Unauthenticated, "SIGN_IN_REFUSED"),
            GatewayError::PasswordExpired => (Code::FailedPrecondition, "PASSWORD_EXPIRED"),
            GatewayError::Weak(_) => (Code::InvalidArgument, "PASSWORD_WEAK"),
            GatewayError::CodeWrong => (Code::FailedPrecondition, "CODE_WRONG"),
            GatewayError::SessionNotFound => (Code::NotFound, "SESSION_NOT_FOUND"),
            GatewayError::AccountNotFound => (Code::NotFound, "ACCOUNT_NOT_FOUND"),
            GatewayError::AccountTaken => (Code::AlreadyExists, "ACCOUNT_TAKEN"),
            GatewayError::LinkNotFound => (Code::NotFound, "SET_UP_LINK_NOT_FOUND"),
            GatewayError::Unfit(_) => (Code::InvalidArgument, "ROLES_UNFIT"),
            GatewayError::Request(_) => (Code::FailedPrecondition, "REQUEST_NOT_DECIDABLE"),
            GatewayError::RequestNotFound => (Code::NotFound, "REQUEST_NOT_FOUND"),
            GatewayError::KeyNotFound => (Code::NotFound, "KEY_NOT_FOUND"),
            GatewayError::KeysMax => (Code::FailedPrecondition, "KEYS_MAX"),
        };
        problem(NAME, code, reason, told)
    }
}
