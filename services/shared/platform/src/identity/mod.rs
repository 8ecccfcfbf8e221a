//! Who somebody is: the credential he brings from outside, and the token in which he travels between processes.

mod claims;
mod credential;
mod keys;
mod principal;
mod token;

pub use credential::{Authenticate, CREDENTIAL_MAX_BYTES, Credential, Unauthenticated};
pub use keys::{BadKey, SignKey, VerifyKey};
pub use principal::Principal;
pub use token::{
    BadToken, Signer, TOKEN_AHEAD_MS, TOKEN_LIFE_MS, TOKEN_MAX_BYTES, TooManyKeys, VERIFY_KEYS_MAX,
    Verifier,
};

pub(crate) use claims::read;
