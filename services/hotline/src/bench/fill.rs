//! Fills databases with tickets by bulk SQL. Every row is a copy of a row of a ticket that really lived
//! ([`super::sample`]), with ids, instants, days, unit, category, channel, kind and citizen of its own; so
//! a filled row cannot have another shape than a real one.

mod search;
mod words;

pub(super) use search::{SOUGHT, Sought};
pub(super) use words::{citizen, codes, day, ticket_id};

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement, Value};

use self::words::{Words, ids_of, plain};
use super::sample::Lived;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Rows of one statement.
const CHUNK: u64 = 500_000;

/// How many tickets, received over how many days, the last of them now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) tickets: u64,
    pub(super) days: i64,
    /// Microseconds.
    pub(super) now: i64,
}

/// Copies rows of a real ticket into one database.
pub(super) struct Filler<'a> {
    pub(super) database: &'a DatabaseConnection,
    pub(super) extent: Extent,
}

/// A real row: column and value, written as SQL.
type Row = Vec<(String, String)>;

impl Filler<'_> {
    /// Fills `tables` with copies of what `closed` and `opened` left there. Indexes are made afterwards.
    pub(super) async fn fill(
        &self,
        tables: &[&str],
        closed: &Lived,
        opened: &Lived,
    ) -> anyhow::Result<()> {
        let indexes = self.drop_indexes(tables).await?;
        for table in tables {
            // Of both before the first is copied: then the table is still small.
            let mut inserts = Vec::new();
            for (lived, which) in [(closed, 0), (opened, 1)] {
                let received = received(lived)?;
                for row in self.rows_of(table, lived).await? {
                    inserts.push(self.insert(table, &row, received, which));
                }
            }
            for insert in inserts {
                self.in_chunks(&insert).await?;
            }
        }
        for index in indexes {
            self.run(&index).await?;
        }
        for table in tables {
            let settle = if self.is_sqlite() {
                format!("ANALYZE \"{table}\"")
            } else {
                format!("VACUUM ANALYZE \"{table}\"")
            };
            self.run(&settle).await?;
        }
        Ok(())
    }

    /// Keeps `tables` out of PostgreSQL's log: the rows of a bench need not survive a power cut.
    pub(super) async fn unlog(&self, tables: &[&str]) -> anyhow::Result<()> {
        for table in tables {
            self.run(&format!("ALTER TABLE {table} SET UNLOGGED"))
                .await?;
        }
        Ok(())
    }

    /// Runs an `INSERT … SELECT` that ends with a condition on `n`, a part at a time.
    pub(super) async fn in_chunks(&self, insert: &str) -> anyhow::Result<()> {
        let mut first = 1;
        while first <= self.extent.tickets {
            let last = (first + CHUNK - 1).min(self.extent.tickets);
            let series = if self.is_sqlite() {
                format!(
                    "WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last}) "
                )
            } else {
                format!(
                    "WITH series AS (SELECT n FROM generate_series({first}::bigint, {last}::bigint) n) "
                )
            };
            self.run(&format!("{series}{insert}")).await?;
            first = last + 1;
        }
        Ok(())
    }

    /// The rows of `table` that are about `lived`.
    async fn rows_of(&self, table: &str, lived: &Lived) -> anyhow::Result<Vec<Row>> {
        let ids = [&lived.appeal, &lived.matter, &lived.ticket].map(|id| id.replace('-', ""));
        let columns = self.columns(table).await?;
        let quoted: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                if self.is_sqlite() {
                    format!("quote(\"{name}\") AS c{index}")
                } else {
                    format!("quote_nullable(\"{name}\"::text) AS c{index}")
                }
            })
            .collect();
        let found = self
            .ask(&format!("SELECT {} FROM \"{table}\"", quoted.join(", ")))
            .await?;
        let mut rows = Vec::new();
        for line in found {
            let mut row = Row::new();
            for (index, (name, kind)) in columns.iter().enumerate() {
                let value: String = line.try_get("", &format!("c{index}"))?;
                row.push((name.clone(), literal(value, kind)));
            }
            let is_about = row.iter().any(|(name, value)| {
                name != "open_key" && ids.iter().any(|id| plain(value) == *id)
            });
            if is_about || (table == "contact" && rows.is_empty()) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn insert(&self, table: &str, row: &Row, received: i64, which: u8) -> String {
        let words = Words::new(self.is_sqlite(), self.extent);
        let ids = ids_of(row);
        let names: Vec<String> = row.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let values: Vec<String> = row
            .iter()
            .map(|(name, value)| words.value(table, name, value, received, &ids))
            .collect();
        let which = if which == 0 {
            format!("NOT {}", words.is_open)
        } else {
            words.is_open.clone()
        };
        format!(
            "INSERT INTO \"{table}\" ({}) SELECT {} FROM series WHERE {which}",
            names.join(", "),
            values.join(", ")
        )
    }

    async fn columns(&self, table: &str) -> anyhow::Result<Vec<(String, String)>> {
        let text = if self.is_sqlite() {
            format!("SELECT name, type AS kind FROM pragma_table_info('{table}')")
        } else {
            format!(
                "SELECT column_name::text AS name, data_type::text AS kind FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        };
        let rows = self.ask(&text).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "kind")?)))
            .collect()
    }

    /// Drops the indexes that are no constraint, and returns how to make them again.
    async fn drop_indexes(&self, tables: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut made = Vec::new();
        for table in tables {
            let text = if self.is_sqlite() {
                format!(
                    "SELECT name, sql AS made FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}' AND sql IS NOT NULL"
                )
            } else {
                format!(
                    "SELECT c.relname::text AS name, pg_get_indexdef(i.indexrelid) AS made FROM pg_index i \
                     JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '\"{table}\"'::regclass \
                     AND NOT i.indisunique"
                )
            };
            for row in self.ask(&text).await? {
                let name: String = row.try_get("", "name")?;
                made.push(row.try_get("", "made")?);
                self.run(&format!("DROP INDEX \"{name}\"")).await?;
            }
        }
        Ok(made)
    }

    fn is_sqlite(&self) -> bool {
        self.database.get_database_backend() == DbBackend::Sqlite
    }

    pub(super) async fn run(&self, text: &str) -> anyhow::Result<()> {
        self.database
            .execute_unprepared(text)
            .await
            .with_context(|| text.chars().take(300).collect::<String>())?;
        Ok(())
    }

    pub(super) async fn ask(&self, text: &str) -> anyhow::Result<Vec<QueryResult>> {
        let none: [Value; 0] = [];
        let asked =
            Statement::from_sql_and_values(self.database.get_database_backend(), text, none);
        Ok(self.database.query_all_raw(asked).await?)
    }
}

/// When a ticket was received; every other instant of its rows is told from it.
fn received(lived: &Lived) -> anyhow::Result<i64> {
    let id = lived.ticket.replace('-', "");
    // UUIDv7: its first 48 bits are milliseconds.
    let millis = i64::from_str_radix(&id[..12], 16).context("ids that hold their instant")?;
    Ok(millis * 1000)
}

/// A value as SQL of its column's type. PostgreSQL would take a bare text for a text.
fn literal(value: String, kind: &str) -> String {
    match kind {
        "bigint" | "integer" | "smallint" | "boolean" => {
            let bare = value.trim_matches('\'');
            match (kind, bare) {
                ("boolean", "true" | "1") => "TRUE".to_owned(),
                ("boolean", "false" | "0") => "FALSE".to_owned(),
                _ => bare.to_owned(),
            }
        }
        _ => value,
    }
}

/// The database's time, in microseconds.
pub(super) async fn now(database: &DatabaseConnection) -> anyhow::Result<i64> {
    let text = match database.get_database_backend() {
        DbBackend::Sqlite => "SELECT unixepoch() * 1000000 AS now",
        _ => "SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint AS now",
    };
    let none: [Value; 0] = [];
    let asked = Statement::from_sql_and_values(database.get_database_backend(), text, none);
    let row = database.query_one_raw(asked).await?.context("the time")?;
    Ok(row.try_get("", "now")?)
}
