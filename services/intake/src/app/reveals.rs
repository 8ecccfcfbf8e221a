//! Looking at a contact: written down and committed before it is shown, so many times an hour, and behind a tip-off
//! only what two persons agreed on.

use std::fmt;

use chrono::TimeDelta;
use hotline_kernel::id::AppealId;
use hotline_kernel::number::TicketNumber;
use hotline_kernel::time::Timestamp;
use hotline_platform::access::{Rows, Scope};
use hotline_platform::core::CommandContext;
use hotline_platform::page::Page;
use hotline_platform::work::AuditEntry;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Intake, Order, view};
use crate::domain::Invalid;
use crate::domain::appeal::Appeal;
use crate::domain::registration::Contact;
use crate::domain::reveal::{
    ContactField, DEPTH_MAX, Hidden, NotApproved, Purpose, REASON_CHARS, Reveal, RevealLimits,
    UnitsPart, may_be_shown,
};
use crate::domain::terms::Term;
use crate::error::IntakeError;
use crate::store;
use crate::store::reveals::Cursor;

/// What reveals are counted in.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// How an appeal is named.
#[derive(Clone, Debug)]
pub enum Named {
    /// By id.
    Id(AppealId),
    /// By the number of its receipt or of a matter.
    Number(String),
}

/// A wish to look at a contact. Its Debug form does not say why: a reason may name somebody.
#[derive(Clone)]
pub struct Wish {
    /// Whose.
    pub appeal: Named,
    /// What of it.
    pub fields: Vec<ContactField>,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
}

impl fmt::Debug for Wish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wish")
            .field("appeal", &self.appeal)
            .field("fields", &self.fields)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// What became of a look, once that is committed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Looked {
    /// It is written down: the contact may be shown. How many this person had in this hour.
    Noted { contact: Uuid, count: u32 },
    /// It is not shown.
    Hidden(Hidden),
    /// The approval is not good for it.
    NotApproved(NotApproved),
    /// This person looked too often.
    TooOften,
}

impl Intake {
    /// Shows parts of a contact. That somebody looks is committed first, in the list of looks and in the audit trail:
    /// without that nothing is answered.
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealNotFound`] for what is out of the caller's reach too, [`IntakeError::ContactHidden`],
    /// [`IntakeError::RevealsTooOften`], [`IntakeError::NotApproved`].
    pub async fn reveal(
        &self,
        context: CommandContext,
        wish: Wish,
        approval: Option<Uuid>,
    ) -> Result<Contact, IntakeError> {
        sound(&wish)?;
        let unit = unit_of(&context.scope)?;
        let (fields, actor) = (wish.fields.clone(), context.cause.actor.clone());
        let limits = self.care.reveals;
        let looked = self
            .command(on_its_own(context), move |order| {
                let (wish, unit) = (wish.clone(), unit.clone());
                Box::pin(async move { order.look(&wish, unit, approval, limits).await })
            })
            .await?;
        match looked {
            Looked::Noted { contact, count } => {
                noticed(&actor, count, limits);
                let everybodys = Scope::own_work();
                let (db, vault) = (self.core.db().read(), &self.settings.vault);
                let found = store::contacts::find(db, vault, &everybodys, contact.into());
                let contact = found.await?.ok_or(IntakeError::ContactNotFound)?;
                Ok(ContactField::only(&fields, contact))
            }
            Looked::Hidden(hidden) => {
                count("hidden");
                Err(told(hidden))
            }
            Looked::NotApproved(why) => {
                count("not_approved");
                Err(why.into())
            }
            Looked::TooOften => {
                count("too_often");
                tracing::warn!(
                    actor,
                    "somebody looks at more contacts than he may in an hour"
                );
                Err(IntakeError::RevealsTooOften {
                    per_hour: limits.per_hour,
                })
            }
        }
    }

    /// A page of looks, the latest first, and where the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn reveals(
        &self,
        scope: &Scope,
        of: (Option<AppealId>, &str),
        page: &Page<Cursor>,
    ) -> Result<(Vec<Reveal>, Option<Cursor>), IntakeError> {
        let reader = self.core.db().reader(scope).await?;
        let after = page.after.as_ref();
        let mut found = store::reveals::list(&reader, scope, of, after, page.size + 1).await?;
        let is_more = found.len() as u64 > page.size;
        found.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| is_more).map(Cursor::behind);
        Ok((found, next))
    }
}

impl Order<'_> {
    async fn look(
        &self,
        wish: &Wish,
        unit: Option<String>,
        approval: Option<Uuid>,
        limits: RevealLimits,
    ) -> Result<Looked, IntakeError> {
        let (txn, now, actor) = (self.work.txn(), self.work.now(), &self.cause.actor);
        let refused_at = store::reveals::enter(txn, actor).await?;
        let appeal = self.named(&wish.appeal).await?;
        let part = match unit {
            None => None,
            Some(unit) => Some(self.part_of(unit, &appeal).await?),
        };
        // First: whether an approval fits would tell a unit that there is such an appeal.
        if may_be_shown(&appeal, part.as_ref(), true) == Err(Hidden::OutOfReach) {
            self.write_refusal(&appeal, refused_at).await?;
            return Ok(Looked::Hidden(Hidden::OutOfReach));
        }
        let approved = match self.approved(approval, &appeal, wish).await? {
            Ok(approved) => approved,
            Err(why) => {
                self.write_refusal(&appeal, refused_at).await?;
                return Ok(Looked::NotApproved(why));
            }
        };
        let shown = may_be_shown(&appeal, part.as_ref(), approved.is_some());
        let count = store::reveals::count_since(&**txn, actor, now - HOUR).await?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let refused = match (shown, appeal.contact) {
            (Err(hidden), _) => Some(Looked::Hidden(hidden)),
            (Ok(()), None) => Some(Looked::Hidden(Hidden::Nothing)),
            _ if count >= limits.per_hour => Some(Looked::TooOften),
            _ => None,
        };
        if let Some(refused) = refused {
            self.write_refusal(&appeal, refused_at).await?;
            return Ok(refused);
        }
        let contact = appeal.contact.ok_or(IntakeError::ContactNotFound)?.uuid();
        if let Some((id, _)) = &approved {
            store::reveals::spend(txn, *id, now).await?;
        }
        self.write_look(wish, &appeal, approved).await?;
        let count = count + 1;
        Ok(Looked::Noted { contact, count })
    }

    /// Refusals are written down once an hour for each person: a storm of them is counted by the metrics.
    async fn write_refusal(
        &self,
        appeal: &Appeal,
        refused_at: Option<Timestamp>,
    ) -> Result<(), IntakeError> {
        let (now, actor) = (self.work.now(), &self.cause.actor);
        if refused_at.is_none_or(|at| now >= at + HOUR) {
            store::reveals::note_refusal(self.work.txn(), actor, now).await?;
            self.write("reveal refused", &appeal.id.to_string(), String::new());
        }
        Ok(())
    }

    async fn write_look(
        &self,
        wish: &Wish,
        appeal: &Appeal,
        approved: Option<(Uuid, String)>,
    ) -> Result<(), IntakeError> {
        let reason = self.settings.mask(&wish.reason, &self.name(appeal).await?);
        let (approval, approved_by) = match approved {
            Some((id, by)) => (Some(id), by),
            None => (None, String::new()),
        };
        let now = self.work.now();
        let reveal = Reveal {
            id: self.work.new_id(),
            at: now,
            actor: self.cause.actor.clone(),
            unit_code: self.cause.unit_code.clone(),
            appeal: appeal.id,
            fields: wish.fields.clone(),
            purpose: wish.purpose,
            reason: reason.clone(),
            approval,
            approved_by,
        };
        store::reveals::insert(self.work.txn(), &reveal).await?;
        let why = format!("{}: {reason}", wish.purpose.word());
        self.write("contact revealed", &appeal.id.to_string(), why);
        Ok(())
    }

    pub(super) fn write(&self, action: &str, appeal: &str, reason: String) {
        let entry = AuditEntry {
            resource: "contact",
            resource_id: appeal.to_owned(),
            version: 0,
            action: action.to_owned(),
            reason,
        };
        self.work.audit(self.cause, entry);
    }

    pub(super) async fn named(&self, named: &Named) -> Result<Appeal, IntakeError> {
        let (txn, scope) = (&**self.work.txn(), self.scope);
        let id = match named {
            Named::Id(id) => *id,
            Named::Number(number) => {
                let number: TicketNumber = number
                    .trim()
                    .parse()
                    .map_err(|_| IntakeError::AppealNotFound)?;
                let found = store::matters::appeal_by_number(txn, scope, number.as_str()).await?;
                found.ok_or(IntakeError::AppealNotFound)?
            }
        };
        let found = store::appeals::find(txn, scope, id).await?;
        found.ok_or(IntakeError::AppealNotFound)
    }

    /// What a unit is to an appeal: only tickets that are not over count.
    async fn part_of(&self, unit_code: String, appeal: &Appeal) -> Result<UnitsPart, IntakeError> {
        let txn = &**self.work.txn();
        let matters = store::matters::of_appeals(txn, &[appeal.id]).await?;
        let seen = store::tickets::seen(txn, &view::tickets_of(&matters)).await?;
        let open: Vec<_> = seen
            .into_iter()
            .filter(|ticket| !ticket.state.is_over())
            .map(|ticket| ticket.id)
            .collect();
        Ok(UnitsPart {
            chain: store::units::chain(txn, &unit_code, DEPTH_MAX).await?,
            leads: store::units::leading(txn, &open).await?,
            unit_code,
        })
    }
}

/// The unit that a narrow scope is for.
fn unit_of(scope: &Scope) -> Result<Option<String>, IntakeError> {
    match scope.rows() {
        Rows::All => Ok(None),
        Rows::Below(unit) | Rows::Of(unit) => Ok(Some(unit.to_owned())),
        Rows::None => Err(IntakeError::AppealNotFound),
    }
}

/// Whose an appeal is stands in no column of it: it is loaded whoever asks, and `may_be_shown` judges a unit's part.
fn on_its_own(context: CommandContext) -> CommandContext {
    CommandContext {
        scope: Scope::own_work(),
        ..unkeyed(context)
    }
}

/// Every look is written down anew, so it is never answered from the command table.
fn unkeyed(context: CommandContext) -> CommandContext {
    CommandContext {
        idempotency_key: String::new(),
        ..context
    }
}

pub(super) fn told(hidden: Hidden) -> IntakeError {
    match hidden {
        Hidden::OutOfReach => IntakeError::AppealNotFound,
        hidden => IntakeError::ContactHidden(hidden),
    }
}

pub(super) fn sound(wish: &Wish) -> Result<(), Invalid> {
    if wish.fields.is_empty() {
        return Err(Invalid::new(
            "fields",
            "the parts of the contact that are wanted",
        ));
    }
    stated(&wish.reason)
}

pub(super) fn stated(reason: &str) -> Result<(), Invalid> {
    if REASON_CHARS.contains(&reason.trim().chars().count()) {
        return Ok(());
    }
    Err(Invalid::new("reason", "4 to 500 characters that say why"))
}

fn count(outcome: &'static str) {
    metrics::counter!("hotline_reveals_total", "outcome" => outcome).increment(1);
}

fn noticed(actor: &str, number: u32, limits: RevealLimits) {
    count("shown");
    if number > limits.unusual_per_hour {
        metrics::counter!("hotline_reveals_unusual_total").increment(1);
        tracing::warn!(
            actor,
            number,
            "somebody looks at unusually many contacts in an hour"
        );
    }
}
