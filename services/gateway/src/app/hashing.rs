//! Hashing passwords: Argon2id with a pepper, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::domain::password::Password;
use crate::error::GatewayError;

/// Passwords that are hashed at once: each takes 64 MiB, so a storm of sign-ins must not take the machine.
const AT_ONCE: usize = 2;
/// How long somebody waits for his turn.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A salt for names that no account has; nothing is compared with what comes out.
const NOBODYS_SALT: [u8; 16] = [0; 16];

/// Hashes passwords.
#[derive(Clone)]
pub(crate) struct Hasher {
    places: Arc<Semaphore>,
    wait_max: Duration,
    pepper: Arc<Zeroizing<[u8; 32]>>,
    params: Params,
}

/// A turn to hash. It is given back when the hashing ends, not when the caller goes away.
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
}

/// What a password is to a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// Another one.
    Wrong,
    /// The same.
    Right,
    /// The same, but hashed as it was done before the configuration changed.
    RightButOutdated,
}

impl Hasher {
    /// One that takes so much memory and so many passes.
    pub(crate) fn new(
        pepper: [u8; 32],
        memory_kib: u32,
        passes: u32,
    ) -> Result<Self, GatewayError> {
        let params = Params::new(memory_kib, passes, 1, None)
            .map_err(|_| GatewayError::Failed("the parameters of Argon2 are out of range"))?;
        Ok(Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            wait_max: WAIT_MAX,
            pepper: Arc::new(Zeroizing::new(pepper)),
            params,
        })
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<Turn, GatewayError> {
        let place = timeout(self.wait_max, Arc::clone(&self.places).acquire_owned()).await;
        match place {
            Ok(Ok(place)) => Ok(Turn { _place: place }),
            _ => Err(GatewayError::Busy),
        }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(
        &self,
        turn: Turn,
        password: Password,
        salt: [u8; 16],
    ) -> Result<String, GatewayError> {
        self.work(turn, move |argon2, _| {
            let hashed = argon2.hash_password_with_salt(password.bytes(), &salt);
            hashed.map(|hash| hash.to_string()).ok()
        })
        .await?
        .ok_or(GatewayError::Failed("a password could not be hashed"))
    }

    /// Compares a password with a stored hash; where there is none, it takes as long and is wrong.
    pub(crate) async fn compare(
        &self,
        turn: Turn,
        password: Password,
        stored: Option<String>,
    ) -> Result<Match, GatewayError> {
        self.work(turn, move |argon2, params| {
            let Some(stored) = stored else {
                let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
                // Only the time it takes matters.
                let _takes_as_long = argon2
                    .hash_password_into(password.bytes(), &NOBODYS_SALT, &mut out)
                    .is_ok();
                return Match::Wrong;
            };
            let Ok(hash) = PasswordHash::new(&stored) else {
                return Match::Wrong;
            };
            if argon2.verify_password(password.bytes(), &hash).is_err() {
                return Match::Wrong;
            }
            let is_current = Params::try_from(&hash).is_ok_and(|used| {
                (used.m_cost(), used.t_cost(), used.p_cost())
                    == (params.m_cost(), params.t_cost(), params.p_cost())
            });
            if is_current {
                Match::Right
            } else {
                Match::RightButOutdated
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&Argon2<'_>, &Params) -> T + Send + 'static,
    ) -> Result<T, GatewayError> {
        let (pepper, params) = (Arc::clone(&self.pepper), self.params.clone());
        let hashing = tokio::task::spawn_blocking(move || {
            let argon2 = Argon2::new_with_secret(
                pepper.as_slice(),
                Algorithm::Argon2id,
                Version::V0x13,
                params.clone(),
            );
            let done = argon2.ok().map(|argon2| work(&argon2, &params));
            drop(turn);
            done
        });
        let done = hashing.await.ok().flatten();
        done.ok_or(GatewayError::Failed("hashing a password ended badly"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: (u32, u32) = (19 * 1024, 2);

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_opens_to_its_password_and_pepper_alone() {
        let hasher = Hasher::new([1; 32], FLOOR.0, FLOOR.1).unwrap();
        let turn = hasher.turn().await.unwrap();
        let hash = hasher
            .hash(turn, password("violet-gravel-83"), [3; 16])
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let other = Hasher::new([2; 32], FLOOR.0, FLOOR.1).unwrap();
        let dearer = Hasher::new([1; 32], FLOOR.0 + 8, FLOOR.1).unwrap();
        let cases = [
            (&hasher, "violet-gravel-83", Some(&hash), Match::Right),
            (&hasher, "violet-gravel-84", Some(&hash), Match::Wrong),
            (&hasher, "violet-gravel-83", None, Match::Wrong),
            (&other, "violet-gravel-83", Some(&hash), Match::Wrong),
            (
                &dearer,
                "violet-gravel-83",
                Some(&hash),
                Match::RightButOutdated,
            ),
        ];
        for (hasher, text, stored, expected) in cases {
            let turn = hasher.turn().await.unwrap();
            let found = hasher
                .compare(turn, password(text), stored.cloned())
                .await
                .unwrap();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_third_hash_waits_for_its_turn_and_not_for_ever() {
        let mut hasher = Hasher::new([1; 32], FLOOR.0, FLOOR.1).unwrap();
        hasher.wait_max = Duration::from_millis(20);
        let one = hasher.turn().await.unwrap();
        let two = hasher.turn().await.unwrap();
        assert!(matches!(hasher.turn().await, Err(GatewayError::Busy)));
        drop(one);
        assert!(hasher.turn().await.is_ok());
        drop(two);
    }
}
