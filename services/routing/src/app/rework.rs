//! The next round of a ticket (重办).

use super::dispatch::Destination;
use super::turn::{Told, Turn};
use crate::domain::command::TicketCommand;
use crate::domain::ticket::Ticket;
use crate::domain::word::DispatchSource;
use crate::error::RoutingError;

/// The round that begins with a supervision order: the one after a second failure.
pub(crate) const SUPERVISED_ROUND: u32 = 3;

impl Turn<'_> {
    /// Starts the next round with the same unit; with a dispatcher, if that unit may not have it any more. The
    /// third round begins with a supervision order.
    pub(crate) async fn rework(&self, ticket: &Ticket, told: Told) -> Result<Ticket, RoutingError> {
        ticket.after(TicketCommand::Rework(None), self.work.now())?;
        let held = ticket.state.assignment().cloned();
        let again = held.filter(|held| {
            let unit = &held.lead_unit_code;
            self.registry.unit_tree.contains(unit) && !self.is_complained_against(ticket, unit)
        });
        let next = match again {
            None => None,
            Some(held) => {
                let may_assist = |unit: &String| {
                    self.registry.unit_tree.contains(unit)
                        && !self.is_complained_against(ticket, unit)
                };
                let destination = Destination {
                    lead: held.lead_unit_code,
                    assisting: held
                        .assisting_unit_codes
                        .into_iter()
                        .filter(may_assist)
                        .collect(),
                    source: DispatchSource::Rework,
                    is_binding: held.is_binding,
                };
                Some(self.assignment(ticket, destination)?)
            }
        };
        let mut reworked = self.take(ticket, TicketCommand::Rework(next), told).await?;
        if reworked.round == SUPERVISED_ROUND {
            let told = Told::note("the second round did not solve it");
            reworked = self.take(&reworked, TicketCommand::Supervise, told).await?;
        }
        self.arm_cards(reworked).await
    }
}
