//! Names of codes, one table replaced whole by each newer load.

use std::collections::BTreeSet;

use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::{registry_load, registry_name};
use super::upsert;
use crate::domain::listing::Ticket;
use crate::domain::names::{Entry, Names};

/// The version of a table's last load, 0 if there was none.
pub async fn version(txn: &Txn, table: &str) -> Result<i64, CoreError> {
    let row = registry_load::Entity::find_by_id(table.to_owned())
        .one(&**txn)
        .await?;
    Ok(row.map(|row| row.version).unwrap_or_default())
}

/// Replaces a table's names by those of a load. A code that stands there twice keeps its last name.
pub async fn replace(
    txn: &Txn,
    table: &str,
    version: i64,
    rows: Vec<(String, Entry)>,
) -> Result<(), CoreError> {
    registry_name::Entity::delete_many()
        .filter(registry_name::Column::TableName.eq(table))
        .exec(&**txn)
        .await?;
    let by_code: std::collections::BTreeMap<_, _> = rows.into_iter().collect();
    let rows: Vec<_> = by_code
        .into_iter()
        .map(|(code, entry)| registry_name::ActiveModel {
            table_name: Set(table.to_owned()),
            code: Set(code),
            name: Set(entry.name),
            parent_code: Set(entry.parent_code),
            group_name: Set(entry.group),
        })
        .collect();
    bulk::insert(txn, rows).await?;
    upsert(
        txn,
        registry_load::ActiveModel {
            table_name: Set(table.to_owned()),
            version: Set(version),
        },
    )
    .await
}

/// The names of the units and categories of some tickets.
pub async fn names_of(db: &impl ConnectionTrait, tickets: &[Ticket]) -> Result<Names, CoreError> {
    let mut names = Names::default();
    let units: BTreeSet<&str> = tickets
        .iter()
        .map(|ticket| ticket.lead_unit_code.as_str())
        .collect();
    let categories: BTreeSet<&str> = tickets
        .iter()
        .map(|ticket| ticket.category_code.as_str())
        .collect();
    for (table, codes) in [("units", units), ("categories", categories)] {
        let rows = registry_name::Entity::find()
            .filter(registry_name::Column::TableName.eq(table))
            .filter(registry_name::Column::Code.is_in(codes))
            .all(db)
            .await?;
        for row in rows {
            let found = entry(row.name, row.parent_code, row.group_name);
            names.add(&row.table_name, &row.code, found);
        }
    }
    Ok(names)
}

fn entry(name: String, parent_code: String, group: String) -> Entry {
    Entry {
        name,
        parent_code,
        group,
    }
}

/// All names.
pub async fn load(db: &impl ConnectionTrait) -> Result<Names, CoreError> {
    let mut names = Names::default();
    for row in registry_name::Entity::find().all(db).await? {
        names.add(
            &row.table_name,
            &row.code,
            entry(row.name, row.parent_code, row.group_name),
        );
    }
    Ok(names)
}
