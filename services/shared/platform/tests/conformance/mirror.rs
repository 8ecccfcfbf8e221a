//! A consumer that mirrors the ledger and can be told to fail.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_platform::core::{Core, CoreError};
use hotline_platform::courier::Courier;
use hotline_platform::feed;
use hotline_platform::peers::{Peers, Transport};
use hotline_platform::quiet::Quiet;
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::tasks::Tasks;
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase};
use hotline_platform::work::Work;
use hotline_platform::{consumer, relay};
use hotline_proto::event::{Body, Envelope};
use sea_orm::{ConnectionTrait, Statement};
use tonic::service::Routes;
use uuid::Uuid;

use crate::fixture::{bound, context, count, migrations, raising, start_of_time};

/// How long a test waits for what must happen.
pub const LIMIT: Duration = Duration::from_secs(20);

/// What the mirror does with an account's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    Transient,
    Permanent,
    Unknown,
    Panic,
}

/// Writes down every event it applies, in the order of applying.
#[derive(Default)]
pub struct Mirror {
    pub trouble: Mutex<HashSet<(Uuid, Trouble)>>,
    pub attempts: Mutex<u32>,
}

impl Mirror {
    pub fn make(&self, account: Uuid, trouble: Trouble) {
        self.trouble
            .lock()
            .expect("unpoisoned")
            .insert((account, trouble));
    }

    pub fn heal(&self) {
        self.trouble.lock().expect("unpoisoned").clear();
    }

    fn trouble_of(&self, account: Uuid) -> Option<Trouble> {
        let troubles = self.trouble.lock().expect("unpoisoned");
        troubles
            .iter()
            .find(|(troubled, _)| *troubled == account)
            .map(|(_, trouble)| *trouble)
    }
}

#[async_trait::async_trait]
impl Reaction for Mirror {
    fn producers(&self) -> &'static [&'static str] {
        &["ledger"]
    }

    async fn apply(
        &self,
        work: &Work,
        envelope: &Envelope,
        _body: &Body,
    ) -> Result<(), ReactionError> {
        let account: Uuid = envelope.aggregate_id.parse().expect("an id");
        let text =
            "INSERT INTO heard (account, version, partition, pub_seq) VALUES ($1, $2, $3, $4)";
        let values = vec![
            account.into(),
            envelope.version.into(),
            i32::try_from(envelope.partition).expect("small").into(),
            envelope.pub_seq.into(),
        ];
        work.txn()
            .execute_raw(bound(work, text, values))
            .await
            .map_err(CoreError::from)?;
        let trouble = self.trouble_of(account);
        if trouble.is_some() {
            *self.attempts.lock().expect("unpoisoned") += 1;
        }
        match trouble {
            None => Ok(()),
            Some(Trouble::Transient) => Err(ReactionError::Transient("not now".into())),
            Some(Trouble::Permanent) => Err(ReactionError::Permanent("never".to_owned())),
            Some(Trouble::Unknown) => Err(ReactionError::Unknown("no idea".into())),
            Some(Trouble::Panic) => panic!("the mirror was told to panic"),
        }
    }

    async fn reset(&self, work: &Work) -> Result<(), ReactionError> {
        work.txn()
            .execute_raw(bound(work, "DELETE FROM heard", vec![]))
            .await
            .map_err(CoreError::from)?;
        Ok(())
    }
}

/// A ledger and its mirror in one process, on one arrangement.
pub struct City {
    pub label: &'static str,
    pub ledger: Core,
    pub mirror: Core,
    pub reaction: Arc<Mirror>,
    pub clock: ManualClock,
    pub courier: Option<Courier>,
    databases: [TestDatabase; 2],
}

impl City {
    /// One per arrangement; nothing runs yet.
    pub async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (one, other) in Databases::all()
            .await
            .into_iter()
            .zip(Databases::all().await)
        {
            let (clock, tasks) = (ManualClock::at(start_of_time()), Tasks::new());
            let ledger = testing::core_with("ledger", &one.url, migrations(), &clock, &tasks).await;
            let mirror =
                testing::core_with("mirror", &other.url, migrations(), &clock, &tasks).await;
            let (label, reaction) = (one.label, Arc::default());
            all.push(Self {
                label,
                ledger,
                mirror,
                reaction,
                clock,
                courier: None,
                databases: [one, other],
            });
        }
        all
    }

    /// Another process with a mirror on the same databases.
    pub async fn twin(&self) -> Core {
        testing::core("mirror", &self.databases[1].url, migrations(), &self.clock).await
    }

    /// Another process with a ledger on the same databases.
    pub async fn ledger_twin(&self) -> Core {
        testing::core("ledger", &self.databases[0].url, migrations(), &self.clock).await
    }

    pub fn transport(&self) -> Transport {
        let peers = Arc::new(Peers::default());
        peers.mount(
            "ledger",
            Routes::new(feed::event_log(std::slice::from_ref(&self.ledger))),
        );
        peers.transport("ledger", Some("mirror"))
    }

    pub fn start(&self) {
        relay::start(&self.ledger, self.courier.as_ref());
        self.consume(&self.mirror, self.transport());
    }

    pub fn consume(&self, mirror: &Core, transport: Transport) {
        let end = Some(self.ledger.log_end());
        let source = consumer::Source {
            producer: "ledger",
            transport,
            end,
            courier: self.courier.clone(),
            lease: consumer::LEASE,
        };
        let reaction: Arc<dyn Reaction> = self.reaction.clone();
        relay::start(mirror, None);
        consumer::start(mirror, &reaction, vec![source]);
    }

    pub async fn settle(&self) {
        let quiet = Quiet::new(vec![self.ledger.clone(), self.mirror.clone()]);
        quiet
            .settle(LIMIT)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", self.label));
    }

    /// Raises each account from version `seen` by one.
    pub async fn raise(&self, accounts: &[Uuid], seen: i64) {
        raise_on(&self.ledger, accounts, seen).await;
    }

    /// (account, version) in the order the mirror heard them.
    pub async fn heard(&self) -> Vec<(Uuid, i64)> {
        let reader = self.mirror.db().read();
        let text = "SELECT account, version FROM heard ORDER BY seq";
        let query = Statement::from_sql_and_values(reader.get_database_backend(), text, []);
        let rows = reader.query_all_raw(query).await.expect("readable");
        let pair = |row: &sea_orm::QueryResult| {
            (
                row.try_get("", "account").expect("an id"),
                row.try_get("", "version").expect("a version"),
            )
        };
        rows.iter().map(pair).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        count(&self.mirror, &format!("SELECT COUNT(*) FROM {table}"))
            .await
            .expect("counted")
    }

    /// Asserts that each account was heard in versions 1 to `last`, each once.
    pub async fn assert_heard(&self, accounts: &[Uuid], last: i64) {
        let heard = self.heard().await;
        for account in accounts {
            let versions: Vec<i64> = heard
                .iter()
                .filter(|(of, _)| of == account)
                .map(|(_, version)| *version)
                .collect();
            assert_eq!(
                versions,
                (1..=last).collect::<Vec<_>>(),
                "{}: {account}",
                self.label
            );
        }
    }

    pub async fn stop(self) {
        self.ledger.tasks().drain().await;
    }
}

pub async fn raise_on(core: &Core, accounts: &[Uuid], seen: i64) {
    for account in accounts {
        let raised = core
            .execute::<i64, CoreError, _>(context("operator:li", "", 1), raising(*account, seen))
            .await;
        raised.expect("accepted");
    }
}

pub fn accounts(range: std::ops::Range<u128>) -> Vec<Uuid> {
    range.map(|number| Uuid::from_u128(number + 1)).collect()
}

/// Waits until `holds`, with a limit.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let reached = async {
        while !holds().await {
            looks.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, reached)
        .await
        .unwrap_or_else(|_| panic!("not within {LIMIT:?}: {what}"));
}
