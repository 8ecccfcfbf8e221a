//! The key that the database does not have, and what is coded with it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A code or a hash.
pub(crate) const CODE_BYTES: usize = 32;

/// What separates the uses of one key and the versions of what is coded.
const ROW: &[u8] = b"hotline audit row 1";
const SEAL: &[u8] = b"hotline audit seal 1";
const ANCHOR: &[u8] = b"hotline audit anchor 1";
const REQUEST: &[u8] = b"hotline command request 1";
const LINK: &[u8] = b"hotline audit link 1";

/// Codes audit rows, seals, anchors and what is kept of commands' requests: HMAC-SHA256 under a key derived from the installation secret. Cheap to clone.
#[derive(Clone)]
pub struct AuditKey(Hmac<Sha256>);

impl AuditKey {
    /// The codes of an installation whose secret gives `key` for the purpose [`AuditKey::PURPOSE`].
    #[must_use]
    pub fn new(key: &[u8; CODE_BYTES]) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(key);
        Self(mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")))
    }

    /// The purpose for which the installation secret gives the key.
    pub const PURPOSE: &str = "audit";

    /// The code of a row's canonical bytes.
    pub(crate) fn row(&self, canonical: &[u8]) -> [u8; CODE_BYTES] {
        self.code(ROW, canonical)
    }

    pub(crate) fn is_row(&self, canonical: &[u8], code: &[u8]) -> bool {
        self.is_code(ROW, canonical, code)
    }

    pub(crate) fn seal(&self, canonical: &[u8]) -> [u8; CODE_BYTES] {
        self.code(SEAL, canonical)
    }

    pub(crate) fn is_seal(&self, canonical: &[u8], code: &[u8]) -> bool {
        self.is_code(SEAL, canonical, code)
    }

    pub(crate) fn anchor(&self, canonical: &[u8]) -> [u8; CODE_BYTES] {
        self.code(ANCHOR, canonical)
    }

    pub(crate) fn is_anchor(&self, canonical: &[u8], code: &[u8]) -> bool {
        self.is_code(ANCHOR, canonical, code)
    }

    /// What is kept of a request whose hash is `hash`.
    pub(crate) fn request(&self, hash: &[u8; CODE_BYTES]) -> [u8; CODE_BYTES] {
        self.code(REQUEST, hash)
    }

    pub(crate) fn is_request(&self, hash: &[u8; CODE_BYTES], code: &[u8]) -> bool {
        self.is_code(REQUEST, hash, code)
    }

    fn code(&self, what: &[u8], canonical: &[u8]) -> [u8; CODE_BYTES] {
        self.started(what, canonical).finalize().into_bytes().into()
    }

    /// Compared in a time that does not depend on where they differ.
    fn is_code(&self, what: &[u8], canonical: &[u8], code: &[u8]) -> bool {
        self.started(what, canonical).verify_slice(code).is_ok()
    }

    fn started(&self, what: &[u8], canonical: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(what);
        mac.update(canonical);
        mac
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuditKey")
    }
}

/// The hash of a chain that has no row yet.
pub(crate) fn beginning(service: &str) -> [u8; CODE_BYTES] {
    let begun = Sha256::new().chain_update(LINK);
    begun.chain_update(service).finalize().into()
}

/// The hash of a chain with one more row: its number, its insertion id, its canonical bytes and its code.
pub(crate) fn link(
    before: &[u8; CODE_BYTES],
    chain_seq: i64,
    seq: i64,
    canonical: &[u8],
    code: &[u8],
) -> [u8; CODE_BYTES] {
    let length = |bytes: &[u8]| (bytes.len() as u64).to_be_bytes();
    Sha256::new()
        .chain_update(LINK)
        .chain_update(before)
        .chain_update(chain_seq.to_be_bytes())
        .chain_update(seq.to_be_bytes())
        .chain_update(length(canonical))
        .chain_update(canonical)
        .chain_update(length(code))
        .chain_update(code)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_depends_on_key_use_and_content_and_is_not_shown() {
        let (one, other) = (AuditKey::new(&[1; 32]), AuditKey::new(&[2; 32]));
        let code = one.row(b"row");
        assert!(one.is_row(b"row", &code));
        assert!(!one.is_row(b"rot", &code));
        assert!(!other.is_row(b"row", &code));
        assert!(!one.is_seal(b"row", &code));
        assert!(!one.is_anchor(b"row", &code));
        assert!(one.is_request(&[7; 32], &one.request(&[7; 32])));
        assert!(!other.is_request(&[7; 32], &one.request(&[7; 32])));
        assert!(!one.is_row(b"row", &code[..31]));
        assert_eq!(format!("{one:?}"), "AuditKey");
    }

    #[test]
    fn a_link_depends_on_everything_before_and_in_it() {
        let start = beginning("intake");
        let made = link(&start, 1, 7, b"row", b"code");
        let others = [
            beginning("routing"),
            link(&beginning("routing"), 1, 7, b"row", b"code"),
            link(&start, 2, 7, b"row", b"code"),
            link(&start, 1, 8, b"row", b"code"),
            link(&start, 1, 7, b"rot", b"code"),
            link(&start, 1, 7, b"rowc", b"ode"),
            link(&start, 1, 7, b"row", b""),
        ];
        assert!(!others.contains(&made));
        assert_eq!(made, link(&start, 1, 7, b"row", b"code"));
    }
}
