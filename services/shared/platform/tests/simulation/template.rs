//! Empty databases, made once and copied for each seed.

use std::path::Path;

use hotline_platform::db::Db;
use hotline_platform::migration;
use hotline_platform::testing::steps;
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use uuid::Uuid;

use crate::ledger::bound;
use crate::{ledger, mirror};

/// Where the empty databases are.
pub struct Template {
    folder: TempDir,
}

impl Template {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        make(&folder.path().join("ledger.db"), &ledger::TABLES).await;
        make(&folder.path().join("mirror.db"), &mirror::TABLES).await;
        Self { folder }
    }

    /// A folder with databases for one seed.
    pub fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir_in(self.folder.path()).expect("writable");
        for name in ["ledger.db", "mirror.db"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).expect("copied");
        }
        folder
    }
}

async fn make(path: &Path, tables: &[&str]) {
    let db: Db = steps::open(path).await.expect("opens");
    migration::apply(&db, migration::migrations())
        .await
        .expect("applies");
    for table in tables {
        db.read().execute_unprepared(table).await.expect("made");
    }
    // Drawn by the operating system, and part of every stream's name.
    let text = "UPDATE log SET id = $1";
    let named = db
        .read()
        .execute_raw(bound(text, vec![Uuid::from_u128(1).into()]));
    named.await.expect("named");
    db.close().await;
}
