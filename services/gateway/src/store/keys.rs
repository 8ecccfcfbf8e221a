//! API keys, and what was used of their quotas.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::key::{ActiveModel, Column, Entity, Model};
use super::{hit, instant, unexpected, words};
use crate::domain::key::{Key, Network, Verb, networks};

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

/// Adds a key with what proves it.
pub(crate) async fn insert(txn: &Txn, key: &Key, secret_mac: Vec<u8>) -> Result<(), CoreError> {
    let row = ActiveModel {
        secret_mac: Set(secret_mac),
        minute: Set(0),
        minute_used: Set(0),
        day: Set(0),
        day_used: Set(0),
        ..row(key)
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Saves a key that was loaded one version ago.
pub(crate) async fn save(txn: &Txn, key: &Key) -> Result<(), CoreError> {
    let saved = Entity::update_many()
        .set(row(key))
        .filter(Column::Id.eq(key.id.as_str()))
        .filter(Column::Version.eq(key.version - 1))
        .exec(&**txn)
        .await?;
    hit(saved.rows_affected)
}

/// The key of an id, and what proves it.
pub(crate) async fn by_id(
    db: &impl ConnectionTrait,
    id: &str,
) -> Result<Option<(Key, Vec<u8>)>, CoreError> {
    let Some(row) = Entity::find_by_id(id.to_owned()).one(db).await? else {
        return Ok(None);
    };
    let mac = row.secret_mac.clone();
    Ok(Some((Key::try_from(row)?, mac)))
}

/// The keys of an owner for a channel.
pub(crate) async fn of_owner(
    db: &impl ConnectionTrait,
    owner: &str,
    channel_code: &str,
) -> Result<Vec<Key>, CoreError> {
    let rows = Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(Column::ChannelCode.eq(channel_code))
        .order_by_asc(Column::MadeAt)
        .all(db)
        .await?;
    rows.into_iter().map(Key::try_from).collect()
}

/// One row more than the page holds, by id.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    page: &Page<String>,
) -> Result<Vec<Key>, CoreError> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(page.size + 1);
    if let Some(after) = &page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query
        .all(db)
        .await?
        .into_iter()
        .map(Key::try_from)
        .collect()
}

/// Takes at most `wanted` calls out of a key's quotas of this minute and this day; returns how many it got.
pub(crate) async fn draw(
    txn: &Txn,
    key: &Key,
    wanted: u32,
    now: Timestamp,
) -> Result<u32, CoreError> {
    // Writing its version to itself changes nothing and keeps others out until this transaction ends.
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version))
        .filter(Column::Id.eq(key.id.as_str()))
        .exec(&**txn)
        .await?;
    let Some(row) = Entity::find_by_id(key.id.clone()).one(&**txn).await? else {
        return Ok(0);
    };
    let (minute, day) = (micros(now) / MINUTE_MICROS, micros(now) / DAY_MICROS);
    let minute_used = if row.minute == minute {
        row.minute_used
    } else {
        0
    };
    let day_used = if row.day == day { row.day_used } else { 0 };
    let left = (row.per_minute - minute_used)
        .min(row.per_day - day_used)
        .max(0);
    let drawn = left.min(i32::try_from(wanted).unwrap_or(i32::MAX));
    if drawn > 0 {
        Entity::update_many()
            .col_expr(Column::Minute, Expr::value(minute))
            .col_expr(Column::MinuteUsed, Expr::value(minute_used + drawn))
            .col_expr(Column::Day, Expr::value(day))
            .col_expr(Column::DayUsed, Expr::value(day_used + drawn))
            .filter(Column::Id.eq(key.id.as_str()))
            .exec(&**txn)
            .await?;
    }
    Ok(u32::try_from(drawn).unwrap_or(0))
}

fn row(key: &Key) -> ActiveModel {
    let verbs: Vec<&str> = key.verbs.iter().map(|verb| verb.word()).collect();
    let networks: Vec<String> = key.networks.iter().map(Network::word).collect();
    ActiveModel {
        id: Set(key.id.clone()),
        version: Set(key.version),
        owner: Set(key.owner.clone()),
        channel_code: Set(key.channel_code.clone()),
        verbs: Set(verbs.join(" ")),
        networks: Set(networks.join(" ")),
        per_minute: Set(i32::try_from(key.per_minute).unwrap_or(i32::MAX)),
        per_day: Set(i32::try_from(key.per_day).unwrap_or(i32::MAX)),
        secret_mac: NotSet,
        made_at: Set(micros(key.made_at)),
        expires_at: Set(micros(key.expires_at)),
        revoked_at: Set(key.revoked_at.map(micros)),
        minute: NotSet,
        minute_used: NotSet,
        day: NotSet,
        day_used: NotSet,
    }
}

impl TryFrom<Model> for Key {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let verbs: Option<Vec<Verb>> = words(&row.verbs)
            .iter()
            .map(|word| Verb::of(word))
            .collect();
        let count = |column, stored: i32| u32::try_from(stored).map_err(|_| unexpected(column));
        let revoked_at = row.revoked_at.map(|at| instant("api_keys.revoked_at", at));
        Ok(Self {
            id: row.id,
            version: row.version,
            owner: row.owner,
            channel_code: row.channel_code,
            verbs: verbs.ok_or_else(|| unexpected("api_keys.verbs"))?,
            networks: networks(&words(&row.networks))
                .ok_or_else(|| unexpected("api_keys.networks"))?,
            per_minute: count("api_keys.per_minute", row.per_minute)?,
            per_day: count("api_keys.per_day", row.per_day)?,
            made_at: instant("api_keys.made_at", row.made_at)?,
            expires_at: instant("api_keys.expires_at", row.expires_at)?,
            revoked_at: revoked_at.transpose()?,
        })
    }
}
