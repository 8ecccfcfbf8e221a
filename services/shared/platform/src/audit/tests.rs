//! A trail on real databases: sealed, fenced, missed, cut back.

mod attacks;
mod finding;
mod sealing;
mod tampering;

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::anchor::{Anchors, AuditConfig};
use super::sealer;
use super::verify::{Kind, Part, Report, verify, verify_anchors};
use crate::core::Core;
use crate::db::sql;
use crate::migration;
use crate::testing::{self, Databases, ManualClock, TestDatabase};
use crate::work::{AuditEntry, Cause, Work};

/// A service with nothing but its audit trail.
struct Trail {
    core: Core,
    clock: ManualClock,
    database: TestDatabase,
}

impl Trail {
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for database in Databases::all().await {
            let clock = ManualClock::at(DateTime::from_timestamp(1_760_000_000, 0).unwrap());
            let core = core(&database, &clock).await;
            all.push(Self {
                core,
                clock,
                database,
            });
        }
        all
    }

    fn label(&self) -> &'static str {
        self.database.label
    }

    /// Another process on the same database.
    async fn twin(&self) -> Core {
        core(&self.database, &self.clock).await
    }

    /// Writes rows, some to a transaction.
    async fn writes(&self, rows: usize) {
        writes(&self.core, rows).await;
        self.clock.advance(Duration::from_millis(700));
    }

    async fn seals(&self) {
        sealer::seal_all(&self.core).await.unwrap();
    }

    async fn found(&self) -> Vec<Kind> {
        kinds(&verify(&self.core, &Part::default()).await.unwrap())
    }

    async fn does(&self, text: &str) {
        does(&self.core, text).await.unwrap();
    }
}

fn kinds(report: &Report) -> Vec<Kind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

async fn core(database: &TestDatabase, clock: &ManualClock) -> Core {
    testing::core("ledger", &database.url, migration::migrations(), clock).await
}

fn cause() -> Cause {
    Cause {
        actor: "operator:li".to_owned(),
        session: "s-1".to_owned(),
        unit_code: "HOUSING".to_owned(),
        from_addr: "10.0.0.7".to_owned(),
        method: "/ledger/Raise".to_owned(),
        trace_parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    }
}

fn entry(number: usize) -> AuditEntry {
    AuditEntry {
        resource: "account",
        resource_id: format!("account {number}"),
        version: i64::try_from(number).unwrap(),
        action: "raised".to_owned(),
        reason: "因为".to_owned(),
    }
}

async fn writes(core: &Core, rows: usize) {
    let mut written = 0;
    while written < rows {
        let work = Work::begin(core).await.unwrap();
        for _ in 0..(1 + written % 3).min(rows - written) {
            work.audit(&cause(), entry(written));
            written += 1;
        }
        work.commit().await.unwrap();
    }
}

/// Lifts the fences, as an administrator of the database can.
async fn lift_fences(core: &Core) {
    let tables = ["audit", "audit_seal", "audit_head"];
    for table in tables {
        let texts = match core.db().writer().get_database_backend() {
            sea_orm::DbBackend::Postgres => {
                vec![format!("ALTER TABLE {table} DISABLE TRIGGER USER")]
            }
            _ => vec![
                format!("DROP TRIGGER IF EXISTS {table}_no_update"),
                format!("DROP TRIGGER IF EXISTS {table}_no_delete"),
            ],
        };
        for text in texts {
            does(core, &text).await.unwrap();
        }
    }
}

async fn does(core: &Core, text: &str) -> Result<u64, sea_orm::DbErr> {
    let writer: &DatabaseConnection = core.db().writer();
    Ok(writer
        .execute_raw(sql(writer, text, vec![]))
        .await?
        .rows_affected())
}

async fn number(core: &Core, text: &str) -> i64 {
    let writer = core.db().writer();
    let row = writer
        .query_one_raw(sql(writer, text, vec![]))
        .await
        .unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

fn anchors(folder: &Path) -> Anchors {
    Anchors::new(&AuditConfig::default(), folder).unwrap()
}

async fn compared(core: &Core, folder: &Path) -> Report {
    let mut report = verify(core, &Part::default()).await.unwrap();
    let path = super::anchor::file(&AuditConfig::default(), folder);
    verify_anchors(core, &Part::default(), &path, &mut report)
        .await
        .unwrap();
    report
}
