//! What makes two tellings one: dedup keys, content hashes, pseudonyms, query codes.
//!
//! Everything here is a hash over length-prefixed parts, so that no two lists of parts can be
//! mistaken for each other.

use hmac::{Hmac, KeyInit, Mac};
use hotline_kernel::text::normalise;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::registration::{Contact, Identity, Registration};
use super::terms::Term;

/// Letters of a query code: none that can be misread or misheard.
const CODE_ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Length of a query code.
pub const CODE_LENGTH: usize = 8;

/// Keys that pseudonyms, query codes and hashes of what was said are made with; derived from the installation's secret.
/// Wiped when they are dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    /// For [`pseudonym`].
    pub citizen: [u8; 32],
    /// For [`query_code`].
    pub query_code: [u8; 32],
    /// For [`keyed`].
    pub hashes: [u8; 32],
}

/// The key under which an appeal is registered once and for ever.
#[must_use]
pub fn dedup_key(registration: &Registration) -> [u8; 32] {
    let mut parts = Parts::new("appeal-v1");
    parts.text(&registration.channel_code);
    parts.text(registration.source());
    match &registration.identity {
        Identity::SourceId(id) => {
            parts.text("source_id");
            parts.text(id.trim());
        }
        Identity::ClientKey(key) => {
            parts.text("client_key");
            parts.text(key);
        }
        Identity::Row {
            content,
            occurrence,
        } => {
            parts.text("row");
            parts.bytes(content);
            parts.bytes(&occurrence.to_be_bytes());
        }
    }
    parts.finish()
}

/// The key of a second text that came under the id of another: one row per different text.
#[must_use]
pub fn dedup_key_of_other_content(first: &[u8; 32], content: &[u8; 32]) -> [u8; 32] {
    let mut parts = Parts::new("appeal-differs-v1");
    parts.bytes(first);
    parts.bytes(content);
    parts.finish()
}

/// The hash of what was said, by whom and about what: equal for every honest repetition.
///
/// Canonical content is each field in its order, in NFC, trimmed, with line ends normalised. Not in
/// it: when it was said (sources round it) and what an import knows beside it (a later export of the
/// same appeal may hold its reply).
#[must_use]
pub fn content_hash(registration: &Registration) -> [u8; 32] {
    let mut parts = Parts::new("appeal-content-v1");
    parts.canonical(&registration.line_number);
    let contact = &registration.contact;
    for part in [
        &contact.name,
        &contact.phone,
        &contact.email,
        &contact.account,
    ] {
        parts.canonical(part);
    }
    let flags = &registration.confidentiality;
    parts.bytes(&[
        u8::from(flags.is_anonymous),
        u8::from(flags.is_confidential),
        u8::from(flags.is_tip_off),
    ]);
    parts.count(flags.complained_unit_codes.len());
    for unit in &flags.complained_unit_codes {
        parts.canonical(unit);
    }
    parts.canonical(&registration.subject);
    parts.canonical(&registration.text);
    parts.count(registration.matters.len());
    for matter in &registration.matters {
        parts.canonical(&matter.subject);
        parts.canonical(&matter.text);
        parts.text(matter.kind.map_or("", Term::word));
        parts.text(matter.urgency.map_or("", Term::word));
        parts.canonical(&matter.category_code);
        parts.canonical(&matter.area_code);
    }
    parts.finish()
}

/// The pseudonym of a known citizen: by phone, else by e-mail, else by account at its source.
/// `phone` is the contact's phone in E.164, if it is one.
#[must_use]
pub fn pseudonym(
    key: &[u8; 32],
    source: &str,
    phone: Option<&str>,
    contact: &Contact,
) -> Option<String> {
    let email = contact.email.trim().to_lowercase();
    let account = contact.account.trim();
    let known: Vec<&str> = match phone {
        Some(phone) => vec!["phone", phone],
        None if !email.is_empty() => vec!["email", &email],
        None if !account.is_empty() => vec!["account", source, account],
        None => return None,
    };
    let mut parts = Parts::keyed(key, "citizen-v1");
    for part in known {
        parts.text(part);
    }
    Some(hex(&parts.finish()[..16]))
}

/// A hash as it is stored, in hexadecimal: under a key, so that nobody who has the database can try out which
/// telephone number or text is in it.
#[must_use]
pub fn keyed(key: &[u8; 32], hash: &[u8; 32]) -> String {
    let mut parts = Parts::keyed(key, "keyed-hash-v1");
    parts.bytes(hash);
    hex(&parts.finish())
}

/// The key by which two matters of one citizen are the same text; `None` if nothing can be compared.
#[must_use]
pub fn text_key(citizen: &str, fingerprint: &str) -> Option<[u8; 32]> {
    if citizen.is_empty() || fingerprint.is_empty() {
        return None;
    }
    let mut parts = Parts::new("same-text-v1");
    parts.text(citizen);
    parts.text(fingerprint);
    Some(parts.finish())
}

/// The code that opens the progress query of `number`: the same for every repetition of a receipt.
#[must_use]
pub fn query_code(key: &[u8; 32], number: &str) -> String {
    let mut parts = Parts::keyed(key, "query-code-v1");
    parts.text(number);
    let mut bits = u64::from_be_bytes(first_eight(&parts.finish()));
    let mut code = String::with_capacity(CODE_LENGTH);
    for _ in 0..CODE_LENGTH {
        let index = usize::try_from(bits % 31).unwrap_or_default();
        code.push(char::from(CODE_ALPHABET[index]));
        bits /= 31;
    }
    code
}

/// The key under which tries of a number or from an address are counted: neither can be read from it.
#[must_use]
pub fn guess_key(key: &[u8; 32], told: [&str; 3]) -> String {
    let mut parts = Parts::keyed(key, "guess-v1");
    for part in told {
        parts.text(part);
    }
    hex(&parts.finish()[..16])
}

/// Whether two codes are equal, in a time that does not tell where they differ.
#[must_use]
pub fn same_code(expected: &str, given: &str) -> bool {
    let given = given.trim().to_ascii_uppercase();
    let differences = expected
        .bytes()
        .zip(given.bytes())
        .fold(0_u8, |all, (left, right)| all | (left ^ right));
    expected.len() == given.len() && differences == 0
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// A hash over length-prefixed parts, plain or keyed.
enum Parts {
    Plain(Sha256),
    Keyed(Box<Hmac<Sha256>>),
}

impl Parts {
    fn new(purpose: &str) -> Self {
        let mut parts = Self::Plain(Sha256::new());
        parts.text(purpose);
        parts
    }

    fn keyed(key: &[u8; 32], purpose: &str) -> Self {
        // A key shorter than a block is padded with zeros (RFC 2104).
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        let mut parts = Self::Keyed(Box::new(Hmac::<Sha256>::new(&block.into())));
        parts.text(purpose);
        parts
    }

    fn bytes(&mut self, part: &[u8]) {
        let length = (part.len() as u64).to_be_bytes();
        match self {
            Self::Plain(hash) => {
                hash.update(length);
                hash.update(part);
            }
            Self::Keyed(hash) => {
                hash.update(&length);
                hash.update(part);
            }
        }
    }

    fn text(&mut self, part: &str) {
        self.bytes(part.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.bytes(&(count as u64).to_be_bytes());
    }

    fn canonical(&mut self, part: &str) {
        self.text(&normalise(part));
    }

    fn finish(self) -> [u8; 32] {
        match self {
            Self::Plain(hash) => hash.finalize().into(),
            Self::Keyed(hash) => hash.finalize().into_bytes().into(),
        }
    }
}

fn first_eight(hash: &[u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    first
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
