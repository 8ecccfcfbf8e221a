//! What people order: each order is one command on one ticket.

use std::sync::Arc;

use hotline_kernel::id::TicketId;
use hotline_platform::core::{CommandContext, CoreError};

use super::Routing;
use super::dispatch::Destination;
use super::order::{DispatchOrder, Order, ReturnOrder};
use super::turn::{Told, Turn};
use crate::domain::command::TicketCommand;
use crate::domain::state::{Report, ReturnRequest, Signing};
use crate::domain::ticket::Ticket;
use crate::domain::word::DispatchSource;
use crate::error::RoutingError;
use crate::store;

impl Routing {
    /// Carries out `order` on a ticket, at the version the caller saw.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        context: CommandContext,
        id: TicketId,
        order: Order,
    ) -> Result<Ticket, RoutingError> {
        let routing = Arc::clone(self);
        let (cause, scope) = (context.cause.clone(), context.scope.clone());
        let expected = context.expected_version;
        let run = self.core.execute(context, move |work| {
            Box::pin(async move {
                let registry = routing.registry_in(work).await?;
                let units = &registry.unit_tree;
                let ticket = store::tickets::load(work.txn(), &scope, units, id)
                    .await?
                    .ok_or_else(|| RoutingError::TicketNotFound(id.to_string()))?;
                if expected != 0 && expected != ticket.version {
                    return Err(CoreError::Stale {
                        current: ticket.version,
                    }
                    .into());
                }
                let turn = Turn {
                    routing: &routing,
                    registry: &registry,
                    work,
                    cause: &cause,
                };
                turn.obey(&ticket, order).await
            })
        });
        run.await
    }
}

impl Turn<'_> {
    async fn obey(&self, ticket: &Ticket, order: Order) -> Result<Ticket, RoutingError> {
        match order {
            Order::Dispatch(order) => self.dispatch(ticket, order).await,
            Order::Sign => self.sign(ticket).await,
            Order::Return(order) => self.ask_return(ticket, order).await,
            Order::DecideReturn {
                grant: true,
                lead,
                note,
            } => self.grant_return(ticket, lead, note).await,
            Order::DecideReturn {
                grant: false, note, ..
            } => {
                self.take(ticket, TicketCommand::RefuseReturn, Told::note(note))
                    .await
            }
            Order::DecideConsultation {
                lead,
                assisting,
                decision,
            } => {
                self.decide_consultation(ticket, (lead, assisting), decision)
                    .await
            }
            Order::Handle {
                handling_report,
                reply,
            } => self.handle(ticket, &handling_report, &reply).await,
            Order::SendBack { reason } => {
                stated("reason", &reason, "why the report is sent back")?;
                self.take_and_arm(ticket, TicketCommand::SendBack, Told::note(reason))
                    .await
            }
            Order::Conclude => {
                self.take(ticket, TicketCommand::Conclude, Told::default())
                    .await
            }
            Order::Rework { reason } => {
                stated("reason", &reason, "why the ticket is worked on again")?;
                self.rework(ticket, Told::note(reason)).await
            }
            Order::Archive => {
                self.take(ticket, TicketCommand::Archive, Told::default())
                    .await
            }
            Order::Supervise { order } => {
                stated("order", &order, "what the unit is ordered to do")?;
                self.take(ticket, TicketCommand::Supervise, Told::note(order))
                    .await
            }
        }
    }

    async fn dispatch(
        &self,
        ticket: &Ticket,
        order: DispatchOrder,
    ) -> Result<Ticket, RoutingError> {
        let mut corrected = ticket.clone();
        if !order.category_code.is_empty() {
            known(
                "category_code",
                self.registry.category_tree.contains(&order.category_code),
            )?;
            corrected.demand.category_code = order.category_code;
        }
        if !order.area_code.is_empty() {
            known(
                "area_code",
                self.registry.area_tree.contains(&order.area_code),
            )?;
            corrected.demand.area_code = order.area_code;
        }
        corrected.demand.urgency = order.urgency.unwrap_or(corrected.demand.urgency);
        corrected.citizen_due = self.citizen_due(&corrected);
        let destination = Destination {
            lead: order.lead,
            assisting: order.assisting,
            source: DispatchSource::Dispatcher,
            is_binding: false,
        };
        let assignment = self.assignment(&corrected, destination)?;
        self.take_and_arm(
            &corrected,
            TicketCommand::Dispatch(assignment),
            Told::note(order.note),
        )
        .await
    }

    async fn sign(&self, ticket: &Ticket) -> Result<Ticket, RoutingError> {
        let signed_at = self.work.now();
        let almanac = self.registry.almanac(self.routing.zone);
        let return_until =
            almanac.return_until(signed_at, &self.terms_from(&ticket.demand, signed_at));
        self.take(
            ticket,
            TicketCommand::Sign(Signing {
                signed_at,
                return_until,
            }),
            Told::default(),
        )
        .await
    }

    async fn ask_return(
        &self,
        ticket: &Ticket,
        order: ReturnOrder,
    ) -> Result<Ticket, RoutingError> {
        let ReturnOrder {
            reason,
            clause,
            proposed_unit_code,
            note,
        } = order;
        if reason.is_counted() {
            stated(
                "clause",
                &clause,
                "the clause that gives the duty to another unit",
            )?;
            stated(
                "proposed_unit_code",
                &proposed_unit_code,
                "the unit that the duty is given to",
            )?;
        }
        if !proposed_unit_code.is_empty() {
            known(
                "proposed_unit_code",
                self.registry.unit_tree.contains(&proposed_unit_code),
            )?;
        }
        let clause = self.routing.masker.internal(clause.trim());
        let told = [clause.as_str(), note.trim()]
            .into_iter()
            .filter(|text| !text.is_empty());
        let told = Told::note(told.collect::<Vec<_>>().join("; "));
        let request = ReturnRequest {
            reason,
            clause,
            proposed_unit_code,
        };
        self.take(ticket, TicketCommand::AskReturn(request), told)
            .await
    }

    async fn grant_return(
        &self,
        ticket: &Ticket,
        lead: String,
        note: String,
    ) -> Result<Ticket, RoutingError> {
        // Refused here if nobody asked, before the unit is looked at.
        ticket.after(TicketCommand::GrantReturn(None), self.work.now())?;
        let proposed = ticket
            .state
            .request()
            .map(|request| request.proposed_unit_code.clone());
        let lead = if lead.is_empty() {
            proposed.unwrap_or_default()
        } else {
            lead
        };
        if ticket
            .state
            .assignment()
            .is_some_and(|held| held.lead_unit_code == lead)
        {
            return Err(RoutingError::Invalid {
                field: "lead_unit_code",
                expected: "another unit than the one that returns the ticket",
            });
        }
        let next = if lead.is_empty() {
            None
        } else {
            let source = DispatchSource::Arbitration;
            let destination = Destination {
                lead,
                assisting: Vec::new(),
                source,
                is_binding: false,
            };
            Some(self.assignment(ticket, destination)?)
        };
        self.take_and_arm(ticket, TicketCommand::GrantReturn(next), Told::note(note))
            .await
    }

    async fn decide_consultation(
        &self,
        ticket: &Ticket,
        (lead, assisting): (String, Vec<String>),
        decision: String,
    ) -> Result<Ticket, RoutingError> {
        stated("decision", &decision, "what was decided, and why")?;
        let source = DispatchSource::Consultation;
        let assignment = self.assignment(
            ticket,
            Destination {
                lead,
                assisting,
                source,
                is_binding: true,
            },
        )?;
        let command = TicketCommand::DecideConsultation(assignment);
        let decided = self
            .take(ticket, command, Told::note(decision.as_str()))
            .await?;
        let masked = self.routing.masker.internal(&decision);
        store::proposals::insert(self.work.txn(), &decided, &masked, self.work.now()).await?;
        self.arm_cards(decided).await
    }

    async fn handle(
        &self,
        ticket: &Ticket,
        handling_report: &str,
        reply: &str,
    ) -> Result<Ticket, RoutingError> {
        stated("handling_report", handling_report, "what was done")?;
        stated("reply", reply, "what the citizen is told")?;
        let report = Report {
            handling_report: self.routing.masker.internal(handling_report.trim()),
            reply: self.routing.masker.internal(reply.trim()),
            handled_at: self.work.now(),
        };
        self.take(ticket, TicketCommand::Handle(report), Told::default())
            .await
    }
}

fn stated(field: &'static str, text: &str, expected: &'static str) -> Result<(), RoutingError> {
    if text.trim().is_empty() {
        return Err(RoutingError::Invalid { field, expected });
    }
    Ok(())
}

fn known(field: &'static str, is_known: bool) -> Result<(), RoutingError> {
    if is_known {
        Ok(())
    } else {
        Err(RoutingError::Invalid {
            field,
            expected: "a code of the registry",
        })
    }
}
