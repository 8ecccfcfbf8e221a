//! Reporting's own tables, after the platform's.

use sea_orm_migration::MigrationTrait;

mod m20260901_000001_reporting_views;
mod m20260901_000002_reporting_documents;
mod m20261122_000003_reporting_waiting;
mod m20261122_000004_reporting_rollups;
mod m20261122_000005_reporting_search;
mod m20261123_000006_reporting_tenures;

/// All migrations of this service's database.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = hotline_platform::migration::migrations();
    all.push(Box::new(m20260901_000001_reporting_views::Migration));
    all.push(Box::new(m20260901_000002_reporting_documents::Migration));
    all.push(Box::new(m20261122_000003_reporting_waiting::Migration));
    all.push(Box::new(m20261122_000004_reporting_rollups::Migration));
    all.push(Box::new(m20261122_000005_reporting_search::Migration));
    all.push(Box::new(m20261123_000006_reporting_tenures::Migration));
    all
}
