//! The decision about a call, and what is left of a denied one: a row of the audit trail, and nothing else.
//!
//! Who is denied by the service itself, such as one who approves what he asked for, leaves the same row. A call that is
//! handed on to another process is denied there, and leaves its row there, unless it is denied at the door: then the
//! door's own service has it.
//!
//! Everybody who is believed can be denied as often as he likes, so the rows are rationed: [`ROWS_AT_ONCE`] per
//! service, and [`ROWS_PER_MINUTE`] more each minute. What comes beyond that is counted, and the next row that is
//! written says how many there were. The counter `hotline_rpc_denied_total` counts every one.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hotline_kernel::time::{Timestamp, micros};
use metrics::counter;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::access;
use crate::access::{Denied, Scope, decide};
use crate::clock::machine_time;
use crate::core::{CommandContext, Core, CoreError};
use crate::grpc::{Call, Principal, cause_of, problem};
use crate::work::{AuditEntry, Cause};

/// So many denials of one service are written down at once.
pub const ROWS_AT_ONCE: i64 = 256;
/// So many more each minute.
pub const ROWS_PER_MINUTE: i64 = 600;

/// Packages that every process serves.
const EVERYBODYS: [&str; 2] = ["audit", "event"];

const MICROS_PER_ROW: i64 = 60_000_000 / ROWS_PER_MINUTE;

/// Where denied calls are written down: in the service that they were sent to.
#[derive(Debug, Default)]
pub struct Denials {
    services: Vec<(Core, Mutex<Ration>)>,
    /// Whose trail has what is denied of services that are not here; the first one's if it is not here either.
    door: &'static str,
}

/// Marks the answer of another process, which wrote down what is to be written down of it.
#[derive(Clone, Copy, Debug)]
pub struct HandedOn;

/// How many rows may be written now.
#[derive(Debug, Default)]
struct Ration {
    /// Rows written and not yet made up for, as the time it takes, and when that was so.
    spent_micros: i64,
    at: i64,
    /// Denials that were only counted since the last row.
    unwritten: u64,
}

impl Ration {
    /// How many denials were left out since the last row, if this one may be written.
    fn take(&mut self, now: Timestamp) -> Option<u64> {
        let now = micros(now);
        let passed = now.saturating_sub(self.at).max(0);
        self.at = self.at.max(now);
        self.spent_micros = self.spent_micros.saturating_sub(passed).max(0);
        if self.spent_micros > (ROWS_AT_ONCE - 1) * MICROS_PER_ROW {
            self.unwritten += 1;
            return None;
        }
        self.spent_micros += MICROS_PER_ROW;
        Some(std::mem::take(&mut self.unwritten))
    }

    /// A row that could not be written, with those that it stood for.
    fn give_back(&mut self, left_out: u64) {
        self.unwritten += left_out + 1;
    }
}

impl Denials {
    /// Those of the services of one process; what is denied of services elsewhere is `door`'s, if that is here.
    #[must_use]
    pub fn of(services: &[Core], door: &'static str) -> Arc<Self> {
        let rationed = services.iter().map(|core| (core.clone(), Mutex::default()));
        Arc::new(Self {
            services: rationed.collect(),
            door,
        })
    }

    /// Whose call it is: that of the service whose package it names, else the door's. Logs and trails are everybody's:
    /// the first service has them.
    fn sent_to(&self, path: &str) -> Option<&(Core, Mutex<Ration>)> {
        let package = path.trim_start_matches('/').split('.').nth(1);
        let of = |name: &str| self.services.iter().find(|(core, _)| core.name() == name);
        let is_everybodys = package.is_none_or(|package| EVERYBODYS.contains(&package));
        let named = package.and_then(of);
        let door = || of(self.door).filter(|_| !is_everybodys);
        named.or_else(door).or_else(|| self.services.first())
    }

    /// The instant by which a call of `path` is decided: its service's.
    fn now(&self, path: &str) -> Timestamp {
        self.sent_to(path)
            .map_or_else(machine_time, |(core, _)| core.now())
    }

    async fn write_down(&self, cause: Cause, denied: &str) {
        let Some((core, ration)) = self.sent_to(&cause.method) else {
            return;
        };
        let rationed = || ration.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rationed().take(core.now());
        let Some(left_out) = taken else { return };
        if let Err(error) = audit(core, cause, denied, left_out).await {
            rationed().give_back(left_out);
            tracing::error!(service = core.name(), %error, "a denied call was not written down");
        }
    }
}

async fn audit(core: &Core, cause: Cause, denied: &str, left_out: u64) -> Result<(), CoreError> {
    let reason = match left_out {
        0 => denied.to_owned(),
        _ => format!("{denied}; {left_out} more were only counted"),
    };
    let entry = AuditEntry {
        resource: "call",
        resource_id: cause.method.clone(),
        version: 0,
        action: "denied".to_owned(),
        reason,
    };
    let context = CommandContext {
        cause: cause.clone(),
        scope: Scope::nothing(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    };
    core.execute(context, move |work| {
        work.audit(&cause, entry);
        Box::pin(async { Ok::<(), CoreError>(()) })
    })
    .await
}

pub(super) async fn decide_or_deny(
    State(denials): State<Arc<Denials>>,
    mut request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let (method, principal) = (access::method(&request), extensions.get::<Principal>());
    let (Some(method), Some(principal)) = (method, principal) else {
        // Not reached: the layers before this one refuse such a call.
        return refusal(Denied::Role).into_http();
    };
    let cause = cause_of(Some(principal), extensions.get::<Call>());
    match decide(principal, method.rule, denials.now(method.path)) {
        Ok(scope) => {
            request.extensions_mut().insert(scope);
            let answer = next.run(request).await;
            if let Some(reason) = denied_by_its_service(&answer) {
                counter!("hotline_rpc_denied_total", "method" => method.path, "reason" => reason.clone())
                    .increment(1);
                denials.write_down(cause, &reason).await;
            }
            answer
        }
        Err(denied) => {
            counter!("hotline_rpc_denied_total", "method" => method.path, "reason" => denied.reason())
                .increment(1);
            denials.write_down(cause, denied.reason()).await;
            refusal(denied).into_http()
        }
    }
}

/// Why a handler denied what the rule allowed; `None` if it did not, or if another process has written it down.
fn denied_by_its_service(answer: &Response) -> Option<String> {
    let status = Status::from_header_map(answer.headers())?;
    let is_ours = answer.extensions().get::<HandedOn>().is_none();
    (status.code() == Code::PermissionDenied && is_ours).then(|| {
        let info = status.get_details_error_info();
        info.map(|info| info.reason).unwrap_or_default()
    })
}

fn refusal(denied: Denied) -> tonic::Status {
    problem(
        "platform",
        Code::PermissionDenied,
        denied.reason(),
        denied.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn a_storm_of_denials_writes_no_more_rows_than_its_ration() {
        let mut ration = Ration::default();
        let start = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let mut stormed = |at| {
            (0..10_000)
                .filter_map(|_| ration.take(at))
                .collect::<Vec<_>>()
        };
        let at_once = usize::try_from(ROWS_AT_ONCE).unwrap();
        let first = stormed(start);
        assert_eq!((first.len(), first.iter().sum::<u64>()), (at_once, 0));

        // Nothing more in the same instant, nor when the clock goes back.
        assert!(stormed(start).is_empty());
        assert!(stormed(start - TimeDelta::seconds(30)).is_empty());

        // A second later ten more, and the first of them tells how many were left out.
        let later = stormed(start + TimeDelta::seconds(1));
        assert_eq!((later.len(), later[0]), (10, 29_744));

        // An hour of peace makes up for everything, and for no more than that.
        assert_eq!(stormed(start + TimeDelta::hours(1)).len(), at_once);
    }
}
