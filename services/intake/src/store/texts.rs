//! Open texts: which matter holds the text of a known citizen open, so that the same text said
//! again attaches to it. The key is unique, so that two cannot open at once.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_platform::bulk;
use hotline_platform::db::Txn;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::matter;
use super::{IN_LIST_MAX, StoreError};
use crate::domain::matter::Matter;

/// The open matters of known citizens, by text key: (key, ticket it stands on).
pub async fn standing(
    db: &impl ConnectionTrait,
    text_keys: &[String],
) -> Result<Vec<(String, TicketId)>, StoreError> {
    let mut found = Vec::new();
    for keys in text_keys.chunks(IN_LIST_MAX) {
        let rows: Vec<(Option<String>, Option<Uuid>)> = matter::Entity::find()
            .select_only()
            .columns([matter::Column::OpenKey, matter::Column::TicketId])
            .filter(matter::Column::OpenKey.is_in(bulk::keys(keys)))
            .into_tuple()
            .all(db)
            .await?;
        let standing = rows
            .into_iter()
            .filter_map(|(key, ticket)| Some((key?, TicketId::from(ticket?))));
        found.extend(standing);
    }
    Ok(found)
}

/// Makes `changed` the one open matter of its citizen and text, if it has both.
///
/// # Errors
///
/// [`StoreError::Collision`] if another matter is that already.
pub async fn open(txn: &Txn, changed: &Matter) -> Result<(), StoreError> {
    let Some(key) = &changed.text_key else {
        return Ok(());
    };
    set_open_key(txn, changed.id, Some(key.clone())).await
}

/// Makes `id` no longer the open matter of its citizen and text.
pub async fn close(txn: &Txn, id: MatterId) -> Result<(), StoreError> {
    set_open_key(txn, id, None).await
}

async fn set_open_key(txn: &Txn, id: MatterId, key: Option<String>) -> Result<(), StoreError> {
    matter::Entity::update_many()
        .col_expr(matter::Column::OpenKey, Expr::value(key))
        .filter(matter::Column::Id.eq(id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Closes the texts of every matter on `ticket`: the same text said later is a new matter.
pub async fn close_all(txn: &Txn, ticket: TicketId) -> Result<(), StoreError> {
    matter::Entity::update_many()
        .col_expr(matter::Column::OpenKey, Expr::value(None::<String>))
        .filter(matter::Column::TicketId.eq(ticket.uuid()))
        .filter(matter::Column::OpenKey.is_not_null())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Opens the texts of the matters on `ticket` again, but for texts that another matter holds open.
pub async fn reopen_all(txn: &Txn, ticket: TicketId) -> Result<(), StoreError> {
    let closed: Vec<(Uuid, Option<String>)> = matter::Entity::find()
        .select_only()
        .columns([matter::Column::Id, matter::Column::TextKey])
        .filter(matter::Column::TicketId.eq(ticket.uuid()))
        .filter(matter::Column::OpenKey.is_null())
        .filter(matter::Column::TextKey.is_not_null())
        .order_by_asc(matter::Column::Id)
        .limit(IN_LIST_MAX as u64)
        .into_tuple()
        .all(&**txn)
        .await?;
    for (id, key) in closed {
        let Some(key) = key else { continue };
        if standing(&**txn, std::slice::from_ref(&key))
            .await?
            .is_empty()
        {
            set_open_key(txn, id.into(), Some(key)).await?;
        }
    }
    Ok(())
}
