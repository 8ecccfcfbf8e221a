//! What feedback refuses, and how it tells callers.

use hotline_kernel::id::FollowUpId;
use hotline_platform::core::CoreError;
use hotline_platform::grpc::{core_status, invalid_field, problem};
use tonic::{Code, Status};

use crate::NAME;
use crate::domain::follow_up::Refused;

/// Why a call was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedbackError {
    /// There is no such follow-up.
    #[error("no follow-up {0}")]
    FollowUpNotFound(FollowUpId),
    /// A field is not as expected.
    #[error("`{field}` must be {expected}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The follow-up's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The plumbing refused or failed.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<FeedbackError> for Status {
    fn from(error: FeedbackError) -> Self {
        match &error {
            FeedbackError::FollowUpNotFound(_) => problem(
                NAME,
                Code::NotFound,
                "FOLLOW_UP_NOT_FOUND",
                error.to_string(),
            ),
            FeedbackError::Invalid { field, expected } => invalid_field(NAME, field, expected),
            FeedbackError::Refused(_) => problem(
                NAME,
                Code::FailedPrecondition,
                "FOLLOW_UP_STATE_CONFLICT",
                error.to_string(),
            ),
            FeedbackError::Core(core) => core_status(NAME, core),
        }
    }
}
