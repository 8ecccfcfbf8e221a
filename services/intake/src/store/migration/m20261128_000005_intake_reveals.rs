//! Looks at contacts, their approvals, and what they are judged by: who leads a ticket, which unit is above which.
//! Wrong tries of query codes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, text, uuid, uuid_null};

/// Creates the tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261128_000005_intake_reveals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        let indexes: [(&'static str, &str, &[&'static str]); 5] = [
            ("reveal", "reveal_by_actor", &["actor", "at"]),
            ("reveal", "reveal_by_appeal", &["appeal_id", "at"]),
            ("reveal", "reveal_by_time", &["at", "id"]),
            ("query_guess", "query_guess_by_age", &["since"]),
            ("query_known", "query_known_by_age", &["at"]),
        ];
        for (table, name, columns) in indexes {
            let mut index = Index::create().table(table).name(name).to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn tables() -> [TableCreateStatement; 7] {
    [
        Table::create()
            .table("reveal")
            .col(uuid("id").primary_key())
            .col(big_integer("at"))
            .col(text("actor"))
            .col(text("unit_code"))
            .col(uuid("appeal_id"))
            .col(text("fields"))
            .col(text("purpose"))
            .col(text("reason"))
            .col(uuid_null("approval_id").unique_key())
            .col(text("approved_by"))
            .to_owned(),
        Table::create()
            .table("revealer")
            .col(text("actor").primary_key())
            .col(big_integer_null("refused_at"))
            .to_owned(),
        Table::create()
            .table("reveal_request")
            .col(uuid("id").primary_key())
            .col(uuid("appeal_id"))
            .col(text("fields"))
            .col(text("purpose"))
            .col(text("reason"))
            .col(text("asked_by"))
            .col(big_integer("asked_at"))
            .col(text("approved_by"))
            .col(big_integer_null("approved_at"))
            .col(big_integer_null("used_at"))
            .to_owned(),
        Table::create()
            .table("ticket_lead")
            .col(uuid("ticket_id").primary_key())
            .col(text("unit_code"))
            .to_owned(),
        Table::create()
            .table("unit_above")
            .col(text("code").primary_key())
            .col(text("parent_code"))
            .to_owned(),
        Table::create()
            .table("query_guess")
            .col(text("key").primary_key())
            .col(big_integer("since"))
            .col(integer("wrong"))
            .to_owned(),
        Table::create()
            .table("query_known")
            .col(text("key").primary_key())
            .col(big_integer("at"))
            .to_owned(),
    ]
}
