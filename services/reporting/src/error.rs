//! What reporting refuses, and how it tells callers.

use hotline_kernel::id::{DocumentId, TicketId};
use hotline_platform::core::CoreError;
use hotline_platform::grpc::{core_status, invalid_field, problem};
use tonic::{Code, Status};

use crate::NAME;
use crate::domain::document::UnknownSection;
use crate::domain::period::BadPeriod;
use crate::render::RenderError;

/// Why a call was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportingError {
    /// It is made of everybody's rows, and the caller reaches fewer.
    #[error("this call reaches further than your role")]
    OutOfReach,
    /// There is no such document.
    #[error("no issued document {0}")]
    DocumentNotFound(DocumentId),
    /// Events told of no such ticket.
    #[error("no ticket {0}")]
    TicketNotFound(TicketId),
    /// Figures of the document do not agree with each other.
    #[error("the document does not reconcile: {0} differences; see the draft")]
    NotReconciled(usize),
    /// Its first day has not begun.
    #[error("the period has not begun")]
    PeriodNotBegun,
    /// A field is not as expected.
    #[error("`{field}` must be {expected}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A key names no block of the document.
    #[error(transparent)]
    UnknownBlock(#[from] UnknownSection),
    /// A library could not write the document.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The plumbing refused or failed.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<BadPeriod> for ReportingError {
    fn from(error: BadPeriod) -> Self {
        Self::Invalid {
            field: "period",
            expected: error.0.expected(),
        }
    }
}

impl From<ReportingError> for Status {
    fn from(error: ReportingError) -> Self {
        let told = |code, reason| problem(NAME, code, reason, error.to_string());
        match &error {
            ReportingError::OutOfReach => told(Code::PermissionDenied, "SCOPE_NOT_ALLOWED"),
            ReportingError::DocumentNotFound(_) => told(Code::NotFound, "DOCUMENT_NOT_FOUND"),
            ReportingError::TicketNotFound(_) => told(Code::NotFound, "TICKET_NOT_FOUND"),
            ReportingError::NotReconciled(_) => told(Code::FailedPrecondition, "NOT_RECONCILED"),
            ReportingError::PeriodNotBegun => told(Code::FailedPrecondition, "PERIOD_NOT_BEGUN"),
            ReportingError::Invalid { field, expected } => invalid_field(NAME, field, expected),
            ReportingError::UnknownBlock(unknown) => {
                invalid_field(NAME, "blocks", &format!("some of {}", unknown.0))
            }
            ReportingError::Render(_) => told(Code::Internal, "RENDER_FAILED"),
            ReportingError::Core(core) => core_status(NAME, core),
        }
    }
}
