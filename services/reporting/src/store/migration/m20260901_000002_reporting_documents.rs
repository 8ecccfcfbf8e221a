//! Issued documents and instructions: not derived, never rebuilt.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, string, text, uuid};

/// Creates the tables and their indexes.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [document(), instruction()];
        for table in tables {
            manager.create_table(table).await?;
        }
        for (name, table, columns, is_unique) in INDEXES {
            let mut index = Index::create();
            index.name(*name).table(*table);
            for column in *columns {
                index.col(*column);
            }
            if *is_unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// Name, table, columns, and whether it is unique.
type IndexRow = (&'static str, &'static str, &'static [&'static str], bool);

const INDEXES: &[IndexRow] = &[
    (
        "document_by_number",
        "document",
        &["series", "year", "number"],
        true,
    ),
    (
        "document_by_edition",
        "document",
        &["series", "period", "edition"],
        true,
    ),
    (
        "document_by_issued",
        "document",
        &["issued_at", "id"],
        false,
    ),
    (
        "instruction_by_ordinal",
        "instruction",
        &["ticket_id", "ordinal"],
        true,
    ),
    ("instruction_by_day", "instruction", &["given_day"], false),
];

fn document() -> TableCreateStatement {
    Table::create()
        .table("document")
        .col(uuid("id"))
        .col(string("series"))
        .col(string("period"))
        .col(big_integer("edition"))
        .col(integer("year"))
        .col(integer("number"))
        .col(string("title"))
        .col(big_integer("issued_at"))
        .col(string("issued_by"))
        .col(big_integer_null("data_cut"))
        .col(text("content"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}

fn instruction() -> TableCreateStatement {
    Table::create()
        .table("instruction")
        .col(uuid("id"))
        .col(uuid("ticket_id"))
        .col(big_integer("ordinal"))
        .col(string("leader"))
        .col(text("text"))
        .col(big_integer("given_at"))
        .col(string("given_day"))
        .col(string("given_by"))
        .primary_key(Index::create().col("id"))
        .to_owned()
}
