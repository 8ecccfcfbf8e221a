//! Wrong tries of query codes, and who was right before. Keys are keyed hashes: no number and no address is kept.

use chrono::TimeDelta;
use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_platform::db::Txn;
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
};

use super::entity::{query_guess, query_known};
use super::{StoreError, instant};
use crate::domain::guess::{Counted, Counter, GuessKeys, Guesses};

/// How long an address stays known that was right about a number.
const KNOWN_FOR: TimeDelta = TimeDelta::days(90);
/// Rows that are forgotten at once.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// The counters of a try, as they stand now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters([Counter; Counted::ALL.len()]);

impl Counters {
    /// One of them.
    pub fn of(&self, counted: Counted) -> Counter {
        let place = Counted::ALL.iter().position(|known| *known == counted);
        place.map_or_else(Counter::default, |place| self.0[place])
    }

    /// What counts against a try at `now`.
    pub fn at(&self, now: Timestamp, is_known: bool) -> Guesses {
        let found = |counted| self.of(counted).at(counted, now);
        Guesses {
            number: found(Counted::Number),
            address: found(Counted::Address),
            network: found(Counted::Network),
            pair: found(Counted::Pair),
            all: found(Counted::All),
            is_known,
        }
    }
}

/// The counters under `keys`.
pub async fn look(db: &impl ConnectionTrait, keys: &GuessKeys) -> Result<Counters, StoreError> {
    let wanted = Counted::ALL.map(|counted| keys.of(counted));
    let rows = query_guess::Entity::find()
        .filter(query_guess::Column::Key.is_in(wanted))
        .all(db)
        .await?;
    let mut counters = Counters::default();
    for (place, key) in wanted.iter().enumerate() {
        if let Some(row) = rows.iter().find(|row| row.key == *key) {
            counters.0[place] = counter(row)?;
        }
    }
    Ok(counters)
}

/// Holds the counter under `key` until the transaction ends: whoever else wants it waits.
pub async fn hold(txn: &Txn, key: &str, now: Timestamp) -> Result<(), StoreError> {
    let row = query_guess::ActiveModel {
        key: Set(key.to_owned()),
        since: Set(micros(now)),
        wrong: Set(0),
    };
    query_guess::Entity::insert(row)
        .on_conflict(
            OnConflict::column(query_guess::Column::Key)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&**txn)
        .await?;
    query_guess::Entity::find_by_id(key)
        .lock_exclusive()
        .one(&**txn)
        .await?;
    Ok(())
}

/// Keeps a counter.
pub async fn keep(txn: &Txn, key: &str, counted: Counter) -> Result<(), StoreError> {
    let row = query_guess::ActiveModel {
        key: Set(key.to_owned()),
        since: Set(counted.since.map_or(0, micros)),
        wrong: Set(i32::try_from(counted.wrong).unwrap_or(i32::MAX)),
    };
    let newer = OnConflict::column(query_guess::Column::Key)
        .update_columns([query_guess::Column::Since, query_guess::Column::Wrong])
        .to_owned();
    query_guess::Entity::insert(row)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Whether an address was right about a number, not too long ago.
pub async fn is_known(
    db: &impl ConnectionTrait,
    key: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = query_known::Entity::find_by_id(key).one(db).await?;
    let at = found.and_then(|row| from_micros(row.at));
    Ok(at.is_some_and(|at| now < at + KNOWN_FOR))
}

/// An address was right about a number.
pub async fn know(txn: &Txn, key: &str, now: Timestamp) -> Result<(), StoreError> {
    let row = query_known::ActiveModel {
        key: Set(key.to_owned()),
        at: Set(micros(now)),
    };
    let newer = OnConflict::column(query_known::Column::Key)
        .update_column(query_known::Column::At)
        .to_owned();
    query_known::Entity::insert(row)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Forgets what counts no more; rows that somebody holds are left for the next time.
pub async fn forget(txn: &Txn, now: Timestamp) -> Result<(), StoreError> {
    let day_ago = micros(now - TimeDelta::days(1));
    let old: Vec<String> = query_guess::Entity::find()
        .select_only()
        .column(query_guess::Column::Key)
        .filter(query_guess::Column::Since.lt(day_ago))
        .limit(FORGOTTEN_AT_ONCE)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(&**txn)
        .await?;
    if !old.is_empty() {
        query_guess::Entity::delete_many()
            .filter(query_guess::Column::Key.is_in(old))
            .exec(&**txn)
            .await?;
    }
    let long_ago = micros(now - KNOWN_FOR);
    let old: Vec<String> = query_known::Entity::find()
        .select_only()
        .column(query_known::Column::Key)
        .filter(query_known::Column::At.lt(long_ago))
        .limit(FORGOTTEN_AT_ONCE)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(&**txn)
        .await?;
    if !old.is_empty() {
        query_known::Entity::delete_many()
            .filter(query_known::Column::Key.is_in(old))
            .exec(&**txn)
            .await?;
    }
    Ok(())
}

fn counter(row: &query_guess::Model) -> Result<Counter, StoreError> {
    Ok(Counter {
        since: Some(instant("since", row.since)?),
        wrong: u32::try_from(row.wrong).unwrap_or_default(),
    })
}
