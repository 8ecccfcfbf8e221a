//! Reporting's database: read models that events feed, rollups, issued documents, instructions.

mod cases;
mod convert;
mod counts;
mod documents;
#[cfg(test)]
mod dump;
mod entity;
mod export;
mod facts;
mod instructions;
mod lists;
mod lookup;
pub mod migration;
mod progress;
mod registry;
mod search;
mod views;

pub use cases::typical;
pub use counts::{OverviewCounts, Span, counted, overview, sums_by_unit, totals};
pub use documents::{editions, get as document, issue, list as documents, next_number};
#[cfg(test)]
pub use dump::{audited, dump, tamper};
pub use export::{add_citizens, tickets_behind};
pub use facts::apply as apply_facts;
pub use instructions::{Instruction, count as instruction_count, insert as insert_instruction};
pub use lists::{
    Found, concluded, due, instructed, overdue, received, repeated, returned, returned_often,
    supervised, unsigned, urgent, waiting,
};
pub use lookup::in_order as tickets_of;
pub use progress::{clear_read_models, data_cut, hold, lock};
pub use registry::{
    load as load_names, names_of, replace as replace_registry, version as registry_version,
};
pub use search::{forget_words, said_on, save_words, search};
pub use views::{
    appeal, follow_up, matter, reply, save_appeal, save_follow_up, save_matter, save_reply,
    save_step, save_tenure, save_ticket, tenure, ticket, ticket_is_known,
};

use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
};

/// What can be read from: a snapshot, or the transaction of a write.
pub trait Reader: ConnectionTrait {}

impl<C: ConnectionTrait> Reader for C {}

/// Values bound in one statement: both databases allow more.
const CHUNK: usize = 400;

/// Inserts a row, or overwrites the one with the same key.
async fn upsert<A>(txn: &Txn, row: A) -> Result<(), CoreError>
where
    A: ActiveModelTrait + Send,
{
    let keys: Vec<_> = <A::Entity as EntityTrait>::PrimaryKey::iter()
        .map(PrimaryKeyToColumn::into_column)
        .collect();
    let is_key = |column: &<A::Entity as EntityTrait>::Column| {
        keys.iter().any(|key| key.as_str() == column.as_str())
    };
    let others: Vec<_> = <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| !is_key(column))
        .collect();
    let overwrite = OnConflict::columns(keys.clone())
        .update_columns(others)
        .to_owned();
    A::Entity::insert(row)
        .on_conflict(overwrite)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}
