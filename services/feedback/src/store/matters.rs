//! What is known of matters and channels, from intake's events.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::channel;
use super::entity::matter::{ActiveModel, Column, Entity, Model};
use super::unexpected;
use crate::domain::matter::Matter;

/// Locks matters until the transaction ends, whether they were heard of or not.
///
/// Two logs may tell of one matter at the same moment. Whoever comes second must see what the first
/// wrote, or a reply is never made; on SQLite the one writer sees to it, on PostgreSQL this row lock.
/// `ids` must be sorted, so that two lockers never wait for each other.
pub(crate) async fn lock(txn: &Txn, ids: &[MatterId]) -> Result<(), CoreError> {
    for id in ids {
        let unheard = ActiveModel {
            id: Set(id.uuid()),
            version: Set(0),
            appeal_id: Set(Uuid::nil()),
            appeal_number: Set(String::new()),
            channel_code: Set(String::new()),
            contact_ref: Set(String::new()),
            is_historical: Set(false),
            ticket_id: Set(None),
            visited: Set("[]".to_owned()),
        };
        // Setting the id to itself changes nothing and takes the lock.
        let take = OnConflict::column(Column::Id)
            .update_column(Column::Id)
            .to_owned();
        Entity::insert(unheard)
            .on_conflict(take)
            .exec_without_returning(&**txn)
            .await?;
    }
    Ok(())
}

/// Saves what is now known of a locked matter.
pub(crate) async fn save(txn: &Txn, matter: &Matter) -> Result<(), CoreError> {
    let visited: Vec<Uuid> = matter.visited.iter().map(|ticket| ticket.uuid()).collect();
    let visited = serde_json::to_string(&visited).map_err(|_| unexpected("matters.visited"))?;
    let row = ActiveModel {
        id: Set(matter.id.uuid()),
        version: Set(matter.version),
        appeal_id: Set(matter.appeal_id.uuid()),
        appeal_number: Set(matter.appeal_number.clone()),
        channel_code: Set(matter.channel_code.clone()),
        contact_ref: Set(matter.contact_ref.clone()),
        is_historical: Set(matter.is_historical),
        ticket_id: Set(matter.ticket_id.map(TicketId::uuid)),
        visited: Set(visited),
    };
    Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(matter.id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The matters of `ids` that intake told of, by id.
pub(crate) async fn heard(
    db: &impl ConnectionTrait,
    ids: &[MatterId],
) -> Result<Vec<Matter>, CoreError> {
    let ids = ids.iter().map(|id| id.uuid());
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids))
        .filter(Column::Version.gt(0))
        .all(db)
        .await?;
    let mut matters = rows
        .into_iter()
        .map(Matter::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    matters.sort_unstable_by_key(|matter| matter.id);
    Ok(matters)
}

/// Whether a channel shows answers in public; `None` if intake's registry never named it.
pub(crate) async fn answers_in_public(
    db: &impl ConnectionTrait,
    channel_code: &str,
) -> Result<Option<bool>, CoreError> {
    let found = channel::Entity::find_by_id(channel_code.to_owned())
        .one(db)
        .await?;
    Ok(found.map(|channel| channel.answers_in_public))
}

/// Saves what intake's registry says of a channel.
pub(crate) async fn save_channel(
    txn: &Txn,
    code: &str,
    answers_in_public: bool,
) -> Result<(), CoreError> {
    let row = channel::ActiveModel {
        code: Set(code.to_owned()),
        answers_in_public: Set(answers_in_public),
    };
    let newer = OnConflict::column(channel::Column::Code)
        .update_column(channel::Column::AnswersInPublic)
        .to_owned();
    channel::Entity::insert(row)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

impl TryFrom<Model> for Matter {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let visited: Vec<Uuid> =
            serde_json::from_str(&row.visited).map_err(|_| unexpected("matters.visited"))?;
        Ok(Self {
            id: row.id.into(),
            version: row.version,
            appeal_id: row.appeal_id.into(),
            appeal_number: row.appeal_number,
            channel_code: row.channel_code,
            contact_ref: row.contact_ref,
            is_historical: row.is_historical,
            ticket_id: row.ticket_id.map(Into::into),
            visited: visited.into_iter().map(Into::into).collect(),
        })
    }
}
