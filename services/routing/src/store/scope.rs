//! Whose ticket it is: what a [`Scope`] means for tickets. The one place that knows, for rows in hand and in SQL.
//!
//! A unit reads what it, or a unit under it, leads or assists, and acts on what it leads. Neither it nor a unit
//! under it sees what complains about it, whatever its part in the ticket. What is out of reach is answered like a
//! ticket that does not exist.
//!
//! This is the first fence. PostgreSQL keeps a second one, which says the same in policies
//! (`migration/m20261128_000003_routing_row_fence.rs`): whoever changes one changes the other.

use hotline_platform::access::{Rows, Scope};
use hotline_platform::core::CoreError;
use hotline_platform::fault::{self, Bug};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait,
};

use super::entity::{ticket, ticket_matter};
use super::json;
use crate::domain::ticket::Ticket;
use crate::domain::unit::Tree;

/// The rows of `scope`: the first fence stands where this is heeded.
fn rows(scope: &Scope) -> Rows<'_> {
    if fault::is_seeded(Bug::ScopeForgotten) {
        return Rows::All;
    }
    scope.rows()
}

/// Whether a caller with `scope` may act on `ticket`: the centre may, a unit only while it leads.
pub(super) fn may_act(scope: &Scope, ticket: &Ticket, units: &Tree) -> bool {
    match rows(scope) {
        Rows::All => true,
        Rows::Below(unit) | Rows::Of(unit) => {
            let lead = ticket.state.assignment().map(|held| &held.lead_unit_code);
            lead.is_some_and(|lead| lead == unit) && !complains_about(ticket, unit, units)
        }
        Rows::None => false,
    }
}

/// Whether a caller with `scope` may read `ticket`.
pub(super) fn may_read(scope: &Scope, ticket: &Ticket, units: &Tree) -> bool {
    let (unit, with_those_below) = match rows(scope) {
        Rows::All => return true,
        Rows::Below(unit) => (unit, true),
        Rows::Of(unit) => (unit, false),
        Rows::None => return false,
    };
    let Some(held) = ticket.state.assignment() else {
        return false;
    };
    let mut involved = std::iter::once(&held.lead_unit_code).chain(&held.assisting_unit_codes);
    let is_its_own =
        |code: &String| code == unit || with_those_below && units.is_within(code, unit);
    involved.any(is_its_own) && !complains_about(ticket, unit, units)
}

fn complains_about(ticket: &Ticket, unit: &str, units: &Tree) -> bool {
    let against = ticket.confidentiality().complained_unit_codes;
    units.complained_above(unit, &against).is_some()
}

/// The tickets that [`may_read`] lets through, as a condition; `None` if it lets none through.
pub(super) fn listed(scope: &Scope, units: &Tree) -> Result<Option<Condition>, CoreError> {
    let (unit, below) = match rows(scope) {
        Rows::All => return Ok(Some(Condition::all())),
        Rows::Below(unit) => (unit, units.subtree(unit)),
        Rows::Of(unit) => (unit, Vec::new()),
        Rows::None => return Ok(None),
    };
    let own = with(unit, below);
    let assisting = ticket::Column::AssistingUnitCodes;
    let mut assists = Condition::any();
    for code in &own {
        assists = assists.add(holds(assisting, code)?);
    }
    let involved = Condition::any()
        .add(ticket::Column::LeadUnitCode.is_in(own.iter().map(String::as_str)))
        .add(Condition::all().add(assisting.ne("[]")).add(assists));

    let mut complained = Condition::any();
    let above = units.chain(unit).into_iter().map(str::to_owned).collect();
    let mut demanded = Condition::any();
    for code in with(unit, above) {
        complained = complained.add(holds(ticket_matter::Column::Confidentiality, &code)?);
        demanded = demanded.add(holds(ticket::Column::Confidentiality, &code)?);
    }
    let matter = (ticket_matter::Entity, ticket_matter::Column::TicketId);
    let complaints = ticket_matter::Entity::find()
        .select_only()
        .column(ticket_matter::Column::MatterId)
        .filter(Expr::col(matter).equals((ticket::Entity, ticket::Column::Id)))
        .filter(complained)
        .into_query();
    let seen = Condition::all()
        .add(involved)
        .add(demanded.not())
        .add(Expr::exists(complaints).not());
    Ok(Some(seen))
}

/// `unit` and the others of its tree; a unit that left the registry stands alone.
fn with(unit: &str, others: Vec<String>) -> Vec<String> {
    if others.is_empty() {
        return vec![unit.to_owned()];
    }
    others
}

/// Whether a column of JSON text holds `code` as a string. Not `LIKE`, which heeds case on one database only.
fn holds<C: ColumnTrait>(column: C, code: &str) -> Result<SimpleExpr, CoreError> {
    let quoted = json("a unit's code", &code)?;
    let without = Func::cust(Alias::new("REPLACE")).args([
        column.into_simple_expr(),
        Expr::val(quoted),
        Expr::val(""),
    ]);
    Ok(Expr::expr(without).ne(column.into_simple_expr()))
}
