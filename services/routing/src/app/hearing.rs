//! What other services' events mean for tickets.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_platform::access::Scope;
use hotline_platform::work::{Cause, Work};

use super::Routing;
use super::dispatch::Destination;
use super::rework::SUPERVISED_ROUND;
use super::turn::{Told, Turn};
use crate::domain::command::TicketCommand;
use crate::domain::matter::MatterOnTicket;
use crate::domain::state::TicketState;
use crate::domain::ticket::{Demand, Ticket};
use crate::domain::word::{Change, DispatchSource};
use crate::error::RoutingError;
use crate::store;

/// A matter that is now on a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Whether it is the matter's own: the one reserved for it.
    pub is_own: bool,
    /// The number of the matter's own ticket.
    pub number: String,
    /// What it asks, to open its own ticket with.
    pub demand: Demand,
    /// The matter.
    pub matter: MatterOnTicket,
}

/// What a round's follow-ups mean for their ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is left to do.
    Archive,
    /// The unit's fault: the next round.
    Rework,
}

/// Something that was heard about a ticket.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A matter came.
    Arrived(Box<Arrival>),
    /// A matter went; to nowhere, if the citizen withdrew it.
    Left {
        /// Which one.
        matter: MatterId,
        /// The citizen withdrew it.
        is_withdrawn: bool,
    },
    /// The follow-ups of a round are over.
    Judged {
        /// Which round.
        round: u32,
        /// What they mean.
        verdict: Verdict,
        /// What was noted with the last of them.
        note: String,
    },
    /// A leader wrote an instruction.
    Instructed {
        /// What it says.
        text: String,
    },
}

impl Routing {
    /// Applies what was heard about a ticket.
    pub(crate) async fn hear(
        &self,
        work: &Work,
        cause: &Cause,
        id: TicketId,
        news: News,
    ) -> Result<(), RoutingError> {
        let registry = self.registry_in(work).await?;
        let turn = Turn {
            routing: self,
            registry: &registry,
            work,
            cause,
        };
        let (own, units) = (Scope::own_work(), &registry.unit_tree);
        let found = store::tickets::load(work.txn(), &own, units, id).await?;
        let ticket = match (found, news) {
            (None, News::Arrived(arrival)) if arrival.is_own => return turn.open(*arrival).await,
            (None, _) => return Err(RoutingError::TicketNotFound(id.to_string())),
            (Some(ticket), News::Arrived(arrival)) => return turn.arrive(&ticket, *arrival).await,
            (
                Some(ticket),
                News::Left {
                    matter,
                    is_withdrawn,
                },
            ) => {
                return turn.leave(&ticket, matter, is_withdrawn).await;
            }
            (
                Some(ticket),
                News::Judged {
                    round,
                    verdict,
                    note,
                },
            ) => {
                return turn.judge(&ticket, round, verdict, note).await;
            }
            (Some(ticket), News::Instructed { text }) => {
                turn.take(&ticket, TicketCommand::Instruct, Told::note(text))
                    .await?
            }
        };
        tracing::debug!(ticket.id = %ticket.id, "a leader's instruction was noted");
        Ok(())
    }
}

impl Turn<'_> {
    /// Opens a matter's own ticket, and dispatches it if the catalogue leaves no doubt.
    async fn open(&self, arrival: Arrival) -> Result<(), RoutingError> {
        let matter = arrival.matter.id;
        let name = (arrival.ticket_id, arrival.number);
        let mut ticket = Ticket::open(name, arrival.demand, arrival.matter, None, self.work.now());
        let proposal = self.proposal(&ticket);
        if proposal.is_category_certain {
            ticket
                .demand
                .category_code
                .clone_from(&proposal.category_code);
        }
        if ticket.demand.area_code.is_empty() {
            ticket.demand.area_code.clone_from(&proposal.area_code);
        }
        ticket.citizen_due = self.citizen_due(&ticket);
        store::tickets::insert(self.work.txn(), &ticket).await?;
        self.record(None, &ticket, Change::Opened, Told::matter(matter))
            .await?;
        if !proposal.is_unambiguous || ticket.is_record() {
            return Ok(());
        }
        let destination = Destination {
            lead: proposal.lead_unit_code,
            assisting: proposal.assisting_unit_codes,
            source: DispatchSource::Catalogue,
            is_binding: false,
        };
        let command = TicketCommand::Dispatch(self.assignment(&ticket, destination)?);
        self.take_and_arm(&ticket, command, Told::note(proposal.reasons.join("; ")))
            .await?;
        Ok(())
    }

    /// Takes a matter in, or refuses it: after the ticket has concluded, and if one of the ticket's units is
    /// complained against by the matter. A matter's own ticket never turns it away.
    async fn arrive(&self, ticket: &Ticket, arrival: Arrival) -> Result<(), RoutingError> {
        let matter = arrival.matter;
        if ticket.has_matter(matter.id) {
            return Ok(());
        }
        let told = Told::matter(matter.id);
        let is_welcome = ticket.state.is_unconcluded() && !self.would_expose(ticket, &matter);
        let command = match (arrival.is_own, is_welcome) {
            (_, true) => TicketCommand::Attach(matter),
            (true, false) if ticket.is_record() || ticket.state.is_unconcluded() => {
                TicketCommand::Attach(matter)
            }
            (true, false) => TicketCommand::Reopen(matter),
            (false, false) => TicketCommand::RefuseAttach,
        };
        let mut after = ticket.after(command.clone(), self.work.now())?;
        if !matches!(command, TicketCommand::RefuseAttach) {
            after.citizen_due = self.citizen_due(&after);
        }
        let change = command.change(&after.state);
        self.save(ticket, after, change, told).await?;
        Ok(())
    }

    /// Whether a unit that has `ticket` would get to read a complaint against itself.
    fn would_expose(&self, ticket: &Ticket, matter: &MatterOnTicket) -> bool {
        let against = &matter.confidentiality.complained_unit_codes;
        let Some(held) = ticket.state.assignment() else {
            return false;
        };
        let mut units = std::iter::once(&held.lead_unit_code).chain(&held.assisting_unit_codes);
        units.any(|unit| {
            self.registry
                .unit_tree
                .complained_above(unit, against)
                .is_some()
        })
    }

    /// Lets a matter go. The last one takes the ticket with it.
    async fn leave(
        &self,
        ticket: &Ticket,
        matter: MatterId,
        is_withdrawn: bool,
    ) -> Result<(), RoutingError> {
        if !ticket.has_matter(matter) {
            return Ok(());
        }
        let is_last = ticket.matters.len() == 1 && ticket.state.is_open();
        let command = match (is_last, is_withdrawn) {
            (false, _) => TicketCommand::Detach(matter),
            (true, false) => TicketCommand::Absorb(matter),
            (true, true) => TicketCommand::Withdraw(matter),
        };
        let mut after = ticket.after(command.clone(), self.work.now())?;
        if after.state.is_unconcluded() {
            after.citizen_due = self.citizen_due(&after);
        }
        let note = if is_withdrawn { "withdrawn" } else { "" };
        let told = Told {
            matter: Some(matter),
            note: note.to_owned(),
        };
        let change = command.change(&after.state);
        let saved = self.save(ticket, after, change, told).await?;
        if !saved.state.is_open() {
            self.disarm_cards(&saved).await?;
        }
        Ok(())
    }

    /// First failure: round 2. Second: round 3, with a supervision order. Third: to the shift supervisor, and a
    /// person decides. What is said of another round than the present one is late.
    async fn judge(
        &self,
        ticket: &Ticket,
        round: u32,
        verdict: Verdict,
        note: String,
    ) -> Result<(), RoutingError> {
        if ticket.round != round || !matches!(ticket.state, TicketState::Concluded(_)) {
            return Ok(());
        }
        let told = Told::note(note);
        match verdict {
            Verdict::Archive => self.take(ticket, TicketCommand::Archive, told).await?,
            Verdict::Rework if round < SUPERVISED_ROUND => self.rework(ticket, told).await?,
            Verdict::Rework if ticket.is_escalated => return Ok(()),
            Verdict::Rework => self.take(ticket, TicketCommand::Escalate, told).await?,
        };
        Ok(())
    }
}
