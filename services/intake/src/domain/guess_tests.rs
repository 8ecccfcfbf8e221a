use std::collections::HashMap;

use chrono::DateTime;

use super::*;
use crate::domain::identity::query_code;

const LIMITS: GuessLimits = GuessLimits {
    per_number: 5,
    reserve: 20,
    per_address: 20,
    per_network: 200,
    all: 300,
};

/// So many addresses in a row are one network.
const NETWORK: u64 = 250;

fn start() -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// The limiter with its counters in memory.
#[derive(Default)]
struct Door {
    counters: HashMap<(Counted, u64), Counter>,
    known: Vec<(u64, u64)>,
    evaluated: u64,
}

impl Door {
    fn key(counted: Counted, number: u64, address: u64) -> (Counted, u64) {
        let key = match counted {
            Counted::Number => number,
            Counted::Address => address,
            Counted::Network => address / NETWORK,
            Counted::Pair => number << 24 | address,
            Counted::All => 0,
        };
        (counted, key)
    }

    /// A try; whether it was looked at and right.
    fn tries(
        &mut self,
        number: u64,
        address: u64,
        now: Timestamp,
        is_right: impl Fn() -> bool,
    ) -> bool {
        let at = |counted| {
            let found = self.counters.get(&Self::key(counted, number, address));
            found.copied().unwrap_or_default().at(counted, now)
        };
        let found = Guesses {
            number: at(Counted::Number),
            address: at(Counted::Address),
            network: at(Counted::Network),
            pair: at(Counted::Pair),
            all: at(Counted::All),
            is_known: self.known.contains(&(number, address)),
        };
        if !found.allow_one_more(&LIMITS) {
            return false;
        }
        self.evaluated += 1;
        if is_right() {
            self.known.push((number, address));
            return true;
        }
        for counted in found.counted() {
            let key = Self::key(*counted, number, address);
            let counter = self.counters.entry(key).or_default();
            *counter = counter.and_one_more(*counted, now);
        }
        false
    }
}

/// A plain generator: the same tries at every run.
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn a_million_guesses_in_an_hour_hit_nothing_and_few_are_looked_at() {
    const TRIES: u64 = 1_000_000;
    const ADDRESSES: u64 = 1_000;
    let (mut door, mut state, mut hits) = (Door::default(), 37, 0);
    for number in 0..TRIES {
        let now =
            start() + TimeDelta::milliseconds(i64::try_from(number * 3_599_999 / TRIES).unwrap());
        // One in a hundred numbers exists: a city of ten thousand receipts, guessed at well.
        let (ticket, address) = (next(&mut state) % 1_000_000, next(&mut state) % ADDRESSES);
        let guessed = next(&mut state);
        let is_right = || {
            let code = query_code(&[7; 32], &ticket.to_string());
            ticket < 10_000 && code == format!("{:08}", guessed % 100_000_000)
        };
        hits += u64::from(door.tries(ticket, address, now, is_right));
    }
    assert_eq!(hits, 0);
    let most = u64::from(LIMITS.per_network) * ADDRESSES.div_ceil(NETWORK);
    assert!(door.evaluated <= most, "{} of {most}", door.evaluated);
    assert!(
        door.evaluated > most / 2,
        "it was asked: {}",
        door.evaluated
    );
}

#[test]
fn one_number_is_guessed_at_a_few_times_a_day_whatever_the_addresses() {
    let mut door = Door::default();
    for number in 0..10_000 {
        let now = start() + TimeDelta::seconds(number * 8);
        door.tries(1, u64::try_from(number).unwrap(), now, || false);
    }
    let most = u64::from(LIMITS.per_number + LIMITS.reserve);
    assert_eq!(door.evaluated, most, "each from an address of its own");

    let mut door = Door::default();
    for number in 0..10_000 {
        let now = start() + TimeDelta::seconds(number * 8);
        door.tries(1, u64::try_from(number % 3).unwrap(), now, || false);
    }
    let few = u64::from(LIMITS.per_number);
    assert_eq!(
        door.evaluated, few,
        "from three addresses, which were wrong before"
    );
}

#[test]
fn whoever_was_right_before_is_not_locked_out_by_who_guesses_from_elsewhere() {
    let (mut door, now) = (Door::default(), start());
    assert!(door.tries(1, 1, now, || true));
    for address in 100..200 {
        door.tries(1, address, now, || false);
    }
    assert!(door.tries(1, 1, now, || true), "his address is known");
    assert!(
        !door.tries(1, 300, now, || true),
        "a stranger's right code comes too late"
    );
    assert!(
        door.tries(1, 300, now + TimeDelta::days(1), || true),
        "until tomorrow"
    );

    // Even what is known has an end of its own.
    for _ in 0..LIMITS.per_number {
        door.tries(1, 1, now, || false);
    }
    assert!(!door.tries(1, 1, now, || true));
}

#[test]
fn a_flood_from_everywhere_does_not_shut_out_who_asks_for_the_first_time() {
    let (mut door, now) = (Door::default(), start());
    // 400 networks with 40 addresses each guess ten times at numbers of their own, all in one minute.
    for address in (0..400).flat_map(|network| (0..40).map(move |host| network * NETWORK + host)) {
        for number in 0..10 {
            door.tries(10_000 + address * 10 + number, address, now, || false);
        }
    }
    let braked = 400 * u64::from(LIMITS.per_network / BRAKED_NETWORK) + u64::from(LIMITS.all);
    assert!(door.evaluated > u64::from(LIMITS.all), "the brake is on");
    assert!(door.evaluated <= braked, "{}", door.evaluated);
    for citizen in 0..1_000 {
        let home = (1_000 + citizen) * NETWORK;
        assert!(
            door.tries(citizen, home, now, || true),
            "from a network of his own"
        );
    }
    let neighbour = 399 * NETWORK + 200;
    assert!(
        door.tries(7, neighbour, now, || true),
        "and beside an attacker"
    );

    // Who mistypes while the brake is on waits until it is off.
    let clumsy = 5_000 * NETWORK;
    assert!(!door.tries(1, clumsy, now, || false));
    assert!(!door.tries(1, clumsy, now, || true));
    let later = now + TimeDelta::minutes(1);
    assert!(door.tries(1, clumsy, later, || true));
}

#[test]
fn a_network_full_of_addresses_has_its_own_end() {
    let (mut door, now) = (Door::default(), start());
    for minute in 0..50 {
        for address in 0..NETWORK {
            let at = now + TimeDelta::minutes(minute);
            let number = 1_000 + u64::try_from(minute).unwrap() * NETWORK + address;
            door.tries(number, address, at, || false);
        }
    }
    assert_eq!(door.evaluated, u64::from(LIMITS.per_network));
    assert!(door.tries(1, NETWORK, now, || true), "the next network");
}

#[test]
fn a_citizen_who_types_it_rightly_gets_in_beside_a_few_guessers() {
    let (mut door, now) = (Door::default(), start());
    for number in 0..100 {
        door.tries(1, number % 10, now, || false);
    }
    assert!(
        door.tries(1, 999, now, || true),
        "the reserve is for who was not wrong yet"
    );
}

#[test]
fn a_burst_is_told_once_a_minute() {
    let mut burst = Burst::default();
    let told = |burst: &mut Burst, now| (0..500).filter(|_| burst.note(now, 100)).count();
    assert_eq!(told(&mut burst, start()), 1);
    assert_eq!(told(&mut burst, start()), 0);
    assert_eq!(told(&mut burst, start() + TimeDelta::minutes(1)), 1);
}
