//! What routing refuses, and how it tells callers.

use std::collections::HashMap;

use aho_corasick::BuildError;
use hotline_platform::core::CoreError;
use hotline_platform::grpc::{core_status, invalid_field, problem};
use hotline_platform::reaction::ReactionError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::NAME;
use crate::domain::table::Problem;
use crate::domain::ticket::Refused;

/// Why a call was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoutingError {
    /// There is no such ticket, or not for this caller.
    #[error("no ticket {0}")]
    TicketNotFound(String),
    /// A field is not as expected.
    #[error("`{field}` must be {expected}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The ticket's state, or a rule, does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The unit, or one above it, is complained against by a matter of the ticket.
    #[error("{unit} cannot have this ticket: it, or a unit above it, is complained against")]
    ComplainedAgainst {
        /// Its code.
        unit: String,
    },
    /// A registry table is not as expected; nothing of it was loaded.
    #[error("{}", told(.0))]
    Table(Vec<Problem>),
    /// The registry has too many words to search for.
    #[error("the registry has too many words to search for")]
    Words(#[from] BuildError),
    /// The plumbing refused or failed.
    #[error(transparent)]
    Core(#[from] CoreError),
}

fn told(problems: &[Problem]) -> String {
    problems
        .first()
        .map(ToString::to_string)
        .unwrap_or_default()
}

impl From<RoutingError> for Status {
    fn from(error: RoutingError) -> Self {
        let told = error.to_string();
        match error {
            RoutingError::TicketNotFound(_) => {
                problem(NAME, Code::NotFound, "TICKET_NOT_FOUND", told)
            }
            RoutingError::Invalid { field, expected } => invalid_field(NAME, field, expected),
            RoutingError::Refused(_) => problem(
                NAME,
                Code::FailedPrecondition,
                "TICKET_STATE_CONFLICT",
                told,
            ),
            RoutingError::ComplainedAgainst { .. } => problem(
                NAME,
                Code::FailedPrecondition,
                "UNIT_COMPLAINED_AGAINST",
                told,
            ),
            RoutingError::Table(problems) => table_refused(&problems, told),
            RoutingError::Words(_) => {
                problem(NAME, Code::ResourceExhausted, "REGISTRY_TOO_LARGE", told)
            }
            RoutingError::Core(core) => core_status(NAME, &core),
        }
    }
}

/// Names every wrong cell as a field violation; the message names the first.
fn table_refused(problems: &[Problem], told: String) -> Status {
    let domain = format!("{NAME}.hotline");
    let mut details =
        ErrorDetails::with_error_info("REGISTRY_TABLE_REFUSED", domain, HashMap::new());
    for problem in problems {
        let field = format!("table.csv row {} column {}", problem.row, problem.column);
        let description = format!("expected {}, found `{}`", problem.expected, problem.found);
        details.add_bad_request_violation(field, description);
    }
    Status::with_error_details(Code::InvalidArgument, told, details)
}

/// What only the plumbing can mend is tried again; everything else parks the ticket for a person.
impl From<RoutingError> for ReactionError {
    fn from(error: RoutingError) -> Self {
        match error {
            RoutingError::Core(core) => core.into(),
            other => Self::Permanent(other.to_string()),
        }
    }
}
