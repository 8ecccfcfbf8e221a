//! Loading registry tables, and what a new calendar year means for open tickets.

use std::sync::Arc;

use hotline_platform::core::CommandContext;
use hotline_platform::fault;
use hotline_platform::work::AuditEntry;
use uuid::Uuid;

use super::Routing;
use super::turn::{Told, Turn};
use crate::domain::check::problems;
use crate::domain::command::TicketCommand;
use crate::domain::load::{Table, TableRows, read};
use crate::domain::registry::Registry;
use crate::domain::ticket::Ticket;
use crate::domain::word::Word;
use crate::error::RoutingError;
use crate::{events, store};

/// Tickets that are recomputed in one transaction.
const RECOMPUTE_BATCH: u64 = 200;

/// What a load did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Rows of the table.
    pub rows: u32,
    /// Open tickets whose deadline changed.
    pub recomputed: u32,
}

impl Routing {
    /// Loads one table whole, or refuses it whole. After a calendar, every open ticket's deadlines are computed
    /// again, batch by batch; loading again goes on where a load was cut off.
    pub(crate) async fn load_table(
        self: &Arc<Self>,
        context: CommandContext,
        name: &str,
        csv: &[u8],
    ) -> Result<Loaded, RoutingError> {
        let table = Table::parse(name).ok_or(RoutingError::Invalid {
            field: "table.name",
            expected: "units, unit_aliases, areas, categories, catalogue, keywords, holidays or policy_profiles",
        })?;
        let loaded = read(table, csv).map_err(RoutingError::Table)?;
        let rows = u32::try_from(loaded.count()).unwrap_or(u32::MAX);
        self.save_table(context.clone(), loaded).await?;
        fault::point("load.committed");
        let recomputed = if table == Table::Holidays {
            self.recompute(&context).await?
        } else {
            0
        };
        tracing::info!(
            registry.table = table.word(),
            rows,
            recomputed,
            "registry table loaded"
        );
        Ok(Loaded { rows, recomputed })
    }

    async fn save_table(
        &self,
        context: CommandContext,
        loaded: TableRows,
    ) -> Result<(), RoutingError> {
        let cause = context.cause.clone();
        let save = self.core.execute(context, move |work| {
            Box::pin(async move {
                let table = loaded.table();
                // Counted first: that lets one load in at a time, whatever its table.
                let version = store::registry::count_load(work.txn(), table).await?;
                let mut rows = store::registry::rows(&**work.txn()).await?;
                rows.replace(loaded.clone());
                let units_in_use = store::tickets::units_in_use(&**work.txn()).await?;
                let problems = problems(&rows, table, &units_in_use);
                if !problems.is_empty() {
                    return Err(RoutingError::Table(problems));
                }
                Registry::new(rows)?;
                store::registry::replace(work.txn(), &loaded).await?;
                fault::point("load.routing_replaced");
                work.publish(&cause, events::registry_loaded(&loaded, version));
                work.audit(
                    &cause,
                    AuditEntry {
                        resource: "registry",
                        resource_id: table.word().to_owned(),
                        version,
                        action: "loaded".to_owned(),
                        reason: String::new(),
                    },
                );
                Ok(())
            })
        });
        save.await
    }

    async fn recompute(self: &Arc<Self>, context: &CommandContext) -> Result<u32, RoutingError> {
        let mut recomputed = 0;
        let mut after = Some(Uuid::nil());
        while let Some(behind) = after {
            let (changed, next) = self.recompute_batch(context, behind).await?;
            recomputed += changed;
            after = next;
        }
        Ok(recomputed)
    }

    /// Recomputes one batch of tickets; returns how many changed, and where the next batch begins.
    async fn recompute_batch(
        self: &Arc<Self>,
        context: &CommandContext,
        behind: Uuid,
    ) -> Result<(u32, Option<Uuid>), RoutingError> {
        let routing = Arc::clone(self);
        let cause = context.cause.clone();
        let unremembered = CommandContext {
            idempotency_key: String::new(),
            ..context.clone()
        };
        let run = self.core.execute(unremembered, move |work| {
            Box::pin(async move {
                let registry = routing.registry_in(work).await?;
                let turn = Turn {
                    routing: &routing,
                    registry: &registry,
                    work,
                    cause: &cause,
                };
                let tickets =
                    store::tickets::unconcluded(work.txn(), behind, RECOMPUTE_BATCH).await?;
                let mut changed = 0;
                for ticket in &tickets {
                    changed += u32::from(turn.recompute(ticket).await?);
                }
                fault::point("load.recomputed");
                let is_full = tickets.len() as u64 == RECOMPUTE_BATCH;
                let next = tickets
                    .last()
                    .filter(|_| is_full)
                    .map(|ticket| ticket.id.uuid());
                Ok::<_, RoutingError>((changed, next))
            })
        });
        run.await
    }
}

impl Turn<'_> {
    /// Computes a ticket's deadlines again; true if one changed.
    async fn recompute(&self, ticket: &Ticket) -> Result<bool, RoutingError> {
        let citizen_due = self.citizen_due(ticket);
        let assignment = ticket.state.assignment().cloned().map(|mut held| {
            (held.due, held.sign_due) =
                self.unit_clocks(&ticket.demand, ticket.round, held.dispatched_at);
            held
        });
        if citizen_due == ticket.citizen_due && assignment.as_ref() == ticket.state.assignment() {
            return Ok(false);
        }
        let moved = Ticket {
            citizen_due,
            ..ticket.clone()
        };
        self.take_and_arm(
            &moved,
            TicketCommand::Recompute(assignment),
            Told::default(),
        )
        .await?;
        Ok(true)
    }
}
