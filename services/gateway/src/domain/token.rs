//! Opaque secrets: 256 random bits behind a prefix that says what they open. Only their SHA-256 is kept.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// A session.
    Session,
    /// A counter of failures of its own, for a device that signed in before.
    Device,
    /// The choice of a password, once.
    SetUp,
    /// Nothing by itself: the link of which it is the other part.
    SetUpPart,
}

impl Opens {
    /// How such a secret begins.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Session => "hs_",
            Self::Device => "hd_",
            Self::SetUp => "hl_",
            Self::SetUpPart => "hp_",
        }
    }
}

/// A secret on its way. It has no `Debug` and is wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Token {
    text: Zeroizing<String>,
}

impl Token {
    /// A fresh secret of 32 random bytes.
    pub(crate) fn new(opens: Opens, random: &[u8; 32]) -> Self {
        let text = format!("{}{}", opens.prefix(), hex::encode(random));
        Self {
            text: Zeroizing::new(text),
        }
    }

    /// Reads one; `None` for what nobody made.
    pub(crate) fn parse(opens: Opens, text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(opens.prefix())?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Self {
            text: Zeroizing::new(text.trim().to_owned()),
        })
    }

    /// What is kept of it. It has 256 random bits, so a plain hash is enough.
    pub(crate) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.text.as_bytes()).to_vec()
    }

    /// The secret itself, for the one it is made for.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

/// What somebody shows to set an account up: the link that the approver was given and, where two people stand behind it,
/// the part that the asker was given. Neither is worth anything without the other.
#[derive(Clone)]
pub(crate) struct SetUpProof {
    /// The link.
    pub(crate) link: Token,
    /// The asker's part; `None` for a link that was made on the machine.
    pub(crate) asker_part: Option<Token>,
}

impl SetUpProof {
    /// What is kept of it.
    pub(crate) fn hash(&self) -> Vec<u8> {
        match &self.asker_part {
            None => self.link.hash(),
            Some(part) => joined(&self.link.hash(), &part.hash()),
        }
    }
}

/// What is kept of a link in two parts, of their hashes: it is no hash of anything that one part alone could be.
pub(crate) fn joined(link_hash: &[u8], part_hash: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update("set-up link in two parts")
        .chain_update(link_hash)
        .chain_update(part_hash)
        .finalize()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_one_kind_of_thing_only() {
        let token = Token::new(Opens::Session, &[7; 32]);
        assert!(
            Token::parse(Opens::Session, token.reveal())
                .is_some_and(|found| found.hash() == token.hash())
        );
        assert!(Token::parse(Opens::Device, token.reveal()).is_none());
        for bad in [
            "",
            "hs_",
            "hs_zz",
            &token.reveal().to_uppercase(),
            &format!("{}0", token.reveal()),
        ] {
            assert!(Token::parse(Opens::Session, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn of_a_link_in_two_parts_neither_opens_alone_nor_with_another_ones() {
        let token = |opens, byte| Token::new(opens, &[byte; 32]);
        let shown = |link, part: Option<u8>| SetUpProof {
            link: token(Opens::SetUp, link),
            asker_part: part.map(|byte| token(Opens::SetUpPart, byte)),
        };
        let whole = shown(1, Some(2)).hash();
        for other in [shown(1, None), shown(1, Some(3)), shown(2, Some(1))] {
            assert_ne!(other.hash(), whole);
        }
        assert_eq!(shown(1, None).hash(), token(Opens::SetUp, 1).hash());
    }
}
