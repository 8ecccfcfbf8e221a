//! Reporting as a whole, on every arrangement: events in, documents out.

mod cases;
mod documents;
mod eight_appeals;
mod export;
mod grpc;
mod issuing;
mod search;
mod search_pages;
mod story;
mod views;
mod waiting;

use async_trait::async_trait;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::access::{Role, Scope};
use hotline_platform::core::{CommandContext, Core};
use hotline_platform::grpc::Principal;
use hotline_platform::reaction::{Reaction, ReactionError};
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase};
use hotline_platform::work::{Cause, Work};
use hotline_proto::event as pb;
use tonic::Request;

use self::story::{Logged, march};
use crate::app::{Desk, Reporting};
use crate::domain::document::{Block, Cell, Document, Table};
use crate::domain::figures::RatePolicy;
use crate::domain::period::{Period, Series};
use crate::events::Hearing;
use crate::store;
use crate::store::migration::migrations;

/// One reporting service with empty tables and a clock in our hands.
struct Bench {
    label: &'static str,
    core: Core,
    clock: ManualClock,
    reporting: Reporting,
    _database: TestDatabase,
}

/// One bench per arrangement, at the end of March.
async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for database in Databases::all().await {
        let clock = ManualClock::at(after_march());
        let core = testing::core("reporting", &database.url, migrations(), &clock).await;
        let desk = Desk {
            zone: Zone::SHANGHAI,
            policy: RatePolicy::default(),
        };
        let reporting = Reporting::new(core.clone(), desk);
        benches.push(Bench {
            label: database.label,
            core,
            clock,
            reporting,
            _database: database,
        });
    }
    benches
}

/// 1 April 2026, 08:00 in the city.
fn after_march() -> Timestamp {
    march(31, 8) + chrono::Duration::days(1)
}

impl Bench {
    async fn hear(&self, events: &[Logged]) {
        for (envelope, body) in events {
            let heard =
                testing::react(&self.core, &Hearing::new(Zone::SHANGHAI), envelope, body).await;
            heard.unwrap_or_else(|error| panic!("{}: {error} in {envelope:?}", self.label));
        }
    }

    async fn reset(&self) {
        let empty = (pb::Envelope::default(), pb::Body::default());
        testing::react(&self.core, &Emptying, &empty.0, &empty.1)
            .await
            .unwrap();
    }

    async fn dump(&self) -> String {
        store::dump(self.core.db().read()).await
    }

    async fn document(&self, series: Series, period: &str) -> Document {
        let period = Period::parse(series, period).unwrap();
        self.reporting
            .compose(&everybodys(), period)
            .await
            .unwrap()
            .document
    }

    async fn tamper(&self, sql: &'static str) {
        let tampering = self
            .core
            .execute::<(), hotline_platform::core::CoreError, _>(context("", 0), move |work| {
                Box::pin(async move { store::tamper(work.txn(), sql).await })
            });
        tampering.await.unwrap();
    }
}

/// Empties the read models the way a replay does: through a reaction's transaction.
struct Emptying;

#[async_trait]
impl Reaction for Emptying {
    fn producers(&self) -> &'static [&'static str] {
        &[]
    }

    async fn apply(
        &self,
        work: &Work,
        _: &pb::Envelope,
        _: &pb::Body,
    ) -> Result<(), ReactionError> {
        Hearing::new(Zone::SHANGHAI).reset(work).await
    }
}

/// What a reviewer reaches.
fn everybodys() -> Scope {
    let reviewer = Principal::new("reviewer:zhao", Role::Reviewer);
    testing::scope(&reviewer, "RenderDocument")
}

/// `message` as a reviewer says it.
fn said<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(everybodys());
    request
}

fn context(key: &str, expected_version: i64) -> CommandContext {
    CommandContext {
        cause: Cause {
            actor: "reviewer:zhao".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: "127.0.0.1".to_owned(),
            method: "/test".to_owned(),
            trace_parent: String::new(),
        },
        scope: everybodys(),
        idempotency_key: key.to_owned(),
        request_hash: [0; 32],
        expected_version,
    }
}

fn table<'a>(document: &'a Document, title: &str) -> &'a Table {
    let found = document.blocks().find_map(|block| match block {
        Block::Table(table) if table.title == title => Some(table),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no table {title}"))
}

fn rows(document: &Document, title: &str) -> Vec<Vec<String>> {
    table(document, title)
        .rows
        .iter()
        .map(|row| row.iter().map(Cell::shown).collect())
        .collect()
}

fn figure(document: &Document, label: &str) -> String {
    let figures = document.blocks().filter_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    let found = figures.flatten().find(|figure| figure.label == label);
    found.map_or_else(
        || panic!("no figure {label}"),
        |figure| figure.value.shown(),
    )
}
