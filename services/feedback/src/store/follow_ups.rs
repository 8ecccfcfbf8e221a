//! Follow-ups and their attempts.

use hotline_kernel::id::{FollowUpId, TicketId};
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::attempt;
use super::entity::follow_up::{ActiveModel, Column, Entity, Model};
use super::{count, instant, stored, unexpected, words};
use crate::domain::follow_up::{Answer, FollowUp, FollowUpFilter, FollowUpState, Hours};

/// One attempt, for the history.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: Uuid,
    pub(crate) follow_up_id: FollowUpId,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    /// `None`: not reached.
    pub(crate) answer: Option<Answer>,
    /// Masked.
    pub(crate) note: String,
}

/// Adds a follow-up.
pub(crate) async fn insert(txn: &Txn, follow_up: &FollowUp) -> Result<(), CoreError> {
    Entity::insert(row(follow_up))
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Saves a follow-up that was loaded one version ago.
///
/// # Errors
///
/// [`CoreError::Stale`] if somebody else changed it since.
pub(crate) async fn save(txn: &Txn, follow_up: &FollowUp) -> Result<(), CoreError> {
    let saved = Entity::update_many()
        .set(row(follow_up))
        .filter(Column::Id.eq(follow_up.id.uuid()))
        .filter(Column::Version.eq(follow_up.version - 1))
        .exec(&**txn)
        .await?;
    if saved.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 });
    }
    Ok(())
}

/// Adds an attempt to the history.
pub(crate) async fn add_attempt(txn: &Txn, attempt: Attempt) -> Result<(), CoreError> {
    let row = attempt::ActiveModel {
        id: Set(attempt.id),
        follow_up_id: Set(attempt.follow_up_id.uuid()),
        at: Set(micros(attempt.at)),
        actor: Set(attempt.actor),
        reached: Set(attempt.answer.is_some()),
        solved: Set(attempt
            .answer
            .map(|answer| words::solved(answer.solved).to_owned())),
        satisfaction: Set(attempt
            .answer
            .map(|answer| words::satisfaction(answer.satisfaction).to_owned())),
        note: Set(attempt.note),
    };
    attempt::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// One follow-up; none for a scope that is not everybody's.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: FollowUpId,
) -> Result<Option<FollowUp>, CoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    Entity::find_by_id(id.uuid())
        .one(db)
        .await?
        .map(FollowUp::try_from)
        .transpose()
}

/// All follow-ups of one conclusion, by id.
pub(crate) async fn of_conclusion(
    db: &impl ConnectionTrait,
    ticket: TicketId,
    ticket_version: i64,
) -> Result<Vec<FollowUp>, CoreError> {
    let rows = Entity::find()
        .filter(Column::TicketId.eq(ticket.uuid()))
        .filter(Column::TicketVersion.eq(ticket_version))
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(FollowUp::try_from).collect()
}

/// One row more than the page holds, by id; the surplus row says that there is a next page. None for a scope
/// that is not everybody's.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    filter: &FollowUpFilter,
    page: &Page<Uuid>,
) -> Result<Vec<FollowUp>, CoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let mut query = Entity::find().order_by_asc(Column::Id).limit(page.size + 1);
    if let Some(ticket) = filter.ticket {
        query = query.filter(Column::TicketId.eq(ticket.uuid()));
    }
    if let Some(state) = filter.state {
        query = query.filter(Column::State.eq(state));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query
        .all(db)
        .await?
        .into_iter()
        .map(FollowUp::try_from)
        .collect()
}

fn row(follow_up: &FollowUp) -> ActiveModel {
    let answer = follow_up.state.answer();
    let (failure, closed_at) = match follow_up.state {
        FollowUpState::Open | FollowUpState::Classifying { .. } => (None, None),
        FollowUpState::Closed { failure, at, .. } => (failure, Some(at)),
        FollowUpState::Unreachable { at } | FollowUpState::Cancelled { at, .. } => (None, Some(at)),
    };
    ActiveModel {
        id: Set(follow_up.id.uuid()),
        version: Set(follow_up.version),
        ticket_id: Set(follow_up.ticket_id.uuid()),
        ticket_version: Set(follow_up.ticket_version),
        matter_id: Set(follow_up.matter_id.uuid()),
        appeal_id: Set(follow_up.appeal_id.uuid()),
        round: Set(stored(follow_up.round)),
        state: Set(follow_up.state.word().to_owned()),
        attempts: Set(stored(follow_up.attempts)),
        unreached_hours: Set(stored(follow_up.unreached_hours.bits())),
        solved: Set(answer.map(|answer| words::solved(answer.solved).to_owned())),
        satisfaction: Set(answer.map(|answer| words::satisfaction(answer.satisfaction).to_owned())),
        failure_class: Set(failure.map(|class| words::failure_class(class).to_owned())),
        note: Set(follow_up.note.clone()),
        opened_at: Set(micros(follow_up.opened_at)),
        closed_at: Set(closed_at.map(micros)),
        lead_unit_code: Set(follow_up.lead_unit_code.clone()),
    }
}

impl TryFrom<Model> for FollowUp {
    type Error = CoreError;

    fn try_from(row: Model) -> Result<Self, CoreError> {
        let state = state(&row)?;
        Ok(Self {
            id: row.id.into(),
            version: row.version,
            ticket_id: row.ticket_id.into(),
            ticket_version: row.ticket_version,
            matter_id: row.matter_id.into(),
            appeal_id: row.appeal_id.into(),
            round: count("follow_ups.round", row.round)?,
            state,
            attempts: count("follow_ups.attempts", row.attempts)?,
            unreached_hours: Hours::from_bits(count(
                "follow_ups.unreached_hours",
                row.unreached_hours,
            )?),
            note: row.note,
            opened_at: instant("follow_ups.opened_at", row.opened_at)?,
            lead_unit_code: row.lead_unit_code,
        })
    }
}

fn state(row: &Model) -> Result<FollowUpState, CoreError> {
    let closed_at = || {
        let micros = row
            .closed_at
            .ok_or_else(|| unexpected("follow_ups.closed_at"))?;
        instant("follow_ups.closed_at", micros)
    };
    let answer = answer(row)?;
    let answered = || answer.ok_or_else(|| unexpected("follow_ups.solved"));
    match row.state.as_str() {
        "open" => Ok(FollowUpState::Open),
        "classifying" => Ok(FollowUpState::Classifying {
            answer: answered()?,
        }),
        "closed" => {
            let failure = row.failure_class.as_deref().map(|word| {
                words::read(
                    "follow_ups.failure_class",
                    &words::FAILURE_CLASS,
                    words::failure_class,
                    word,
                )
            });
            Ok(FollowUpState::Closed {
                answer: answered()?,
                failure: failure.transpose()?,
                at: closed_at()?,
            })
        }
        "unreachable" => Ok(FollowUpState::Unreachable { at: closed_at()? }),
        "cancelled" => Ok(FollowUpState::Cancelled {
            answer,
            at: closed_at()?,
        }),
        _ => Err(unexpected("follow_ups.state")),
    }
}

fn answer(row: &Model) -> Result<Option<Answer>, CoreError> {
    let (Some(solved), Some(satisfaction)) = (&row.solved, &row.satisfaction) else {
        return Ok(None);
    };
    Ok(Some(Answer {
        solved: words::read("follow_ups.solved", &words::SOLVED, words::solved, solved)?,
        satisfaction: words::read(
            "follow_ups.satisfaction",
            &words::SATISFACTION,
            words::satisfaction,
            satisfaction,
        )?,
    }))
}
