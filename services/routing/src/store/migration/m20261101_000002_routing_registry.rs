//! The registry: units, areas, categories, catalogue, keywords, calendar and policies.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, double, integer, integer_null, string, text};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        let by_category = super::index(
            "catalogue",
            "catalogue_by_category",
            &["category_code", "area_code"],
        );
        manager.create_index(by_category).await
    }
}

fn tables() -> [TableCreateStatement; 9] {
    [
        table(
            "unit",
            &["code"],
            &["name", "parent_code", "unit_group", "kind"],
            &[],
            &["ordinal"],
        ),
        table("unit_alias", &["alias", "unit_code"], &[], &[], &[]),
        table(
            "area",
            &["code"],
            &["name", "parent_code"],
            &["aliases"],
            &["ordinal"],
        ),
        table(
            "category",
            &["code"],
            &["parent_code", "name", "default_unit_code"],
            &["kind_days"],
            &["ordinal"],
        )
        .col(integer_null("urgent_hours"))
        .take(),
        table(
            "catalogue",
            &[],
            &[
                "category_code",
                "area_code",
                "lead_unit_code",
                "valid_from",
                "valid_until",
            ],
            &["assisting_unit_codes", "source"],
            &[],
        )
        .col(integer("ordinal").primary_key())
        .take(),
        table("keyword", &["keyword", "category_code"], &[], &[], &[])
            .col(double("weight"))
            .take(),
        table("holiday", &["date"], &["kind", "name"], &[], &[]),
        table(
            "policy_profile",
            &["profile", "valid_from"],
            &["counting", "count_start"],
            &["kind_days"],
            &["return_workdays"],
        )
        .col(integer_null("sign_workdays"))
        .col(integer_null("urgent_hours"))
        .take(),
        table("registry_version", &["table_name"], &[], &[], &[])
            .col(big_integer("version"))
            .take(),
    ]
}

fn table(
    name: &'static str,
    keys: &[&'static str],
    words: &[&'static str],
    texts: &[&'static str],
    counts: &[&'static str],
) -> TableCreateStatement {
    let mut table = Table::create().table(name).take();
    for column in keys.iter().chain(words) {
        table.col(string(*column));
    }
    for column in texts {
        table.col(text(*column));
    }
    for column in counts {
        table.col(integer(*column));
    }
    if !keys.is_empty() {
        let mut primary = Index::create();
        for column in keys {
            primary.col(*column);
        }
        table.primary_key(&mut primary);
    }
    table
}
