//! Between the wire and the domain.

use hotline_kernel::id::{FollowUpId, TicketId};
use hotline_kernel::text::normalise;
use hotline_kernel::time::Timestamp;
use hotline_platform::page::{self, Page};
use hotline_platform::reaction::ReactionError;
use hotline_proto::event as pb;
use hotline_proto::feedback as rpc;
use hotline_proto::shared;
use uuid::Uuid;

use crate::app::{ClassifyFailure, NOTE_CHARS_MAX, RecordAttempt};
use crate::domain::conclusion::Verdict;
use crate::domain::follow_up::{
    Answer, FailureClass, FollowUp, FollowUpFilter, FollowUpState, Satisfaction, Solved,
};
use crate::domain::reply::{Reply, ReplyCause, ReplyFilter, ReplyState};
use crate::error::FeedbackError;

const AN_ID: &str = "an id that this city gave";

/// A list of replies as it was asked for.
pub(crate) fn reply_query(
    request: &rpc::ListRepliesRequest,
) -> Result<(ReplyFilter, Page<Uuid>), FeedbackError> {
    let state = match request.state() {
        pb::ReplyState::Unspecified => None,
        pb::ReplyState::Queued => Some(ReplyState::Queued),
        pb::ReplyState::Written => Some(ReplyState::Written),
        pb::ReplyState::Historical => Some(ReplyState::Historical),
        pb::ReplyState::Undeliverable => Some(ReplyState::Undeliverable),
    };
    let filter = ReplyFilter {
        appeal: optional_id("appeal_id", &request.appeal_id)?.map(Into::into),
        ticket: optional_id("ticket_id", &request.ticket_id)?.map(Into::into),
        channel_code: code("channel_code", &request.channel_code)?,
        state,
    };
    Ok((
        filter,
        Page::decode(request.page_size, &request.page_token)?,
    ))
}

/// A page of replies; `found` may hold one more, which only says that there is a next page.
pub(crate) fn reply_page(mut found: Vec<Reply>, page: &Page<Uuid>) -> rpc::ListRepliesResponse {
    let next_page_token = cut(&mut found, page, |reply| reply.id.uuid());
    let view = |found: &Reply| rpc::ReplyView {
        reply: Some(reply(found)),
        version: found.version,
    };
    rpc::ListRepliesResponse {
        replies: found.iter().map(view).collect(),
        next_page_token,
    }
}

/// A list of follow-ups as it was asked for.
pub(crate) fn follow_up_query(
    request: &rpc::ListFollowUpsRequest,
) -> Result<(FollowUpFilter, Page<Uuid>), FeedbackError> {
    let state = match request.state() {
        pb::FollowUpState::Unspecified => None,
        pb::FollowUpState::Open => Some("open"),
        pb::FollowUpState::Classifying => Some("classifying"),
        pb::FollowUpState::Closed => Some("closed"),
        pb::FollowUpState::Unreachable => Some("unreachable"),
        pb::FollowUpState::Cancelled => Some("cancelled"),
    };
    let ticket = optional_id("ticket_id", &request.ticket_id)?.map(Into::into);
    Ok((
        FollowUpFilter { ticket, state },
        Page::decode(request.page_size, &request.page_token)?,
    ))
}

/// A page of follow-ups; `found` may hold one more, which only says that there is a next page.
pub(crate) fn follow_up_page(
    mut found: Vec<FollowUp>,
    page: &Page<Uuid>,
) -> rpc::ListFollowUpsResponse {
    let next_page_token = cut(&mut found, page, |follow_up| follow_up.id.uuid());
    rpc::ListFollowUpsResponse {
        follow_ups: found.iter().map(follow_up_view).collect(),
        next_page_token,
    }
}

/// One follow-up, with the version to send back.
pub(crate) fn follow_up_view(found: &FollowUp) -> rpc::FollowUpView {
    rpc::FollowUpView {
        follow_up: Some(follow_up(found)),
        version: found.version,
    }
}

/// An attempt as it was told.
pub(crate) fn attempt(request: &rpc::RecordAttemptRequest) -> Result<RecordAttempt, FeedbackError> {
    let answer = match (
        request.reached,
        solved(request.solved()),
        satisfaction(request.satisfaction()),
    ) {
        (true, Some(solved), Some(satisfaction)) => Some(Answer {
            solved,
            satisfaction,
        }),
        (true, None, _) => return Err(invalid("solved", "set when the citizen was reached")),
        (true, _, None) => return Err(invalid("satisfaction", "set when the citizen was reached")),
        (false, None, None) => None,
        (false, Some(_), _) => return Err(invalid("solved", "empty when nobody was reached")),
        (false, _, Some(_)) => {
            return Err(invalid("satisfaction", "empty when nobody was reached"));
        }
    };
    Ok(RecordAttempt {
        follow_up: follow_up_id(&request.follow_up_id)?,
        answer,
        note: note(&request.note)?,
    })
}

/// A classification as it was told.
pub(crate) fn failure(
    request: &rpc::ClassifyFailureRequest,
) -> Result<ClassifyFailure, FeedbackError> {
    let class = match request.failure_class() {
        shared::FailureClass::Unspecified => {
            return Err(invalid("failure_class", "one of the five classes"));
        }
        shared::FailureClass::UnitFault => FailureClass::UnitFault,
        shared::FailureClass::NeedsTime => FailureClass::NeedsTime,
        shared::FailureClass::PolicyLimit => FailureClass::PolicyLimit,
        shared::FailureClass::Unreasonable => FailureClass::Unreasonable,
        shared::FailureClass::NewMatter => FailureClass::NewMatter,
    };
    Ok(ClassifyFailure {
        follow_up: follow_up_id(&request.follow_up_id)?,
        class,
        note: note(&request.note)?,
    })
}

/// A reply as events and answers carry it.
pub(crate) fn reply(reply: &Reply) -> pb::Reply {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let state = match reply.state {
        ReplyState::Queued => pb::ReplyState::Queued,
        ReplyState::Written => pb::ReplyState::Written,
        ReplyState::Historical => pb::ReplyState::Historical,
        ReplyState::Undeliverable => pb::ReplyState::Undeliverable,
    };
    let cause = match reply.cause {
        ReplyCause::Conclusion => pb::ReplyCause::Conclusion,
        ReplyCause::DirectAnswer => pb::ReplyCause::DirectAnswer,
        ReplyCause::Guidance => pb::ReplyCause::Guidance,
        ReplyCause::Imported => pb::ReplyCause::Imported,
    };
    pb::Reply {
        id: reply.id.to_string(),
        appeal_id: reply.appeal_id.to_string(),
        matter_id: id(reply.matter_id.map(hotline_kernel::id::MatterId::uuid)),
        ticket_id: id(reply.ticket_id.map(TicketId::uuid)),
        round: reply.round,
        channel_code: reply.channel_code.clone(),
        state: state.into(),
        cause: cause.into(),
        text: reply.text.clone(),
        replied_at: Some(timestamp(reply.replied_at)),
        appeal_number: reply.appeal_number.clone(),
    }
}

/// A follow-up as events and answers carry it.
pub(crate) fn follow_up(follow_up: &FollowUp) -> pb::FollowUp {
    let (state, failure, closed_at) = match follow_up.state {
        FollowUpState::Open => (pb::FollowUpState::Open, None, None),
        FollowUpState::Classifying { .. } => (pb::FollowUpState::Classifying, None, None),
        FollowUpState::Closed { failure, at, .. } => (pb::FollowUpState::Closed, failure, Some(at)),
        FollowUpState::Unreachable { at } => (pb::FollowUpState::Unreachable, None, Some(at)),
        FollowUpState::Cancelled { at, .. } => (pb::FollowUpState::Cancelled, None, Some(at)),
    };
    let answer = follow_up.state.answer();
    pb::FollowUp {
        id: follow_up.id.to_string(),
        ticket_id: follow_up.ticket_id.to_string(),
        matter_id: follow_up.matter_id.to_string(),
        appeal_id: follow_up.appeal_id.to_string(),
        round: follow_up.round,
        state: state.into(),
        attempts: follow_up.attempts,
        solved: solved_word(answer).into(),
        satisfaction: satisfaction_word(answer).into(),
        failure_class: failure_word(failure).into(),
        note: follow_up.note.clone(),
        opened_at: Some(timestamp(follow_up.opened_at)),
        closed_at: closed_at.map(timestamp),
        lead_unit_code: follow_up.lead_unit_code.clone(),
    }
}

/// A verdict as events carry it.
pub(crate) fn verdict(verdict: Verdict) -> pb::Verdict {
    match verdict {
        Verdict::Pending => pb::Verdict::Pending,
        Verdict::Archive => pb::Verdict::Archive,
        Verdict::Rework => pb::Verdict::Rework,
    }
}

/// A ticket's id in an event.
pub(crate) fn ticket_id(text: &str) -> Result<TicketId, ReactionError> {
    text.parse().map_err(|_| not_an_id("ticket_id"))
}

/// An instant in an event.
pub(crate) fn instant(
    field: &'static str,
    told: Option<prost_types::Timestamp>,
) -> Result<Timestamp, ReactionError> {
    let read = told.and_then(|told| {
        let nanos = u32::try_from(told.nanos).ok()?;
        let at = chrono::DateTime::from_timestamp(told.seconds, nanos)?;
        hotline_kernel::time::from_micros(at.timestamp_micros())
    });
    read.ok_or_else(|| ReactionError::Permanent(format!("the event's {field} is no instant")))
}

/// An event with an id that is none will never become better.
pub(crate) fn not_an_id(field: &'static str) -> ReactionError {
    ReactionError::Permanent(format!("the event's {field} is no id"))
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0);
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos,
    }
}

fn solved(word: shared::Solved) -> Option<Solved> {
    match word {
        shared::Solved::Unspecified => None,
        shared::Solved::Solved => Some(Solved::Solved),
        shared::Solved::Partly => Some(Solved::Partly),
        shared::Solved::Unsolved => Some(Solved::Unsolved),
    }
}

fn satisfaction(word: shared::Satisfaction) -> Option<Satisfaction> {
    match word {
        shared::Satisfaction::Unspecified => None,
        shared::Satisfaction::VerySatisfied => Some(Satisfaction::VerySatisfied),
        shared::Satisfaction::Satisfied => Some(Satisfaction::Satisfied),
        shared::Satisfaction::Basic => Some(Satisfaction::Basic),
        shared::Satisfaction::Unsatisfied => Some(Satisfaction::Unsatisfied),
        shared::Satisfaction::VeryUnsatisfied => Some(Satisfaction::VeryUnsatisfied),
    }
}

fn solved_word(answer: Option<Answer>) -> shared::Solved {
    match answer.map(|answer| answer.solved) {
        None => shared::Solved::Unspecified,
        Some(Solved::Solved) => shared::Solved::Solved,
        Some(Solved::Partly) => shared::Solved::Partly,
        Some(Solved::Unsolved) => shared::Solved::Unsolved,
    }
}

fn satisfaction_word(answer: Option<Answer>) -> shared::Satisfaction {
    match answer.map(|answer| answer.satisfaction) {
        None => shared::Satisfaction::Unspecified,
        Some(Satisfaction::VerySatisfied) => shared::Satisfaction::VerySatisfied,
        Some(Satisfaction::Satisfied) => shared::Satisfaction::Satisfied,
        Some(Satisfaction::Basic) => shared::Satisfaction::Basic,
        Some(Satisfaction::Unsatisfied) => shared::Satisfaction::Unsatisfied,
        Some(Satisfaction::VeryUnsatisfied) => shared::Satisfaction::VeryUnsatisfied,
    }
}

fn failure_word(class: Option<FailureClass>) -> shared::FailureClass {
    match class {
        None => shared::FailureClass::Unspecified,
        Some(FailureClass::UnitFault) => shared::FailureClass::UnitFault,
        Some(FailureClass::NeedsTime) => shared::FailureClass::NeedsTime,
        Some(FailureClass::PolicyLimit) => shared::FailureClass::PolicyLimit,
        Some(FailureClass::Unreasonable) => shared::FailureClass::Unreasonable,
        Some(FailureClass::NewMatter) => shared::FailureClass::NewMatter,
    }
}

fn follow_up_id(text: &str) -> Result<FollowUpId, FeedbackError> {
    text.parse().map_err(|_| invalid("follow_up_id", AN_ID))
}

fn optional_id(field: &'static str, text: &str) -> Result<Option<Uuid>, FeedbackError> {
    if text.is_empty() {
        return Ok(None);
    }
    Uuid::parse_str(text)
        .map(Some)
        .map_err(|_| invalid(field, AN_ID))
}

fn code(field: &'static str, text: &str) -> Result<String, FeedbackError> {
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "a code without control characters"));
    }
    Ok(text.to_owned())
}

fn note(text: &str) -> Result<String, FeedbackError> {
    let text = normalise(text);
    if text.chars().count() > NOTE_CHARS_MAX {
        return Err(invalid("note", "at most 2000 characters"));
    }
    Ok(text)
}

fn invalid(field: &'static str, expected: &'static str) -> FeedbackError {
    FeedbackError::Invalid { field, expected }
}

/// Cuts the surplus row off and gives the token of the next page, empty on the last one.
fn cut<T>(found: &mut Vec<T>, page: &Page<Uuid>, id: fn(&T) -> Uuid) -> String {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    if found.len() <= size {
        return String::new();
    }
    found.truncate(size);
    found
        .last()
        .map(|last| page::token(&id(last)))
        .unwrap_or_default()
}
