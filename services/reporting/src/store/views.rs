//! Appeals, matters, tickets, tenures, follow-ups and replies: one row each, overwritten by newer events.

use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::convert::{bad, count, day, instant, maybe_instant, stored};
use super::entity::{
    appeal_view, follow_up_view, matter_view, reply_view, tenure, ticket_step, ticket_view,
};
use super::{search, upsert};
use crate::domain::fact::FollowUp;
use crate::domain::listing::{Discretion, Ticket};
use crate::domain::tenure::{Began, Clocks, Ended, Subject, Tenure};
use crate::domain::view::{AppealView, FollowUpView, MatterView, ReplyView, Step, TicketView};

/// An appeal, if it was heard of.
pub async fn appeal(txn: &Txn, id: Uuid) -> Result<Option<AppealView>, CoreError> {
    let found = appeal_view::Entity::find_by_id(id).one(&**txn).await?;
    found.map(appeal_from).transpose()
}

/// Writes an appeal.
pub async fn save_appeal(txn: &Txn, view: &AppealView) -> Result<(), CoreError> {
    let row = appeal_view::Model {
        id: view.id,
        version: view.version,
        number: view.number.clone(),
        state: view.state.clone(),
        nature: view.nature.clone(),
        channel_code: view.channel_code.clone(),
        line_number: view.line_number.clone(),
        citizen: view.citizen.clone(),
        kind: view.kind.clone(),
        summary: view.summary.clone(),
        note: view.note.clone(),
        received_at: micros(view.received_at),
        received_day: view.received_day.to_string(),
        is_anonymous: view.discretion.anonymous,
        is_confidential: view.discretion.confidential,
        is_tip_off: view.discretion.tip_off,
    };
    upsert(txn, changed(row)).await
}

pub(super) fn appeal_from(row: appeal_view::Model) -> Result<AppealView, CoreError> {
    Ok(AppealView {
        id: row.id,
        version: row.version,
        number: row.number,
        state: row.state,
        nature: row.nature,
        channel_code: row.channel_code,
        line_number: row.line_number,
        citizen: row.citizen,
        kind: row.kind,
        summary: row.summary,
        note: row.note,
        received_at: instant("received_at", row.received_at)?,
        received_day: day("received_day", &row.received_day)?,
        discretion: Discretion {
            anonymous: row.is_anonymous,
            confidential: row.is_confidential,
            tip_off: row.is_tip_off,
        },
    })
}

/// The version of a matter and the ticket it is on, if it was heard of.
pub async fn matter(txn: &Txn, id: Uuid) -> Result<Option<(i64, Uuid)>, CoreError> {
    Ok(matter_view::Entity::find_by_id(id)
        .one(&**txn)
        .await?
        .map(|row| (row.version, row.ticket_id)))
}

/// Writes a matter.
pub async fn save_matter(txn: &Txn, view: &MatterView) -> Result<(), CoreError> {
    let row = matter_view::Model {
        id: view.id,
        version: view.version,
        appeal_id: view.appeal_id,
        ticket_id: view.ticket_id,
        reserved_ticket_id: view.reserved_ticket_id,
        ordinal: view.ordinal,
        citizen: view.citizen.clone(),
        nature: view.nature.clone(),
        last_move: view.last_move.clone(),
        received_at: micros(view.received_at),
        received_day: view.received_day.to_string(),
    };
    upsert(txn, changed(row)).await?;
    search::save_said(txn, view.id, &view.said).await
}

/// A ticket, if it was heard of.
pub async fn ticket(txn: &Txn, id: Uuid) -> Result<Option<TicketView>, CoreError> {
    ticket_view::Entity::find_by_id(id)
        .one(&**txn)
        .await?
        .map(ticket_from)
        .transpose()
}

/// Whether a ticket was heard of; none was for a scope that is not everybody's.
pub async fn ticket_is_known(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<bool, CoreError> {
    Ok(scope.is_everything() && ticket_view::Entity::find_by_id(id).one(db).await?.is_some())
}

/// Writes a ticket.
pub async fn save_ticket(txn: &Txn, view: &TicketView) -> Result<(), CoreError> {
    let shown = &view.shown;
    let assisting = serde_json::to_string(&shown.assisting_unit_codes)
        .map_err(|_| bad("assisting_unit_codes"))?;
    let row = ticket_view::Model {
        id: shown.id,
        version: view.version,
        number: shown.number.clone(),
        state: shown.state.clone(),
        nature: view.nature.clone(),
        kind: shown.kind.clone(),
        urgency: shown.urgency.clone(),
        category_code: shown.category_code.clone(),
        summary: shown.summary.clone(),
        channel_code: shown.channel_code.clone(),
        lead_unit_code: shown.lead_unit_code.clone(),
        assisting_unit_codes: assisting,
        round: stored(shown.round),
        received_at: micros(shown.received_at),
        received_day: view.received_day.to_string(),
        signed_at: shown.signed_at.map(micros),
        sign_due_at: shown.sign_due_at.map(micros),
        concluded_at: shown.concluded_at.map(micros),
        due_at: shown.due_at.map(micros),
        is_due_provisional: shown.due_provisional,
        returns: stored(shown.returns),
        card: shown.card.clone(),
        supervision_orders: stored(shown.supervision_orders),
        is_escalated: shown.escalated,
        reply: shown.reply.clone(),
        is_anonymous: shown.discretion.anonymous,
        is_confidential: shown.discretion.confidential,
        is_tip_off: shown.discretion.tip_off,
        tenures: view.tenures,
    };
    upsert(txn, changed(row)).await
}

pub(super) fn ticket_from(row: ticket_view::Model) -> Result<TicketView, CoreError> {
    let assisting =
        serde_json::from_str(&row.assisting_unit_codes).map_err(|_| bad("assisting_unit_codes"))?;
    Ok(TicketView {
        version: row.version,
        nature: row.nature,
        received_day: day("received_day", &row.received_day)?,
        tenures: row.tenures,
        shown: Ticket {
            id: row.id,
            number: row.number,
            state: row.state,
            kind: row.kind,
            urgency: row.urgency,
            category_code: row.category_code,
            summary: row.summary,
            channel_code: row.channel_code,
            lead_unit_code: row.lead_unit_code,
            assisting_unit_codes: assisting,
            round: count("round", row.round)?,
            received_at: instant("received_at", row.received_at)?,
            signed_at: maybe_instant("signed_at", row.signed_at)?,
            sign_due_at: maybe_instant("sign_due_at", row.sign_due_at)?,
            concluded_at: maybe_instant("concluded_at", row.concluded_at)?,
            due_at: maybe_instant("due_at", row.due_at)?,
            due_provisional: row.is_due_provisional,
            returns: count("returns", row.returns)?,
            card: row.card,
            supervision_orders: count("supervision_orders", row.supervision_orders)?,
            escalated: row.is_escalated,
            reply: row.reply,
            discretion: Discretion {
                anonymous: row.is_anonymous,
                confidential: row.is_confidential,
                tip_off: row.is_tip_off,
            },
            citizens: Vec::new(),
        },
    })
}

/// Writes a step.
pub async fn save_step(txn: &Txn, step: &Step) -> Result<(), CoreError> {
    let row = ticket_step::Model {
        ticket_id: step.ticket_id,
        version: step.version,
        change: step.change.clone(),
        at: micros(step.at),
        day: step.day.to_string(),
        unit_code: step.unit_code.clone(),
        note: step.note.clone(),
    };
    upsert(txn, changed(row)).await
}

/// A ticket's tenure with this ordinal.
pub async fn tenure(txn: &Txn, ticket_id: Uuid, ordinal: i32) -> Result<Option<Tenure>, CoreError> {
    let found = tenure::Entity::find_by_id((ticket_id, ordinal))
        .one(&**txn)
        .await?;
    found.map(tenure_from).transpose()
}

/// Writes a tenure.
pub async fn save_tenure(txn: &Txn, tenure: &Tenure) -> Result<(), CoreError> {
    let row = tenure::Model {
        ticket_id: tenure.ticket_id,
        ordinal: tenure.ordinal,
        unit_code: tenure.unit_code.clone(),
        from_at: micros(tenure.from),
        began: tenure.began.word().to_owned(),
        until_at: tenure.end.map(|(at, _)| micros(at)),
        ended: tenure
            .end
            .map(|(_, ended)| ended.word())
            .unwrap_or_default()
            .to_owned(),
        due_at: tenure.clocks.due_at.map(micros),
        sign_due_at: tenure.clocks.sign_due_at.map(micros),
        signed_at: tenure.clocks.signed_at.map(micros),
        channel_code: tenure.subject.channel_code.clone(),
        kind: tenure.subject.kind.clone(),
        category_code: tenure.subject.category_code.clone(),
    };
    upsert(txn, changed(row)).await
}

fn tenure_from(row: tenure::Model) -> Result<Tenure, CoreError> {
    let end = match maybe_instant("until_at", row.until_at)? {
        Some(at) => Some((
            at,
            Ended::from_word(&row.ended).ok_or_else(|| bad("ended"))?,
        )),
        None => None,
    };
    Ok(Tenure {
        ticket_id: row.ticket_id,
        ordinal: row.ordinal,
        unit_code: row.unit_code,
        from: instant("from_at", row.from_at)?,
        began: Began::from_word(&row.began).ok_or_else(|| bad("began"))?,
        end,
        clocks: Clocks {
            due_at: maybe_instant("due_at", row.due_at)?,
            sign_due_at: maybe_instant("sign_due_at", row.sign_due_at)?,
            signed_at: maybe_instant("signed_at", row.signed_at)?,
        },
        subject: Subject {
            channel_code: row.channel_code,
            kind: row.kind,
            category_code: row.category_code,
        },
    })
}

/// A follow-up, if it was heard of.
pub async fn follow_up(txn: &Txn, id: Uuid) -> Result<Option<FollowUpView>, CoreError> {
    let Some(row) = follow_up_view::Entity::find_by_id(id).one(&**txn).await? else {
        return Ok(None);
    };
    Ok(Some(FollowUpView {
        id: row.id,
        version: row.version,
        ticket_id: row.ticket_id,
        counted: FollowUp {
            day: day("day", &row.day)?,
            unit_code: row.unit_code,
            state: row.state,
            solved: row.solved,
            satisfaction: row.satisfaction,
        },
    }))
}

/// Writes a follow-up.
pub async fn save_follow_up(txn: &Txn, view: &FollowUpView) -> Result<(), CoreError> {
    let row = follow_up_view::Model {
        id: view.id,
        version: view.version,
        ticket_id: view.ticket_id,
        day: view.counted.day.to_string(),
        unit_code: view.counted.unit_code.clone(),
        state: view.counted.state.clone(),
        solved: view.counted.solved.clone(),
        satisfaction: view.counted.satisfaction.clone(),
    };
    upsert(txn, changed(row)).await
}

/// A reply, if it was heard of.
pub async fn reply(txn: &Txn, id: Uuid) -> Result<Option<ReplyView>, CoreError> {
    let Some(row) = reply_view::Entity::find_by_id(id).one(&**txn).await? else {
        return Ok(None);
    };
    Ok(Some(ReplyView {
        id: row.id,
        version: row.version,
        day: day("day", &row.day)?,
        channel_code: row.channel_code,
        state: row.state,
    }))
}

/// Writes a reply.
pub async fn save_reply(txn: &Txn, view: &ReplyView) -> Result<(), CoreError> {
    let row = reply_view::Model {
        id: view.id,
        version: view.version,
        day: view.day.to_string(),
        channel_code: view.channel_code.clone(),
        state: view.state.clone(),
    };
    upsert(txn, changed(row)).await
}

/// A row with every column set.
fn changed<A: ActiveModelTrait>(row: impl IntoActiveModel<A>) -> A {
    row.into_active_model().reset_all()
}
