//! The gRPC edge of a service: who calls, what was asked, how errors are told.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::access::Scope;
use crate::core::{CommandContext, CoreError};
use crate::work::Cause;

pub use crate::identity::Principal;

/// Metadata that names the principal: within a process the JSON of a [`Principal`], over a socket a token
/// ([`crate::identity::Signer`]).
pub const PRINCIPAL_METADATA: &str = "hotline-principal";
/// Metadata that names the service which calls on its own behalf; believed in-process, and over a socket of the one that
/// its certificate names.
pub const SERVICE_METADATA: &str = "hotline-service";
/// Reason of an `UNAVAILABLE` answer: the outcome is unknown, repeating with the same key is safe.
pub const SAFE_TO_RETRY: &str = "SAFE_TO_RETRY_SAME_KEY";
/// When a caller should come back after storage trouble.
const STORAGE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the platform's layers learned about a call. In the request's extensions.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method, `/package.Service/Method`.
    pub path: &'static str,
    /// The caller's network address, `in-process` for a call from this process.
    pub from_addr: String,
    /// W3C traceparent, empty if none.
    pub trace_parent: String,
}

/// Who calls.
///
/// # Errors
///
/// `UNAUTHENTICATED` if no layer named a principal.
pub fn principal<T>(request: &Request<T>) -> Result<&Principal, Status> {
    request.extensions().get::<Principal>().ok_or_else(|| {
        problem(
            "platform",
            Code::Unauthenticated,
            "PRINCIPAL_MISSING",
            "no principal was named".to_owned(),
        )
    })
}

/// The rows that a call may touch.
///
/// # Errors
///
/// `PERMISSION_DENIED` if no layer decided about the call.
pub fn scope<T>(request: &Request<T>) -> Result<&Scope, Status> {
    request.extensions().get::<Scope>().ok_or_else(|| {
        problem(
            "platform",
            Code::PermissionDenied,
            "CALL_NOT_DECIDED",
            "nobody decided about this call".to_owned(),
        )
    })
}

/// Builds a command's context from a request: principal, address, trace, scope, key, hash. Without a decision about
/// the call it reaches no rows.
#[must_use]
pub fn command<T: Message>(
    request: &Request<T>,
    idempotency_key: &str,
    expected_version: i64,
) -> CommandContext {
    let cause = cause(request);
    let mut hash = Sha256::new();
    hash.update(cause.method.as_bytes());
    hash.update([0]);
    hash.update(request.get_ref().encode_to_vec());
    let scope = request.extensions().get::<Scope>().cloned();
    CommandContext {
        cause,
        scope: scope.unwrap_or_else(Scope::nothing),
        idempotency_key: idempotency_key.to_owned(),
        request_hash: hash.finalize().into(),
        expected_version,
    }
}

/// Who causes what a request will do, for history, audit and events.
#[must_use]
pub fn cause<T>(request: &Request<T>) -> Cause {
    let extensions = request.extensions();
    cause_of(extensions.get::<Principal>(), extensions.get::<Call>())
}

/// As [`cause`], from what the layers found.
pub(crate) fn cause_of(principal: Option<&Principal>, call: Option<&Call>) -> Cause {
    Cause {
        actor: principal.map_or_else(|| "unauthenticated".to_owned(), |found| found.id.clone()),
        session: principal
            .map(|found| found.session.clone())
            .unwrap_or_default(),
        unit_code: principal
            .map(|found| found.unit_code.clone())
            .unwrap_or_default(),
        from_addr: call
            .map(|found| found.from_addr.clone())
            .unwrap_or_default(),
        method: call.map(|found| found.path.to_owned()).unwrap_or_default(),
        trace_parent: call
            .map(|found| found.trace_parent.clone())
            .unwrap_or_default(),
    }
}

/// A `Status` with a machine-readable reason in `google.rpc.ErrorInfo`.
#[must_use]
pub fn problem(service: &str, code: Code, reason: &'static str, message: String) -> Status {
    let details = ErrorDetails::with_error_info(reason, domain(service), HashMap::new());
    Status::with_error_details(code, message, details)
}

/// A `Status` as [`problem`] makes it, which also says when to come back (`google.rpc.RetryInfo`).
#[must_use]
pub fn retry_later(
    service: &str,
    code: Code,
    reason: &'static str,
    message: String,
    after: Duration,
) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, domain(service), HashMap::new());
    details.set_retry_info(Some(after));
    Status::with_error_details(code, message, details)
}

/// A field that is not as expected, as `INVALID_ARGUMENT` with a field violation.
///
/// `expected` ends the sentence "the field must be …": it brings no verb of its own.
#[must_use]
pub fn invalid_field(service: &str, field: &str, expected: &str) -> Status {
    let must_be = format!("must be {expected}");
    let message = format!("`{field}` {must_be}");
    let mut details =
        ErrorDetails::with_error_info("INVALID_FIELD", domain(service), HashMap::new());
    details.add_bad_request_violation(field, must_be);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// How the plumbing's own errors are told to callers. Failures are logged here, once.
#[must_use]
pub fn core_status(service: &str, error: &CoreError) -> Status {
    let message = error.to_string();
    match error {
        CoreError::Stale { .. } => problem(service, Code::Aborted, "STALE", message),
        CoreError::KeyReused => problem(
            service,
            Code::AlreadyExists,
            "IDEMPOTENCY_KEY_REUSED",
            message,
        ),
        CoreError::KeyUnfit => invalid_field(
            service,
            "idempotency_key",
            "at most 500 bytes without control characters",
        ),
        CoreError::BadPageToken => invalid_field(service, "page_token", "one that this list gave"),
        CoreError::Unavailable(cause) => {
            tracing::warn!(service, cause = %cause, "storage is unavailable");
            retry_later(
                service,
                Code::Unavailable,
                SAFE_TO_RETRY,
                message,
                STORAGE_RETRY_AFTER,
            )
        }
        CoreError::Storage(cause) => {
            tracing::error!(service, cause = %cause, "storage failed");
            problem(service, Code::Internal, "STORAGE_FAILED", message)
        }
    }
}

fn domain(service: &str) -> String {
    format!("{service}.hotline")
}

#[cfg(test)]
mod tests {
    use hotline_proto::event::HeadsRequest;

    use super::*;

    #[test]
    fn two_methods_with_the_same_request_have_different_hashes() {
        let hash_of = |path: &'static str, producer: &str| {
            let mut request = Request::new(HeadsRequest {
                producer: producer.to_owned(),
            });
            let call = Call {
                path,
                from_addr: String::new(),
                trace_parent: String::new(),
            };
            request.extensions_mut().insert(call);
            command(&request, "key", 0).request_hash
        };
        assert_eq!(hash_of("/a/B", "intake"), hash_of("/a/B", "intake"));
        assert_ne!(hash_of("/a/B", "intake"), hash_of("/a/C", "intake"));
        assert_ne!(hash_of("/a/B", "intake"), hash_of("/a/B", "routing"));
    }

    #[test]
    fn a_bad_field_is_told_in_a_whole_sentence() {
        let status = invalid_field("intake", "period", "a month such as 2026-03");
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(status.message(), "`period` must be a month such as 2026-03");
        assert_eq!(
            (
                violations[0].field.as_str(),
                violations[0].description.as_str()
            ),
            ("period", "must be a month such as 2026-03")
        );
    }

    #[test]
    fn every_plumbing_error_has_its_code_reason_and_hint() {
        let failed = || "connection reset".to_owned().into();
        let cases = [
            (
                CoreError::Stale { current: 3 },
                Code::Aborted,
                "STALE",
                false,
            ),
            (
                CoreError::KeyReused,
                Code::AlreadyExists,
                "IDEMPOTENCY_KEY_REUSED",
                false,
            ),
            (
                CoreError::KeyUnfit,
                Code::InvalidArgument,
                "INVALID_FIELD",
                false,
            ),
            (
                CoreError::BadPageToken,
                Code::InvalidArgument,
                "INVALID_FIELD",
                false,
            ),
            (
                CoreError::Unavailable(failed()),
                Code::Unavailable,
                SAFE_TO_RETRY,
                true,
            ),
            (
                CoreError::Storage(failed()),
                Code::Internal,
                "STORAGE_FAILED",
                false,
            ),
        ];
        for (error, code, reason, retries) in cases {
            let status = core_status("intake", &error);
            let details = status.get_error_details();
            assert_eq!(status.code(), code, "{reason}");
            let info = details.error_info().unwrap();
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                (reason, "intake.hotline")
            );
            assert_eq!(details.retry_info().is_some(), retries, "{reason}");
            assert!(
                !status.message().contains("connection reset"),
                "{reason} tells no cause"
            );
        }
    }
}
