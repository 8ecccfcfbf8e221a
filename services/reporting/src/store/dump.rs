//! Everything that events told, as text, to compare read models in tests.

use std::fmt::{Debug, Write};

use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ConnectionTrait, EntityTrait, Iterable, PrimaryKeyToColumn, QueryOrder, Statement};

use super::entity::{
    appeal_view, follow_up_view, matter_text, matter_view, progress, registry_load, registry_name,
    reply_view, rollup, tenure, ticket_search, ticket_step, ticket_view,
};
use crate::domain::search::PLACE_BITS;

/// All read models, each row on its line, in the order of their keys.
pub async fn dump(db: &impl ConnectionTrait) -> String {
    let mut text = String::new();
    table::<progress::Entity>(db, "progress", &mut text).await;
    table::<registry_load::Entity>(db, "registry_load", &mut text).await;
    table::<registry_name::Entity>(db, "registry_name", &mut text).await;
    table::<appeal_view::Entity>(db, "appeal_view", &mut text).await;
    table::<matter_view::Entity>(db, "matter_view", &mut text).await;
    table::<matter_text::Entity>(db, "matter_text", &mut text).await;
    table::<ticket_view::Entity>(db, "ticket_view", &mut text).await;
    found(db, &mut text).await;
    table::<ticket_step::Entity>(db, "ticket_step", &mut text).await;
    table::<tenure::Entity>(db, "tenure", &mut text).await;
    table::<follow_up_view::Entity>(db, "follow_up_view", &mut text).await;
    table::<reply_view::Entity>(db, "reply_view", &mut text).await;
    table::<rollup::Entity>(db, "rollup", &mut text).await;
    text
}

/// Tickets of the same millisecond stand in the order in which they were heard of.
async fn found(db: &impl ConnectionTrait, text: &mut String) {
    let rows = ticket_search::Entity::find().all(db).await.unwrap();
    let mut lines: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "ticket_search {} {}",
                row.ticket_id,
                row.place >> PLACE_BITS
            )
        })
        .collect();
    lines.sort();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
}

async fn table<E>(db: &impl ConnectionTrait, name: &str, text: &mut String)
where
    E: EntityTrait,
    E::Model: Debug,
{
    let mut query = E::find();
    for key in E::PrimaryKey::iter() {
        query = query.order_by_asc(key.into_column());
    }
    let mut lines: Vec<_> = query
        .all(db)
        .await
        .unwrap()
        .iter()
        .map(|row| format!("{name} {row:?}"))
        .collect();
    // The databases order text by different rules.
    lines.sort();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
}

/// Changes rows behind the service's back.
pub async fn tamper(txn: &Txn, sql: &str) -> Result<(), CoreError> {
    let changed = txn.execute_unprepared(sql).await?;
    assert!(changed.rows_affected() > 0, "nothing to tamper with");
    Ok(())
}

/// How often the audit has an action.
pub async fn audited(db: &impl ConnectionTrait, action: &str) -> i64 {
    let text = "SELECT COUNT(*) FROM audit WHERE action = $1";
    let backend = db.get_database_backend();
    let counting = Statement::from_sql_and_values(backend, text, [action.into()]);
    let row = db.query_one_raw(counting).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}
