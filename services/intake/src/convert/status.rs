//! How intake's errors are told to callers.

use std::collections::HashMap;

use hotline_platform::grpc::{core_status, invalid_field, problem};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::domain::{Invalid, erasure};
use crate::error::{IntakeError, WrongRow};

/// The service's name in error details.
const SERVICE: &str = "intake";

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Self {
        invalid_field(SERVICE, &invalid.field, &invalid.expected)
    }
}

impl From<IntakeError> for Status {
    fn from(error: IntakeError) -> Self {
        let reason = error.reason();
        match error {
            IntakeError::Invalid(invalid) => invalid.into(),
            IntakeError::Core(error) => core_status(SERVICE, &error),
            IntakeError::RegistryRows { ref rows, .. } => {
                wrong_rows(reason, error.to_string(), rows)
            }
            ref other => problem(SERVICE, code(other), reason, error.to_string()),
        }
    }
}

fn code(error: &IntakeError) -> Code {
    match error {
        IntakeError::Invalid(_)
        | IntakeError::ChannelUnknown(_)
        | IntakeError::LineUnknown(_)
        | IntakeError::Mapping(_)
        | IntakeError::RegistryRows { .. } => Code::InvalidArgument,
        IntakeError::ContentDiffers { .. } => Code::AlreadyExists,
        IntakeError::AppealNotFound
        | IntakeError::MatterNotFound
        | IntakeError::TicketNotFound
        | IntakeError::ContactNotFound
        | IntakeError::ReceiptNotFound
        | IntakeError::ApprovalNotFound
        | IntakeError::ImportNotFound
        | IntakeError::NothingToErase
        | IntakeError::ErasureNotFound => Code::NotFound,
        IntakeError::ChannelNotYours(_) | IntakeError::Erasure(erasure::Refused::SamePerson) => {
            Code::PermissionDenied
        }
        IntakeError::AppealState(_)
        | IntakeError::MatterPlace(_)
        | IntakeError::TicketOver { .. }
        | IntakeError::Historical
        | IntakeError::ContactHidden(_)
        | IntakeError::NotApproved(_)
        | IntakeError::ApprovalNotNeeded
        | IntakeError::ImportFinished
        | IntakeError::Erasure(erasure::Refused::Approved)
        | IntakeError::RowsSkipped { .. } => Code::FailedPrecondition,
        IntakeError::RevealsTooOften { .. } => Code::ResourceExhausted,
        IntakeError::Collision => Code::Aborted,
        IntakeError::Core(_) => Code::Internal,
    }
}

/// One field violation per wrong row: `rows[7].merge_mode`.
fn wrong_rows(reason: &'static str, message: String, rows: &[WrongRow]) -> Status {
    let mut details =
        ErrorDetails::with_error_info(reason, format!("{SERVICE}.hotline"), HashMap::new());
    for row in rows {
        let field = format!("rows[{}].{}", row.row, row.column);
        details.add_bad_request_violation(
            field,
            format!("expected {}, found `{}`", row.expected, row.found),
        );
    }
    Status::with_error_details(Code::InvalidArgument, message, details)
}
