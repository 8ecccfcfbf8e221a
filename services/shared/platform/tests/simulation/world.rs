//! Two services in processes that share one thread: a ledger that writes and mirrors that hear it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hotline_platform::consumer::Source;
use hotline_platform::core::{Core, CoreParts};
use hotline_platform::courier::Courier;
use hotline_platform::db::Db;
use hotline_platform::feed;
use hotline_platform::ids::Ids;
use hotline_platform::outbox;
use hotline_platform::peers::{Peers, Transport, Unreachable};
use hotline_platform::tasks::Tasks;
use hotline_platform::testing;
use hotline_platform::testing::steps::{self, Publishing, Reading};
use hotline_proto::event::Envelope;
use tonic::service::Routes;
use tower::ServiceExt;
use uuid::Uuid;

use crate::carrier::Worst;
use crate::ledger::{Command, Timers, rows};
use crate::mirror::{Mirror, Troubles};
use crate::stage::Stage;

/// Accounts stand in so many partitions, so that streams share them.
const PARTITIONS_USED: u16 = 3;

/// A process of the ledger.
pub struct Producer {
    pub core: Core,
    pub publishing: Option<Publishing>,
}

/// A process of the mirror, as a life that goes on step by step.
pub struct Consumer {
    pub core: Core,
    pub life: Pin<Box<dyn Future<Output = ()>>>,
    /// It sleeps until this step.
    pub asleep_until: u32,
}

/// A transaction that drew its insertion id and is not committed yet.
pub struct Late {
    pub seq: i64,
    pub command: Command,
}

/// What happened, line by line. The same seed gives the same bytes.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<String>>);

impl Trace {
    pub fn note(&self, who: &str, what: impl std::fmt::Display) {
        writeln!(self.0.borrow_mut(), "{who} {what}").expect("text can be written");
    }

    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }
}

/// Everything of one simulation.
pub struct World {
    pub stage: Stage,
    pub fate: Ids,
    pub trace: Trace,
    pub folder: PathBuf,
    pub ledger: Db,
    pub mirror: Db,
    pub peers: Arc<Peers>,
    /// The log does not answer consumers of other processes.
    pub is_log_away: Arc<AtomicBool>,
    pub carrier: Worst,
    pub courier: Option<Courier>,
    /// One process holds everything.
    pub is_embedded: bool,
    pub producers: Vec<Producer>,
    pub consumers: Vec<Consumer>,
    pub timers: Timers,
    pub troubles: Troubles,
    pub accounts: Vec<Uuid>,
    /// Commands whose client has no answer yet.
    pub unanswered: Vec<Command>,
    pub late: Vec<Late>,
    /// Processes that were started so far.
    lives: u32,
}

impl World {
    /// A new world in `folder`, where the template's databases were copied to.
    pub async fn new(seed: u64, folder: &Path) -> Self {
        let fate = Ids::seeded(seed, "fate");
        let stage = Stage::new();
        let is_embedded = fate.draw(4) == 0;
        let carrier = Worst::new(&stage, Ids::seeded(seed, "courier"));
        let has_courier = fate.draw(4) != 0;
        let courier = has_courier.then(|| Courier::over(Arc::new(carrier.clone()), [7; 32]));
        let mut world = Self {
            accounts: accounts(&stage, seed, 4 + fate.draw(6)),
            fate,
            trace: Trace::default(),
            folder: folder.to_owned(),
            ledger: steps::open(&folder.join("ledger.db")).await.expect("opens"),
            mirror: steps::open(&folder.join("mirror.db")).await.expect("opens"),
            peers: Arc::default(),
            is_log_away: Arc::default(),
            carrier,
            courier,
            is_embedded,
            producers: Vec::new(),
            consumers: Vec::new(),
            timers: Timers::default(),
            troubles: Troubles::default(),
            unanswered: Vec::new(),
            late: Vec::new(),
            lives: 0,
            stage,
        };
        world.start_all(seed);
        world
    }

    /// Starts every process, anew if it ran.
    pub fn start_all(&mut self, seed: u64) {
        let count = if self.is_embedded { 1 } else { 2 };
        self.trace.note(
            "world",
            format_args!(
                "seed {seed}: {count} processes each, courier {}",
                self.courier.is_some()
            ),
        );
        self.producers = Vec::new();
        self.consumers = Vec::new();
        for _ in 0..count {
            let producer = self.producer(seed);
            self.producers.push(producer);
        }
        self.mount();
        for index in 0..count {
            let consumer = self.consumer(seed, index);
            self.consumers.push(consumer);
        }
    }

    /// Process `index` of the ledger is gone and starts anew; embedded, the mirror goes with it.
    pub fn restart_producer(&mut self, seed: u64, index: usize) {
        self.producers[index] = self.producer(seed);
        if index == 0 {
            self.mount();
        }
        if self.is_embedded {
            self.consumers[0] = self.consumer(seed, 0);
        }
    }

    /// Process `index` of the mirror is gone and starts anew; embedded, the ledger goes with it.
    pub fn restart_consumer(&mut self, seed: u64, index: usize) {
        if self.is_embedded {
            self.restart_producer(seed, 0);
        } else {
            self.consumers[index] = self.consumer(seed, index);
        }
    }

    fn producer(&mut self, seed: u64) -> Producer {
        let core = self.core("ledger", self.ledger.clone(), seed);
        let courier = self.courier.clone();
        Producer {
            publishing: courier.map(|courier| Publishing::new(&core, courier)),
            core,
        }
    }

    fn consumer(&mut self, seed: u64, index: usize) -> Consumer {
        let core = self.core("mirror", self.mirror.clone(), seed);
        let reaction = self.reaction();
        let end = self.is_embedded.then(|| self.producers[0].core.log_end());
        let source = Source {
            producer: "ledger",
            transport: self.transport(),
            end,
            courier: self.courier.clone(),
            lease: hotline_platform::consumer::LEASE,
        };
        let reading = Reading::new(&core, Arc::new(reaction.clone()), source);
        *reaction.reader.lock().expect("unpoisoned") = Some(reading.owner());
        let (stage, trace) = (self.stage.clone(), self.trace.clone());
        Consumer {
            core,
            life: Box::pin(live(reading, index, stage, trace)),
            asleep_until: 0,
        }
    }

    /// A reaction that no reader has.
    pub fn reaction(&self) -> Mirror {
        Mirror {
            troubles: self.troubles.clone(),
            reader: Arc::new(Mutex::new(None)),
        }
    }

    fn core(&mut self, name: &'static str, db: Db, seed: u64) -> Core {
        self.lives += 1;
        Core::new(CoreParts {
            name,
            db,
            clock: Arc::new(self.stage.clone()),
            ids: Ids::seeded(seed, &format!("life {}", self.lives)),
            tasks: Tasks::new(),
            audit_key: testing::audit_key(),
        })
    }

    /// Serves the log from the ledger's first process.
    fn mount(&self) {
        let cores = std::slice::from_ref(&self.producers[0].core);
        self.peers
            .mount("ledger", Routes::new(feed::event_log(cores)));
    }

    fn transport(&self) -> Transport {
        let (direct, is_away) = (
            self.peers.transport("ledger", None),
            self.is_log_away.clone(),
        );
        Transport::new(tower::service_fn(move |request| {
            let (direct, is_away) = (direct.clone(), is_away.load(Ordering::Relaxed));
            async move {
                if is_away {
                    return Err(Unreachable::because("the way is cut"));
                }
                direct.oneshot(request).await
            }
        }))
    }

    /// Accounts that no open transaction has locked.
    pub fn free_accounts(&self) -> Vec<Uuid> {
        let locked: BTreeSet<_> = self.late.iter().map(|late| late.command.account).collect();
        let free = self.accounts.iter().copied();
        free.filter(|account| !locked.contains(account)).collect()
    }

    /// One of several, if there are any.
    pub fn pick(&self, count: usize) -> Option<usize> {
        let bound = u32::try_from(count).expect("small");
        (count > 0).then(|| usize::try_from(self.fate.draw(bound)).expect("small"))
    }

    /// Waits until what a crash left open in the databases is rolled back.
    pub async fn storage_rests(&self) {
        rows(self.ledger.read(), "SELECT 1").await;
        rows(self.mirror.read(), "SELECT 1").await;
    }
}

/// The life of a reader: look, apply, again. Between any two it can sleep, or end.
async fn live(mut reading: Reading, index: usize, stage: Stage, trace: Trace) {
    let name = format!("mirror {index}");
    loop {
        match reading.look().await {
            Ok(events) if events.is_empty() => {}
            Ok(events) => {
                trace.note(&name, format_args!("sees{}", numbers(&events)));
                stage.gate().await;
                match reading.apply(&events).await {
                    Ok(()) => trace.note(&name, "is through"),
                    Err(error) => {
                        trace.note(&name, format_args!("cannot apply: {error}"));
                        reading.failed();
                    }
                }
            }
            Err(error) => {
                trace.note(&name, format_args!("cannot look: {error}"));
                reading.failed();
            }
        }
        stage.gate().await;
    }
}

/// Partition and number of each event.
fn numbers(events: &[Envelope]) -> String {
    let one = |event: &Envelope| format!(" {}:{}", event.partition, event.pub_seq);
    events.iter().map(one).collect()
}

fn accounts(stage: &Stage, seed: u64, count: u32) -> Vec<Uuid> {
    use hotline_kernel::time::Clock;
    let ids = Ids::seeded(seed, "accounts");
    let fresh = std::iter::repeat_with(|| ids.next(stage.now()));
    let fitting = fresh.filter(|id| outbox::partition(*id) < PARTITIONS_USED);
    fitting
        .take(usize::try_from(count).expect("small"))
        .collect()
}
