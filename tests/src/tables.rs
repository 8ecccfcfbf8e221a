//! The tables behind a city: what is in them, and what the audit trail says.

use std::fmt::Write as _;

use hotline::services::Name;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use crate::city::City;

/// Tables that move by themselves while nobody does anything.
const RESTLESS: [&str; 5] = [
    "audit",
    "audit_seal",
    "consumer_offset",
    "outbox_head",
    "sqlite_sequence",
];

/// One service's database.
pub struct Tables(DatabaseConnection);

/// A row of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its insertion id.
    pub seq: i64,
    /// Who, by which session or key, for which unit, from where.
    pub actor: String,
    /// See `actor`.
    pub session: String,
    /// See `actor`.
    pub unit_code: String,
    /// See `actor`.
    pub from_addr: String,
    /// The method that was called.
    pub method: String,
    /// What it was done to.
    pub resource: String,
    /// Which one.
    pub resource_id: String,
    /// Its version afterwards.
    pub version: i64,
    /// What was done.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Whether a process put its name, a number and a code to it.
    pub is_signed: bool,
}

impl City {
    /// The database of a service.
    pub async fn tables(&self, service: Name) -> Tables {
        let url = self.database_url(service);
        let opened = Database::connect(url).await;
        Tables(opened.unwrap_or_else(|error| panic!("{}: {error}", self.label)))
    }
}

impl Tables {
    /// Denied calls as the audit trail has them: who, which method, why.
    pub async fn denied(&self) -> Vec<(String, String, String)> {
        let text = "SELECT actor, method, reason FROM audit WHERE action = 'denied' ORDER BY seq";
        let rows = self.0.query_all_raw(self.statement(text)).await;
        let rows = rows.expect("an audit trail").into_iter();
        let text = |row: &sea_orm::QueryResult, index| row.try_get_by_index(index).expect("text");
        rows.map(|row| (text(&row, 0), text(&row, 1), text(&row, 2)))
            .collect()
    }

    /// The rows of the audit trail behind the one with this insertion id, oldest first.
    pub async fn trail_behind(&self, seq: i64) -> Vec<AuditRow> {
        let text = format!(
            "SELECT CAST(seq AS BIGINT), actor, session, unit_code, from_addr, method, resource, resource_id, \
             CAST(version AS BIGINT), action, reason, \
             CAST(CASE WHEN writer IS NULL OR writer_seq IS NULL OR mac IS NULL THEN 0 ELSE 1 END AS BIGINT) \
             FROM audit WHERE seq > {seq} ORDER BY seq"
        );
        let rows = self.0.query_all_raw(self.statement(&text)).await;
        let told = |row: sea_orm::QueryResult| {
            let text = |index| row.try_get_by_index::<String>(index).expect("text");
            let number = |index| row.try_get_by_index::<i64>(index).expect("a number");
            AuditRow {
                seq: number(0),
                actor: text(1),
                session: text(2),
                unit_code: text(3),
                from_addr: text(4),
                method: text(5),
                resource: text(6),
                resource_id: text(7),
                version: number(8),
                action: text(9),
                reason: text(10),
                is_signed: number(11) == 1,
            }
        };
        rows.expect("an audit trail")
            .into_iter()
            .map(told)
            .collect()
    }

    /// Every row of every table but those that move by themselves, as text.
    pub async fn dump(&self) -> String {
        self.dump_without(&RESTLESS).await
    }

    /// Every row of every table, as text.
    pub async fn dump_all(&self) -> String {
        self.dump_without(&[]).await
    }

    async fn dump_without(&self, left_out: &[&str]) -> String {
        let mut told = String::new();
        for table in self.texts(self.all_tables()).await {
            if left_out.contains(&table.as_str()) {
                continue;
            }
            let quoted = if self.backend() == DbBackend::Postgres {
                "CAST(t AS text)".to_owned()
            } else {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = self.texts(&columns).await;
                let quoted = columns.iter().map(|column| format!("quote(\"{column}\")"));
                quoted.collect::<Vec<_>>().join(" || ',' || ")
            };
            let rows = format!("SELECT {quoted} FROM \"{table}\" AS t ORDER BY 1");
            writeln!(told, "== {table}").expect("text");
            for row in self.texts(&rows).await {
                told.push_str(&row);
                told.push('\n');
            }
        }
        told
    }

    /// Changes rows behind the city's back.
    pub async fn run(&self, text: &str) {
        let done = self.0.execute_raw(self.statement(text)).await;
        done.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    fn all_tables(&self) -> &'static str {
        match self.backend() {
            DbBackend::Postgres => {
                "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema() \
                 ORDER BY 1"
            }
            _ => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' \
                 ORDER BY 1"
            }
        }
    }

    async fn texts(&self, text: &str) -> Vec<String> {
        let rows = self.0.query_all_raw(self.statement(text)).await;
        let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
        rows.into_iter()
            .map(|row| row.try_get_by_index(0).expect("text"))
            .collect()
    }

    fn backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    fn statement(&self, text: &str) -> Statement {
        Statement::from_sql_and_values(self.backend(), text, [])
    }
}
