//! What can be configured of intake.

use hotline_platform::group_commit::BATCH_MAX;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::app::Care;
use crate::domain::guess::GuessLimits;
use crate::domain::reveal::RevealLimits;

/// The `[intake]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where intake keeps its data: `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// How many registrations share a transaction at most, 1 to 256; 1 gives each its own.
    #[serde(deserialize_with = "batch")]
    pub batch_max: usize,
    /// Contacts that a person may look at in an hour, at most.
    pub reveals_per_hour_max: u32,
    /// Contacts in an hour, beyond which it is unusual and warned of.
    pub reveals_per_hour_unusual: u32,
    /// Whether a citizen who asks how far it is reads who looked at his contact.
    pub tell_citizens_who_looked: bool,
    /// Wrong query codes of one number in a day, from everybody.
    pub wrong_codes_per_number_max: u32,
    /// Wrong query codes of one number in a day beyond that, one from each address.
    pub wrong_codes_reserve: u32,
    /// Wrong query codes from one address in an hour.
    pub wrong_codes_per_address_max: u32,
    /// Wrong query codes from one network (/24, /48) in an hour.
    pub wrong_codes_per_network_max: u32,
    /// Wrong query codes in a minute, from everybody, beyond which the figures of addresses and networks get smaller.
    pub wrong_codes_per_minute_max: u32,
    /// Wrong query codes in a minute beyond which an alarm is raised.
    pub wrong_codes_per_minute_alarm: u32,
}

impl Config {
    /// What is taken care of where contacts and query codes are asked for.
    pub(crate) fn care(&self) -> Care {
        Care {
            reveals: RevealLimits {
                per_hour: self.reveals_per_hour_max,
                unusual_per_hour: self.reveals_per_hour_unusual,
            },
            guesses: GuessLimits {
                per_number: self.wrong_codes_per_number_max,
                reserve: self.wrong_codes_reserve,
                per_address: self.wrong_codes_per_address_max,
                per_network: self.wrong_codes_per_network_max,
                all: self.wrong_codes_per_minute_max,
            },
            guess_alarm: self.wrong_codes_per_minute_alarm,
            tells_who_looked: self.tell_citizens_who_looked,
        }
    }
}

fn batch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let batch = usize::deserialize(deserializer)?;
    if !(1..=BATCH_MAX).contains(&batch) {
        let told = format!("`batch_max`: expected 1 to {BATCH_MAX}, found {batch}");
        return Err(D::Error::custom(told));
    }
    Ok(batch)
}

impl Default for Config {
    fn default() -> Self {
        let care = Care::default();
        Self {
            database_url: "sqlite://data/intake.db".to_owned(),
            batch_max: BATCH_MAX,
            reveals_per_hour_max: care.reveals.per_hour,
            reveals_per_hour_unusual: care.reveals.unusual_per_hour,
            tell_citizens_who_looked: care.tells_who_looked,
            wrong_codes_per_number_max: care.guesses.per_number,
            wrong_codes_reserve: care.guesses.reserve,
            wrong_codes_per_address_max: care.guesses.per_address,
            wrong_codes_per_network_max: care.guesses.per_network,
            wrong_codes_per_minute_max: care.guesses.all,
            wrong_codes_per_minute_alarm: care.guess_alarm,
        }
    }
}
