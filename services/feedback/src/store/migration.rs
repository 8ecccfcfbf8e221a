//! The tables of feedback, after those of the platform. Migrations only add.

mod m20260901_000001_feedback_replies;
mod m20260901_000002_feedback_follow_ups;

use sea_orm_migration::MigrationTrait;
use sea_orm_migration::prelude::{Index, IndexCreateStatement};

/// Every migration of this service's database, in order.
pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = hotline_platform::migration::migrations();
    all.push(Box::new(m20260901_000001_feedback_replies::Migration));
    all.push(Box::new(m20260901_000002_feedback_follow_ups::Migration));
    all
}

/// An index of `table` over `columns`, in order.
fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
