//! Channels, lines, and how often each table was loaded.

use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::bulk;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entity::{channel, line, registry_load};
use super::{IN_LIST_MAX, StoreError, term};
use crate::domain::registry::{Channel, Line};
use crate::domain::terms::Term;

/// Which of `codes` are channels.
pub async fn known_channels(
    db: &impl ConnectionTrait,
    codes: &[String],
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for codes in codes.chunks(IN_LIST_MAX) {
        let known: Vec<String> = channel::Entity::find()
            .select_only()
            .column(channel::Column::Code)
            .filter(channel::Column::Code.is_in(bulk::keys(codes)))
            .into_tuple()
            .all(db)
            .await?;
        found.extend(known);
    }
    Ok(found)
}

/// The lines among `numbers`.
pub async fn lines_of(
    db: &impl ConnectionTrait,
    numbers: &[String],
) -> Result<Vec<Line>, StoreError> {
    let mut found = Vec::new();
    for numbers in numbers.chunks(IN_LIST_MAX) {
        for row in line::Entity::find()
            .filter(line::Column::Number.is_in(bulk::keys(numbers)))
            .all(db)
            .await?
        {
            found.push(line_of(row)?);
        }
    }
    Ok(found)
}

/// A page of channels, by code.
pub async fn channels(
    db: &impl ConnectionTrait,
    after: Option<&str>,
    size: u64,
) -> Result<Vec<Channel>, StoreError> {
    let mut query = channel::Entity::find();
    if let Some(code) = after {
        query = query.filter(channel::Column::Code.gt(code));
    }
    let rows = query
        .order_by_asc(channel::Column::Code)
        .limit(size)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(channel_of).collect())
}

/// A page of lines, by number.
pub async fn lines(
    db: &impl ConnectionTrait,
    after: Option<&str>,
    size: u64,
) -> Result<Vec<Line>, StoreError> {
    let mut query = line::Entity::find();
    if let Some(number) = after {
        query = query.filter(line::Column::Number.gt(number));
    }
    let rows = query
        .order_by_asc(line::Column::Number)
        .limit(size)
        .all(db)
        .await?;
    rows.into_iter().map(line_of).collect()
}

/// Replaces all channels.
pub async fn replace_channels(txn: &Txn, rows: &[Channel]) -> Result<(), StoreError> {
    channel::Entity::delete_many().exec(&**txn).await?;
    let models = rows.iter().map(|row| channel::ActiveModel {
        code: Set(row.code.clone()),
        name: Set(row.name.clone()),
        kind: Set(row.kind.clone()),
        owner_unit_code: Set(row.owner_unit_code.clone()),
        is_answered_publicly: Set(row.is_answered_publicly),
    });
    bulk::insert(txn, models.collect()).await?;
    Ok(())
}

/// Replaces all lines.
pub async fn replace_lines(txn: &Txn, rows: &[Line]) -> Result<(), StoreError> {
    line::Entity::delete_many().exec(&**txn).await?;
    let models = rows.iter().map(|row| line::ActiveModel {
        number: Set(row.number.clone()),
        name: Set(row.name.clone()),
        unit_name: Set(row.unit_name.clone()),
        merge_mode: Set(row.merge_mode.word().to_owned()),
        is_exempt: Set(row.is_exempt),
    });
    bulk::insert(txn, models.collect()).await?;
    Ok(())
}

/// Counts a load of table `name` and tells its number, from 1.
pub async fn count_load(txn: &Txn, name: &str, now: Timestamp) -> Result<i64, StoreError> {
    let before = registry_load::Entity::find_by_id(name.to_owned())
        .one(&**txn)
        .await?;
    let version = before.map_or(0, |row| row.version) + 1;
    let model = registry_load::ActiveModel {
        name: Set(name.to_owned()),
        version: Set(version),
        loaded_at: Set(micros(now)),
    };
    let newer = OnConflict::column(registry_load::Column::Name)
        .update_columns([
            registry_load::Column::Version,
            registry_load::Column::LoadedAt,
        ])
        .to_owned();
    registry_load::Entity::insert(model)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(version)
}

fn channel_of(row: channel::Model) -> Channel {
    Channel {
        code: row.code,
        name: row.name,
        kind: row.kind,
        owner_unit_code: row.owner_unit_code,
        is_answered_publicly: row.is_answered_publicly,
    }
}

fn line_of(row: line::Model) -> Result<Line, StoreError> {
    Ok(Line {
        number: row.number,
        name: row.name,
        unit_name: row.unit_name,
        merge_mode: term("merge_mode", &row.merge_mode)?,
        is_exempt: row.is_exempt,
    })
}
