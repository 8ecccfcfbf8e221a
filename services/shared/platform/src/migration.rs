//! Tables that every service has: outbox, heads, offsets, parked, timers, commands, audit.

use sea_orm_migration::MigrationTrait;

/// The platform's migrations; a service's migrator lists them before its own.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    todo!()
}
