//! The second factor: a code of the moment (RFC 6238), each used once, or a recovery code.

use hotline_kernel::time::Timestamp;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// How long a code counts, in seconds.
const STEP_S: u64 = 30;
/// Recovery codes that are given at once.
pub(crate) const RECOVERY_CODES: usize = 10;
/// Letters and digits that nobody takes for each other.
const RECOVERY_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a recovery code, 5 random bits each.
const RECOVERY_CHARS: usize = 16;

/// The shared secret of an authenticator, wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// Of 20 random bytes, as RFC 4226 recommends.
    pub(crate) fn new(random: Vec<u8>) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Its bytes, to be sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As people type it into an authenticator.
    pub(crate) fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.secret().to_base32())
    }

    /// As authenticators read it from a picture. `None` if the name does not go into a URL.
    pub(crate) fn url(&self, issuer: &str, account: &str) -> Option<Zeroizing<String>> {
        self.totp(issuer, account)?
            .to_url()
            .ok()
            .map(Zeroizing::new)
    }

    /// The step whose code `code` is, if it is this one's or a neighbour's and later than the last accepted one:
    /// a code that was seen over a shoulder opens nothing.
    pub(crate) fn accept(&self, code: &str, last_step: i64, now: Timestamp) -> Option<i64> {
        let code = code.trim();
        let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code {
            return None;
        }
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let totp = self.totp("hotline", "account")?;
        let here = seconds / STEP_S;
        let steps = here.saturating_sub(1)..=here + 1;
        // The latest step that fits: two steps can have one code.
        steps
            .rev()
            .filter(|step| totp.generate(step * STEP_S).to_string() == code)
            .filter_map(|step| i64::try_from(step).ok())
            .find(|step| *step > last_step)
    }

    /// The code at `now`, for tests and nobody else.
    #[cfg(test)]
    pub(crate) fn code_at(&self, now: Timestamp) -> String {
        let seconds = u64::try_from(now.timestamp()).unwrap();
        self.totp("hotline", "account")
            .unwrap()
            .generate(seconds)
            .to_string()
    }

    fn secret(&self) -> Secret {
        Secret::from(self.0.as_slice())
    }

    fn totp(&self, issuer: &str, account: &str) -> Option<Totp> {
        Builder::new()
            .with_secret(self.secret())
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP_S)
            .with_account_name(account)
            .with_issuer(Some(issuer))
            .build()
            .ok()
    }
}

/// A recovery code of random bytes, in groups of four.
pub(crate) fn recovery_code(random: &[u8; 16]) -> Zeroizing<String> {
    let letter = |byte: &u8| char::from(RECOVERY_ALPHABET[usize::from(byte % 32)]);
    let mut code = String::with_capacity(RECOVERY_CHARS + 3);
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            code.push('-');
        }
        code.push(letter(byte));
    }
    Zeroizing::new(code)
}

/// A recovery code as it is compared: without dashes and spaces, in small letters. `None` if it is none.
pub(crate) fn recovery_code_typed(text: &str) -> Option<Zeroizing<String>> {
    let bare: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let is_known = bare.bytes().all(|byte| RECOVERY_ALPHABET.contains(&byte));
    (bare.len() == RECOVERY_CHARS && is_known).then(|| Zeroizing::new(bare))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use hotline_kernel::time::from_micros;

    use super::*;

    /// RFC 6238, appendix B, SHA-1: the last six of the eight digits.
    #[test]
    fn the_codes_of_rfc_6238_are_accepted() {
        let secret = SharedSecret::new(b"12345678901234567890".to_vec());
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
        ] {
            let now = from_micros(seconds * 1_000_000).unwrap();
            assert_eq!(secret.accept(code, 0, now), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_a_step_to_either_side() {
        let secret = SharedSecret::new(b"12345678901234567890".to_vec());
        let now = from_micros(1_780_000_010_000_000).unwrap();
        let code = secret.code_at(now);
        for (seconds, accepted) in [
            (-60, false),
            (-30, true),
            (0, true),
            (30, true),
            (60, false),
        ] {
            let found = secret.accept(&code, 0, now + TimeDelta::seconds(seconds));
            assert_eq!(found.is_some(), accepted, "{seconds}");
        }
        let step = secret.accept(&code, 0, now).unwrap();
        assert_eq!(secret.accept(&code, step, now), None, "used");
        assert_eq!(secret.accept("12345", 0, now), None);
        assert_eq!(secret.accept("١٢٣٤٥٦", 0, now), None, "other digits");
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let code = recovery_code(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 30]);
        let typed =
            recovery_code_typed(&format!(" {} ", code.to_uppercase().replace('-', " "))).unwrap();
        assert_eq!(typed.as_str(), code.replace('-', ""));
        assert!(recovery_code_typed("123456").is_none());
    }
}
