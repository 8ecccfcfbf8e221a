//! What a simulated process stands on instead of time and threads: a clock that only the simulation
//! moves, and steps that end where a process would wait.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use hotline_kernel::time::{Clock, Timestamp, from_micros};
use hotline_platform::clock::{Timepiece, Wait};

/// When a simulation begins, in microseconds.
const BEGAN: i64 = 1_760_000_000_000_000;

/// The one clock of a simulation. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    inner: Arc<Inner>,
}

struct Inner {
    began: Instant,
    passed: AtomicI64,
    is_waiting: AtomicBool,
}

/// How far a step came.
pub enum Came<T> {
    /// To its end.
    Through(T),
    /// To where it waits for time, or for a courier.
    ToRest,
    /// To a crash.
    ToCrash,
}

impl Stage {
    pub fn new() -> Self {
        let inner = Inner {
            began: Instant::now(),
            passed: AtomicI64::new(0),
            is_waiting: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Microseconds since the beginning.
    pub fn passed(&self) -> i64 {
        self.inner.passed.load(Ordering::Relaxed)
    }

    /// Lets time pass.
    pub fn advance(&self, micros: i64) {
        self.inner.passed.fetch_add(micros, Ordering::Relaxed);
    }

    /// Waits for the next step of whoever waits here.
    pub async fn gate(&self) {
        let mut is_open = false;
        poll_fn(|_| {
            if std::mem::replace(&mut is_open, true) {
                return Poll::Ready(());
            }
            self.inner.is_waiting.store(true, Ordering::Relaxed);
            Poll::Pending
        })
        .await;
    }

    /// Runs `life` until it ends, rests or crashes. While it waits for storage nobody else moves.
    pub async fn step<T>(&self, mut life: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Came<T> {
        poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(context)));
            match polled {
                Err(_) => Poll::Ready(Came::ToCrash),
                Ok(Poll::Ready(outcome)) => Poll::Ready(Came::Through(outcome)),
                Ok(Poll::Pending) if self.inner.is_waiting.swap(false, Ordering::Relaxed) => {
                    Poll::Ready(Came::ToRest)
                }
                Ok(Poll::Pending) => Poll::Pending,
            }
        })
        .await
    }
}

impl Clock for Stage {
    fn now(&self) -> Timestamp {
        from_micros(BEGAN + self.passed()).expect("a valid instant")
    }
}

impl Timepiece for Stage {
    fn wait_until(&self, at: Timestamp) -> Wait<'_> {
        let wait = (at - self.now()).to_std().unwrap_or_default();
        self.rest(wait)
    }

    fn instant(&self) -> Instant {
        self.inner.began + Duration::from_micros(self.passed().unsigned_abs())
    }

    fn rest(&self, time: Duration) -> Wait<'_> {
        let until = self.instant() + time;
        Box::pin(async move {
            while self.instant() < until {
                self.gate().await;
            }
        })
    }
}
