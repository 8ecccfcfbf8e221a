//! Two persons about the identity behind a tip-off: one asks, another approves, and the first one looks once.

use hotline_kernel::time::Timestamp;
use hotline_platform::access::Scope;
use hotline_platform::core::CommandContext;
use hotline_platform::page::Page;
use uuid::Uuid;

use super::reveals::{Wish, sound, stated, told};
use super::{Intake, Order};
use crate::domain::appeal::Appeal;
use crate::domain::reveal::{Approval, Hidden, NotApproved, PendingApproval, may_be_shown};
use crate::domain::terms::Term;
use crate::error::IntakeError;
use crate::store;
use crate::store::reveals::Cursor;

impl Intake {
    /// Asks another person to let the caller look behind a tip-off; returns the approval's id and until when it can
    /// be given.
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealNotFound`], [`IntakeError::ContactHidden`].
    pub async fn ask_reveal(
        &self,
        context: CommandContext,
        wish: Wish,
    ) -> Result<(Uuid, Timestamp), IntakeError> {
        sound(&wish)?;
        self.command(context, move |order| {
            let wish = wish.clone();
            Box::pin(async move { order.ask_reveal(&wish).await })
        })
        .await
    }

    /// Approves that somebody else looks behind a tip-off; until when he may.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ApprovalNotFound`], [`IntakeError::NotApproved`].
    pub async fn approve_reveal(
        &self,
        context: CommandContext,
        id: Uuid,
        reason: String,
    ) -> Result<Timestamp, IntakeError> {
        stated(&reason)?;
        self.command(context, move |order| {
            let reason = reason.clone();
            Box::pin(async move { order.approve_reveal(id, &reason).await })
        })
        .await
    }
}

impl Intake {
    /// A page of wishes that wait for an approval and can still get one, and where the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn pending_reveals(
        &self,
        scope: &Scope,
        page: &Page<Cursor>,
    ) -> Result<(Vec<PendingApproval>, Option<Cursor>), IntakeError> {
        let reader = self.core.db().reader(scope).await?;
        let (since, after) = (Approval::asked_since(self.core.now()), page.after.as_ref());
        let found = store::reveals::pending(&reader, scope, since, after, page.size + 1).await?;
        let mut pending = Vec::with_capacity(found.len());
        for (id, approval, reason) in found {
            let appeal = store::appeals::find(&reader, scope, approval.appeal).await?;
            let appeal = appeal.ok_or(IntakeError::AppealNotFound)?;
            pending.push(PendingApproval {
                id,
                approval,
                reason,
                number: appeal.number,
                subject: appeal.subject,
            });
        }
        let is_more = pending.len() as u64 > page.size;
        pending.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
        let next = pending.last().filter(|_| is_more);
        let next = next.map(Cursor::behind_wish);
        Ok((pending, next))
    }
}

impl Order<'_> {
    async fn ask_reveal(&self, wish: &Wish) -> Result<(Uuid, Timestamp), IntakeError> {
        let appeal = self.named(&wish.appeal).await?;
        self.expect(appeal.version)?;
        match may_be_shown(&appeal, None, false) {
            Err(Hidden::NeedsApproval) => {}
            Err(hidden) => return Err(told(hidden)),
            Ok(()) => return Err(IntakeError::ApprovalNotNeeded),
        }
        let approval = Approval {
            appeal: appeal.id,
            fields: wish.fields.clone(),
            purpose: wish.purpose,
            asked_by: self.cause.actor.clone(),
            asked_at: self.work.now(),
            approved: None,
            is_used: false,
        };
        let reason = self.settings.mask(&wish.reason, &self.name(&appeal).await?);
        let id = self.work.new_id();
        store::reveals::ask(self.work.txn(), id, &approval, &reason).await?;
        let why = format!("{}: {reason}", wish.purpose.word());
        self.write("identity asked for", &appeal.id.to_string(), why);
        Ok((id, approval.approve_until()))
    }

    async fn approve_reveal(&self, id: Uuid, reason: &str) -> Result<Timestamp, IntakeError> {
        let (txn, now, actor) = (self.work.txn(), self.work.now(), &self.cause.actor);
        let approval = store::reveals::approval(txn, id).await?;
        let approval = approval.ok_or(IntakeError::ApprovalNotFound)?;
        self.expect(approval.version())?;
        approval.approve(actor, now)?;
        store::reveals::approve(txn, id, actor, now).await?;
        let appeal = store::appeals::find(&**txn, self.scope, approval.appeal).await?;
        let appeal = appeal.ok_or(IntakeError::AppealNotFound)?;
        let reason = self.settings.mask(reason, &self.name(&appeal).await?);
        self.write("identity approved", &approval.appeal.to_string(), reason);
        Ok(Approval::use_until(now))
    }

    /// Who approved it, if that is good for this look.
    pub(super) async fn approved(
        &self,
        approval: Option<Uuid>,
        appeal: &Appeal,
        wish: &Wish,
    ) -> Result<Result<Option<(Uuid, String)>, NotApproved>, IntakeError> {
        let Some(id) = approval else {
            return Ok(Ok(None));
        };
        let (actor, now) = (&self.cause.actor, self.work.now());
        let found = store::reveals::approval(self.work.txn(), id).await?;
        let Some(found) = found else {
            return Ok(Err(NotApproved::NotThis));
        };
        let is_good = found.use_for(actor, appeal.id, &wish.fields, now);
        Ok(is_good.map(|()| found.approved.map(|(by, _)| (id, by))))
    }
}
