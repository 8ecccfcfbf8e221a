//! Tickets, their matters and history, what was heard, and proposals for the catalogue.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, pk_uuid, string, string_uniq, text, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            ticket(),
            ticket_matter(),
            ticket_step(),
            heard(),
            catalogue_proposal(),
        ] {
            manager.create_table(table).await?;
        }
        let indexes: [(&'static str, &str, &[&'static str]); 7] = [
            (
                "ticket",
                "ticket_by_receipt",
                &["is_open", "received_at", "id"],
            ),
            ("ticket", "ticket_by_state", &["state", "received_at", "id"]),
            (
                "ticket",
                "ticket_by_unit",
                &["lead_unit_code", "is_open", "received_at", "id"],
            ),
            ("ticket", "ticket_by_due", &["is_open", "unit_due_at"]),
            (
                "ticket",
                "ticket_by_card",
                &["is_open", "card", "received_at", "id"],
            ),
            (
                "ticket",
                "ticket_by_escalation",
                &["is_escalated", "received_at", "id"],
            ),
            (
                "catalogue_proposal",
                "catalogue_proposal_by_time",
                &["decided_at", "ticket_id"],
            ),
        ];
        for (table, name, columns) in indexes {
            manager
                .create_index(super::index(table, name, columns))
                .await?;
        }
        Ok(())
    }
}

/// Codes and words of a ticket.
const WORDS: [&str; 12] = [
    "state",
    "nature",
    "kind",
    "urgency",
    "category_code",
    "area_code",
    "channel_code",
    "card",
    "lead_unit_code",
    "dispatch_source",
    "return_reason",
    "proposed_unit_code",
];
/// Texts and lists of a ticket.
const TEXTS: [&str; 7] = [
    "subject",
    "text",
    "confidentiality",
    "assisting_unit_codes",
    "return_clause",
    "handling_report",
    "reply",
];
/// What is so or not so of a ticket.
const FLAGS: [&str; 7] = [
    "is_open",
    "citizen_due_provisional",
    "is_escalated",
    "is_binding",
    "unit_due_provisional",
    "sign_due_provisional",
    "was_concluded",
];
/// What is counted of a ticket.
const COUNTS: [&str; 6] = [
    "round",
    "returns",
    "counted_returns",
    "reminders",
    "supervision_orders",
    "instructions",
];
/// Instants that a ticket may not have.
const INSTANTS: [&str; 10] = [
    "imported_due_at",
    "citizen_due_at",
    "dispatched_at",
    "unit_due_at",
    "sign_due_at",
    "signed_at",
    "return_until",
    "handled_at",
    "concluded_at",
    "archived_at",
];

fn ticket() -> TableCreateStatement {
    let mut table = Table::create().table("ticket").take();
    table.col(pk_uuid("id")).col(string_uniq("number"));
    for column in ["version", "received_at", "timer_sequence"] {
        table.col(big_integer(column));
    }
    for column in WORDS {
        table.col(string(column));
    }
    for column in TEXTS {
        table.col(text(column));
    }
    for column in FLAGS {
        table.col(boolean(column));
    }
    for column in COUNTS {
        table.col(integer(column));
    }
    for column in INSTANTS {
        table.col(big_integer_null(column));
    }
    table
}

fn ticket_matter() -> TableCreateStatement {
    Table::create()
        .table("ticket_matter")
        .col(uuid("ticket_id"))
        .col(uuid("matter_id"))
        .col(big_integer("received_at"))
        .col(text("confidentiality"))
        .primary_key(Index::create().col("ticket_id").col("matter_id"))
        .take()
}

fn ticket_step() -> TableCreateStatement {
    Table::create()
        .table("ticket_step")
        .col(uuid("ticket_id"))
        .col(big_integer("version"))
        .col(string("change"))
        .col(string("state"))
        .col(big_integer("at"))
        .col(string("actor"))
        .col(string("unit_code"))
        .col(text("note"))
        .primary_key(Index::create().col("ticket_id").col("version"))
        .take()
}

fn heard() -> TableCreateStatement {
    Table::create()
        .table("heard")
        .col(uuid("stream_id"))
        .col(uuid("aggregate_id"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("stream_id").col("aggregate_id"))
        .take()
}

fn catalogue_proposal() -> TableCreateStatement {
    Table::create()
        .table("catalogue_proposal")
        .col(uuid("ticket_id"))
        .col(big_integer("version"))
        .col(string("ticket_number"))
        .col(string("category_code"))
        .col(string("area_code"))
        .col(string("lead_unit_code"))
        .col(text("decision"))
        .col(big_integer("decided_at"))
        .primary_key(Index::create().col("ticket_id").col("version"))
        .take()
}
