//! Citizens who submit in open loop: the next one does not wait for the last one's answer.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hotline_proto::intake::{Contact, Receipt, RegisterAppealRequest};
use hotline_proto::shared::Kind;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use super::fleet::Doors;
use super::ledger::{Entry, Ledger};
use crate::principal::by;

/// How many citizens there are.
const CITIZENS: u64 = 500;
/// One submission of so many is sent to both replicas at once.
const TWINS: u32 = 20;
/// One of so many is sent again after its receipt.
const REPEATS: u32 = 20;
/// A client that was not answered comes back within so long, then within twice as long, and so on.
const COMES_BACK_MS: u64 = 200;
/// How often that is doubled at most.
const DOUBLINGS_MAX: usize = 4;

/// What every client of the city shares.
#[derive(Clone)]
pub struct Load {
    /// Ways to the city.
    pub doors: Doors,
    /// What was meant and promised.
    pub ledger: Arc<Ledger>,
    /// What happened so far.
    pub tally: Arc<Tally>,
    /// When nobody begins anything new.
    pub ends_at: Instant,
    /// When nobody repeats any more.
    pub gives_up_at: Instant,
}

/// Counts of a run.
#[derive(Debug, Default)]
pub struct Tally {
    /// Submissions that were begun.
    pub offered: AtomicU64,
    /// Submissions that got a receipt.
    pub acknowledged: AtomicU64,
    /// Commands that were carried out.
    pub done: AtomicU64,
    /// Commands that were refused, most because another was first.
    pub refused: AtomicU64,
    /// Calls that got no definite answer and were repeated.
    pub repeated: AtomicU64,
    /// Of them, answered as an internal error.
    pub internal: AtomicU64,
    quiet: Mutex<Quiet>,
}

/// How long there was no acknowledgement.
#[derive(Debug, Default)]
struct Quiet {
    last: Option<Instant>,
    longest: Duration,
}

impl Tally {
    /// The longest time without an acknowledgement.
    pub fn longest_quiet(&self) -> Duration {
        let quiet = self.quiet.lock();
        quiet.unwrap_or_else(PoisonError::into_inner).longest
    }

    fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = quiet.last.replace(now).map(|last| now - last);
        quiet.longest = quiet.longest.max(since.unwrap_or_default());
    }
}

impl Load {
    /// Submits `rate` times a second until the end, then waits for what is under way.
    pub async fn submits(self, rate: u32, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut under_way = JoinSet::new();
        for serial in 0.. {
            ticks.tick().await;
            if Instant::now() >= self.ends_at {
                break;
            }
            let draw = StdRng::seed_from_u64(random.random());
            under_way.spawn(self.clone().submit(serial, draw));
            while let Some(ended) = under_way.try_join_next() {
                ended.expect("a client ends");
            }
        }
        while let Some(ended) = under_way.join_next().await {
            ended.expect("a client ends");
        }
    }

    async fn submit(self, serial: u64, mut random: StdRng) {
        let request = submission(serial, &mut random);
        let (key, text) = (request.idempotency_key.clone(), request.text.clone());
        self.ledger.write(&Entry::Submission { key, text }).await;
        self.tally.offered.fetch_add(1, Ordering::Relaxed);
        let replica = random.random_range(0..2);
        if random.random_ratio(1, TWINS) {
            let (one, other) = (random.random(), random.random());
            let sent = tokio::join!(
                self.send(&request, 0, StdRng::seed_from_u64(one)),
                self.send(&request, 1, StdRng::seed_from_u64(other))
            );
            if sent.0 || sent.1 {
                self.tally.acknowledge();
            }
            return;
        }
        let again = random.random_ratio(1, REPEATS).then(|| random.clone());
        if !self.send(&request, replica, random).await {
            return;
        }
        self.tally.acknowledge();
        if let Some(random) = again {
            self.send(&request, replica + 1, random).await;
        }
    }

    /// Sends a submission until it has its receipt, which goes into the ledger; false if it never came.
    async fn send(&self, request: &RegisterAppealRequest, replica: usize, random: StdRng) -> bool {
        let sent = self
            .until_definite(replica, random, |replica| {
                let mut intake = self.doors.intake(replica);
                let request = by("channel", "app", request.clone());
                async move { intake.register_appeal(request).await }
            })
            .await;
        let Some(answer) = sent else {
            return false;
        };
        let answer = answer.unwrap_or_else(|status| {
            panic!(
                "a submission was refused: {:?} {}",
                status.code(),
                status.message()
            )
        });
        let receipt = answer
            .into_inner()
            .receipt
            .expect("an answer has its receipt");
        let key = request.idempotency_key.clone();
        self.ledger.write(&receipt_entry(key, receipt)).await;
        true
    }

    /// Asks one replica, then the other, with the same key, until the answer leaves no doubt.
    pub(super) async fn until_definite<T, F>(
        &self,
        first: usize,
        mut random: StdRng,
        ask: impl Fn(usize) -> F,
    ) -> Option<Result<T, Status>>
    where
        F: Future<Output = Result<T, Status>>,
    {
        for replica in first.. {
            match ask(replica).await {
                Err(status) if is_doubtful(status.code()) => {
                    self.tally.repeated.fetch_add(1, Ordering::Relaxed);
                    if status.code() == Code::Internal {
                        self.tally.internal.fetch_add(1, Ordering::Relaxed);
                    }
                }
                definite => return Some(definite),
            }
            if Instant::now() >= self.gives_up_at {
                break;
            }
            let most = COMES_BACK_MS << (replica - first).min(DOUBLINGS_MAX);
            let wait = random.random_range(most / 4..most);
            comes_back(Duration::from_millis(wait)).await;
        }
        None
    }
}

/// A client's own pause before it asks again.
fn comes_back(after: Duration) -> impl Future<Output = ()> {
    tokio::time::sleep(after)
}

/// Whether nobody knows what became of the call: it is repeated.
fn is_doubtful(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            | Code::ResourceExhausted
    )
}

/// Two in five are about lamps, two about noise, and one is nobody's by the catalogue.
fn submission(serial: u64, random: &mut StdRng) -> RegisterAppealRequest {
    let about = match random.random_range(0..5) {
        0 | 1 => "路灯不亮",
        2 | 3 => "夜间噪声",
        _ => "占道经营",
    };
    let citizen = random.random_range(0..CITIZENS);
    RegisterAppealRequest {
        idempotency_key: format!("chaos-{serial}"),
        channel_code: "app".to_owned(),
        contact: Some(Contact {
            phone: format!("199000{citizen:05}"),
            ..Contact::default()
        }),
        subject: format!("第{serial}件{about}"),
        text: format!("云溪区样例路第{serial}处{about}，请处理。"),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    }
}

fn receipt_entry(key: String, receipt: Receipt) -> Entry {
    Entry::Receipt {
        key,
        appeal_id: receipt.appeal_id,
        number: receipt.number,
        query_code: receipt.query_code,
    }
}
