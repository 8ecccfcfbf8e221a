//! The use cases of feedback. Every way in (gRPC, events, timers) calls these.

pub(crate) mod hearing;
pub(crate) mod outbound;
pub(crate) mod settle;

use std::sync::Arc;

use futures::future::BoxFuture;
use hotline_kernel::id::{FollowUpId, TicketId};
use hotline_kernel::mask::Masker;
use hotline_kernel::time::Zone;
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::page::Page;
use hotline_platform::work::{AuditEntry, Cause, Work};
use uuid::Uuid;

use crate::domain::follow_up::{Answer, FailureClass, FollowUp, FollowUpCommand, FollowUpFilter};
use crate::domain::reply::{Reply, ReplyFilter};
use crate::error::FeedbackError;
use crate::events;
use crate::store::conclusions;
use crate::store::follow_ups::{self, Attempt};
use crate::store::replies;

/// A longer note is refused, in characters.
pub(crate) const NOTE_CHARS_MAX: usize = 2000;

/// One attempt to ask a citizen, as it was told.
#[derive(Clone, Debug)]
pub(crate) struct RecordAttempt {
    pub(crate) follow_up: FollowUpId,
    /// `None`: not reached.
    pub(crate) answer: Option<Answer>,
    pub(crate) note: String,
}

/// Why a follow-up failed, as a person judged.
#[derive(Clone, Debug)]
pub(crate) struct ClassifyFailure {
    pub(crate) follow_up: FollowUpId,
    pub(crate) class: FailureClass,
    pub(crate) note: String,
}

/// The service's use cases.
#[derive(Clone)]
pub(crate) struct Feedback {
    core: Core,
    zone: Zone,
    masker: Arc<Masker>,
}

impl Feedback {
    /// The use cases over `core`, in the city's `zone`.
    pub(crate) fn new(core: Core, zone: Zone) -> Self {
        Self {
            core,
            zone,
            masker: Arc::new(Masker::standard()),
        }
    }

    /// Replies, oldest first; one more than the page holds if there is a next one.
    pub(crate) async fn replies(
        &self,
        scope: &Scope,
        filter: &ReplyFilter,
        page: &Page<Uuid>,
    ) -> Result<Vec<Reply>, FeedbackError> {
        let reader = self.core.db().reader(scope).await?;
        Ok(replies::list(&reader, scope, filter, page).await?)
    }

    /// Follow-ups, oldest first; one more than the page holds if there is a next one.
    pub(crate) async fn follow_ups(
        &self,
        scope: &Scope,
        filter: &FollowUpFilter,
        page: &Page<Uuid>,
    ) -> Result<Vec<FollowUp>, FeedbackError> {
        let reader = self.core.db().reader(scope).await?;
        Ok(follow_ups::list(&reader, scope, filter, page).await?)
    }

    /// Records one attempt to ask a citizen.
    pub(crate) async fn record_attempt(
        &self,
        context: CommandContext,
        attempt: RecordAttempt,
    ) -> Result<FollowUp, FeedbackError> {
        let zone = self.zone;
        let note = self.masker.internal(&attempt.note);
        let (cause, scope) = (context.cause.clone(), context.scope.clone());
        let expected_version = context.expected_version;
        self.core
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<FollowUp, FeedbackError>> {
                    Box::pin(async move {
                        let command = match attempt.answer {
                            Some(answer) => FollowUpCommand::Reached(answer),
                            None => FollowUpCommand::Unreached {
                                hour: hour(zone, work),
                            },
                        };
                        let step = Step {
                            scope,
                            follow_up: attempt.follow_up,
                            expected_version,
                            command,
                            note: note.clone(),
                        };
                        let changed = advance(work, &cause, step).await?;
                        let entry = Attempt {
                            id: work.new_id(),
                            follow_up_id: changed.id,
                            at: work.now(),
                            actor: cause.actor.clone(),
                            answer: attempt.answer,
                            note,
                        };
                        follow_ups::add_attempt(work.txn(), entry).await?;
                        Ok(changed)
                    })
                },
            )
            .await
    }

    /// Classifies a failed follow-up.
    pub(crate) async fn classify_failure(
        &self,
        context: CommandContext,
        failure: ClassifyFailure,
    ) -> Result<FollowUp, FeedbackError> {
        let note = self.masker.internal(&failure.note);
        let (cause, scope) = (context.cause.clone(), context.scope.clone());
        let expected_version = context.expected_version;
        self.core
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<FollowUp, FeedbackError>> {
                    Box::pin(async move {
                        let command = FollowUpCommand::Classify(failure.class);
                        let step = Step {
                            scope,
                            follow_up: failure.follow_up,
                            expected_version,
                            command,
                            note,
                        };
                        advance(work, &cause, step).await
                    })
                },
            )
            .await
    }
}

/// A step of one follow-up that a person takes.
struct Step {
    scope: Scope,
    follow_up: FollowUpId,
    expected_version: i64,
    command: FollowUpCommand,
    /// Masked; empty keeps the note that stands.
    note: String,
}

/// Loads, decides, saves and publishes one step of a follow-up.
async fn advance(work: &Work, cause: &Cause, step: Step) -> Result<FollowUp, FeedbackError> {
    let (_, ticket) = load(work, &step.scope, step.follow_up).await?;
    let ticket = conclusions::lock_ticket(work.txn(), ticket).await?;
    let (follow_up, _) = load(work, &step.scope, step.follow_up).await?;
    if step.expected_version != 0 && step.expected_version != follow_up.version {
        return Err(CoreError::Stale {
            current: follow_up.version,
        }
        .into());
    }

    let mut changed = follow_up.after(step.command, work.now())?;
    if !step.note.is_empty() {
        changed.note = step.note;
    }

    follow_ups::save(work.txn(), &changed).await?;
    let verdict = settle::give_verdict(work, &ticket, changed.ticket_version).await?;
    events::publish_follow_up(work, cause, &changed, verdict);
    audit(work, cause, &changed);
    Ok(changed)
}

async fn load(
    work: &Work,
    scope: &Scope,
    id: FollowUpId,
) -> Result<(FollowUp, TicketId), FeedbackError> {
    let found = follow_ups::find(&**work.txn(), scope, id).await?;
    let follow_up = found.ok_or(FeedbackError::FollowUpNotFound(id))?;
    let ticket = follow_up.ticket_id;
    Ok((follow_up, ticket))
}

fn audit(work: &Work, cause: &Cause, follow_up: &FollowUp) {
    let entry = AuditEntry {
        resource: "follow_up",
        resource_id: follow_up.id.to_string(),
        version: follow_up.version,
        action: follow_up.state.word().to_owned(),
        reason: follow_up.note.clone(),
    };
    work.audit(cause, entry);
}

/// The hour of the city's day.
fn hour(zone: Zone, work: &Work) -> u32 {
    chrono::Timelike::hour(&zone.wall(work.now()))
}
