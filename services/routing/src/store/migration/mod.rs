//! Routing's own tables, behind those every service has.

mod m20261101_000001_routing_tickets;
mod m20261101_000002_routing_registry;
mod m20261128_000003_routing_row_fence;
mod m20261128_000004_routing_quick_fence;

use sea_orm_migration::MigrationTrait;
use sea_orm_migration::prelude::{Index, IndexCreateStatement};

/// All migrations of this service's database, in order.
pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = hotline_platform::migration::migrations();
    all.push(Box::new(m20261101_000001_routing_tickets::Migration));
    all.push(Box::new(m20261101_000002_routing_registry::Migration));
    all.push(Box::new(m20261128_000003_routing_row_fence::Migration));
    all.push(Box::new(m20261128_000004_routing_quick_fence::Migration));
    all
}

/// An index of `table` over `columns`, in this order.
fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}
