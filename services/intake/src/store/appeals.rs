//! Appeals: insert many, look up by key, change under a version.

use hotline_kernel::id::{AppealId, Id};
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::appeal;
use super::sealed::{self, Seal};
use super::{IN_LIST_MAX, StoreError, instant, term};
use crate::domain::appeal::{Appeal, Filter, Outcome};
use crate::domain::registration::Confidentiality;
use crate::domain::terms::Term;

/// An appeal with what only storage keeps of it.
pub struct NewAppeal {
    /// What everybody may see.
    pub appeal: Appeal,
    /// As it was said.
    pub original_subject: String,
    /// As it was said.
    pub original_text: String,
    /// What its id is unique in.
    pub source: String,
    /// The source's id, empty if none.
    pub source_id: String,
    /// Unique for ever.
    pub dedup_key: String,
    /// To tell a repetition from another text under the same id.
    pub content_hash: String,
    /// The appeal whose id it came under with other content.
    pub differs_from: Option<AppealId>,
}

/// What a repetition is answered from.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its id.
    pub id: AppealId,
    /// Its receipt's number.
    pub number: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// Hash of what was said.
    pub content_hash: String,
    /// The key it is known by.
    pub dedup_key: String,
}

/// Where a list of appeals goes on: the sort key of the last row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// Microseconds.
    pub received_at: i64,
    /// Tie-breaker.
    pub id: Uuid,
}

/// Inserts appeals, many a statement.
pub async fn insert(txn: &Txn, rows: Vec<(NewAppeal, Seal)>) -> Result<(), StoreError> {
    let models = rows.into_iter().map(active);
    bulk::insert(txn, models.collect::<Result<Vec<_>, _>>()?).await?;
    Ok(())
}

/// Finds appeals by their dedup keys.
pub async fn known(
    db: &impl ConnectionTrait,
    dedup_keys: &[String],
) -> Result<Vec<Known>, StoreError> {
    let mut found = Vec::new();
    for keys in dedup_keys.chunks(IN_LIST_MAX) {
        let rows: Vec<(Uuid, String, i64, String, String)> = appeal::Entity::find()
            .select_only()
            .columns([
                appeal::Column::Id,
                appeal::Column::Number,
                appeal::Column::ReceivedAt,
                appeal::Column::ContentHash,
                appeal::Column::DedupKey,
            ])
            .filter(appeal::Column::DedupKey.is_in(bulk::keys(keys)))
            .into_tuple()
            .all(db)
            .await?;
        for (id, number, received_at, content_hash, dedup_key) in rows {
            let received_at = instant("received_at", received_at)?;
            found.push(Known {
                id: id.into(),
                number,
                received_at,
                content_hash,
                dedup_key,
            });
        }
    }
    Ok(found)
}

/// The pseudonym under which an appeal stands now, empty if its citizen is not known or was forgotten.
pub async fn citizen(txn: &Txn, id: AppealId) -> Result<Option<String>, StoreError> {
    let asked = appeal::Entity::find_by_id(id.uuid())
        .select_only()
        .column(appeal::Column::Citizen);
    Ok(asked.into_tuple().one(&**txn).await?)
}

/// Finds an appeal by its id. Whose it is shows only on its ticket, so there is none for a scope that is not
/// everybody's.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: AppealId,
) -> Result<Option<Appeal>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    appeal::Entity::find_by_id(id.uuid())
        .one(db)
        .await?
        .map(appeal_of)
        .transpose()
}

/// Finds an appeal by its receipt's number, for whoever also shows its query code: no scope is asked for.
pub async fn find_by_number(
    db: &impl ConnectionTrait,
    number: &str,
) -> Result<Option<Appeal>, StoreError> {
    let found = appeal::Entity::find()
        .filter(appeal::Column::Number.eq(number))
        .one(db)
        .await?;
    found.map(appeal_of).transpose()
}

/// Finds the latest appeal that had `old_number` in another system; none for a scope that is not everybody's.
pub async fn find_by_old_number(
    db: &impl ConnectionTrait,
    scope: &Scope,
    old_number: &str,
) -> Result<Option<Appeal>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    let found = appeal::Entity::find()
        .filter(appeal::Column::OldNumber.eq(old_number))
        .order_by_desc(appeal::Column::ReceivedAt)
        .order_by_desc(appeal::Column::Id)
        .one(db)
        .await?;
    found.map(appeal_of).transpose()
}

/// A page of appeals, newest first; none for a scope that is not everybody's.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    filter: &Filter,
    after: Option<&Cursor>,
    size: u64,
) -> Result<Vec<Appeal>, StoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = appeal::Entity::find();
    if let Some(state) = filter.state {
        query = query.filter(appeal::Column::State.eq(state.word()));
    }
    if !filter.channel_code.is_empty() {
        query = query.filter(appeal::Column::ChannelCode.eq(filter.channel_code.as_str()));
    }
    if !filter.citizen.is_empty() {
        query = query.filter(appeal::Column::Citizen.eq(filter.citizen.as_str()));
    }
    if let Some(cursor) = after {
        let same_instant = Condition::all()
            .add(appeal::Column::ReceivedAt.eq(cursor.received_at))
            .add(appeal::Column::Id.lt(cursor.id));
        query = query.filter(
            Condition::any()
                .add(appeal::Column::ReceivedAt.lt(cursor.received_at))
                .add(same_instant),
        );
    }
    let rows = query
        .order_by_desc(appeal::Column::ReceivedAt)
        .order_by_desc(appeal::Column::Id)
        .limit(size)
        .all(db)
        .await?;
    rows.into_iter().map(appeal_of).collect()
}

/// Saves a changed appeal, whose version is already the new one.
///
/// # Errors
///
/// Stale if the row is not at the version before.
pub async fn save(txn: &Txn, changed: &Appeal) -> Result<(), StoreError> {
    let outcome = &changed.outcome;
    let updated = appeal::Entity::update_many()
        .col_expr(appeal::Column::Version, Expr::value(changed.version))
        .col_expr(appeal::Column::State, Expr::value(changed.state.word()))
        .col_expr(
            appeal::Column::GuideReason,
            Expr::value(outcome.guide_reason.map(Term::word)),
        )
        .col_expr(
            appeal::Column::LegalRoute,
            Expr::value(outcome.legal_route.as_str()),
        )
        .col_expr(
            appeal::Column::CompetentBody,
            Expr::value(outcome.competent_body.as_str()),
        )
        .col_expr(
            appeal::Column::MaskedAnswer,
            Expr::value(outcome.answer.as_str()),
        )
        .col_expr(
            appeal::Column::DivertedTo,
            Expr::value(outcome.diverted_to.as_str()),
        )
        .col_expr(appeal::Column::Reason, Expr::value(outcome.reason.as_str()))
        .filter(appeal::Column::Id.eq(changed.id.uuid()))
        .filter(appeal::Column::Version.eq(changed.version - 1))
        .exec(&**txn)
        .await?;
    if updated.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 }.into());
    }
    Ok(())
}

/// Keeps what a citizen is told as it was written.
pub async fn keep_answer(
    txn: &Txn,
    seal: &Seal,
    id: AppealId,
    original: &str,
) -> Result<(), StoreError> {
    let sealed = seal.text(sealed::APPEAL_ANSWER, &sealed::row(id.uuid()), original)?;
    appeal::Entity::update_many()
        .col_expr(appeal::Column::SealedAnswer, Expr::value(sealed))
        .filter(appeal::Column::Id.eq(id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Erases what was said, masked and original, and forgets whose contact it was.
pub async fn erase_content(txn: &Txn, id: AppealId) -> Result<(), StoreError> {
    appeal::Entity::update_many()
        .col_expr(appeal::Column::SealedSubject, Expr::value(None::<Vec<u8>>))
        .col_expr(appeal::Column::SealedText, Expr::value(None::<Vec<u8>>))
        .col_expr(appeal::Column::MaskedSubject, Expr::value(""))
        .col_expr(appeal::Column::MaskedText, Expr::value(""))
        .col_expr(appeal::Column::ContactId, Expr::value(None::<Uuid>))
        .col_expr(appeal::Column::Citizen, Expr::value(""))
        .filter(appeal::Column::Id.eq(id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

fn active((row, seal): (NewAppeal, Seal)) -> Result<appeal::ActiveModel, StoreError> {
    let appeal = row.appeal;
    let (flags, outcome) = (appeal.confidentiality, appeal.outcome);
    let name = sealed::row(appeal.id.uuid());
    Ok(appeal::ActiveModel {
        id: Set(appeal.id.uuid()),
        number: Set(appeal.number),
        version: Set(appeal.version),
        state: Set(appeal.state.word().to_owned()),
        nature: Set(appeal.nature.word().to_owned()),
        channel_code: Set(appeal.channel_code),
        line_number: Set(appeal.line_number),
        source: Set(row.source),
        source_id: Set(row.source_id),
        dedup_key: Set(row.dedup_key),
        content_hash: Set(row.content_hash),
        differs_from: Set(row.differs_from.map(Id::uuid)),
        citizen: Set(appeal.citizen),
        contact_id: Set(appeal.contact.map(Id::uuid)),
        original_subject: Set(String::new()),
        original_text: Set(String::new()),
        masked_subject: Set(appeal.subject),
        masked_text: Set(appeal.text),
        said_at: Set(micros(appeal.said_at)),
        received_at: Set(micros(appeal.received_at)),
        is_anonymous: Set(flags.is_anonymous),
        is_confidential: Set(flags.is_confidential),
        is_tip_off: Set(flags.is_tip_off),
        complained_units: Set(serde_json::json!(flags.complained_unit_codes).to_string()),
        guide_reason: Set(outcome.guide_reason.map(|reason| reason.word().to_owned())),
        legal_route: Set(outcome.legal_route),
        competent_body: Set(outcome.competent_body),
        original_answer: Set(String::new()),
        masked_answer: Set(outcome.answer),
        diverted_to: Set(outcome.diverted_to),
        reason: Set(outcome.reason),
        old_number: Set(appeal.old_number),
        import_batch_id: Set(appeal.import_batch.map(Id::uuid)),
        sealed_subject: Set(seal.text(sealed::APPEAL_SUBJECT, &name, &row.original_subject)?),
        sealed_text: Set(seal.text(sealed::APPEAL_TEXT, &name, &row.original_text)?),
        sealed_answer: Set(None),
    })
}

fn appeal_of(row: appeal::Model) -> Result<Appeal, StoreError> {
    let guide_reason = row
        .guide_reason
        .map(|word| term("guide_reason", &word))
        .transpose()?;
    Ok(Appeal {
        id: row.id.into(),
        number: row.number,
        version: row.version,
        state: term("state", &row.state)?,
        nature: term("nature", &row.nature)?,
        channel_code: row.channel_code,
        line_number: row.line_number,
        citizen: row.citizen,
        contact: row.contact_id.map(Into::into),
        subject: row.masked_subject,
        text: row.masked_text,
        said_at: instant("said_at", row.said_at)?,
        received_at: instant("received_at", row.received_at)?,
        confidentiality: Confidentiality {
            is_anonymous: row.is_anonymous,
            is_confidential: row.is_confidential,
            is_tip_off: row.is_tip_off,
            complained_unit_codes: serde_json::from_str(&row.complained_units)
                .map_err(|_| super::broken("complained_units"))?,
        },
        outcome: Outcome {
            guide_reason,
            legal_route: row.legal_route,
            competent_body: row.competent_body,
            answer: row.masked_answer,
            diverted_to: row.diverted_to,
            reason: row.reason,
        },
        old_number: row.old_number,
        import_batch: row.import_batch_id.map(Into::into),
    })
}
