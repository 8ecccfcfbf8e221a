//! An appeal as screens show it: with its matters, and what was last heard of their tickets.

use std::collections::HashMap;

use hotline_kernel::id::TicketId;
use serde::{Deserialize, Serialize};

use crate::domain::appeal::Appeal;
use crate::domain::matter::{Matter, SeenTicket};
use crate::domain::terms::TicketState;

/// An appeal with its matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppealView {
    /// The appeal.
    pub appeal: Appeal,
    /// Its matters, by ordinal.
    pub matters: Vec<MatterView>,
}

/// A matter of an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterView {
    /// The appeal it was asked in.
    pub appeal: Appeal,
    /// The matter.
    pub matter: Matter,
    /// State of the ticket it stands on, as last heard.
    pub ticket_state: Option<TicketState>,
}

/// Tickets by id, as last heard.
pub type SeenTickets = HashMap<TicketId, SeenTicket>;

impl AppealView {
    /// Puts an appeal together with its matters.
    pub fn new(appeal: Appeal, matters: Vec<Matter>, seen: &SeenTickets) -> Self {
        let matters = matters
            .into_iter()
            .map(|matter| MatterView::new(appeal.clone(), matter, seen))
            .collect();
        Self { appeal, matters }
    }
}

impl MatterView {
    /// Puts a matter together with its appeal.
    pub fn new(appeal: Appeal, matter: Matter, seen: &SeenTickets) -> Self {
        let ticket_state = matter
            .ticket()
            .and_then(|ticket| seen.get(&ticket))
            .map(|ticket| ticket.state);
        Self {
            appeal,
            matter,
            ticket_state,
        }
    }
}

/// The tickets that matters stand on.
pub fn tickets_of(matters: &[Matter]) -> Vec<TicketId> {
    matters.iter().filter_map(Matter::ticket).collect()
}

/// Indexes tickets by id.
pub fn by_id(tickets: Vec<SeenTicket>) -> SeenTickets {
    tickets
        .into_iter()
        .map(|ticket| (ticket.id, ticket))
        .collect()
}
