//! A principal that leaves its process: a token of a minute, signed with the city's key (Ed25519, RFC 8032).
//!
//! `v1.<payload>.<signature>`, both parts base64url without padding (RFC 4648, 5). There is one algorithm, which no
//! token names. Its minute is counted by the machines' clocks: who has no database must be able to make one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signature, Signer as _};
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::{Principal, SignKey, VerifyKey};
use crate::clock::machine_time;

/// How long a token is believed, in milliseconds.
pub const TOKEN_LIFE_MS: i64 = 60_000;
/// How far ahead of the reader's clock the signer's may be, in milliseconds.
pub const TOKEN_AHEAD_MS: i64 = 5_000;
/// How long a signer hands the same token out again, in milliseconds: what is left is enough for any clock.
const REUSED_MS: i64 = 20_000;
/// The longest token, in bytes.
pub const TOKEN_MAX_BYTES: usize = 6 * 1024;
/// How many keys are believed at once, so that one can take over from another.
pub const VERIFY_KEYS_MAX: usize = 4;
/// How many tokens are remembered, by who makes and by who reads them.
const REMEMBERED_MAX: usize = 1024;
/// What a token begins with.
const VERSION: &str = "v1";
/// Signed before everything else, so that no other signature of the key's is ever a token.
const DOMAIN: &[u8] = b"hotline principal token\0";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// The id of the key.
    key: String,
    /// The city it is for.
    city: String,
    /// Believed from then, in milliseconds since 1970.
    from: i64,
    /// Not believed any more then.
    until: i64,
    who: Claims,
}

/// Why a token names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It was not made by a key of this city, or not for it, or was changed; which of these is not told.
    #[error("expected `hotline-principal` signed with a key of this city")]
    Refused,
    /// Its minute is over, or has not begun: the clocks of the two machines may differ.
    #[error("the minute of this token is over or has not begun; compare the machines' clocks")]
    Untimely,
}

impl BadToken {
    /// A stable word for programs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Refused => "TOKEN_REFUSED",
            Self::Untimely => "TOKEN_UNTIMELY",
        }
    }
}

/// Makes tokens for one city.
pub struct Signer {
    key: SignKey,
    key_id: String,
    city: String,
    /// Tokens by the principals they name, with when they were made.
    made: Mutex<HashMap<String, (String, i64)>>,
}

impl Signer {
    /// Signs with `key` for the city with the id `city`.
    #[must_use]
    pub fn new(key: SignKey, city: &str) -> Self {
        Self {
            key_id: key.verify_key().id(),
            key,
            city: city.to_owned(),
            made: Mutex::default(),
        }
    }

    /// A token for `principal` that is believed for half a minute at least.
    #[must_use]
    pub fn sign(&self, principal: &Principal) -> String {
        self.sign_at(principal, machine_time())
    }

    /// A token for `principal` as of `now`. One that is young enough is handed out again.
    #[must_use]
    pub fn sign_at(&self, principal: &Principal, now: Timestamp) -> String {
        let now_ms = now.timestamp_millis();
        let named = principal.to_metadata();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let is_young = |at: i64| (0..REUSED_MS).contains(&(now_ms - at));
        if let Some((token, at)) = made.get(&named)
            && is_young(*at)
        {
            return token.clone();
        }
        let token = self.make(principal, now_ms);
        if made.len() >= REMEMBERED_MAX {
            made.retain(|_, (_, at)| is_young(*at));
        }
        if made.len() < REMEMBERED_MAX {
            made.insert(named, (token.clone(), now_ms));
        }
        token
    }

    fn make(&self, principal: &Principal, now_ms: i64) -> String {
        let payload = Payload {
            key: self.key_id.clone(),
            city: self.city.clone(),
            from: now_ms,
            until: now_ms.saturating_add(TOKEN_LIFE_MS),
            who: Claims::of(principal),
        };
        seal(&self.key, &serde_json::to_vec(&payload).unwrap_or_default())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Signer {}", self.key_id)
    }
}

fn seal(key: &SignKey, payload: &[u8]) -> String {
    let mut token = format!("{VERSION}.{}", BASE64.encode(payload));
    let signature = key.inner().sign(&signed(token.as_bytes()));
    token.push('.');
    token.push_str(&BASE64.encode(signature.to_bytes()));
    token
}

fn signed(token: &[u8]) -> Vec<u8> {
    [DOMAIN, token].concat()
}

/// Reads tokens of one city.
pub struct Verifier {
    keys: Vec<(String, VerifyKey)>,
    city: String,
    /// Tokens whose signature was good, with whom they name and from when until when, in milliseconds.
    read: Mutex<HashMap<String, (Principal, i64, i64)>>,
}

/// There are too many keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {VERIFY_KEYS_MAX} verifying keys")]
pub struct TooManyKeys;

impl Verifier {
    /// Believes tokens that one of `keys` made for the city with the id `city`.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`].
    pub fn new(keys: Vec<VerifyKey>, city: &str) -> Result<Self, TooManyKeys> {
        if keys.len() > VERIFY_KEYS_MAX {
            return Err(TooManyKeys);
        }
        Ok(Self {
            keys: keys.into_iter().map(|key| (key.id(), key)).collect(),
            city: city.to_owned(),
            read: Mutex::default(),
        })
    }

    /// Whom `token` names.
    ///
    /// # Errors
    ///
    /// [`BadToken`].
    pub fn verify(&self, token: &[u8]) -> Result<Principal, BadToken> {
        self.verify_at(token, machine_time())
    }

    fn verify_at(&self, token: &[u8], now: Timestamp) -> Result<Principal, BadToken> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(BadToken::Refused);
        }
        let token = std::str::from_utf8(token).map_err(|_| BadToken::Refused)?;
        let now_ms = now.timestamp_millis();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((principal, from, until)) = read.get(token) {
            return is_timely(*from, *until, now_ms).map(|()| principal.clone());
        }
        drop(read);
        let (principal, from, until) = self.open(token)?;
        is_timely(from, until, now_ms)?;
        read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= REMEMBERED_MAX {
            read.retain(|_, (_, _, until)| *until > now_ms);
        }
        if read.len() < REMEMBERED_MAX {
            read.insert(token.to_owned(), (principal.clone(), from, until));
        }
        Ok(principal)
    }

    /// Whom a token names that a key of ours made for this city, and from when until when.
    fn open(&self, token: &str) -> Result<(Principal, i64, i64), BadToken> {
        let refused = || BadToken::Refused;
        let (body, signature) = token.rsplit_once('.').ok_or_else(refused)?;
        let (version, payload) = body.split_once('.').ok_or_else(refused)?;
        if version != VERSION {
            return Err(BadToken::Refused);
        }
        let payload = BASE64.decode(payload).map_err(|_| BadToken::Refused)?;
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| BadToken::Refused)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(id, _)| *id == payload.key)
            .ok_or_else(refused)?;
        let signature = BASE64.decode(signature).map_err(|_| BadToken::Refused)?;
        let signature = Signature::from_slice(&signature).map_err(|_| BadToken::Refused)?;
        key.inner()
            .verify_strict(&signed(body.as_bytes()), &signature)
            .map_err(|_| BadToken::Refused)?;
        // From here on it is what somebody with the key wrote.
        if payload.city != self.city {
            return Err(BadToken::Refused);
        }
        let principal = payload.who.principal().map_err(|_| BadToken::Refused)?;
        Ok((principal, payload.from, payload.until))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.keys.iter().map(|(id, _)| id.as_str());
        formatter.debug_list().entries(ids).finish()
    }
}

/// Whether `now` lies in the time of a token, which is a minute at most.
fn is_timely(from: i64, until: i64, now: i64) -> Result<(), BadToken> {
    let life = until.saturating_sub(from);
    let is_now = from.saturating_sub(TOKEN_AHEAD_MS) <= now && now < until;
    (is_now && (0..=TOKEN_LIFE_MS).contains(&life))
        .then_some(())
        .ok_or(BadToken::Untimely)
}

#[cfg(test)]
mod tests;
