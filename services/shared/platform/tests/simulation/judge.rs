//! Do the promises hold? Read from the tables alone, by rules written down again here.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::ledger::{Command, get, rows};
use crate::world::World;

/// A broken promise, in words.
pub type Verdict = Result<(), String>;

/// An event of the log.
struct Event {
    id: Uuid,
    partition: i32,
    number: Option<i64>,
    account: Uuid,
    version: i64,
}

/// An event that the mirror applied.
struct Heard {
    id: Uuid,
    partition: i32,
    number: i64,
    account: Uuid,
    version: i64,
    is_foreign: bool,
}

/// Everything at one moment.
pub struct Look {
    events: Vec<Event>,
    heard: Vec<Heard>,
    parked: BTreeSet<Uuid>,
    skipped: BTreeSet<Uuid>,
    ends: Ends,
    accounts: BTreeMap<Uuid, i64>,
    /// (account, armed version, state, due at).
    timers: Vec<(Uuid, i64, String, i64)>,
    /// (account, armed version, at).
    effects: Vec<(Uuid, i64, i64)>,
}

/// How far everything has come.
#[derive(Debug)]
pub struct Ends {
    /// Where the log ends, by partition: epoch and number.
    heads: BTreeMap<i32, (i32, i64)>,
    /// Where the mirror stands.
    positions: BTreeMap<i32, (i32, i64)>,
    unnumbered: i64,
    parked: i64,
    armed: i64,
}

impl Ends {
    pub async fn at(world: &World) -> Self {
        let (ledger, mirror) = (world.ledger.read(), world.mirror.read());
        let heads = "SELECT partition, epoch, next_seq - 1 AS pos FROM outbox_head";
        let positions = "SELECT partition, epoch, pos FROM consumer_offset";
        Self {
            heads: places(ledger, heads).await,
            positions: places(mirror, positions).await,
            unnumbered: count(ledger, "outbox WHERE pub_seq IS NULL").await,
            parked: count(mirror, "parked WHERE state = 'parked'").await,
            armed: count(ledger, "timer WHERE state NOT IN ('fired', 'void')").await,
        }
    }

    /// Whether everything is numbered and the mirror stands at the end of every partition.
    pub fn is_at_end(&self) -> bool {
        self.unnumbered == 0 && self.heads == self.positions
    }

    /// Whether nothing is left to come.
    pub fn is_over(&self) -> bool {
        self.is_at_end() && self.parked == 0 && self.armed == 0
    }
}

fn holds(is_kept: bool, broken: impl FnOnce() -> String) -> Verdict {
    if is_kept { Ok(()) } else { Err(broken()) }
}

impl Look {
    pub async fn at(world: &World) -> Self {
        let ledger = world.ledger.read();
        let mirror = world.mirror.read();
        let parked = rows(mirror, "SELECT event_id, state FROM parked").await;
        let of_state = |state: &str| {
            let fitting = parked
                .iter()
                .filter(|row| get::<String>(row, "state") == state);
            fitting.map(|row| get(row, "event_id")).collect()
        };
        Self {
            events: events(ledger).await,
            heard: heard(mirror).await,
            parked: of_state("parked"),
            skipped: of_state("skipped"),
            ends: Ends::at(world).await,
            accounts: rows(ledger, "SELECT id, version FROM account")
                .await
                .iter()
                .map(|row| (get(row, "id"), get(row, "version")))
                .collect(),
            timers: rows(
                ledger,
                "SELECT aggregate_id, armed_version, state, due_at FROM timer",
            )
            .await
            .iter()
            .map(|row| {
                (
                    get(row, "aggregate_id"),
                    get(row, "armed_version"),
                    get(row, "state"),
                    get(row, "due_at"),
                )
            })
            .collect(),
            effects: rows(ledger, "SELECT account, armed_version, at FROM effect")
                .await
                .iter()
                .map(|row| {
                    (
                        get(row, "account"),
                        get(row, "armed_version"),
                        get(row, "at"),
                    )
                })
                .collect(),
        }
    }

    /// What holds at any moment.
    pub fn judge(&self) -> Verdict {
        self.versions_are_a_chain()?;
        self.numbers_are_dense()?;
        self.a_prefix_was_heard_once()?;
        self.streams_are_in_order()?;
        self.timers_fire_once_and_not_early()
    }

    /// I3: an aggregate's versions are 1, 2, 3, each with one event.
    fn versions_are_a_chain(&self) -> Verdict {
        let mut versions: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
        for event in &self.events {
            versions
                .entry(event.account)
                .or_default()
                .push(event.version);
        }
        for (account, version) in &self.accounts {
            let mut found = versions.remove(account).unwrap_or_default();
            found.sort_unstable();
            holds(found == (1..=*version).collect::<Vec<_>>(), || {
                format!("I3: {account} has version {version} and events {found:?}")
            })?;
        }
        holds(versions.is_empty(), || {
            format!("I3: events without an account: {versions:?}")
        })
    }

    /// I4: numbers have no gap, and a stream's are in the order of its versions.
    fn numbers_are_dense(&self) -> Verdict {
        let mut numbers: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        let mut streams: BTreeMap<Uuid, Vec<(i64, i64)>> = BTreeMap::new();
        for event in &self.events {
            let Some(number) = event.number else { continue };
            numbers.entry(event.partition).or_default().push(number);
            streams
                .entry(event.account)
                .or_default()
                .push((event.version, number));
        }
        for (partition, (_, last)) in &self.ends.heads {
            let mut found = numbers.remove(partition).unwrap_or_default();
            found.sort_unstable();
            holds(found == (1..=*last).collect::<Vec<_>>(), || {
                format!("I4: partition {partition} ends at {last} and has {found:?}")
            })?;
        }
        for (account, mut found) in streams {
            found.sort_unstable();
            holds(found.is_sorted_by_key(|(_, number)| *number), || {
                format!("I6: versions and numbers of {account}: {found:?}")
            })?;
        }
        Ok(())
    }

    /// I5: up to its position everything was heard once or is set aside, and nothing beyond. Nobody
    /// applied what somebody else held.
    fn a_prefix_was_heard_once(&self) -> Verdict {
        let mut times: BTreeMap<Uuid, u32> = BTreeMap::new();
        for heard in &self.heard {
            *times.entry(heard.id).or_default() += 1;
            holds(!heard.is_foreign, || {
                let Heard {
                    partition, number, ..
                } = heard;
                format!("I5: {partition}:{number} was applied by one who had lost the partition")
            })?;
        }
        for event in &self.events {
            let (partition, number) = (event.partition, event.number.unwrap_or(i64::MAX));
            let position = self.ends.positions.get(&partition);
            let is_passed = position.is_some_and(|(_, pos)| number <= *pos);
            let times = times.remove(&event.id).unwrap_or_default();
            let is_parked = self.parked.contains(&event.id);
            let is_skipped = self.skipped.contains(&event.id);
            let is_right = match (is_passed, is_skipped) {
                (true, true) => times == 0,
                (true, false) => times + u32::from(is_parked) == 1,
                (false, _) => times == 0 && !is_parked,
            };
            holds(is_right, || {
                format!(
                    "I5: {partition}:{number} (passed: {is_passed}) was heard {times} times; parked {is_parked}, skipped {is_skipped}"
                )
            })?;
        }
        holds(times.is_empty(), || {
            format!("I5: heard, and in no log: {times:?}")
        })
    }

    /// I6: a stream's events are heard in order, and none behind one that is parked.
    fn streams_are_in_order(&self) -> Verdict {
        let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
        for heard in &self.heard {
            let before = last
                .insert(heard.account, heard.version)
                .unwrap_or_default();
            holds(before < heard.version, || {
                format!(
                    "I6: {} was heard in version {} after {before}",
                    heard.account, heard.version
                )
            })?;
        }
        for event in self
            .events
            .iter()
            .filter(|event| self.parked.contains(&event.id))
        {
            let heard = last.get(&event.account).copied().unwrap_or_default();
            holds(heard < event.version, || {
                format!(
                    "I6: {} was heard in version {heard} although {} is parked",
                    event.account, event.version
                )
            })?;
        }
        Ok(())
    }

    /// I7: a timer has one effect if it fired and none if not, and that not before it was due.
    fn timers_fire_once_and_not_early(&self) -> Verdict {
        let mut effects: BTreeMap<(Uuid, i64), Vec<i64>> = BTreeMap::new();
        for (account, version, at) in &self.effects {
            effects.entry((*account, *version)).or_default().push(*at);
        }
        for (account, version, state, due_at) in &self.timers {
            let found = effects.remove(&(*account, *version)).unwrap_or_default();
            let is_right = match state.as_str() {
                "fired" => matches!(found[..], [at] if at >= *due_at),
                _ => found.is_empty(),
            };
            holds(is_right, || {
                format!(
                    "I7: a timer of {account} is {state}, due at {due_at}, and took effect at {found:?}"
                )
            })?;
        }
        holds(effects.is_empty(), || {
            format!("I7: effects of no timer: {effects:?}")
        })
    }

    /// All of it as text: part of the trace.
    pub fn told(&self) -> String {
        let heard: Vec<String> = self
            .heard
            .iter()
            .map(|heard| {
                format!(
                    "{}:{} {} {}",
                    heard.partition, heard.number, heard.account, heard.version
                )
            })
            .collect();
        format!(
            "{} events, heard [{}], {} timers",
            self.events.len(),
            heard.join(", "),
            self.timers.len()
        )
    }
}

/// Every client was answered once, and got what it asked for once.
pub async fn commands_are_done_once(world: &World, answered: &[(Command, i64)]) -> Verdict {
    let text = "SELECT key, version FROM done";
    let done: Vec<(String, i64)> = rows(world.ledger.read(), text)
        .await
        .iter()
        .map(|row| (get(row, "key"), get(row, "version")))
        .collect();
    let once: BTreeMap<&str, i64> = done
        .iter()
        .map(|(key, version)| (key.as_str(), *version))
        .collect();
    holds(once.len() == done.len(), || {
        format!(
            "{} commands were carried out twice",
            done.len() - once.len()
        )
    })?;
    for (command, version) in answered {
        holds(once.get(command.key.as_str()) == Some(version), || {
            format!("{} was answered {version} and is not done", command.key)
        })?;
    }
    Ok(())
}

async fn events<C: ConnectionTrait>(ledger: &C) -> Vec<Event> {
    let text =
        "SELECT event_id, partition, pub_seq, aggregate_id, version FROM outbox ORDER BY seq";
    let event = |row: &_| Event {
        id: get(row, "event_id"),
        partition: get(row, "partition"),
        number: get(row, "pub_seq"),
        account: get(row, "aggregate_id"),
        version: get(row, "version"),
    };
    rows(ledger, text).await.iter().map(event).collect()
}

async fn heard<C: ConnectionTrait>(mirror: &C) -> Vec<Heard> {
    let text = "SELECT event, partition, pub_seq, account, version, \
                applied_by IS NOT NULL AND applied_by IS NOT owner AS is_foreign FROM heard ORDER BY seq";
    let heard = |row: &_| Heard {
        id: get(row, "event"),
        partition: get(row, "partition"),
        number: get(row, "pub_seq"),
        account: get(row, "account"),
        version: get(row, "version"),
        is_foreign: get::<i32>(row, "is_foreign") != 0,
    };
    rows(mirror, text).await.iter().map(heard).collect()
}

async fn places<C: ConnectionTrait>(connection: &C, text: &str) -> BTreeMap<i32, (i32, i64)> {
    let place = |row: &_| (get(row, "partition"), (get(row, "epoch"), get(row, "pos")));
    rows(connection, text).await.iter().map(place).collect()
}

async fn count<C: ConnectionTrait>(connection: &C, of: &str) -> i64 {
    let counted = rows(connection, &format!("SELECT COUNT(*) AS count FROM {of}")).await;
    counted.iter().map(|row| get::<i64>(row, "count")).sum()
}
