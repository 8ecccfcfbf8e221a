//! API keys of channels and partner systems: `hk_<env>_<id>_<secret><check>`.

use std::net::IpAddr;

use hotline_kernel::time::Timestamp;
use zeroize::Zeroizing;

/// How a key begins.
pub(crate) const PREFIX: &str = "hk_";
/// Characters of a key's id.
const ID_CHARS: usize = 12;
/// Characters of its secret: 32 bytes in base 62.
const SECRET_CHARS: usize = 43;
/// Characters of its check.
const CHECK_CHARS: usize = 6;
/// Keys that one owner has for one channel at once: the old and the new one while he changes over.
pub(crate) const ACTIVE_MAX: usize = 2;
/// The longest life of a key, in days.
pub(crate) const DAYS_MAX: u32 = 730;
/// Networks that one key may come from.
const NETWORKS_MAX: usize = 32;

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key may be used for; its word is what `hotline key create --verb` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// Hand in appeals.
    Register,
    /// Ask how far an appeal is, by number and query code.
    Query,
}

impl Verb {
    /// Every verb.
    pub(crate) const ALL: [Self; 2] = [Self::Register, Self::Query];

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Query => "query",
        }
    }

    /// The verb of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// A network that a key may come from, such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads an address, or an address and a number of leading bits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() {
            most
        } else {
            bits.parse().ok()?
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// As it is read again.
    pub(crate) fn word(&self) -> String {
        format!("{}/{}", self.address, self.bits)
    }

    /// Whether `address` is in it.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let shared = |own: u128, other: u128, width: u8| {
            let rest = u32::from(width - self.bits);
            own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                shared(own.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => shared(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its id, part of its text and no secret.
    pub(crate) id: String,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
    /// Whose it is: a channel's program or a partner.
    pub(crate) owner: String,
    /// The one channel that it speaks for.
    pub(crate) channel_code: String,
    /// What it may be used for.
    pub(crate) verbs: Vec<Verb>,
    /// Where it may come from; empty: from anywhere.
    pub(crate) networks: Vec<Network>,
    /// Calls in any minute of the clock.
    pub(crate) per_minute: u32,
    /// Calls in any day of the clock, UTC.
    pub(crate) per_day: u32,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl Key {
    /// Whether it opens anything at `now`.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Whether it may come from `address`. What comes from this process comes from no network.
    pub(crate) fn may_come_from(&self, address: &str) -> bool {
        self.networks.is_empty()
            || address
                .parse()
                .is_ok_and(|address| self.networks.iter().any(|network| network.holds(address)))
    }
}

/// Reads the networks of a key.
pub(crate) fn networks(texts: &[String]) -> Option<Vec<Network>> {
    if texts.len() > NETWORKS_MAX {
        return None;
    }
    texts.iter().map(|text| Network::parse(text)).collect()
}

/// A key's text, taken apart; the secret has no `Debug` and is wiped when it is dropped.
pub(crate) struct KeyText {
    /// Which key it says to be.
    pub(crate) id: String,
    /// What proves it.
    pub(crate) secret: Zeroizing<String>,
    environment: String,
}

impl KeyText {
    /// A fresh key of random bytes.
    pub(crate) fn new(environment: &str, random_id: &[u8; 12], random: &[u8; 32]) -> Self {
        let letter = |byte: &u8| char::from(BASE_62[usize::from(*byte) % 62]);
        Self {
            id: random_id.iter().map(letter).collect(),
            secret: Zeroizing::new(base_62(random)),
            environment: environment.to_owned(),
        }
    }

    /// The text, for the one it is made for.
    pub(crate) fn reveal(&self) -> Zeroizing<String> {
        let bare = format!("{PREFIX}{}_{}_{}", self.environment, self.id, *self.secret);
        let check = check(&bare);
        Zeroizing::new(bare + &check)
    }

    /// Takes a text apart; `None` for what was mistyped or never a key of this environment. What is invented is
    /// nearly always found out here, before anything is looked up.
    pub(crate) fn parse(environment: &str, text: &str) -> Option<Self> {
        let at = text.len().checked_sub(CHECK_CHARS)?;
        let (bare, told) = (text.get(..at)?, text.get(at..)?);
        if check(bare) != told {
            return None;
        }
        let rest = bare
            .strip_prefix(PREFIX)?
            .strip_prefix(environment)?
            .strip_prefix('_')?;
        let (id, secret) = rest.split_once('_')?;
        let is_fit = |text: &str, count: usize| {
            text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        (is_fit(id, ID_CHARS) && is_fit(secret, SECRET_CHARS)).then(|| Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
            environment: environment.to_owned(),
        })
    }
}

/// Whether `text` can be the part of a key that tells what it is for.
pub(crate) fn is_environment(text: &str) -> bool {
    (1..=12).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// 32 bytes as one number in base 62.
fn base_62(bytes: &[u8; 32]) -> String {
    let mut number = *bytes;
    let mut digits = [b'0'; SECRET_CHARS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in &mut number {
            let part = rest * 256 + u16::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
            rest = part % 62;
        }
        *digit = BASE_62[usize::from(rest)];
    }
    digits.iter().copied().map(char::from).collect()
}

/// The CRC-32 (IEEE 802.3) of a text, in base 62: against mistakes, not against anybody.
fn check(text: &str) -> String {
    let mut sum = u32::MAX;
    for byte in text.bytes() {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            let is_odd = sum & 1 == 1;
            sum >>= 1;
            if is_odd {
                sum ^= 0xEDB8_8320;
            }
        }
    }
    let mut number = !sum;
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE_62[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_a_slip_is_seen() {
        let key = KeyText::new(
            "city",
            &[61, 0, 7, 200, 4, 5, 6, 7, 8, 9, 10, 11],
            &[255; 32],
        );
        let text = key.reveal();
        assert_eq!(text.len(), 3 + 4 + 1 + 12 + 1 + 43 + 6);
        let read = KeyText::parse("city", &text).unwrap();
        assert_eq!((&read.id, &*read.secret), (&key.id, &*key.secret));
        assert!(
            KeyText::parse("test", &text).is_none(),
            "of another environment"
        );
        for place in 0..text.len() {
            let mut slip = text.as_bytes().to_vec();
            slip[place] = if slip[place] == b'x' { b'y' } else { b'x' };
            let slip = String::from_utf8(slip).unwrap();
            assert!(KeyText::parse("city", &slip).is_none(), "{place}");
        }
        for bad in ["", "hk_", "hk_city__", "hk_city_a_b000000", "键键键键键键"] {
            assert!(KeyText::parse("city", bad).is_none(), "{bad}");
        }
    }

    /// The check value of CRC-32 for the nine digits.
    #[test]
    fn the_check_is_the_known_one() {
        let mut number: u64 = 0;
        for digit in check("123456789").bytes() {
            let place = BASE_62.iter().position(|letter| *letter == digit).unwrap();
            number = number * 62 + u64::try_from(place).unwrap();
        }
        assert_eq!(number, 0xCBF4_3926);
    }

    #[test]
    fn two_secrets_never_look_alike() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        (one[31], two[0]) = (1, 1);
        assert!(base_62(&one).ends_with("01"));
        assert_ne!(base_62(&one), base_62(&two));
        assert_ne!(base_62(&[255; 32]), base_62(&[254; 32]));
    }

    #[test]
    fn a_network_holds_its_addresses_only() {
        let cases = [
            ("10.1.0.0/16", "10.1.255.3", true),
            ("10.1.0.0/16", "10.2.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:7::1", true),
            ("::/0", "2001:db8::1", true),
            ("10.1.0.0/16", "::ffff:10.1.0.9", true),
        ];
        for (network, address, expected) in cases {
            let found = Network::parse(network)
                .unwrap()
                .holds(address.parse().unwrap());
            assert_eq!(found, expected, "{network} {address}");
        }
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "a", ""] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
