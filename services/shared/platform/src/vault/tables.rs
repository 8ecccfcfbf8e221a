//! The tables of the vault. A service that keeps sealed values creates them in a migration of its own.

use sea_orm_migration::prelude::{Table, TableAlterStatement, TableCreateStatement};
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, integer, text, text_null, text_uniq, uuid,
};

/// Data keys, wrapping keys by id, destroyed data keys.
#[must_use]
pub fn all() -> [TableCreateStatement; 3] {
    [data_key(), wrapping_key(), erased_key()]
}

/// What the owners of destroyed data keys are known by, a later addition: it alters what [`all`] creates.
#[must_use]
pub fn erased_owners() -> TableAlterStatement {
    Table::alter()
        .table("erased_key")
        .add_column(text_null("owner_tag"))
        .take()
}

/// A wrapped key per owner. When its row is gone, so are the owner's values.
fn data_key() -> TableCreateStatement {
    Table::create()
        .table("data_key")
        .col(uuid("id").primary_key())
        .col(text_uniq("owner"))
        .col(uuid("wrapping_key"))
        .col(blob("wrapped"))
        .col(big_integer("made_at"))
        .take()
}

/// Which keys wrap, or wrapped, data keys here; the keys themselves are elsewhere. There is one first key.
fn wrapping_key() -> TableCreateStatement {
    Table::create()
        .table("wrapping_key")
        .col(uuid("id").primary_key())
        .col(integer("ordinal").unique_key())
        .col(big_integer("made_at"))
        .col(big_integer_null("retired_at"))
        .take()
}

/// Which data keys were destroyed on purpose, and by which request.
fn erased_key() -> TableCreateStatement {
    Table::create()
        .table("erased_key")
        .col(uuid("id").primary_key())
        .col(big_integer("erased_at"))
        .col(text("request"))
        .take()
}
