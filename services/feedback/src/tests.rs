//! Feedback as a whole, on every arrangement: events in, commands in, ledger and log out.

mod follow_ups;
mod grpc;
mod order;
mod outbound;
mod replies;
mod told;

use chrono::{DateTime, Duration};
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::access::{Role, Scope};
use hotline_platform::core::CommandContext;
use hotline_platform::core::Core;
use hotline_platform::grpc::Principal;
use hotline_platform::page::Page;
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase};
use hotline_platform::work::Cause;
use hotline_proto::event::body::Event;
use hotline_proto::event::{FollowUpChanged, Verdict};
use tempfile::TempDir;
use tonic::Request;

use self::told::Told;
use crate::app::outbound::Outbound;
use crate::app::{ClassifyFailure, Feedback, RecordAttempt};
use crate::domain::follow_up::FollowUpFilter;
use crate::domain::follow_up::{Answer, FailureClass, FollowUp, Satisfaction, Solved};
use crate::domain::reply::Reply;
use crate::domain::reply::ReplyFilter;
use crate::error::FeedbackError;
use crate::events::Hearing;
use crate::store::migration::migrations;

const CONTENT: Answer = Answer {
    solved: Solved::Solved,
    satisfaction: Satisfaction::Satisfied,
};
const ANGRY: Answer = Answer {
    solved: Solved::Unsolved,
    satisfaction: Satisfaction::VeryUnsatisfied,
};

/// Tuesday, 1 September 2026, 09:30 in the city.
fn start() -> Timestamp {
    DateTime::from_timestamp(1_788_226_200, 0).unwrap()
}

/// One feedback service with an empty ledger and a clock in our hands.
struct Bench {
    label: &'static str,
    core: Core,
    clock: ManualClock,
    feedback: Feedback,
    outbound: Outbound,
    folder: TempDir,
    _database: TestDatabase,
}

/// One bench per arrangement.
async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for database in Databases::all().await {
        let clock = ManualClock::at(start());
        let core = testing::core("feedback", &database.url, migrations(), &clock).await;
        let folder = tempfile::tempdir().unwrap();
        benches.push(Bench {
            label: database.label,
            feedback: Feedback::new(core.clone(), Zone::SHANGHAI),
            outbound: Outbound::new(folder.path().join("outbound")),
            core,
            clock,
            folder,
            _database: database,
        });
    }
    benches
}

impl Bench {
    /// Hears events, in this order.
    async fn hears(&self, told: impl IntoIterator<Item = Told>) {
        for told in told {
            testing::react(&self.core, &Hearing, &told.envelope, &told.body)
                .await
                .unwrap();
        }
    }

    async fn replies(&self) -> Vec<Reply> {
        self.feedback
            .replies(&Scope::own_work(), &ReplyFilter::default(), &all())
            .await
            .unwrap()
    }

    async fn follow_ups(&self) -> Vec<FollowUp> {
        self.feedback
            .follow_ups(&Scope::own_work(), &FollowUpFilter::default(), &all())
            .await
            .unwrap()
    }

    /// The one follow-up of a matter that still can be asked or classified.
    async fn live(&self, matter: u64) -> FollowUp {
        let mut found = self.follow_ups().await;
        found.retain(|follow_up| {
            follow_up.matter_id.uuid() == told::matter(matter)
                && matches!(follow_up.state.word(), "open" | "classifying")
        });
        assert_eq!(
            found.len(),
            1,
            "{}: matter {matter} has one live follow-up",
            self.label
        );
        found.remove(0)
    }

    /// An agent rings the citizen of a matter; `None`: nobody answers.
    async fn rings(&self, matter: u64, answer: Option<Answer>) -> FollowUp {
        let follow_up = self.live(matter).await;
        let key = format!("ring {} {}", follow_up.id, follow_up.version);
        let attempt = RecordAttempt {
            follow_up: follow_up.id,
            answer,
            note: String::new(),
        };
        self.feedback
            .record_attempt(context(&key, follow_up.version), attempt)
            .await
            .unwrap()
    }

    /// A person classifies the failed follow-up of a matter.
    async fn classifies(
        &self,
        matter: u64,
        class: FailureClass,
    ) -> Result<FollowUp, FeedbackError> {
        let follow_up = self.live(matter).await;
        let key = format!("classify {} {}", follow_up.id, follow_up.version);
        let failure = ClassifyFailure {
            follow_up: follow_up.id,
            class,
            note: String::new(),
        };
        self.feedback
            .classify_failure(context(&key, follow_up.version), failure)
            .await
    }

    /// Lets hours pass.
    fn hours_pass(&self, hours: i64) {
        self.clock.advance(Duration::hours(hours).to_std().unwrap());
    }

    /// Fires the timers that are due.
    async fn fires(&self) -> u32 {
        testing::fire_due(&self.core, &self.outbound).await.unwrap()
    }

    /// What stands in a channel's outbound file.
    fn outbound_lines(&self, channel: &str) -> Vec<serde_json::Value> {
        let path = self
            .folder
            .path()
            .join("outbound")
            .join(format!("{channel}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The follow-ups as they were published, in order.
    async fn told_follow_ups(&self) -> Vec<FollowUpChanged> {
        let log = testing::log(&self.core).await;
        let changed = log.into_iter().filter_map(|(_, body)| match body.event {
            Some(Event::FollowUpChanged(changed)) => Some(changed),
            _ => None,
        });
        changed.collect()
    }

    /// The verdicts that routing was told, but for the pending ones.
    async fn verdicts(&self) -> Vec<Verdict> {
        let told = self.told_follow_ups().await;
        told.iter()
            .map(FollowUpChanged::verdict)
            .filter(|verdict| *verdict != Verdict::Pending)
            .collect()
    }
}

fn all<C>() -> Page<C> {
    Page {
        size: 100_000,
        after: None,
    }
}

fn inspector() -> Principal {
    Principal::new("quality_inspector:wu", Role::QualityInspector)
}

/// `message` as somebody says it who asks and judges.
fn said<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let scope = testing::scope(&inspector(), "ListFollowUps");
    request.extensions_mut().insert(inspector());
    request.extensions_mut().insert(scope);
    request
}

fn context(key: &str, expected_version: i64) -> CommandContext {
    let cause = Cause {
        actor: inspector().id,
        session: String::new(),
        unit_code: String::new(),
        from_addr: "127.0.0.1".to_owned(),
        method: "/hotline.feedback.v1.FeedbackService/RecordAttempt".to_owned(),
        trace_parent: String::new(),
    };
    CommandContext {
        cause,
        scope: testing::scope(&inspector(), "RecordAttempt"),
        idempotency_key: key.to_owned(),
        request_hash: [7; 32],
        expected_version,
    }
}

/// What tests compare of a reply: matter, ticket, channel, state, text.
fn reply_facts(replies: &[Reply]) -> Vec<(u64, u64, String, &'static str, String)> {
    let mut facts: Vec<_> = replies
        .iter()
        .map(|reply| {
            let matter = reply.matter_id.map_or(0, |id| told::number(id.uuid()));
            let ticket = reply.ticket_id.map_or(0, |id| told::number(id.uuid()));
            (
                matter,
                ticket,
                reply.channel_code.clone(),
                reply.state.word(),
                reply.text.clone(),
            )
        })
        .collect();
    facts.sort_unstable();
    facts
}

/// What tests compare of a follow-up: matter, ticket, round, state.
fn follow_up_facts(follow_ups: &[FollowUp]) -> Vec<(u64, u64, u32, &'static str)> {
    let mut facts: Vec<_> = follow_ups
        .iter()
        .map(|follow_up| {
            let matter = told::number(follow_up.matter_id.uuid());
            let ticket = told::number(follow_up.ticket_id.uuid());
            (matter, ticket, follow_up.round, follow_up.state.word())
        })
        .collect();
    facts.sort_unstable();
    facts
}
