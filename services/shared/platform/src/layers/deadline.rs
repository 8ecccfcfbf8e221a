//! Deadlines: the caller's `grpc-timeout`, capped by the method's rule, honoured in-process too.
//!
//! tonic looks at `grpc-timeout` only in its network server and channel; a call in this process
//! would run for ever.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use super::access;
use super::body::Timed;
use crate::grpc::problem;

const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("grpc-timeout");
/// Taken off the caller's timeout, so that our answer arrives before his own timer fires.
const SHAVE: Duration = Duration::from_millis(20);
/// The most digits a `grpc-timeout` has, by the gRPC specification.
const DIGITS_MAX: usize = 8;

tokio::task_local! {
    static ENDS_AT: Instant;
}

pub(super) async fn honour(request: Request, next: Next) -> Response {
    let cap_ms = access::method(&request).map_or(0, |method| method.rule.deadline_ms);
    let cap = Duration::from_millis(u64::from(cap_ms));
    let asked = asked(request.headers()).map_or(cap, |timeout| shaved(timeout).min(cap));
    let ends_at = Instant::now() + asked;
    match timeout_at(ends_at, ENDS_AT.scope(ends_at, next.run(request))).await {
        Ok(response) => response.map(|inner| Body::new(Timed::new(inner, ends_at))),
        Err(_) => exceeded().into_http(),
    }
}

/// The one answer to a call that took too long.
#[must_use]
pub fn exceeded() -> Status {
    let message =
        "the deadline passed before the answer was ready; repeat with the same key".to_owned();
    problem(
        "platform",
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        message,
    )
}

/// Gives a nested call what is left of the deadline of the call it is made in.
pub(crate) fn pass_on(headers: &mut HeaderMap) {
    let Ok(ends_at) = ENDS_AT.try_with(|ends_at| *ends_at) else {
        return;
    };
    let left = ends_at.saturating_duration_since(Instant::now());
    let left = asked(headers).map_or(left, |own| own.min(left));
    if let Ok(value) = HeaderValue::try_from(format!("{}m", left.as_millis().min(99_999_999))) {
        headers.insert(TIMEOUT_HEADER, value);
    }
}

fn shaved(timeout: Duration) -> Duration {
    timeout.saturating_sub(SHAVE).max(timeout / 2)
}

/// What `grpc-timeout` asks for; `None` if it is absent or not as the gRPC specification writes it.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT_HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty()
        || digits.len() > DIGITS_MAX
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_the_grpc_specification_writes_it() {
        let cases = [
            ("200m", Some(Duration::from_millis(200))),
            ("2S", Some(Duration::from_secs(2))),
            ("1H", Some(Duration::from_hours(1))),
            ("3M", Some(Duration::from_mins(3))),
            ("5000u", Some(Duration::from_millis(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("123456789m", None),
            ("-5m", None),
            ("+5m", None),
            ("m", None),
            ("5", None),
            ("5x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT_HEADER, HeaderValue::from_static(text));
            assert_eq!(asked(&headers), expected, "`{text}`");
        }
    }
}
