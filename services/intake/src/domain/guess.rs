//! How often somebody may be wrong about a number and its query code (decision 0024).
//!
//! A try is counted before it is answered. A number takes a few wrong tries a day from everybody together, then one
//! try each from a few addresses that were not wrong about it: so the citizen who types it rightly gets in while
//! somebody guesses from elsewhere. An address that was right about a number before has tries of its own. When
//! the whole city is guessed at, figures get smaller and nobody is refused who was not wrong himself: an attacker with
//! many addresses must not be able to shut out who asks for the first time.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;

/// How many wrong tries are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessLimits {
    /// About one number, in a day: from everybody, and from each address that was right before.
    pub per_number: u32,
    /// About one number, in a day, beyond that: one each from addresses that were not wrong about it.
    pub reserve: u32,
    /// From one address, in an hour.
    pub per_address: u32,
    /// From one network, in an hour.
    pub per_network: u32,
    /// From everybody about everything, in a minute; beyond that an address has one wrong try an hour, and a network
    /// a quarter of its own.
    pub all: u32,
}

/// What of a network's tries is left while the whole city is guessed at.
const BRAKED_NETWORK: u32 = 4;
/// What an address has then.
const BRAKED_ADDRESS: u32 = 1;

/// What is counted, each in a window of its own that begins with the first wrong try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Wrong tries about a number, by addresses that were not right about it before.
    Number,
    /// Wrong tries of an address.
    Address,
    /// Wrong tries of the network that the address is in.
    Network,
    /// Wrong tries of an address about a number.
    Pair,
    /// All of them.
    All,
}

impl Counted {
    /// Every counter that a try of a stranger touches.
    pub const ALL: [Self; 5] = [
        Self::Number,
        Self::Address,
        Self::Network,
        Self::Pair,
        Self::All,
    ];

    /// How long it counts.
    #[must_use]
    pub fn window(self) -> TimeDelta {
        match self {
            Self::Number | Self::Pair => TimeDelta::days(1),
            Self::Address | Self::Network => TimeDelta::hours(1),
            Self::All => TimeDelta::minutes(1),
        }
    }
}

/// What a try is counted by: keyed hashes, so that neither numbers nor addresses are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuessKeys {
    /// Of the number.
    pub number: String,
    /// Of the address.
    pub address: String,
    /// Of the network that it is in.
    pub network: String,
    /// Of number and address.
    pub pair: String,
}

impl GuessKeys {
    /// The key of one counter.
    #[must_use]
    pub fn of(&self, counted: Counted) -> &str {
        match counted {
            Counted::Number => &self.number,
            Counted::Address => &self.address,
            Counted::Network => &self.network,
            Counted::Pair => &self.pair,
            Counted::All => "all",
        }
    }
}

/// A counter: how many since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// When its window began; `None` if nothing was counted.
    pub since: Option<Timestamp>,
    /// Wrong tries since then.
    pub wrong: u32,
}

impl Counter {
    /// What still counts at `now`.
    #[must_use]
    pub fn at(self, counted: Counted, now: Timestamp) -> u32 {
        match self.since {
            Some(since) if now < since + counted.window() => self.wrong,
            _ => 0,
        }
    }

    /// After one more wrong try.
    #[must_use]
    pub fn and_one_more(self, counted: Counted, now: Timestamp) -> Self {
        match self.at(counted, now) {
            0 => Self {
                since: Some(now),
                wrong: 1,
            },
            wrong => Self {
                wrong: wrong.saturating_add(1),
                ..self
            },
        }
    }
}

/// The wrong tries that count against one try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// About its number.
    pub number: u32,
    /// From its address.
    pub address: u32,
    /// From its network.
    pub network: u32,
    /// From its address about its number.
    pub pair: u32,
    /// Of all.
    pub all: u32,
    /// Its address was right about its number before.
    pub is_known: bool,
}

impl Guesses {
    /// Whether the try is looked at; if not, it is answered like a wrong one.
    #[must_use]
    pub fn allow_one_more(&self, limits: &GuessLimits) -> bool {
        if self.is_known {
            return self.pair < limits.per_number;
        }
        let is_first_of_address = self.pair == 0;
        let with_reserve = limits.per_number.saturating_add(limits.reserve);
        let (per_address, per_network) = if self.all < limits.all {
            (limits.per_address, limits.per_network)
        } else {
            (
                limits.per_address.min(BRAKED_ADDRESS),
                limits.per_network / BRAKED_NETWORK,
            )
        };
        self.address < per_address
            && self.network < per_network
            && (self.number < limits.per_number
                || is_first_of_address && self.number < with_reserve)
    }

    /// What a wrong try counts against.
    #[must_use]
    pub fn counted(&self) -> &'static [Counted] {
        if self.is_known {
            return &[Counted::Pair];
        }
        &Counted::ALL
    }
}

/// Notices when there are more wrong tries in a minute than people make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    minute: i64,
    wrong: u32,
}

impl Burst {
    /// One more wrong try at `now`; true for the one of this minute that goes beyond `limit`.
    pub fn note(&mut self, now: Timestamp, limit: u32) -> bool {
        let minute = now.timestamp().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, wrong: 0 };
        }
        self.wrong = self.wrong.saturating_add(1);
        self.wrong == limit.saturating_add(1)
    }
}

#[cfg(test)]
#[path = "guess_tests.rs"]
mod tests;
