//! One place that sheds load: so many calls at once per priority, and beyond that a refusal, at once,
//! that says when to come back.
//!
//! How many registrations may run at once is measured: as many as are finished in [`AIM`]. More would
//! only make every one of them late (decision 0017).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hotline_proto::shared::Priority;
use metrics::{counter, gauge};
use serde::Deserialize;
use tonic::{Code, Status};

use super::access;
use super::body::Held;
use crate::grpc::retry_later;

/// How long a critical call may take while more come than can be taken.
const AIM: Duration = Duration::from_millis(250);
/// How long calls are counted before the places are counted anew.
const WINDOW: Duration = Duration::from_millis(500);
/// What is left of the configured places at least, one in so many.
const LEFT_MIN: usize = 32;

/// How many calls run at once, by the priority of their access rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Registration and the event log: what must get through.
    pub critical: usize,
    /// Screens.
    pub interactive: usize,
    /// Imports and reports.
    pub bulk: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            critical: 512,
            interactive: 256,
            bulk: 32,
        }
    }
}

/// The places of one process.
#[derive(Debug)]
pub struct Admission {
    critical: Arc<Places>,
    interactive: Arc<Places>,
    bulk: Arc<Places>,
}

impl Admission {
    /// As many places as `limits` says.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        let places = |limit, aim| Arc::new(Places::new(limit, aim));
        Arc::new(Self {
            critical: places(limits.critical, Some(AIM)),
            interactive: places(limits.interactive, None),
            bulk: places(limits.bulk, None),
        })
    }

    fn place(&self, priority: Priority) -> Result<Place, Status> {
        let places = match priority {
            Priority::Critical => &self.critical,
            Priority::Interactive => &self.interactive,
            Priority::Bulk | Priority::Unspecified => &self.bulk,
        };
        if !places.lock().take() {
            return Err(overloaded(priority));
        }
        gauge!("hotline_rpc_in_flight", "priority" => word(priority)).increment(1);
        Ok(Place {
            priority,
            places: Arc::clone(places),
        })
    }
}

/// The places of one priority.
#[derive(Debug)]
struct Places(Mutex<Count>);

impl Places {
    fn new(limit: usize, aim: Option<Duration>) -> Self {
        Self(Mutex::new(Count {
            most: limit,
            aim,
            limit,
            taken: 0,
            finished: 0,
            was_full: false,
            since: Instant::now(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many places there are, and how many are taken.
#[derive(Debug)]
struct Count {
    /// What is configured.
    most: usize,
    /// How long a call may take when all places are taken; `None` leaves them as configured.
    aim: Option<Duration>,
    limit: usize,
    taken: usize,
    /// Calls that have ended since `since`.
    finished: u32,
    /// Whether a call was refused since `since`.
    was_full: bool,
    since: Instant,
}

impl Count {
    fn take(&mut self) -> bool {
        if self.taken >= self.limit {
            self.was_full = true;
            return false;
        }
        self.taken += 1;
        true
    }

    fn give_back(&mut self, now: Instant) {
        self.taken = self.taken.saturating_sub(1);
        self.finished = self.finished.saturating_add(1);
        let window = now.saturating_duration_since(self.since);
        let Some(aim) = self.aim.filter(|_| window >= WINDOW) else {
            return;
        };
        if self.was_full {
            // So many calls at once take `aim` each (Little's law). Half the way there, because
            // calls end in lumps: a group of them with each commit.
            let carried = u128::from(self.finished) * aim.as_nanos() / window.as_nanos();
            let carried = usize::try_from(carried).unwrap_or(usize::MAX);
            let least = (self.most / LEFT_MIN).max(1).min(self.most);
            self.limit = usize::midpoint(self.limit, carried.min(self.most)).clamp(least, self.most);
        } else {
            self.limit = self.most;
        }
        (self.finished, self.was_full, self.since) = (0, false, now);
    }
}

/// A place that a call has taken; free again when it is dropped, however the call ended.
pub(super) struct Place {
    priority: Priority,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().give_back(Instant::now());
        gauge!("hotline_rpc_in_flight", "priority" => word(self.priority)).decrement(1);
    }
}

pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let stated = access::method(&request).map_or(0, |method| method.rule.priority);
    let priority = Priority::try_from(stated).unwrap_or(Priority::Bulk);
    match admission.place(priority) {
        Ok(place) => {
            let response = next.run(request).await;
            response.map(|inner| {
                Body::new(Held {
                    inner,
                    _place: place,
                })
            })
        }
        Err(status) => {
            counter!("hotline_rpc_shed_total", "priority" => word(priority)).increment(1);
            status.into_http()
        }
    }
}

fn overloaded(priority: Priority) -> Status {
    // The less urgent, the later it should come back.
    let after = match priority {
        Priority::Critical => Duration::from_millis(500),
        Priority::Interactive => Duration::from_secs(1),
        Priority::Bulk | Priority::Unspecified => Duration::from_secs(5),
    };
    let message = format!("too many {} calls at once; come back later", word(priority));
    retry_later(
        "platform",
        Code::ResourceExhausted,
        "OVERLOADED",
        message,
        after,
    )
}

fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "critical",
        Priority::Interactive => "interactive",
        Priority::Bulk | Priority::Unspecified => "bulk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second in which `finished` calls end, the places full all the time.
    fn full_second(count: &mut Count, finished: u32) {
        let begun = count.since;
        while count.take() {}
        for call in 1..=finished {
            count.give_back(begun + Duration::from_secs(1) * call / finished);
            while count.take() {}
        }
    }

    #[test]
    fn under_load_there_are_as_many_places_as_calls_end_in_the_aim() {
        let cases = [
            ("far below what is configured", 400, 100),
            ("about what is configured", 2_000, 500),
            ("more than is configured", 8_000, 512),
            ("hardly any", 8, 16),
        ];
        for (label, finished, expected) in cases {
            let places = Places::new(512, Some(AIM));
            let mut count = places.lock();
            for _ in 0..20 {
                full_second(&mut count, finished);
            }
            assert!(count.limit.abs_diff(expected) <= 3, "{label}: {} places", count.limit);
        }
    }

    #[test]
    fn places_come_back_when_nobody_is_refused_any_more() {
        let places = Places::new(512, Some(AIM));
        let mut count = places.lock();
        for _ in 0..20 {
            full_second(&mut count, 100);
        }
        assert!(count.limit < 100, "{} places", count.limit);
        let quiet = count.since + WINDOW;
        while count.taken > 0 {
            count.give_back(quiet);
        }
        count.take();
        count.give_back(quiet + WINDOW);
        assert_eq!(count.limit, 512);
    }

    #[test]
    fn without_an_aim_there_are_as_many_places_as_configured() {
        let places = Places::new(32, None);
        let mut count = places.lock();
        for _ in 0..5 {
            full_second(&mut count, 10);
        }
        assert_eq!(count.limit, 32);
    }
}
