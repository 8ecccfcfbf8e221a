//! Whose ticket it is: the one place that decides what a unit may see and do.

use hotline_platform::work::Cause;

use crate::domain::ticket::Ticket;
use crate::domain::unit::Tree;

/// Whether the caller may act on `ticket`: the centre may, a unit only while it leads.
pub(crate) fn may_act(cause: &Cause, ticket: &Ticket) -> bool {
    let unit = &cause.unit_code;
    unit.is_empty()
        || ticket
            .state
            .assignment()
            .is_some_and(|assignment| assignment.lead_unit_code == *unit)
}

/// Whether the caller may read `ticket`: the centre may, a unit if it, or a unit under it, leads or assists.
pub(crate) fn may_read(unit_code: &str, ticket: &Ticket, units: &Tree) -> bool {
    if unit_code.is_empty() {
        return true;
    }
    let Some(assignment) = ticket.state.assignment() else {
        return false;
    };
    let mut involved =
        std::iter::once(&assignment.lead_unit_code).chain(&assignment.assisting_unit_codes);
    involved.any(|unit| units.is_within(unit, unit_code))
}

/// The units whose tickets a caller's lists show; `None` for everybody's.
pub(crate) fn listed_units(unit_code: &str, units: &Tree) -> Option<Vec<String>> {
    if unit_code.is_empty() {
        return None;
    }
    let subtree = units.subtree(unit_code);
    Some(if subtree.is_empty() {
        vec![unit_code.to_owned()]
    } else {
        subtree
    })
}
