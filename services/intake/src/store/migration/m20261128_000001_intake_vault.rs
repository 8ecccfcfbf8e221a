//! What was said and who said it, sealed; requests to erase a citizen.
//!
//! The columns that held it in clear stay, emptied: `app::sealing` seals what older versions wrote, and says in the
//! table `sealing` how far it is. They can be removed in a later release.

use hotline_platform::vault::tables;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob_null, boolean, text, text_null, uuid, uuid_null,
};

/// Adds tables and columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261128_000001_intake_vault"
    }
}

/// Table and column of each sealed value.
const SEALED: [(&str, &str); 8] = [
    ("contact", "sealed"),
    ("appeal", "sealed_subject"),
    ("appeal", "sealed_text"),
    ("appeal", "sealed_answer"),
    ("matter", "sealed_subject"),
    ("matter", "sealed_text"),
    ("matter", "sealed_reply"),
    ("import_refusal", "sealed"),
];

/// What older versions wrote in clear, in the order in which it is sealed.
const PARTS: [&str; 4] = ["1_appeal", "2_matter", "3_import_row", "4_import_refusal"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables::all() {
            manager.create_table(table).await?;
        }
        for (table, column) in SEALED {
            let add = Table::alter()
                .table(table)
                .add_column(blob_null(column))
                .to_owned();
            manager.alter_table(add).await?;
        }
        manager.create_table(sealing()).await?;
        let mut parts = Query::insert();
        parts.into_table("sealing").columns(["part", "is_done"]);
        for part in PARTS {
            parts.values_panic([part.into(), false.into()]);
        }
        manager.execute(parts).await?;
        manager.create_table(erasure_request()).await?;
        let contacts = Index::create()
            .table("contact")
            .name("contact_by_citizen")
            .col("citizen")
            .to_owned();
        manager.create_index(contacts).await
    }
}

/// How far what older versions wrote is sealed.
fn sealing() -> TableCreateStatement {
    Table::create()
        .table("sealing")
        .col(text("part").primary_key())
        .col(uuid_null("after_id"))
        .col(big_integer_null("after_row"))
        .col(boolean("is_done"))
        .to_owned()
}

/// Who asked that somebody be forgotten, and who else agreed.
fn erasure_request() -> TableCreateStatement {
    Table::create()
        .table("erasure_request")
        .col(uuid("id").primary_key())
        .col(text("owner"))
        .col(text("reason"))
        .col(text("requested_by"))
        .col(big_integer("requested_at"))
        .col(text_null("approved_by"))
        .col(big_integer_null("approved_at"))
        .to_owned()
}
