//! What intake makes of what routing tells: where tickets stand, and which matters they refused.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_platform::access::Scope;
use hotline_platform::work::{AuditEntry, Cause, Work};

use super::journal;
use crate::domain::matter::{Move, SeenTicket};
use crate::domain::terms::TicketState;
use crate::error::IntakeError;
use crate::store;

/// A ticket did not take a matter.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The ticket.
    pub ticket: TicketId,
    /// The matter.
    pub matter: MatterId,
    /// Where the ticket stands.
    pub state: TicketState,
    /// The ticket's version at that step.
    pub version: i64,
}

/// Remembers where a ticket stands and, if that was told, who leads it. What is not newer than what is known is skipped.
///
/// # Errors
///
/// What storage fails with.
pub async fn ticket_changed(
    work: &Work,
    ticket: &SeenTicket,
    lead: Option<&str>,
) -> Result<(), IntakeError> {
    let txn = work.txn();
    let known = store::tickets::seen(&**txn, &[ticket.id]).await?;
    if known.iter().any(|known| known.version >= ticket.version) {
        return Ok(());
    }
    store::tickets::remember(txn, ticket).await?;
    if let Some(lead) = lead {
        store::units::leads(txn, ticket.id, lead).await?;
    }
    let was_over = known.iter().any(|known| known.state.is_over());
    if ticket.state.is_over() {
        store::texts::close_all(txn, ticket.id).await?;
    } else if was_over {
        store::texts::reopen_all(txn, ticket.id).await?;
    }
    Ok(())
}

/// Remembers which unit stands above which, from (code, code above) pairs.
///
/// # Errors
///
/// What storage fails with.
pub async fn units_loaded(work: &Work, units: &[(String, String)]) -> Result<(), IntakeError> {
    Ok(store::units::replace(work.txn(), units).await?)
}

/// Puts a refused matter back on its own ticket, if it still stands on the one that refused it.
///
/// # Errors
///
/// [`IntakeError::MatterNotFound`] for a matter that intake never had.
pub async fn attach_refused(
    work: &Work,
    cause: &Cause,
    refusal: Refusal,
) -> Result<(), IntakeError> {
    let (txn, own) = (work.txn(), Scope::own_work());
    remember_state(work, refusal).await?;
    let matter = store::matters::find(&**txn, &own, refusal.matter)
        .await?
        .ok_or(IntakeError::MatterNotFound)?;
    let Ok(moved) = matter.moved(Move::Refuse(refusal.ticket)) else {
        if matter.ticket() == Some(refusal.ticket) {
            // Its own ticket concluded without it: a person must look.
            tracing::warn!(matter.id = %matter.id, ticket.id = %refusal.ticket, "a matter was refused by its own ticket");
            audit_refusal_at_home(work, cause, refusal, matter.version);
        }
        return Ok(());
    };
    let appeal = store::appeals::find(&**txn, &own, matter.appeal_id)
        .await?
        .ok_or(IntakeError::AppealNotFound)?;
    store::matters::save_place(txn, &moved.matter, moved.step.events()).await?;
    store::texts::close(txn, matter.id).await?;
    store::texts::reopen_all(txn, matter.reserved_ticket).await?;
    journal::moved(work, cause, &appeal, &moved.matter, &moved.step);
    Ok(())
}

/// A refusal is a step of the ticket's history and tells its state too.
async fn remember_state(work: &Work, refusal: Refusal) -> Result<(), IntakeError> {
    let known = store::tickets::seen(&**work.txn(), &[refusal.ticket]).await?;
    let Some(known) = known.into_iter().next() else {
        return Ok(());
    };
    let heard = SeenTicket {
        state: refusal.state,
        version: refusal.version,
        ..known
    };
    ticket_changed(work, &heard, None).await
}

fn audit_refusal_at_home(work: &Work, cause: &Cause, refusal: Refusal, version: i64) {
    let entry = AuditEntry {
        resource: "matter",
        resource_id: refusal.matter.to_string(),
        version,
        action: "refused_at_home".to_owned(),
        reason: String::new(),
    };
    work.audit(cause, entry);
}
