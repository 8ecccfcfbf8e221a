//! A secret that a caller shows to say who he is, and the one who knows what it stands for.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::grpc::Principal;

/// The longest credential, in bytes.
pub const CREDENTIAL_MAX_BYTES: usize = 512;
/// What stands before it in `authorization` (RFC 6750, 2.1); in any case of letters.
const SCHEME: &str = "bearer";

/// The secret of `authorization: Bearer …`: a session's or a key's. Wiped when it is dropped, never shown.
#[derive(Clone)]
pub struct Credential(Zeroizing<String>);

impl Credential {
    /// A credential of this text; `None` if it is empty, too long, or not visible ASCII without spaces.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_fit = (1..=CREDENTIAL_MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_fit.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Reads the value of an `authorization` header; `None` if it is no bearer credential.
    #[must_use]
    pub fn of_header(value: &[u8]) -> Option<Self> {
        let (scheme, text) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case(SCHEME)
            .then(|| Self::new(text.trim_start_matches(' ')))?
    }

    /// The `authorization` header that shows it; its value is kept out of what is logged.
    pub(crate) fn to_header(&self) -> HeaderValue {
        let text = Zeroizing::new(format!("Bearer {}", self.reveal()));
        let mut value = HeaderValue::try_from(text.as_str())
            .unwrap_or_else(|_| unreachable!("a credential is visible ASCII"));
        value.set_sensitive(true);
        value
    }

    /// The secret itself, to look up whose it is.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential")
    }
}

/// Why a credential names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// It is unknown, over, revoked or not for this address; which of these is not told.
    #[error("the credential is not valid (any more); sign in again")]
    Refused,
    /// It was shown too often.
    #[error("too many calls with this credential; come back later")]
    TooMany {
        /// When to come back.
        after: Duration,
    },
    /// Whoever knows cannot be asked now.
    #[error("credentials cannot be checked now; come back later")]
    Unavailable,
}

/// Knows whose a credential is. The gateway's; processes without it take no credentials.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Who shows `credential` from the network address `from_addr` (`in-process` in this process).
    async fn authenticate(
        &self,
        credential: &Credential,
        from_addr: &str,
    ) -> Result<Principal, Unauthenticated>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_credential_is_read_and_nothing_else_is() {
        let read = |value: &str| Credential::of_header(value.as_bytes());
        for value in ["Bearer hk_1_x", "bearer hk_1_x", "BEARER  hk_1_x"] {
            let found = read(value).expect(value);
            assert_eq!(found.reveal(), "hk_1_x");
        }
        let long = format!("Bearer {}", "x".repeat(CREDENTIAL_MAX_BYTES + 1));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "hk_1_x",
            "Bearer a b",
            "Bearer é",
            "Bearer a\n",
            &long,
        ] {
            assert!(read(value).is_none(), "{value}");
        }
    }

    #[test]
    fn a_credential_does_not_show_itself() {
        let credential = Credential::new("hk_1_secret").expect("fit");
        assert!(!format!("{credential:?}").contains("secret"));
    }
}
