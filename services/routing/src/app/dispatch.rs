//! Giving a ticket to units: the assignment, its clocks and its cards.

use hotline_kernel::time::Timestamp;

use super::turn::{Told, Turn};
use crate::domain::card::{CardTimer, Running, plan};
use crate::domain::command::TicketCommand;
use crate::domain::deadline::Due;
use crate::domain::proposal::{Proposal, propose};
use crate::domain::state::Assignment;
use crate::domain::ticket::{Demand, Ticket};
use crate::domain::word::{Card, DispatchSource, Nature, Word};
use crate::error::RoutingError;
use hotline_platform::work::NewTimer;

/// At most this many units assist.
const ASSISTING_MAX: usize = 20;

/// To whom a ticket goes, and why.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// Who leads.
    pub lead: String,
    /// Who assists.
    pub assisting: Vec<String>,
    /// How it came about.
    pub source: DispatchSource,
    /// It cannot be returned.
    pub is_binding: bool,
}

impl Turn<'_> {
    /// The assignment of `ticket` to `destination` from now on, if all its units may have it.
    pub(crate) fn assignment(
        &self,
        ticket: &Ticket,
        destination: Destination,
    ) -> Result<Assignment, RoutingError> {
        let Destination {
            lead,
            mut assisting,
            source,
            is_binding,
        } = destination;
        assisting.retain(|unit| *unit != lead);
        assisting.sort();
        assisting.dedup();
        if assisting.len() > ASSISTING_MAX {
            return Err(RoutingError::Invalid {
                field: "assisting_unit_codes",
                expected: "at most 20 units",
            });
        }
        self.assert_may_have(ticket, "lead_unit_code", &lead)?;
        for unit in &assisting {
            self.assert_may_have(ticket, "assisting_unit_codes", unit)?;
        }
        let round = ticket.round + u32::from(source == DispatchSource::Rework);
        let dispatched_at = self.work.now();
        let (due, sign_due) = self.unit_clocks(&ticket.demand, round, dispatched_at);
        Ok(Assignment {
            lead_unit_code: lead,
            assisting_unit_codes: assisting,
            source,
            is_binding,
            dispatched_at,
            due,
            sign_due,
        })
    }

    fn assert_may_have(
        &self,
        ticket: &Ticket,
        field: &'static str,
        unit: &str,
    ) -> Result<(), RoutingError> {
        if !self.registry.unit_tree.contains(unit) {
            return Err(RoutingError::Invalid {
                field,
                expected: "a unit of the registry",
            });
        }
        if self.is_complained_against(ticket, unit) {
            return Err(RoutingError::ComplainedAgainst {
                unit: unit.to_owned(),
            });
        }
        Ok(())
    }

    /// Whether `unit` must never have `ticket`.
    pub(crate) fn is_complained_against(&self, ticket: &Ticket, unit: &str) -> bool {
        let complained = ticket.confidentiality().complained_unit_codes;
        self.registry
            .unit_tree
            .complained_above(unit, &complained)
            .is_some()
    }

    /// The unit's deadline and the sign-for deadline of an assignment that began at `dispatched_at`.
    pub(crate) fn unit_clocks(
        &self,
        demand: &Demand,
        round: u32,
        dispatched_at: Timestamp,
    ) -> (Due, Option<Due>) {
        let almanac = self.registry.almanac(self.routing.zone);
        let terms = self.terms_from(demand, dispatched_at);
        let sign_due = almanac.sign_due(dispatched_at, &terms);
        let due = match demand.imported_due_at {
            Some(at) if round == 1 => Due {
                at,
                is_provisional: false,
            },
            _ => almanac.due(dispatched_at, &terms),
        };
        (due, sign_due)
    }

    /// The citizen's deadline: from the earliest receipt on the ticket, or as it was imported.
    pub(crate) fn citizen_due(&self, ticket: &Ticket) -> Option<Due> {
        if ticket.demand.nature == Nature::Historical {
            return None;
        }
        if let Some(at) = ticket.demand.imported_due_at {
            return Some(Due {
                at,
                is_provisional: false,
            });
        }
        let from = ticket.first_received_at();
        let terms = self.terms_from(&ticket.demand, from);
        Some(self.registry.almanac(self.routing.zone).due(from, &terms))
    }

    /// What the registry proposes for `ticket` today.
    pub(crate) fn proposal(&self, ticket: &Ticket) -> Proposal {
        let complained = ticket.confidentiality().complained_unit_codes;
        propose(
            self.registry,
            &ticket.demand,
            &complained,
            self.routing.zone.day(self.work.now()),
        )
    }

    /// Takes a step that starts a unit's clock anew, and arms its cards.
    pub(crate) async fn take_and_arm(
        &self,
        before: &Ticket,
        command: TicketCommand,
        told: Told,
    ) -> Result<Ticket, RoutingError> {
        let after = self.take(before, command, told).await?;
        self.arm_cards(after).await
    }

    /// Arms the cards and the reminder of the running clock of `ticket`. A card whose time has passed already is
    /// shown at once, as a step of its own.
    pub(crate) async fn arm_cards(&self, ticket: Ticket) -> Result<Ticket, RoutingError> {
        let Some(assignment) = ticket.state.running() else {
            return Ok(ticket);
        };
        let terms = self.terms_from(&ticket.demand, assignment.dispatched_at);
        // An imported deadline counts days, and holds for the first round alone.
        let is_imported = ticket.demand.imported_due_at.is_some() && ticket.round == 1;
        let clock = Running {
            dispatched_at: assignment.dispatched_at,
            due_at: assignment.due.at,
            in_hours: terms.hours.is_some() && !is_imported,
            card: ticket.card,
        };
        let planned = plan(
            &self.registry.almanac(self.routing.zone),
            &clock,
            self.work.now(),
        );
        for (timer, due_at) in planned.timers {
            self.work.arm(NewTimer {
                aggregate_id: ticket.id.uuid(),
                kind: timer.word(),
                due_at,
                armed_version: ticket.timer_sequence,
            });
        }
        match planned.at_once {
            Some(Card::Yellow) => {
                self.take(&ticket, TicketCommand::WarnYellow, Told::default())
                    .await
            }
            Some(Card::Red) => {
                self.take(&ticket, TicketCommand::WarnRed, Told::default())
                    .await
            }
            Some(Card::None) | None => Ok(ticket),
        }
    }

    /// Makes the timers of a ticket void that nobody has any more.
    pub(crate) async fn disarm_cards(&self, ticket: &Ticket) -> Result<(), RoutingError> {
        for (_, kind) in CardTimer::ALL {
            self.work.disarm(ticket.id.uuid(), kind).await?;
        }
        Ok(())
    }
}
