//! Matters: insert many, look up by ticket and by text, move under a version.

use hotline_kernel::id::{AppealId, MatterId, TicketId};
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::matter;
use super::sealed::{self, Seal};
use super::{IN_LIST_MAX, StoreError, optional_instant, term};
use crate::domain::matter::{MaskedReply, Matter, Place};
use crate::domain::terms::Term;

/// A matter with what only storage keeps of it.
pub struct NewMatterRow {
    /// What everybody may see.
    pub matter: Matter,
    /// As it was said.
    pub original_subject: String,
    /// As it was said.
    pub original_text: String,
    /// An imported reply as it was written.
    pub original_reply: Option<String>,
    /// Whether it is the one open matter of its citizen and text.
    pub is_open: bool,
}

/// Inserts matters, many a statement.
pub async fn insert(txn: &Txn, rows: Vec<(NewMatterRow, Seal)>) -> Result<(), StoreError> {
    let models = rows.into_iter().map(active);
    bulk::insert(txn, models.collect::<Result<Vec<_>, _>>()?).await?;
    Ok(())
}

/// Which of `numbers` are taken, by an appeal or by a matter.
pub async fn taken_numbers(
    db: &impl ConnectionTrait,
    numbers: &[String],
) -> Result<Vec<String>, StoreError> {
    let mut taken = Vec::new();
    for numbers in numbers.chunks(IN_LIST_MAX) {
        let found: Vec<String> = matter::Entity::find()
            .select_only()
            .column(matter::Column::Number)
            .filter(matter::Column::Number.is_in(bulk::keys(numbers)))
            .into_tuple()
            .all(db)
            .await?;
        taken.extend(found);
    }
    Ok(taken)
}

/// Finds a matter by its id; none for a scope that is not everybody's.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: MatterId,
) -> Result<Option<Matter>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    matter::Entity::find_by_id(id.uuid())
        .one(db)
        .await?
        .map(matter_of)
        .transpose()
}

/// The matters of some appeals, by appeal and ordinal.
pub async fn of_appeals(
    db: &impl ConnectionTrait,
    appeals: &[AppealId],
) -> Result<Vec<Matter>, StoreError> {
    let mut found = Vec::new();
    for appeals in appeals.chunks(IN_LIST_MAX) {
        let rows = matter::Entity::find()
            .filter(matter::Column::AppealId.is_in(appeals.iter().map(|id| id.uuid())))
            .order_by_asc(matter::Column::AppealId)
            .order_by_asc(matter::Column::Ordinal)
            .all(db)
            .await?;
        for row in rows {
            found.push(matter_of(row)?);
        }
    }
    Ok(found)
}

/// The appeal of the matter with `number`; none for a scope that is not everybody's.
pub async fn appeal_by_number(
    db: &impl ConnectionTrait,
    scope: &Scope,
    number: &str,
) -> Result<Option<AppealId>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    let found: Option<Uuid> = matter::Entity::find()
        .select_only()
        .column(matter::Column::AppealId)
        .filter(matter::Column::Number.eq(number))
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.map(Into::into))
}

/// The matter for which `ticket` was reserved.
pub async fn owner_of(
    db: &impl ConnectionTrait,
    ticket: TicketId,
) -> Result<Option<Matter>, StoreError> {
    let found = matter::Entity::find()
        .filter(matter::Column::ReservedTicketId.eq(ticket.uuid()))
        .one(db)
        .await?;
    found.map(matter_of).transpose()
}

/// The numbers of reserved tickets.
pub async fn ticket_numbers(
    db: &impl ConnectionTrait,
    tickets: &[TicketId],
) -> Result<Vec<(TicketId, String)>, StoreError> {
    let mut found = Vec::new();
    for tickets in tickets.chunks(IN_LIST_MAX) {
        let rows: Vec<(Uuid, String)> = matter::Entity::find()
            .select_only()
            .columns([matter::Column::ReservedTicketId, matter::Column::Number])
            .filter(matter::Column::ReservedTicketId.is_in(tickets.iter().map(|id| id.uuid())))
            .into_tuple()
            .all(db)
            .await?;
        found.extend(
            rows.into_iter()
                .map(|(ticket, number)| (ticket.into(), number)),
        );
    }
    Ok(found)
}

/// Whether any matter stands on `ticket`.
pub async fn stands_on(db: &impl ConnectionTrait, ticket: TicketId) -> Result<bool, StoreError> {
    let found: Option<Uuid> = matter::Entity::find()
        .select_only()
        .column(matter::Column::Id)
        .filter(matter::Column::TicketId.eq(ticket.uuid()))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Saves where a matter stands; its version is already the new one, `events` above the old.
///
/// # Errors
///
/// Stale if the row is not at the version before.
pub async fn save_place(txn: &Txn, changed: &Matter, events: i64) -> Result<(), StoreError> {
    let updated = matter::Entity::update_many()
        .col_expr(matter::Column::Version, Expr::value(changed.version))
        .col_expr(
            matter::Column::Place,
            Expr::value(place_word(changed.place)),
        )
        .col_expr(
            matter::Column::TicketId,
            Expr::value(changed.ticket().map(TicketId::uuid)),
        )
        .filter(matter::Column::Id.eq(changed.id.uuid()))
        .filter(matter::Column::Version.eq(changed.version - events))
        .exec(&**txn)
        .await?;
    if updated.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 }.into());
    }
    Ok(())
}

/// What triage corrected in a matter that waits.
pub struct Correction<'a> {
    /// The matter as it is now.
    pub matter: &'a Matter,
    /// Its subject in clear, if it was corrected.
    pub original_subject: Option<&'a str>,
    /// Its text in clear, if it was corrected.
    pub original_text: Option<&'a str>,
}

/// Saves corrections of a matter.
pub async fn correct(txn: &Txn, seal: &Seal, correction: Correction<'_>) -> Result<(), StoreError> {
    let matter = correction.matter;
    let row = sealed::row(matter.id.uuid());
    let mut update = matter::Entity::update_many()
        .col_expr(matter::Column::Kind, Expr::value(matter.kind.word()))
        .col_expr(matter::Column::Urgency, Expr::value(matter.urgency.word()))
        .col_expr(
            matter::Column::CategoryCode,
            Expr::value(matter.category_code.as_str()),
        )
        .col_expr(
            matter::Column::AreaCode,
            Expr::value(matter.area_code.as_str()),
        )
        .col_expr(
            matter::Column::MaskedSubject,
            Expr::value(matter.subject.as_str()),
        )
        .col_expr(
            matter::Column::MaskedText,
            Expr::value(matter.text.as_str()),
        )
        .col_expr(
            matter::Column::TextKey,
            Expr::value(matter.text_key.clone()),
        );
    if let Some(original) = correction.original_subject {
        let sealed = seal.text(sealed::MATTER_SUBJECT, &row, original)?;
        update = update.col_expr(matter::Column::SealedSubject, Expr::value(sealed));
    }
    if let Some(original) = correction.original_text {
        let sealed = seal.text(sealed::MATTER_TEXT, &row, original)?;
        update = update.col_expr(matter::Column::SealedText, Expr::value(sealed));
    }
    update
        .filter(matter::Column::Id.eq(matter.id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Erases what was said and replied in the matters of an appeal.
pub async fn erase_content(txn: &Txn, appeal: AppealId) -> Result<(), StoreError> {
    matter::Entity::update_many()
        .col_expr(matter::Column::SealedSubject, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::SealedText, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::MaskedSubject, Expr::value(""))
        .col_expr(matter::Column::MaskedText, Expr::value(""))
        .col_expr(matter::Column::TextKey, Expr::value(None::<String>))
        .col_expr(matter::Column::SealedReply, Expr::value(None::<Vec<u8>>))
        .col_expr(matter::Column::MaskedReply, Expr::value(None::<String>))
        .col_expr(matter::Column::RepliedAt, Expr::value(None::<i64>))
        .filter(matter::Column::AppealId.eq(appeal.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

fn place_word(place: Place) -> &'static str {
    match place {
        Place::Waiting => "waiting",
        Place::On(_) => "on",
        Place::Withdrawn => "withdrawn",
    }
}

fn active((row, seal): (NewMatterRow, Seal)) -> Result<matter::ActiveModel, StoreError> {
    let matter = row.matter;
    let name = sealed::row(matter.id.uuid());
    let reply = row.original_reply.as_deref().unwrap_or_default();
    let ticket = matter.ticket().map(TicketId::uuid);
    let (masked_reply, replied_at) = match matter.imported_reply {
        Some(reply) => (Some(reply.text), reply.replied_at.map(micros)),
        None => (None, None),
    };
    Ok(matter::ActiveModel {
        sealed_subject: Set(seal.text(sealed::MATTER_SUBJECT, &name, &row.original_subject)?),
        sealed_text: Set(seal.text(sealed::MATTER_TEXT, &name, &row.original_text)?),
        sealed_reply: Set(seal.text(sealed::MATTER_REPLY, &name, reply)?),
        id: Set(matter.id.uuid()),
        appeal_id: Set(matter.appeal_id.uuid()),
        ordinal: Set(i32::try_from(matter.ordinal).unwrap_or(i32::MAX)),
        version: Set(matter.version),
        reserved_ticket_id: Set(matter.reserved_ticket.uuid()),
        number: Set(matter.number),
        place: Set(place_word(matter.place).to_owned()),
        ticket_id: Set(ticket),
        kind: Set(matter.kind.word().to_owned()),
        urgency: Set(matter.urgency.word().to_owned()),
        category_code: Set(matter.category_code),
        area_code: Set(matter.area_code),
        original_subject: Set(String::new()),
        original_text: Set(String::new()),
        masked_subject: Set(matter.subject),
        masked_text: Set(matter.text),
        imported_due_at: Set(matter.imported_due_at.map(micros)),
        original_reply: Set(None),
        masked_reply: Set(masked_reply),
        replied_at: Set(replied_at),
        open_key: Set(if row.is_open {
            matter.text_key.clone()
        } else {
            None
        }),
        text_key: Set(matter.text_key),
    })
}

fn matter_of(row: matter::Model) -> Result<Matter, StoreError> {
    let place = match (row.place.as_str(), row.ticket_id) {
        ("waiting", None) => Place::Waiting,
        ("on", Some(ticket)) => Place::On(ticket.into()),
        ("withdrawn", None) => Place::Withdrawn,
        _ => return Err(super::broken("place")),
    };
    let replied_at = optional_instant("replied_at", row.replied_at)?;
    Ok(Matter {
        id: row.id.into(),
        appeal_id: row.appeal_id.into(),
        ordinal: u32::try_from(row.ordinal).map_err(|_| super::broken("ordinal"))?,
        version: row.version,
        reserved_ticket: row.reserved_ticket_id.into(),
        number: row.number,
        place,
        kind: term("kind", &row.kind)?,
        urgency: term("urgency", &row.urgency)?,
        category_code: row.category_code,
        area_code: row.area_code,
        subject: row.masked_subject,
        text: row.masked_text,
        imported_due_at: optional_instant("imported_due_at", row.imported_due_at)?,
        imported_reply: row
            .masked_reply
            .map(|text| MaskedReply { text, replied_at }),
        text_key: row.text_key,
    })
}
