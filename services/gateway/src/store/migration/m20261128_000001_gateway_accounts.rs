//! Accounts, what proves them, sessions, counters of failures, requests, API keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, boolean, integer, pk_uuid, string, string_null,
    text, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            accounts(),
            credentials(),
            recovery_codes(),
            set_up_links(),
            sessions(),
            devices(),
            failures(),
            requests(),
            api_keys(),
        ] {
            manager.create_table(table).await?;
        }
        let unique: [(&'static str, &str, &'static str); 5] = [
            ("accounts", "accounts_name", "name"),
            ("accounts", "accounts_oidc_subject", "oidc_subject"),
            ("set_up_links", "set_up_links_token", "token_hash"),
            ("sessions", "sessions_token", "token_hash"),
            ("devices", "devices_token", "token_hash"),
        ];
        for (table, name, column) in unique {
            let index = Index::create()
                .name(name)
                .table(table)
                .col(column)
                .unique()
                .take();
            manager.create_index(index).await?;
        }
        let plain: [(&'static str, &str, &[&'static str]); 6] = [
            ("sessions", "sessions_account", &["account_id", "seen_at"]),
            ("sessions", "sessions_age", &["seen_at"]),
            ("devices", "devices_account", &["account_id", "seen_at"]),
            ("failures", "failures_age", &["last_at"]),
            ("requests", "requests_state", &["state", "id"]),
            ("api_keys", "api_keys_owner", &["owner", "channel_code"]),
        ];
        for (table, name, columns) in plain {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// Administration, accounts and audit go with no other role, whatever program writes here (GB/T 22239-2019, 8.1.5).
const KEPT_APART: &str = "roles IN ('administrator', 'security_administrator', 'auditor') \
                          OR (roles NOT LIKE '%administrator%' AND roles NOT LIKE '%auditor%')";

fn accounts() -> TableCreateStatement {
    Table::create()
        .table("accounts")
        .col(pk_uuid("id"))
        .col(big_integer("version"))
        .col(string("name"))
        .col(string("state"))
        .col(string("roles"))
        .col(string("unit_code"))
        .col(boolean("outsourced"))
        .col(string_null("oidc_subject"))
        .col(big_integer("made_at"))
        .col(big_integer("last_used_at"))
        .check(Expr::cust(KEPT_APART))
        .to_owned()
}

fn credentials() -> TableCreateStatement {
    Table::create()
        .table("credentials")
        .col(pk_uuid("account_id"))
        .col(big_integer("version"))
        .col(text("password_hash"))
        .col(big_integer("password_changed_at"))
        .col(blob("shared_secret"))
        .col(big_integer("last_step"))
        .to_owned()
}

fn recovery_codes() -> TableCreateStatement {
    Table::create()
        .table("recovery_codes")
        .col(uuid("account_id"))
        .col(blob("hash"))
        .primary_key(Index::create().col("account_id").col("hash"))
        .to_owned()
}

fn set_up_links() -> TableCreateStatement {
    Table::create()
        .table("set_up_links")
        .col(pk_uuid("account_id"))
        .col(blob("token_hash"))
        .col(big_integer("expires_at"))
        .col(blob_null("shared_secret"))
        .to_owned()
}

fn sessions() -> TableCreateStatement {
    Table::create()
        .table("sessions")
        .col(pk_uuid("id"))
        .col(blob("token_hash"))
        .col(uuid("account_id"))
        .col(string("from_addr"))
        .col(string("agent"))
        .col(big_integer("made_at"))
        .col(big_integer("seen_at"))
        .col(big_integer_null("stepped_up_at"))
        .to_owned()
}

fn devices() -> TableCreateStatement {
    Table::create()
        .table("devices")
        .col(pk_uuid("id"))
        .col(blob("token_hash"))
        .col(uuid("account_id"))
        .col(big_integer("seen_at"))
        .to_owned()
}

fn failures() -> TableCreateStatement {
    Table::create()
        .table("failures")
        .col(string("counter").primary_key())
        .col(integer("count"))
        .col(text("recent"))
        .col(big_integer("last_at"))
        .to_owned()
}

fn requests() -> TableCreateStatement {
    Table::create()
        .table("requests")
        .col(pk_uuid("id"))
        .col(big_integer("version"))
        .col(uuid("account_id"))
        .col(string("kind"))
        .col(string("roles"))
        .col(string("unit_code"))
        .col(big_integer("account_version"))
        .col(text("reason"))
        .col(string("asked_by"))
        .col(big_integer("asked_at"))
        .col(string("state"))
        .col(string("decided_by"))
        .to_owned()
}

fn api_keys() -> TableCreateStatement {
    Table::create()
        .table("api_keys")
        .col(string("id").primary_key())
        .col(big_integer("version"))
        .col(string("owner"))
        .col(string("channel_code"))
        .col(string("verbs"))
        .col(text("networks"))
        .col(integer("per_minute"))
        .col(integer("per_day"))
        .col(blob("secret_mac"))
        .col(big_integer("made_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("revoked_at"))
        .col(big_integer("minute"))
        .col(integer("minute_used"))
        .col(big_integer("day"))
        .col(integer("day_used"))
        .to_owned()
}
