//! The tables of the gateway, after those of the platform. Migrations only add.

mod m20261128_000001_gateway_accounts;
mod m20261128_000002_gateway_spent_trips;
mod m20261128_000003_gateway_link_parts;

use sea_orm_migration::MigrationTrait;

/// Every migration of this service's database, in order.
pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = hotline_platform::migration::migrations();
    all.push(Box::new(m20261128_000001_gateway_accounts::Migration));
    all.push(Box::new(m20261128_000002_gateway_spent_trips::Migration));
    all.push(Box::new(m20261128_000003_gateway_link_parts::Migration));
    all
}
