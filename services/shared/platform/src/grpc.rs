//! The gRPC edge of a service: who calls, what was asked, how errors are told.

use std::collections::HashMap;

use prost::Message;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::core::{CommandContext, CoreError};

/// Who calls. Put into the request's extensions by the platform's layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Such as `operator:li` or `unit:HOUSING:wang`.
    pub id: String,
    /// Role words of design.md 7.12, such as `operator`, `unit_clerk`, `reviewer`.
    pub roles: Vec<String>,
    /// The unit it acts for, empty if none.
    pub unit_code: String,
}

/// Builds a command's context from a request: principal, address, trace, key, hash.
pub fn command<T: Message>(request: &Request<T>, idempotency_key: &str, expected_version: i64) -> CommandContext {
    let _ = (request, idempotency_key, expected_version);
    todo!()
}

/// A `Status` with a machine-readable reason in `google.rpc.ErrorInfo`.
#[must_use]
pub fn problem(service: &str, code: Code, reason: &'static str, message: String) -> Status {
    let details = ErrorDetails::with_error_info(reason, format!("{service}.hotline"), HashMap::new());
    Status::with_error_details(code, message, details)
}

/// A field that is not as expected, as `INVALID_ARGUMENT` with a field violation.
#[must_use]
pub fn invalid_field(service: &str, field: &str, expected: &str) -> Status {
    let _ = (service, field, expected);
    todo!()
}

/// How the plumbing's own errors are told to callers.
#[must_use]
pub fn core_status(service: &str, error: &CoreError) -> Status {
    let _ = (service, error);
    todo!()
}
