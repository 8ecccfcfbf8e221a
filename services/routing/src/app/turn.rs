//! One write on tickets: every step is saved with its history, event and audit, or not at all.

use hotline_kernel::id::MatterId;
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CoreError;
use hotline_platform::fault;
use hotline_platform::work::{AuditEntry, Cause, Work};

use super::Routing;
use crate::domain::command::TicketCommand;
use crate::domain::policy::Terms;
use crate::domain::registry::Registry;
use crate::domain::ticket::{Demand, Step, Ticket};
use crate::domain::word::{Change, Word};
use crate::error::RoutingError;
use crate::{events, store};

/// What a step is written with: the service, the registry of this moment, the transaction and who causes it.
pub(crate) struct Turn<'a> {
    /// The service.
    pub routing: &'a Routing,
    /// The registry of this moment.
    pub registry: &'a Registry,
    /// The transaction.
    pub work: &'a Work,
    /// Who causes it.
    pub cause: &'a Cause,
}

/// What is told with a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The matter that came or went.
    pub matter: Option<MatterId>,
    /// What a person wrote; it is masked before it is kept.
    pub note: String,
}

impl Told {
    /// A note, and no matter.
    pub(crate) fn note(note: impl Into<String>) -> Self {
        Self {
            matter: None,
            note: note.into(),
        }
    }

    /// A matter, and no note.
    pub(crate) fn matter(matter: MatterId) -> Self {
        Self {
            matter: Some(matter),
            note: String::new(),
        }
    }
}

impl Turn<'_> {
    /// Takes one step of the lifecycle and saves it.
    pub(crate) async fn take(
        &self,
        before: &Ticket,
        command: TicketCommand,
        told: Told,
    ) -> Result<Ticket, RoutingError> {
        let after = before.after(command.clone(), self.work.now())?;
        let change = command.change(&after.state);
        self.save(before, after, change, told).await
    }

    /// Saves a step that was decided: the ticket, its history, the event and the audit trail.
    pub(crate) async fn save(
        &self,
        before: &Ticket,
        after: Ticket,
        change: Change,
        told: Told,
    ) -> Result<Ticket, RoutingError> {
        store::tickets::update(self.work.txn(), before, &after).await?;
        fault::point("ticket.saved");
        self.record(Some(before), &after, change, told).await?;
        Ok(after)
    }

    /// Writes down what was saved: history, event and audit trail.
    pub(crate) async fn record(
        &self,
        before: Option<&Ticket>,
        after: &Ticket,
        change: Change,
        told: Told,
    ) -> Result<(), CoreError> {
        let note = self.routing.masker.internal(&told.note);
        let lead = |ticket: &Ticket| {
            ticket
                .state
                .assignment()
                .map(|held| held.lead_unit_code.clone())
        };
        let lead_before = before.and_then(lead).unwrap_or_default();
        let step = Step {
            version: after.version,
            change,
            state: after.state.name().to_owned(),
            at: self.work.now(),
            actor: self.cause.actor.clone(),
            unit_code: lead(after).unwrap_or_else(|| lead_before.clone()),
            note: note.clone(),
        };
        store::steps::append(self.work.txn(), after.id, &step).await?;
        fault::point("ticket.step_saved");
        let event = match (change, told.matter) {
            (Change::AttachRefused, Some(matter)) => events::attach_refused(after, matter),
            (change, matter) => events::ticket_changed(after, change, &lead_before, matter, &note),
        };
        self.work.publish(self.cause, event);
        let entry = AuditEntry {
            resource: "ticket",
            resource_id: after.id.to_string(),
            version: after.version,
            action: change.word().to_owned(),
            reason: note,
        };
        self.work.audit(self.cause, entry);
        Ok(())
    }

    /// What applies to `demand` for a clock that starts at `from`.
    pub(crate) fn terms_from(&self, demand: &Demand, from: Timestamp) -> Terms {
        self.registry.terms(
            &self.routing.policy_profile,
            self.routing.zone,
            demand,
            from,
        )
    }
}
