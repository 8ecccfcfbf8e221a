//! Clocks: the database's time in production, a moved one in demo and tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hotline_kernel::time::{Clock, Timestamp, from_micros, micros};
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::watch;

use crate::core::CoreError;
use crate::db::{Db, sql};
use crate::tasks::Tasks;

/// A future that is boxed, for the trait below.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A clock that one can also wait on.
pub trait Timepiece: Clock {
    /// Ends when it is `at` or later, or a little before: ask `now` again.
    fn wait_until(&self, at: Timestamp) -> Wait<'_>;

    /// False while the clock is known to have jumped; timers are held then.
    fn is_trusted(&self) -> bool {
        true
    }

    /// The present instant for waits that only keep a process going: a moved clock does not move them.
    fn instant(&self) -> Instant {
        Instant::now()
    }

    /// How long ago `instant` was.
    fn since(&self, instant: Instant) -> Duration {
        self.instant().saturating_duration_since(instant)
    }

    /// Such a wait.
    fn rest(&self, time: Duration) -> Wait<'_> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands until it is moved. Cheap to clone; clones are one clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<i64>>,
}

impl ManualClock {
    /// Stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(micros(now))),
        }
    }

    /// Moves to `now`; a clock never goes back, an earlier instant is ignored.
    pub fn set(&self, now: Timestamp) {
        self.now.send_if_modified(|held| {
            let is_later = micros(now) > *held;
            *held = micros(now).max(*held);
            is_later
        });
    }

    /// Moves on by `step`.
    pub fn advance(&self, step: Duration) {
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        self.now
            .send_modify(|held| *held = held.saturating_add(step));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(*self.now.borrow()).unwrap_or(Timestamp::MAX_UTC)
    }
}

impl Timepiece for ManualClock {
    fn wait_until(&self, at: Timestamp) -> Wait<'_> {
        Box::pin(async move {
            let mut now = self.now.subscribe();
            // The sender lives in `self`, so the channel cannot close here.
            drop(now.wait_for(|held| *held >= micros(at)).await);
        })
    }
}

/// How often the database is asked for its time.
const SYNC_EVERY: Duration = Duration::from_secs(30);
/// An answer slower than this says too little about the time.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(500);
/// A step back beyond this holds all timers (microseconds).
const STEP_BACK_MAX: i64 = 2_000_000;
/// A step forward beyond this holds all timers (microseconds).
const STEP_FORWARD_MAX: i64 = 600_000_000;
/// After a jump, this much agreement releases the timers.
const AGREEMENT: Duration = Duration::from_mins(5);
/// The longest single wait, so that a corrected clock is noticed.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The database's time: its last answer carried on by this machine's monotonic clock.
///
/// PostgreSQL answers for itself; for SQLite the machine's clock does. Never goes back. A jump is
/// not believed until the database has kept to it for five minutes: until then the time goes on as
/// before and no timer fires, so a jump that is taken back leaves no trace.
#[derive(Debug)]
pub struct DatabaseClock {
    started: Instant,
    offset: AtomicI64,
    last: AtomicI64,
    held: AtomicBool,
    heard: Mutex<Heard>,
}

/// What the database said last.
#[derive(Debug)]
struct Heard {
    offset: i64,
    /// When it jumped there, while that is not believed.
    jumped: Option<Instant>,
}

impl DatabaseClock {
    /// Asks `db` for its time and keeps asking.
    pub async fn start(db: &Db, tasks: &Tasks) -> Result<Arc<Self>, CoreError> {
        let started = Instant::now();
        let (told, elapsed) = ask(db, started).await?;
        let clock = Arc::new(Self {
            started,
            offset: AtomicI64::new(told - elapsed),
            last: AtomicI64::new(i64::MIN),
            held: AtomicBool::new(false),
            heard: Mutex::new(Heard {
                offset: told - elapsed,
                jumped: None,
            }),
        });
        let (kept, db, stop) = (clock.clone(), db.clone(), tasks.stop().clone());
        tasks.spawn(async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(SYNC_EVERY))
                .await
                .is_some()
            {
                let asked = Instant::now();
                match ask(&db, kept.started).await {
                    Ok((told, elapsed)) if asked.elapsed() < ROUND_TRIP_MAX => {
                        kept.hear(told, elapsed, asked);
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "the database did not tell its time"),
                }
            }
        });
        Ok(clock)
    }

    /// Takes the database's word that it is `told`, `elapsed` microseconds after this clock's start.
    fn hear(&self, told: i64, elapsed: i64, at: Instant) {
        let offset = told - elapsed;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let step = offset - std::mem::replace(&mut heard.offset, offset);
        if !(-STEP_BACK_MAX..=STEP_FORWARD_MAX).contains(&step) {
            self.held.store(true, Ordering::SeqCst);
            heard.jumped = Some(at);
            tracing::error!(step_ms = step / 1000, "the clock jumped; timers are held");
            return;
        }
        match heard.jumped {
            Some(jumped) if at.duration_since(jumped) < AGREEMENT => return,
            Some(_) => tracing::warn!("the clock agrees with itself again; timers go on"),
            None => {}
        }
        heard.jumped = None;
        self.offset.store(offset, Ordering::SeqCst);
        self.held.store(false, Ordering::SeqCst);
    }

    /// The time by the offset in use, in microseconds; it can lie behind what was told before.
    fn carried_on(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.offset.load(Ordering::SeqCst).saturating_add(elapsed)
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let now = self.carried_on();
        let before = self.last.fetch_max(now, Ordering::SeqCst);
        from_micros(now.max(before)).unwrap_or(Timestamp::MAX_UTC)
    }
}

impl Timepiece for DatabaseClock {
    fn wait_until(&self, at: Timestamp) -> Wait<'_> {
        let ahead = micros(at).saturating_sub(micros(self.now()));
        let wait = Duration::from_micros(u64::try_from(ahead).unwrap_or(0)).min(WAIT_MAX);
        Box::pin(tokio::time::sleep(wait))
    }

    fn is_trusted(&self) -> bool {
        // While the time stands still until a clock that was set back catches up, nothing is due.
        let ahead = self
            .last
            .load(Ordering::SeqCst)
            .saturating_sub(self.carried_on());
        !self.held.load(Ordering::SeqCst) && ahead <= STEP_BACK_MAX
    }
}

/// The database's time and how long after `started` it was told, both in microseconds.
async fn ask(db: &Db, started: Instant) -> Result<(i64, i64), CoreError> {
    let before = started.elapsed();
    let told = match db.read().get_database_backend() {
        DbBackend::Postgres => {
            let text = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
            let row = db
                .read()
                .query_one_raw(sql(db.read(), text, vec![]))
                .await?;
            row.map_or(Ok(0), |row| row.try_get_by_index(0))?
        }
        _ => micros(machine_time()),
    };
    let middle = (before + started.elapsed()) / 2;
    Ok((told, i64::try_from(middle.as_micros()).unwrap_or(i64::MAX)))
}

/// The machine's time, for what has no database to ask.
#[expect(
    clippy::disallowed_methods,
    reason = "SQLite has no clock but the machine's"
)]
#[must_use]
pub fn machine_time() -> Timestamp {
    from_micros(micros(chrono::Utc::now())).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 1_760_000_000_000_000;
    const HOUR: i64 = 3_600_000_000;

    fn clock() -> DatabaseClock {
        DatabaseClock {
            started: Instant::now(),
            offset: AtomicI64::new(BEGAN),
            last: AtomicI64::new(i64::MIN),
            held: AtomicBool::new(false),
            heard: Mutex::new(Heard {
                offset: BEGAN,
                jumped: None,
            }),
        }
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = clock();
        let before = clock.now();
        clock.hear(BEGAN - 1_000_000, 0, Instant::now());
        assert!(clock.now() >= before);
        assert!(clock.is_trusted(), "one second is no jump");
    }

    #[test]
    fn a_jump_is_believed_after_five_minutes_of_agreement() {
        for (label, step) in [("back", -STEP_BACK_MAX - 1), ("forward", 3 * HOUR)] {
            let (clock, jumped) = (clock(), Instant::now());
            clock.hear(BEGAN + step, 0, jumped);
            assert!(!clock.is_trusted(), "{label}");
            clock.hear(BEGAN + step, 0, jumped + Duration::from_secs(299));
            assert!(!clock.is_trusted(), "{label}, too soon");
            assert!(micros(clock.now()) < BEGAN + HOUR, "{label}, not believed");
            clock.hear(BEGAN + step, 0, jumped + Duration::from_mins(5));
            assert!(clock.is_trusted(), "{label}, agreed");
            assert!(micros(clock.now()) >= BEGAN + step, "{label}, believed");
        }
    }

    #[test]
    fn a_jump_that_is_taken_back_leaves_no_trace() {
        let (clock, jumped) = (clock(), Instant::now());
        clock.hear(BEGAN + 3 * HOUR, 0, jumped);
        clock.now();
        clock.hear(BEGAN, 0, jumped + Duration::from_mins(1));
        clock.hear(BEGAN, 0, jumped + Duration::from_mins(6));
        assert!(clock.is_trusted());
        assert!(micros(clock.now()) < BEGAN + HOUR);
    }

    #[test]
    fn nothing_is_due_while_a_clock_that_was_set_back_catches_up() {
        let (clock, jumped) = (clock(), Instant::now());
        clock.now();
        clock.hear(BEGAN - HOUR, 0, jumped);
        clock.hear(BEGAN - HOUR, 0, jumped + Duration::from_mins(5));
        assert!(micros(clock.now()) >= BEGAN, "it never goes back");
        assert!(!clock.is_trusted());
    }
}
