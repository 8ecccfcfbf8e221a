//! Pages of a trail, for whoever may read it.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use serde::{Deserialize, Serialize};

use super::row::{COLUMNS, Row};
use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::page::{self, Page};

/// Rows that one call looks at, however few of them it is asked for.
const LOOKED_AT_MAX: u32 = 20_000;

/// Behind which row a page goes on: its instant and its insertion id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor(i64, i64);

/// In which order rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

/// What is asked for; an empty text asks for everything.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) actor: String,
    pub(super) resource: String,
    pub(super) resource_id: String,
    pub(super) action: String,
    /// Microseconds UTC.
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) order: Order,
    pub(super) page: Page<Cursor>,
}

/// The rows of a page, and the token that goes on, empty at the end.
pub(super) async fn list(core: &Core, query: &Query) -> Result<(Vec<Row>, String), CoreError> {
    let reader = core.db().read();
    let mut values: Vec<Value> = Vec::new();
    let stretch = query.stretch(&mut values);
    let text = format!(
        "SELECT * FROM (SELECT {COLUMNS} FROM audit{stretch} LIMIT {LOOKED_AT_MAX}) AS looked_at{} {} LIMIT {}",
        query.conditions(&mut values),
        query.in_order(),
        query.page.size
    );
    let found = reader.query_all_raw(sql(reader, text, values)).await?;
    let rows = found
        .iter()
        .map(Row::read)
        .collect::<Result<Vec<_>, DbErr>>()?;
    let is_full = u64::try_from(rows.len()) == Ok(query.page.size);
    let end = match rows.last() {
        Some(last) if is_full => Some(Cursor(last.at, last.seq)),
        _ => end_of_stretch(core, query).await?,
    };
    let token = end.map(|cursor| page::token(&cursor)).unwrap_or_default();
    Ok((rows, token))
}

/// The last row that was looked at, if there may be more behind it.
async fn end_of_stretch(core: &Core, query: &Query) -> Result<Option<Cursor>, CoreError> {
    let reader = core.db().read();
    let mut values = Vec::new();
    let stretch = query.stretch(&mut values);
    let text = format!(
        "SELECT at, seq FROM audit{stretch} LIMIT 1 OFFSET {}",
        LOOKED_AT_MAX - 1
    );
    let row = reader.query_one_raw(sql(reader, text, values)).await?;
    let cursor = |row: QueryResult| {
        Ok::<_, DbErr>(Cursor(row.try_get_by_index(0)?, row.try_get_by_index(1)?))
    };
    Ok(row.map(cursor).transpose()?)
}

impl Query {
    /// The rows that are looked at, in their order.
    fn stretch(&self, values: &mut Vec<Value>) -> String {
        let mut conditions = Vec::new();
        let mut bound = |column: &str, value: i64, values: &mut Vec<Value>| {
            values.push(value.into());
            conditions.push(format!("{column} ${}", values.len()));
        };
        if let Some(from) = self.from {
            bound("at >=", from, values);
        }
        if let Some(to) = self.to {
            bound("at <", to, values);
        }
        if let Some(Cursor(at, seq)) = self.page.after {
            let behind = match self.order {
                Order::NewestFirst => "<",
                Order::OldestFirst => ">",
            };
            values.push(at.into());
            values.push(seq.into());
            let (first, second) = (values.len() - 1, values.len());
            conditions.push(format!("(at, seq) {behind} (${first}, ${second})"));
        }
        format!("{} {}", all(&conditions), self.in_order())
    }

    fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut conditions = Vec::new();
        for (column, text) in [
            ("actor", &self.actor),
            ("resource", &self.resource),
            ("resource_id", &self.resource_id),
            ("action", &self.action),
        ] {
            if !text.is_empty() {
                values.push(text.as_str().into());
                conditions.push(format!("{column} = ${}", values.len()));
            }
        }
        all(&conditions)
    }

    fn in_order(&self) -> &'static str {
        match self.order {
            Order::NewestFirst => "ORDER BY at DESC, seq DESC",
            Order::OldestFirst => "ORDER BY at, seq",
        }
    }
}

fn all(conditions: &[String]) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", conditions.join(" AND "))
}
