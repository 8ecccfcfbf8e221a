//! Who may apply, where, and from where on after a restored log.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use crate::migration::{self, PARTITIONS};
use crate::signal::Heads;
use crate::testing::{self, Databases, ManualClock, TestDatabase};

/// Longer than any lease.
const ASLEEP: Duration = Duration::from_mins(5);

/// Counts what it applies; it refuses what comes while it is told to.
#[derive(Default)]
struct Counter {
    applied: AtomicU32,
    refuses: AtomicBool,
}

#[async_trait::async_trait]
impl Reaction for Counter {
    fn producers(&self) -> &'static [&'static str] {
        &["ledger"]
    }

    async fn apply(&self, _: &Work, _: &Envelope, _: &Body) -> Result<(), ReactionError> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(ReactionError::Permanent("told to refuse".to_owned()));
        }
        self.applied.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn reset(&self, _: &Work) -> Result<(), ReactionError> {
        Ok(())
    }
}

struct Bench {
    core: Core,
    clock: ManualClock,
    counter: Counter,
    database: TestDatabase,
}

impl Bench {
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for database in Databases::all().await {
            let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
            let migrations = migration::migrations();
            let core = testing::core("mirror", &database.url, migrations, &clock).await;
            all.push(Self {
                core,
                clock,
                counter: Counter::default(),
                database,
            });
        }
        all
    }

    /// What `reader` holds once it has taken the lease of a log that ends at `last` in `epoch`.
    async fn takes(&self, reader: &Lease, epoch: i32, last: i64) -> Holdings {
        let heads = Heads {
            epoch,
            last: [last; PARTITIONS as usize],
            ..Heads::default()
        };
        reader.take(&self.core, heads).await.unwrap().held
    }

    async fn applies(&self, reader: &Lease, held: &Holdings, number: i64) -> bool {
        let event = Envelope {
            event_id: Uuid::from_u128(1).to_string(),
            stream_id: Uuid::from_u128(1).to_string(),
            producer: "ledger".to_owned(),
            partition: 3,
            pub_seq: number,
            epoch: 1,
            body: newest().encode_to_vec(),
            ..Envelope::default()
        };
        let applied = apply(&self.core, &self.counter, reader, held, &[event]).await;
        match applied.unwrap() {
            Applied::Done => true,
            Applied::Lost | Applied::Failed(_) => false,
        }
    }
}

fn newest() -> Body {
    use hotline_proto::event::{RegistryLoaded, body};
    Body {
        event: Some(body::Event::RegistryLoaded(RegistryLoaded::default())),
    }
}

fn reader(owner: u128) -> Lease {
    Lease {
        consumer: "mirror",
        producer: "ledger",
        owner: Uuid::from_u128(owner),
        length: Duration::from_secs(15),
    }
}

#[tokio::test]
async fn a_process_that_slept_past_its_lease_applies_nothing() {
    for bench in Bench::all().await {
        let (sleeper, rival) = (reader(1), reader(2));
        let slept = bench.takes(&sleeper, 1, 9).await;
        bench.clock.advance(ASLEEP);
        let held = bench.takes(&rival, 1, 9).await;

        let label = bench.database.label;
        assert!(!bench.applies(&sleeper, &slept, 1).await, "{label}: asleep");
        assert!(bench.applies(&rival, &held, 1).await, "{label}: the rival");
        assert_eq!(bench.counter.applied.load(Ordering::SeqCst), 1, "{label}");
    }
}

#[tokio::test]
async fn an_event_is_applied_where_the_last_one_ended_and_nowhere_else() {
    for bench in Bench::all().await {
        let (reader, label) = (reader(1), bench.database.label);
        let held = bench.takes(&reader, 1, 9).await;
        assert!(bench.applies(&reader, &held, 1).await, "{label}");
        for (number, expected) in [(1, false), (3, false), (2, true), (2, false)] {
            let applied = bench.applies(&reader, &held, number).await;
            assert_eq!(applied, expected, "{label}: number {number}");
        }
        assert_eq!(bench.counter.applied.load(Ordering::SeqCst), 2, "{label}");
    }
}

#[tokio::test]
async fn a_place_behind_the_end_of_a_restored_log_goes_back_to_its_end() {
    for bench in Bench::all().await {
        let (reader, label) = (reader(1), bench.database.label);
        let held = bench.takes(&reader, 1, 9).await;
        for number in 1..=5 {
            assert!(bench.applies(&reader, &held, number).await, "{label}");
        }
        // The log was restored to an earlier time: number 4 will be given out again.
        let held = bench.takes(&reader, 2, 3).await;
        assert_eq!(held[3].map(|held| held.pos), Some(3), "{label}");
        assert_eq!(held[4].map(|held| held.pos), Some(0), "{label}");
    }
}

#[tokio::test]
async fn an_event_that_fails_leaves_its_place_where_it_was() {
    for bench in Bench::all().await {
        let (reader, label) = (reader(1), bench.database.label);
        let held = bench.takes(&reader, 1, 9).await;
        bench.counter.refuses.store(true, Ordering::SeqCst);
        assert!(!bench.applies(&reader, &held, 1).await, "{label}: refused");
        bench.counter.refuses.store(false, Ordering::SeqCst);
        assert!(
            bench.applies(&reader, &held, 1).await,
            "{label}: tried again"
        );
    }
}
