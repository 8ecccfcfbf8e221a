//! What is done with an appeal: accept, answer, guide, divert, quarantine, release, withdraw.

use std::collections::HashMap;
use std::fmt;

use hotline_kernel::id::{AppealId, TicketId};
use hotline_platform::core::CommandContext;

use super::register::draft::text_key;
use super::view::{self, AppealView};
use super::{Intake, Order, journal};
use crate::domain::Invalid;
use crate::domain::appeal::{self, Appeal, Command};
use crate::domain::matter::{Matter, Move, Place};
use crate::domain::registration::{self, NewMatter, TEXT_MAX_CHARS};
use crate::domain::terms::{AppealState, GuideReason, Nature, Term};
use crate::error::{IntakeError, required};
use crate::store;
use crate::store::matters::Correction;

/// What a person decides about an appeal. Its Debug form says which decision it is, and nothing that was written.
#[derive(Clone)]
pub enum Decision {
    /// Each matter goes on a ticket.
    Accept {
        /// By ordinal; empty fields leave what is there.
        corrections: Vec<NewMatter>,
    },
    /// Answered on the spot.
    Answer {
        /// What the citizen is told.
        answer: String,
    },
    /// Not ours.
    Guide {
        /// Why.
        reason: GuideReason,
        /// The legal route.
        legal_route: String,
        /// Who is competent.
        competent_body: String,
        /// What the citizen is told; empty: route and body.
        answer: String,
    },
    /// Handed to another line; its content is not kept.
    Divert {
        /// Number of the line.
        to: String,
    },
    /// Set aside for a person to look at.
    Quarantine {
        /// Why.
        reason: String,
    },
    /// Back to triage.
    Release {
        /// Why.
        reason: String,
    },
    /// Ended by its citizen's wish.
    Withdraw {
        /// Why.
        reason: String,
    },
}

impl Decision {
    fn command(&self) -> Command {
        match self {
            Self::Accept { .. } => Command::Accept,
            Self::Answer { .. } => Command::Answer,
            Self::Guide { .. } => Command::Guide,
            Self::Divert { .. } => Command::Divert,
            Self::Quarantine { .. } => Command::Quarantine,
            Self::Release { .. } => Command::Release,
            Self::Withdraw { .. } => Command::Withdraw,
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Accept { corrections } => corrections.iter().try_for_each(NewMatter::check),
            Self::Answer { answer } => {
                registration::text("answer", answer, TEXT_MAX_CHARS)?;
                if answer.trim().is_empty() {
                    return Err(Invalid::new("answer", "what the citizen is told"));
                }
                Ok(())
            }
            Self::Guide {
                legal_route,
                competent_body,
                answer,
                ..
            } => {
                required(
                    "legal_route",
                    legal_route,
                    "the legal route the citizen is shown",
                )?;
                registration::text(
                    "competent_body",
                    competent_body,
                    registration::NAME_MAX_CHARS,
                )?;
                registration::text("answer", answer, TEXT_MAX_CHARS)
            }
            Self::Divert { to } => required("diverted_to", to, "the number of a line"),
            Self::Quarantine { reason } | Self::Withdraw { reason } => {
                required("reason", reason, "the reason, in a few words")
            }
            Self::Release { reason } => {
                registration::text("reason", reason, registration::SUBJECT_MAX_CHARS)
            }
        }
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Accept { .. } => "Accept",
            Self::Answer { .. } => "Answer",
            Self::Guide { .. } => "Guide",
            Self::Divert { .. } => "Divert",
            Self::Quarantine { .. } => "Quarantine",
            Self::Release { .. } => "Release",
            Self::Withdraw { .. } => "Withdraw",
        })
    }
}

impl Intake {
    /// Carries out what a person decided about an appeal.
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealState`] if it does not fit where the appeal stands.
    pub async fn triage(
        &self,
        context: CommandContext,
        id: AppealId,
        decision: Decision,
    ) -> Result<AppealView, IntakeError> {
        decision.check()?;
        self.command(context, move |order| {
            let decision = decision.clone();
            Box::pin(async move { decide(order, id, decision).await })
        })
        .await
    }
}

async fn decide(
    order: Order<'_>,
    id: AppealId,
    decision: Decision,
) -> Result<AppealView, IntakeError> {
    let (before, mut matters) = order.appeal(id).await?;
    order.expect(before.version)?;
    let command = decision.command();
    let state = appeal::next(before.state, command)?;
    if before.state == AppealState::Accepted && before.nature == Nature::Historical {
        return Err(IntakeError::Historical);
    }
    let name = order.name(&before).await?;
    let mut appeal = Appeal {
        state,
        version: before.version + 1,
        ..before.clone()
    };
    let mask = |text: &str| order.settings.mask(text, &name);
    match &decision {
        Decision::Accept { corrections } => {
            correct(order, &appeal, &mut matters, corrections, &name).await?;
        }
        Decision::Answer { answer } => {
            appeal.outcome.answer = mask(answer);
            let seal = order.seal(&before).await?;
            store::appeals::keep_answer(order.work.txn(), &seal, id, answer).await?;
        }
        Decision::Guide {
            reason,
            legal_route,
            competent_body,
            answer,
        } => {
            let told = if answer.trim().is_empty() {
                format!("{legal_route} {competent_body}")
            } else {
                answer.clone()
            };
            appeal.outcome.guide_reason = Some(*reason);
            appeal.outcome.legal_route = mask(legal_route);
            appeal.outcome.competent_body = mask(competent_body);
            appeal.outcome.answer = mask(told.trim());
            let seal = order.seal(&before).await?;
            store::appeals::keep_answer(order.work.txn(), &seal, id, told.trim()).await?;
        }
        Decision::Divert { to } => erase(order, &mut appeal, &mut matters, to).await?,
        Decision::Quarantine { reason }
        | Decision::Release { reason }
        | Decision::Withdraw { reason } => {
            appeal.outcome.reason = mask(reason);
        }
    }
    store::appeals::save(order.work.txn(), &appeal).await?;
    journal::appeal(
        order.work,
        order.cause,
        &appeal,
        &matters.iter().collect::<Vec<_>>(),
        command.change(),
    );
    match decision {
        Decision::Accept { .. } => place(order, &appeal, &mut matters).await?,
        Decision::Withdraw { .. } => withdraw(order, &appeal, before.state, &mut matters).await?,
        _ => {}
    }
    order.view(appeal, matters).await
}

/// Corrects matters by ordinal, as far as the corrections say something.
async fn correct(
    order: Order<'_>,
    appeal: &Appeal,
    matters: &mut [Matter],
    corrections: &[NewMatter],
    name: &str,
) -> Result<(), IntakeError> {
    if corrections.len() > matters.len() {
        let expected = format!("at most {} corrections, one per matter", matters.len());
        return Err(Invalid::new("matters", expected).into());
    }
    if corrections.is_empty() {
        return Ok(());
    }
    let seal = order.seal(appeal).await?;
    let mask = |text: &str| order.settings.mask(text, name);
    for (matter, told) in matters.iter_mut().zip(corrections) {
        let filled = |text: &String| (!text.trim().is_empty()).then(|| text.clone());
        let (subject, text) = (filled(&told.subject), filled(&told.text));
        let before = matter.clone();
        matter.kind = told.kind.unwrap_or(matter.kind);
        matter.urgency = told.urgency.unwrap_or(matter.urgency);
        matter.category_code =
            filled(&told.category_code).unwrap_or_else(|| before.category_code.clone());
        matter.area_code = filled(&told.area_code).unwrap_or_else(|| before.area_code.clone());
        if let Some(subject) = &subject {
            matter.subject = mask(subject);
        }
        if let Some(text) = &text {
            matter.text = mask(text);
            matter.text_key = text_key(&order.settings.keys, &appeal.citizen, told);
        }
        if *matter == before {
            continue;
        }
        let correction = Correction {
            matter,
            original_subject: subject.as_deref(),
            original_text: text.as_deref(),
        };
        store::matters::correct(order.work.txn(), &seal, correction).await?;
    }
    Ok(())
}

/// Puts each waiting matter on a ticket: that of the same open text of its citizen, or its own.
/// A historical record keeps to itself.
async fn place(
    order: Order<'_>,
    appeal: &Appeal,
    matters: &mut [Matter],
) -> Result<(), IntakeError> {
    let txn = order.work.txn();
    let is_live = appeal.nature != Nature::Historical;
    let key_of = |matter: &Matter| matter.text_key.clone().filter(|_| is_live);
    let keys: Vec<String> = matters.iter().filter_map(key_of).collect();
    let open = store::texts::standing(&**txn, &keys).await?;
    let mut open: HashMap<String, TicketId> = open.into_iter().collect();
    for matter in matters {
        let key = key_of(matter);
        let ticket = key.as_ref().and_then(|key| open.get(key)).copied();
        let moved = matter.moved(ticket.map_or(Move::Open, Move::SameText))?;
        *matter = moved.matter;
        store::matters::save_place(txn, matter, moved.step.events()).await?;
        if let (None, Some(key)) = (ticket, key) {
            open.insert(key, matter.reserved_ticket);
            store::texts::open(txn, matter).await?;
        }
        journal::moved(order.work, order.cause, appeal, matter, &moved.step);
    }
    Ok(())
}

/// Takes the matters of a withdrawn appeal off their tickets; what is over stays where it is.
async fn withdraw(
    order: Order<'_>,
    appeal: &Appeal,
    before: AppealState,
    matters: &mut [Matter],
) -> Result<(), IntakeError> {
    let txn = order.work.txn();
    let seen = view::by_id(store::tickets::seen(&**txn, &view::tickets_of(matters)).await?);
    let over = |matter: &Matter| {
        let ticket = matter.ticket().and_then(|ticket| seen.get(&ticket))?;
        ticket.state.is_over().then_some(ticket.state)
    };
    if before == AppealState::Accepted && matters.iter().all(|matter| over(matter).is_some()) {
        let state = matters
            .first()
            .and_then(over)
            .map(Term::word)
            .unwrap_or_default();
        return Err(IntakeError::TicketOver { state });
    }
    for matter in matters {
        if over(matter).is_some() || matter.place == Place::Withdrawn {
            continue;
        }
        let moved = matter.moved(Move::Withdraw)?;
        *matter = moved.matter;
        store::matters::save_place(txn, matter, moved.step.events()).await?;
        store::texts::close(txn, matter.id).await?;
        journal::moved(order.work, order.cause, appeal, matter, &moved.step);
    }
    Ok(())
}

/// Forgets what was said in an appeal that goes to another line.
async fn erase(
    order: Order<'_>,
    appeal: &mut Appeal,
    matters: &mut [Matter],
    to: &str,
) -> Result<(), IntakeError> {
    let txn = order.work.txn();
    if store::registry::lines_of(&**txn, &[to.to_owned()])
        .await?
        .is_empty()
    {
        return Err(IntakeError::LineUnknown(to.to_owned()));
    }
    store::appeals::erase_content(txn, appeal.id).await?;
    store::matters::erase_content(txn, appeal.id).await?;
    if let Some(contact) = appeal.contact.take() {
        store::contacts::erase(txn, contact).await?;
    }
    to.clone_into(&mut appeal.outcome.diverted_to);
    for text in [&mut appeal.subject, &mut appeal.text, &mut appeal.citizen] {
        text.clear();
    }
    for matter in matters {
        matter.subject.clear();
        matter.text.clear();
        matter.text_key = None;
        matter.imported_reply = None;
    }
    Ok(())
}
