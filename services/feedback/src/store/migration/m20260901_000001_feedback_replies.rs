//! Replies, channels and outbound files.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, pk_uuid, string, string_uniq, text, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let replies = Table::create()
            .table("replies")
            .col(pk_uuid("id"))
            .col(big_integer("version"))
            .col(string_uniq("origin"))
            .col(uuid("appeal_id"))
            .col(string("appeal_number"))
            .col(uuid_null("matter_id"))
            .col(uuid_null("ticket_id"))
            .col(integer("round"))
            .col(string("channel_code"))
            .col(string("contact_ref"))
            .col(string("state"))
            .col(string("cause"))
            .col(text("text"))
            .col(big_integer("replied_at"))
            .to_owned();
        manager.create_table(replies).await?;
        let indexes: [(&str, &[&'static str]); 4] = [
            ("replies_by_appeal", &["appeal_id", "id"]),
            ("replies_by_ticket", &["ticket_id", "id"]),
            ("replies_by_channel", &["channel_code", "state", "id"]),
            ("replies_by_state", &["state", "id"]),
        ];
        for (name, columns) in indexes {
            manager
                .create_index(super::index("replies", name, columns))
                .await?;
        }

        let channels = Table::create()
            .table("channels")
            .col(string("code").primary_key())
            .col(boolean("answers_in_public"))
            .to_owned();
        manager.create_table(channels).await?;

        let outbound_files = Table::create()
            .table("outbound_files")
            .col(string("channel_code").primary_key())
            .col(big_integer("committed_bytes"))
            .col(big_integer("lines"))
            .to_owned();
        manager.create_table(outbound_files).await
    }
}
