//! Cards and reminders, when their timers fall due.

use hotline_platform::access::Scope;
use hotline_platform::reaction::DueTimer;
use hotline_platform::work::{Cause, Work};

use super::Routing;
use super::turn::{Told, Turn};
use crate::domain::card::CardTimer;
use crate::domain::command::TicketCommand;
use crate::domain::word::Word;
use crate::error::RoutingError;
use crate::store;

impl Routing {
    /// Shows the card, or sends the reminder, that `timer` stands for; nothing if the ticket has moved on since
    /// it was armed.
    pub(crate) async fn warn(&self, work: &Work, timer: &DueTimer) -> Result<(), RoutingError> {
        let Some(kind) = CardTimer::parse(&timer.kind) else {
            return Ok(());
        };
        let registry = self.registry_in(work).await?;
        let (own, units) = (Scope::own_work(), &registry.unit_tree);
        let id = timer.aggregate_id.into();
        let Some(ticket) = store::tickets::load(work.txn(), &own, units, id).await? else {
            return Ok(());
        };
        if ticket.timer_sequence != timer.armed_version {
            return Ok(());
        }
        let command = match kind {
            CardTimer::Yellow => TicketCommand::WarnYellow,
            CardTimer::Red => TicketCommand::WarnRed,
            CardTimer::Reminder => TicketCommand::Remind,
        };
        // A refusal means that the clock no longer runs, or that the card is shown: the timer is void.
        if ticket.after(command.clone(), work.now()).is_err() {
            return Ok(());
        }
        let cause = Cause {
            actor: "timer".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: format!("timer:{}", timer.kind),
            trace_parent: String::new(),
        };
        let turn = Turn {
            routing: self,
            registry: &registry,
            work,
            cause: &cause,
        };
        turn.take(&ticket, command, Told::default()).await?;
        Ok(())
    }
}
