//! What a password must be.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use zeroize::Zeroizing;

use super::blocklist;

/// The shortest password, in characters.
pub(crate) const CHARS_MIN: usize = 12;
/// The longest: hashing takes longer for a longer one.
const CHARS_MAX: usize = 128;
/// From so many characters on, one kind of letter is enough.
const PHRASE_CHARS: usize = 20;

/// A password on its way. It has no `Debug` and is wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Weak {
    /// Too short or too long.
    #[error("a password has {CHARS_MIN} to {CHARS_MAX} characters")]
    Length,
    /// One kind of letter only (GB/T 22239-2019 8.1.4.1 a asks for some complexity).
    #[error(
        "a password has at least two of small letters, capital letters, digits and other signs, or {PHRASE_CHARS} characters"
    )]
    Kinds,
    /// Little else than what everybody tries first.
    #[error(
        "a password is more than common words, the account's name, rows of neighbours and repetitions"
    )]
    Common,
    /// The one that stands.
    #[error("a new password is another one than the old one")]
    Unchanged,
}

impl Password {
    /// What somebody typed.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// To be hashed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it can be hashed at all; what cannot was never anybody's password.
    pub(crate) fn is_of_a_length(&self) -> bool {
        self.0.chars().count() <= CHARS_MAX
    }

    /// Whether the account named `account` may have it.
    pub(crate) fn is_fit(&self, account: &str) -> Result<(), Weak> {
        let count = self.0.chars().count();
        if !(CHARS_MIN..=CHARS_MAX).contains(&count) {
            return Err(Weak::Length);
        }
        if count < PHRASE_CHARS && kinds(&self.0) < 2 {
            return Err(Weak::Kinds);
        }
        if blocklist::is_common(&self.0, account) {
            return Err(Weak::Common);
        }
        Ok(())
    }
}

fn kinds(text: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_lowercase(),
        |letter| letter.is_uppercase(),
        |letter| letter.is_numeric(),
        |letter| !letter.is_lowercase() && !letter.is_uppercase() && !letter.is_numeric(),
    ];
    kinds
        .iter()
        .filter(|is_of| text.chars().any(**is_of))
        .count()
}

/// Whether a password that was chosen at `changed_at` is to be changed; `days_max` 0: never.
pub(crate) fn is_expired(changed_at: Timestamp, days_max: u32, now: Timestamp) -> bool {
    days_max > 0 && now - changed_at > TimeDelta::days(days_max.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        let cases = [
            ("kurz und gut", Ok(())),
            ("short7", Err(Weak::Length)),
            (&"ab1".repeat(50), Err(Weak::Length)),
            ("sdkjvbqieurt", Err(Weak::Kinds)),
            ("748263950162", Err(Weak::Kinds)),
            ("Password1234", Err(Weak::Common)),
            ("P@ssw0rd12345!", Err(Weak::Common)),
            ("qwertyuiop123", Err(Weak::Common)),
            ("1q2w3e4r5t6y", Err(Weak::Common)),
            ("abcdefgh12345678", Err(Weak::Common)),
            ("aaaaaaaaaaaa1", Err(Weak::Common)),
            ("xy7xy7xy7xy7xy7", Err(Weak::Common)),
            ("Hotline12345!", Err(Weak::Common)),
            ("wangli2026wangli", Err(Weak::Common)),
            ("Admin@123456", Err(Weak::Common)),
            ("woaini5201314", Err(Weak::Common)),
            ("Shizhang12345rexian", Err(Weak::Common)),
            ("violet-gravel-83-ferry", Ok(())),
            ("江湖夜雨十年灯2026xq", Ok(())),
            ("9fK!wz3pQ0-vv", Ok(())),
            ("correct horse battery", Ok(())),
        ];
        for (text, expected) in cases {
            let found = Password::new(text.to_owned()).is_fit("wangli");
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_password_grows_old_only_where_that_is_switched_on() {
        let chosen = hotline_kernel::time::from_micros(1_780_000_000_000_000).unwrap();
        for (days, limit, expected) in [(90, 90, false), (91, 90, true), (9_999, 0, false)] {
            let now = chosen + TimeDelta::days(days);
            assert_eq!(is_expired(chosen, limit, now), expected, "{days} {limit}");
        }
    }
}
