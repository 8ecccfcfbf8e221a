//! Intake's tables, in the order they came to be.

mod m20261122_000001_intake_appeals;
mod m20261122_000002_intake_imports;
mod m20261128_000001_intake_vault;
mod m20261128_000005_intake_reveals;
mod m20261128_000007_intake_erasures;

use sea_orm_migration::MigrationTrait;

/// The platform's migrations, then intake's own.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = hotline_platform::migration::migrations();
    all.push(Box::new(m20261122_000001_intake_appeals::Migration));
    all.push(Box::new(m20261122_000002_intake_imports::Migration));
    all.push(Box::new(m20261128_000001_intake_vault::Migration));
    all.push(Box::new(m20261128_000005_intake_reveals::Migration));
    all.push(Box::new(m20261128_000007_intake_erasures::Migration));
    all
}
