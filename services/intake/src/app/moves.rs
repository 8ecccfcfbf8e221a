//! What is done with a matter: merge, unmerge, split.

use hotline_kernel::id::{AppealId, MatterId, TicketId};
use hotline_platform::core::CommandContext;

use super::register::draft::{mint_numbers, text_key};
use super::view::{self, AppealView, MatterView};
use super::{Intake, Order, journal};
use crate::domain::Invalid;
use crate::domain::appeal::{self, Appeal, Command};
use crate::domain::matter::{Matter, Move, Place};
use crate::domain::registration::{self, MATTERS_MAX, NewMatter};
use crate::domain::terms::{Kind, Nature, Term, TicketState};
use crate::error::IntakeError;
use crate::store;
use crate::store::matters::NewMatterRow;

impl Intake {
    /// Puts a matter on another ticket that is the same matter (并单).
    ///
    /// # Errors
    ///
    /// [`IntakeError::TicketOver`] if either ticket has, as last heard, concluded.
    pub async fn merge(
        &self,
        context: CommandContext,
        matter: MatterId,
        ticket: TicketId,
    ) -> Result<MatterView, IntakeError> {
        self.command(context, move |order| {
            Box::pin(async move { merge(order, matter, ticket).await })
        })
        .await
    }

    /// Puts a merged matter back on its own ticket (撤销并单).
    ///
    /// # Errors
    ///
    /// [`IntakeError::MatterPlace`] if it was not merged.
    pub async fn unmerge(
        &self,
        context: CommandContext,
        matter: MatterId,
        reason: String,
    ) -> Result<MatterView, IntakeError> {
        registration::text("reason", &reason, registration::SUBJECT_MAX_CHARS)?;
        self.command(context, move |order| {
            let reason = reason.clone();
            Box::pin(async move { unmerge(order, matter, &reason).await })
        })
        .await
    }

    /// Adds a matter with a ticket of its own to an accepted appeal (拆单).
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealState`] if the appeal is not accepted.
    pub async fn split(
        &self,
        context: CommandContext,
        appeal: AppealId,
        told: NewMatter,
    ) -> Result<AppealView, IntakeError> {
        told.check()?;
        if told.subject.trim().is_empty() && told.text.trim().is_empty() {
            return Err(
                Invalid::new("matter.text", "what is asked: a text or at least a subject").into(),
            );
        }
        self.command(context, move |order| {
            let told = told.clone();
            Box::pin(async move { split(order, appeal, told).await })
        })
        .await
    }
}

async fn merge(
    order: Order<'_>,
    id: MatterId,
    target: TicketId,
) -> Result<MatterView, IntakeError> {
    let (appeal, matter) = order.matter(id).await?;
    order.expect(matter.version)?;
    if appeal.nature == Nature::Historical {
        return Err(IntakeError::Historical);
    }
    let moved = matter.moved(Move::Merge(target))?;
    check_open(order, target).await?;
    let source = view::tickets_of(std::slice::from_ref(&matter));
    let seen = store::tickets::seen(&**order.work.txn(), &source).await?;
    if let Some(over) = seen.into_iter().find(|ticket| ticket.state.is_over()) {
        return Err(IntakeError::TicketOver {
            state: over.state.word(),
        });
    }
    settle(order, appeal, moved, String::new()).await
}

/// Refuses a target that no accepted matter opened, or that takes no further matter as last heard.
async fn check_open(order: Order<'_>, target: TicketId) -> Result<(), IntakeError> {
    let txn = &**order.work.txn();
    let owner = store::matters::owner_of(txn, target)
        .await?
        .ok_or(IntakeError::TicketNotFound)?;
    if owner.version == 0 {
        return Err(IntakeError::TicketNotFound);
    }
    let seen = store::tickets::seen(txn, &[target]).await?;
    if let Some(over) = seen.into_iter().find(|ticket| ticket.state.is_over()) {
        return Err(IntakeError::TicketOver {
            state: over.state.word(),
        });
    }
    if !store::matters::stands_on(txn, target).await? {
        return Err(IntakeError::TicketOver {
            state: TicketState::Absorbed.word(),
        });
    }
    let appeal = store::appeals::find(txn, order.scope, owner.appeal_id)
        .await?
        .ok_or(IntakeError::AppealNotFound)?;
    if appeal.nature == Nature::Historical {
        return Err(IntakeError::TicketOver {
            state: TicketState::Archived.word(),
        });
    }
    Ok(())
}

async fn unmerge(order: Order<'_>, id: MatterId, reason: &str) -> Result<MatterView, IntakeError> {
    let (appeal, matter) = order.matter(id).await?;
    order.expect(matter.version)?;
    let moved = matter.moved(Move::Unmerge)?;
    // Its own ticket may have been left empty, but not have concluded without it.
    let own = store::tickets::seen(&**order.work.txn(), &[matter.reserved_ticket]).await?;
    let over = |state| matches!(state, TicketState::Concluded | TicketState::Archived);
    if let Some(own) = own.into_iter().find(|ticket| over(ticket.state)) {
        return Err(IntakeError::TicketOver {
            state: own.state.word(),
        });
    }
    let reason = order.settings.mask(reason, &order.name(&appeal).await?);
    settle(order, appeal, moved, reason).await
}

async fn settle(
    order: Order<'_>,
    appeal: Appeal,
    moved: crate::domain::matter::Moved,
    reason: String,
) -> Result<MatterView, IntakeError> {
    let txn = order.work.txn();
    store::matters::save_place(txn, &moved.matter, moved.step.events()).await?;
    journal::moved_because(
        order.work,
        order.cause,
        &appeal,
        &moved.matter,
        &moved.step,
        reason,
    );
    let seen = store::tickets::seen(
        &**txn,
        &view::tickets_of(std::slice::from_ref(&moved.matter)),
    )
    .await?;
    Ok(MatterView::new(appeal, moved.matter, &view::by_id(seen)))
}

async fn split(order: Order<'_>, id: AppealId, told: NewMatter) -> Result<AppealView, IntakeError> {
    let (before, mut matters) = order.appeal(id).await?;
    order.expect(before.version)?;
    let state = appeal::next(before.state, Command::Split)?;
    if before.nature == Nature::Historical {
        return Err(IntakeError::Historical);
    }
    if matters.len() >= MATTERS_MAX {
        return Err(Invalid::new(
            "matter",
            format!("at most matter {MATTERS_MAX} of its appeal"),
        )
        .into());
    }
    let (work, txn) = (order.work, order.work.txn());
    let appeal = Appeal {
        state,
        version: before.version + 1,
        ..before
    };
    let (row, is_alone) = draft(order, &appeal, &matters, told).await?;
    let moved = row.matter.moved(Move::Split)?;
    matters.push(moved.matter.clone());
    store::appeals::save(txn, &appeal).await?;
    let row = NewMatterRow {
        matter: moved.matter.clone(),
        is_open: is_alone,
        ..row
    };
    let seal = order.seal(&appeal).await?;
    store::matters::insert(txn, vec![(row, seal)]).await?;
    journal::appeal(
        work,
        order.cause,
        &appeal,
        &matters.iter().collect::<Vec<_>>(),
        Command::Split.change(),
    );
    journal::moved(work, order.cause, &appeal, &moved.matter, &moved.step);
    order.view(appeal, matters).await
}

/// Drafts a further matter of an appeal; also tells whether its text is open nowhere else.
async fn draft(
    order: Order<'_>,
    appeal: &Appeal,
    matters: &[Matter],
    told: NewMatter,
) -> Result<(NewMatterRow, bool), IntakeError> {
    let work = order.work;
    let name = order.name(appeal).await?;
    let numbers = mint_numbers(work, &[order.settings.zone.day(work.now())]).await?;
    let text_key = text_key(&order.settings.keys, &appeal.citizen, &told);
    let keys: Vec<String> = text_key.iter().cloned().collect();
    let is_alone = store::texts::standing(&**work.txn(), &keys)
        .await?
        .is_empty();
    let last = matters
        .iter()
        .map(|matter| matter.ordinal)
        .max()
        .unwrap_or_default();
    let matter = Matter {
        id: work.new_id().into(),
        appeal_id: appeal.id,
        ordinal: last + 1,
        version: 0,
        reserved_ticket: work.new_id().into(),
        number: numbers.into_iter().next().unwrap_or_default(),
        place: Place::Waiting,
        kind: told
            .kind
            .unwrap_or_else(|| matters.first().map_or(Kind::Other, |matter| matter.kind)),
        urgency: told.urgency.unwrap_or_default(),
        category_code: told.category_code,
        area_code: told.area_code,
        subject: order.settings.mask(&told.subject, &name),
        text: order.settings.mask(&told.text, &name),
        imported_due_at: None,
        imported_reply: None,
        text_key,
    };
    let row = NewMatterRow {
        matter,
        original_subject: told.subject,
        original_text: told.text,
        original_reply: None,
        is_open: false,
    };
    Ok((row, is_alone))
}
