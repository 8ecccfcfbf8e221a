//! Many rows, or many keys, in statements whose texts stay the same.
//!
//! A database prepares a statement once for each text. A text that grows with the number of rows is
//! a new one for nearly every batch: it is parsed and planned again, and pushes others out of the
//! cache. So rows go to PostgreSQL as one array per column and to `SQLite` in powers of two, and
//! lists of keys are filled up to a power of two.

use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait,
    IdenStatic, Iterable, Statement, Value,
};

use crate::db::Txn;

/// Rows of one statement on PostgreSQL.
const ROWS_MAX_POSTGRES: usize = 1_000;
/// Bound values of one statement on `SQLite`, which allows twice as many.
const VALUES_MAX_SQLITE: usize = 16_000;
/// Rows of one statement on `SQLite`: more gain nothing.
const ROWS_MAX_SQLITE: usize = 128;

/// Inserts models that set the same columns, in as few statements as the databases allow.
///
/// # Errors
///
/// What the database refuses; then nothing of the transaction may be kept.
pub async fn insert<A: ActiveModelTrait>(txn: &Txn, models: Vec<A>) -> Result<(), DbErr> {
    let Some(first) = models.first() else {
        return Ok(());
    };
    let columns: Vec<_> = <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| !first.get(*column).is_not_set())
        .collect();
    let names: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.as_str()))
        .collect();
    let into = format!(
        "\"{}\" ({})",
        A::Entity::default().table_name(),
        names.join(", ")
    );
    let row = |mut model: A| -> Result<Vec<Value>, DbErr> {
        let value = |column| match model.take(column) {
            ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value),
            ActiveValue::NotSet => Err(DbErr::AttrNotSet(column.as_str().to_owned())),
        };
        columns.iter().copied().map(value).collect()
    };
    let rows = models.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    insert_rows(txn, &into, rows, "").await?;
    Ok(())
}

/// Inserts rows of equal columns; returns how many. `into` is a table with its columns in brackets,
/// `suffix` what follows the rows.
pub(crate) async fn insert_rows(
    txn: &Txn,
    into: &str,
    mut rows: Vec<Vec<Value>>,
    suffix: &str,
) -> Result<u64, DbErr> {
    let width = rows.first().map_or(1, Vec::len).max(1);
    let backend = txn.get_database_backend();
    let mut inserted = 0;
    while !rows.is_empty() {
        let (text, values) = if backend == DbBackend::Postgres {
            let rest = rows.split_off(rows.len().min(ROWS_MAX_POSTGRES));
            arrays(into, std::mem::replace(&mut rows, rest), width, suffix)
        } else {
            let most = rows.len().min(VALUES_MAX_SQLITE / width);
            let rest = rows.split_off(power_within(most.min(ROWS_MAX_SQLITE)));
            tuples(into, std::mem::replace(&mut rows, rest), width, suffix)
        };
        inserted += txn
            .execute_raw(Statement::from_sql_and_values(backend, text, values))
            .await?
            .rows_affected();
    }
    Ok(inserted)
}

/// Keys for an `IN` list: as many as a power of two, the last one repeated.
#[must_use]
pub fn keys<T: Clone>(keys: &[T]) -> Vec<T> {
    let mut all = keys.to_vec();
    if let Some(last) = keys.last() {
        all.resize(keys.len().next_power_of_two(), last.clone());
    }
    all
}

/// The largest power of two that is not above `count`; 1 at least.
fn power_within(count: usize) -> usize {
    count.checked_ilog2().map_or(1, |power| 1 << power)
}

/// An array per column. Arrays hold no NULL here; a second array says where the first one means it.
fn arrays(into: &str, rows: Vec<Vec<Value>>, width: usize, suffix: &str) -> (String, Vec<Value>) {
    let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let (mut picked, mut aliases) = (Vec::new(), Vec::new());
    let mut values = Vec::with_capacity(width);
    for (index, column) in columns.into_iter().enumerate() {
        let (column, absent) = without_null(column);
        values.push(column);
        aliases.push(format!("c{index}"));
        picked.push(match absent {
            Some(absent) => {
                values.push(absent);
                aliases.push(format!("n{index}"));
                format!("CASE WHEN n{index} THEN NULL ELSE c{index} END")
            }
            None => format!("c{index}"),
        });
    }
    let places: Vec<_> = (1..=values.len())
        .map(|place| format!("${place}"))
        .collect();
    let text = format!(
        "INSERT INTO {into} SELECT {} FROM UNNEST({}) AS batch({}){suffix}",
        picked.join(", "),
        places.join(", "),
        aliases.join(", ")
    );
    (text, values)
}

/// A column as an array and, if it has NULLs, where they are.
fn without_null(column: Vec<Value>) -> (Value, Option<Value>) {
    let kind = column
        .first()
        .map_or(sea_orm::sea_query::ArrayType::String, Value::array_type);
    let is_absent: Vec<bool> = column
        .iter()
        .map(|value| *value == value.as_null())
        .collect();
    if !is_absent.contains(&true) {
        return (Value::Array(kind, Some(Box::new(column))), None);
    }
    let present = column.into_iter().zip(&is_absent);
    let present = present
        .map(|(value, is_absent)| {
            if *is_absent {
                value.dummy_value()
            } else {
                value
            }
        })
        .collect();
    (
        Value::Array(kind, Some(Box::new(present))),
        Some(is_absent.into()),
    )
}

fn tuples(into: &str, rows: Vec<Vec<Value>>, width: usize, suffix: &str) -> (String, Vec<Value>) {
    // Places without a name: `SQLite` looks for a name in the list of all names.
    let tuple = format!("({})", vec!["?"; width].join(", "));
    let tuples = vec![tuple.as_str(); rows.len()].join(", ");
    let values = rows.into_iter().flatten().collect();
    (
        format!("INSERT INTO {into} VALUES {tuples}{suffix}"),
        values,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::core::Core;
    use crate::migration;
    use crate::testing::{self, Databases, ManualClock};
    use crate::work::Work;

    const INTO: &str = "timer (aggregate_id, kind, due_at, armed_version, state, attempts, next_at, ended_at, error)";

    fn row(index: i64) -> Vec<Value> {
        let (ended_at, error) = match index % 3 {
            0 => (None, None),
            1 => (Some(index), None),
            _ => (None, Some(format!("坏了 {index}"))),
        };
        vec![
            uuid::Uuid::from_u64_pair(0, index.unsigned_abs()).into(),
            "due".into(),
            index.into(),
            1_i64.into(),
            "armed".into(),
            0_i16.into(),
            index.into(),
            ended_at.into(),
            error.into(),
        ]
    }

    async fn inserted(core: &Core, count: i64) -> Vec<(i64, Option<i64>, Option<String>)> {
        let work = Work::begin(core).await.unwrap();
        let rows = (0..count).map(row).collect();
        let inserted = insert_rows(work.txn(), INTO, rows, " ON CONFLICT DO NOTHING").await;
        assert_eq!(i64::try_from(inserted.unwrap()), Ok(count));
        let text = "SELECT due_at, ended_at, error FROM timer ORDER BY seq";
        let none: [Value; 0] = [];
        let backend = work.txn().get_database_backend();
        let asked = Statement::from_sql_and_values(backend, text, none);
        let rows = work.txn().query_all_raw(asked).await.unwrap();
        work.roll_back().await;
        let read = |row: &sea_orm::QueryResult| {
            (
                row.try_get("", "due_at").unwrap(),
                row.try_get("", "ended_at").unwrap(),
                row.try_get("", "error").unwrap(),
            )
        };
        rows.iter().map(read).collect()
    }

    #[tokio::test]
    async fn rows_of_any_number_are_inserted_in_order_with_their_nulls() {
        for database in Databases::all().await {
            let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
            let core =
                testing::core("ledger", &database.url, migration::migrations(), &clock).await;
            for count in [0, 1, 2, 3, 127, 128, 300, 1001] {
                let expected: Vec<_> = (0..count)
                    .map(|index| match index % 3 {
                        0 => (index, None, None),
                        1 => (index, Some(index), None),
                        _ => (index, None, Some(format!("坏了 {index}"))),
                    })
                    .collect();
                assert_eq!(inserted(&core, count).await, expected, "{}", database.label);
            }
        }
    }

    #[test]
    fn texts_are_few_whatever_the_number_of_rows() {
        let rows = |count: usize| vec![vec![Value::from(1_i64)]; count];
        let counts = 1..=128_usize;
        let distinct = |texts: Vec<String>| texts.into_iter().collect::<HashSet<_>>().len();
        let postgres = counts
            .clone()
            .map(|count| arrays("t (c)", rows(count), 1, "").0);
        assert_eq!(distinct(postgres.collect()), 1);
        let sqlite = counts
            .clone()
            .map(|count| tuples("t (c)", rows(power_within(count)), 1, "").0);
        assert_eq!(distinct(sqlite.collect()), 8);
        let lengths: HashSet<_> = counts.map(|count| keys(&vec![0; count]).len()).collect();
        assert_eq!(lengths.len(), 8);
        assert_eq!(keys(&[1, 2, 3]), [1, 2, 3, 3]);
        assert!(keys::<u8>(&[]).is_empty());
    }
}
