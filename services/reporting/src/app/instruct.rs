//! Noting a leader's instruction on a ticket (批示).

use hotline_kernel::id::{InstructionId, TicketId};
use hotline_kernel::time::Zone;
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_platform::fault;
use hotline_platform::work::{AuditEntry, Cause, Work};

use super::Reporting;
use crate::error::ReportingError;
use crate::events;
use crate::store::{self, Instruction};

/// Longest name of an office, in characters.
pub(crate) const LEADER_CHARS_MAX: usize = 40;
/// Longest instruction, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 2_000;

/// Asks to note an instruction.
#[derive(Clone, Debug)]
pub(crate) struct GiveInstruction {
    /// The ticket it is about.
    pub ticket: TicketId,
    /// Who instructs, by office.
    pub leader: String,
    /// What.
    pub text: String,
    /// Instructions already on the ticket, as the caller saw.
    pub instructions_seen: i64,
}

impl Reporting {
    /// Notes an instruction.
    ///
    /// # Errors
    ///
    /// [`ReportingError::TicketNotFound`] if no event told of the ticket, `Stale` if it has another
    /// number of instructions.
    pub(crate) async fn instruct(
        &self,
        context: CommandContext,
        command: GiveInstruction,
    ) -> Result<InstructionId, ReportingError> {
        let (zone, cause) = (self.desk.zone, context.cause.clone());
        let scope = context.scope.clone();
        // The text goes into events and lists, which hold no personal data.
        let text = self.masker.internal(&command.text);
        let command = GiveInstruction { text, ..command };
        self.core
            .execute(context, move |work| {
                Box::pin(instruct(work, zone, (cause, scope), command))
            })
            .await
    }
}

async fn instruct(
    work: &Work,
    zone: Zone,
    (cause, scope): (Cause, Scope),
    command: GiveInstruction,
) -> Result<InstructionId, ReportingError> {
    let (txn, ticket_id) = (work.txn(), command.ticket.uuid());
    // One after the other: the count below is the version the caller saw.
    store::hold(txn).await?;
    if !store::ticket_is_known(&**txn, &scope, ticket_id).await? {
        return Err(ReportingError::TicketNotFound(command.ticket));
    }
    let seen = store::instruction_count(txn, ticket_id).await?;
    if seen != command.instructions_seen {
        return Err(CoreError::Stale { current: seen }.into());
    }
    let given = Instruction {
        id: work.new_id(),
        ticket_id,
        ordinal: seen + 1,
        leader: command.leader,
        text: command.text,
        given_at: work.now(),
        given_day: zone.day(work.now()),
        given_by: cause.actor.clone(),
    };
    store::insert_instruction(txn, &given).await?;
    fault::point("instruction.saved");
    events::publish_instruction(work, &cause, &given);
    let entry = AuditEntry {
        resource: "ticket",
        resource_id: ticket_id.to_string(),
        version: given.ordinal,
        action: "instructed".to_owned(),
        reason: String::new(),
    };
    work.audit(&cause, entry);
    Ok(given.id.into())
}
