//! What one registration writes, as a script for pgbench: the rows are read from the database that a
//! real registration wrote them into, so the baseline cannot fall behind the program.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement, Value as Bound};
use serde_json::Value;

/// The rows that something wrote, by table.
pub(super) struct Written {
    rows: Vec<(String, serde_json::Map<String, Value>)>,
    columns: BTreeMap<(String, String), Column>,
}

/// Every row of every table at one moment.
pub(super) struct Seen(BTreeMap<String, HashSet<String>>);

#[derive(Clone, Debug)]
struct Column {
    kind: String,
    is_numbered: bool,
    is_unique: bool,
}

/// A script with the values it binds.
pub(super) struct Script {
    /// One transaction, as separate statements.
    pub(super) separate: String,
    /// The same, sent as one.
    pub(super) pipelined: String,
    /// Variables, as `name=value`.
    pub(super) values: Vec<String>,
}

/// Stands behind many registrations, not one.
const SEALS: &str = "audit_seal";

/// Reads every row but seals; for databases that hold next to nothing.
pub(super) async fn see(database: &DatabaseConnection) -> anyhow::Result<Seen> {
    let mut seen = BTreeMap::new();
    let tables = "SELECT table_name AS name FROM information_schema.tables \
                  WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    for table in ask(database, tables).await? {
        let table: String = table.try_get("", "name")?;
        if table == SEALS {
            continue;
        }
        let rows = ask(
            database,
            &format!("SELECT to_jsonb(t)::text AS line FROM \"{table}\" t"),
        )
        .await?;
        let rows = rows.iter().map(|row| row.try_get("", "line"));
        seen.insert(table, rows.collect::<Result<_, _>>()?);
    }
    Ok(Seen(seen))
}

impl Written {
    /// What was inserted between two looks; rows that were only changed do not count.
    pub(super) async fn between(
        before: &Seen,
        after: &Seen,
        database: &DatabaseConnection,
    ) -> anyhow::Result<Self> {
        let mut rows = Vec::new();
        for (table, now) in &after.0 {
            let then = before.0.get(table).context("no table was made meanwhile")?;
            if now.len() == then.len() {
                continue;
            }
            for line in now.difference(then) {
                rows.push((table.clone(), serde_json::from_str(line)?));
            }
        }
        Ok(Self {
            rows,
            columns: columns(database).await?,
        })
    }

    /// Such as `appeal 1, audit 1`.
    pub(super) fn summary(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (table, _) in &self.rows {
            *counts.entry(table).or_default() += 1;
        }
        let told: Vec<String> = counts
            .iter()
            .map(|(table, count)| format!("{table} {count}"))
            .collect();
        told.join(", ")
    }

    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The script: ids and unique texts are fresh in each transaction, everything else is bound as it was.
    pub(super) fn script(&self) -> anyhow::Result<Script> {
        let mut writer = Writer {
            ids: self.ids(),
            fresh: 0,
            values: Vec::new(),
        };
        let mut inserts = String::new();
        for (table, row) in &self.rows {
            let (mut names, mut places) = (Vec::new(), Vec::new());
            for (name, value) in row {
                let column = self.columns.get(&(table.clone(), name.clone()));
                let column = column.with_context(|| format!("{table}.{name}"))?;
                if column.is_numbered {
                    continue;
                }
                names.push(format!("\"{name}\""));
                places.push(writer.place(name, value, column));
            }
            let (names, places) = (names.join(", "), places.join(", "));
            writeln!(
                inserts,
                "INSERT INTO \"{table}\" ({names}) VALUES ({places});"
            )?;
        }
        let mut draws = String::new();
        for ordinal in 0..writer.ids.len() {
            writeln!(draws, "\\set id{ordinal} random(1, 9223372036854775806)")?;
        }
        for ordinal in 0..writer.fresh {
            writeln!(draws, "\\set key{ordinal} random(1, 9223372036854775806)")?;
        }
        Ok(Script {
            separate: format!("{draws}BEGIN;\n{inserts}COMMIT;\n"),
            pipelined: format!("{draws}\\startpipeline\nBEGIN;\n{inserts}COMMIT;\n\\endpipeline\n"),
            values: writer.values,
        })
    }

    fn ids(&self) -> Vec<String> {
        let mut ids = BTreeSet::new();
        for (table, row) in &self.rows {
            for (name, value) in row {
                let column = self.columns.get(&(table.clone(), name.clone()));
                if let (Some("uuid"), Value::String(id)) =
                    (column.map(|column| column.kind.as_str()), value)
                {
                    ids.insert(id.clone());
                }
            }
        }
        ids.into_iter().collect()
    }
}

struct Writer {
    ids: Vec<String>,
    fresh: usize,
    values: Vec<String>,
}

impl Writer {
    fn place(&mut self, name: &str, value: &Value, column: &Column) -> String {
        // The relay numbers an event later, in a transaction of its own.
        if name == "pub_seq" {
            return "NULL".to_owned();
        }
        let Value::String(text) = value else {
            return match value {
                Value::Null => "NULL".to_owned(),
                Value::Bool(flag) => flag.to_string().to_uppercase(),
                other => other.to_string(),
            };
        };
        if let Some(ordinal) = self.ids.iter().position(|id| id == text) {
            // Ordered by time, as the program's ids are.
            let id = format!(
                "(lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7000' \
                 || lpad(to_hex(:id{ordinal}::bigint), 16, '0'))"
            );
            let cast = if column.kind == "uuid" { "::uuid" } else { "" };
            return format!("{id}{cast}");
        }
        if column.is_unique && column.kind != "uuid" {
            self.fresh += 1;
            let ordinal = self.fresh - 1;
            return format!(
                "lpad(to_hex(:key{ordinal}::bigint), {}, '0')",
                text.chars().count()
            );
        }
        if text.is_empty() {
            return "''".to_owned();
        }
        let ordinal = self.values.len();
        self.values.push(format!("value{ordinal}={text}"));
        format!(":value{ordinal}")
    }
}

async fn columns(
    database: &DatabaseConnection,
) -> anyhow::Result<BTreeMap<(String, String), Column>> {
    let asked = "SELECT c.table_name AS tab, c.column_name AS col, c.data_type AS kind, \
         (c.is_identity = 'YES' OR coalesce(c.column_default, '') LIKE 'nextval%') AS is_numbered, \
         EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
                 AND a.attnum = ANY (i.indkey) WHERE i.indisunique AND a.attname = c.column_name \
                 AND i.indrelid = format('%I', c.table_name)::regclass) AS is_unique \
         FROM information_schema.columns c WHERE c.table_schema = 'public'";
    let mut columns = BTreeMap::new();
    for row in ask(database, asked).await? {
        let column = Column {
            kind: row.try_get("", "kind")?,
            is_numbered: row.try_get("", "is_numbered")?,
            is_unique: row.try_get("", "is_unique")?,
        };
        columns.insert((row.try_get("", "tab")?, row.try_get("", "col")?), column);
    }
    Ok(columns)
}

async fn ask(database: &DatabaseConnection, text: &str) -> anyhow::Result<Vec<QueryResult>> {
    let none: [Bound; 0] = [];
    let statement = Statement::from_sql_and_values(database.get_database_backend(), text, none);
    Ok(database.query_all_raw(statement).await?)
}
