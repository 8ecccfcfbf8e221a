//! Who somebody is: the credential a caller brings from outside, and who reads it.

mod credential;
mod principal;

pub use credential::{Authenticate, Credential, Unauthenticated};
pub use principal::Principal;
