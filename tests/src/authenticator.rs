//! What a person has in his hand: an authenticator that shows the code of the moment.

use hotline_kernel::time::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// How long a code counts, in seconds.
const STEP_S: u64 = 30;

/// An authenticator that was told one shared secret.
pub struct Authenticator(Totp);

impl Authenticator {
    /// With the secret that a set-up shows, in base 32.
    pub fn new(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("base 32");
        let totp = Builder::new()
            .with_secret(secret)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP_S)
            .with_account_name("account")
            .with_issuer(Some("hotline"))
            .build();
        Self(totp.expect("what every authenticator understands"))
    }

    /// The code at `now`.
    pub fn code_at(&self, now: Timestamp) -> String {
        let seconds = u64::try_from(now.timestamp()).expect("after 1970");
        self.0.generate(seconds).to_string()
    }
}
