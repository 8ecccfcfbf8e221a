//! A city to test in: two channels, an exempt line, a clock that stands still.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::mask::Masker;
use hotline_kernel::time::{Zone, from_micros};
use hotline_platform::access::{Role, Scope};
use hotline_platform::core::{CommandContext, Core};
use hotline_platform::grpc::Principal;
use hotline_platform::reaction::ReactionError;
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase};
use hotline_platform::work::Cause;
use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, Body, Envelope};
use hotline_proto::shared;
use tonic::Request;
use uuid::Uuid;

use crate::app::Intake;
use crate::app::register::{Receipt, Registered, Settings, Submission};
use crate::app::triage::Decision;
use crate::app::view::AppealView;
use crate::domain::identity::Keys;
use crate::domain::registration::{Confidentiality, Contact, Identity, NewMatter, Registration};
use crate::domain::terms::Nature;
use crate::error::IntakeError;
use crate::events::TicketReaction;
use crate::store;

/// 2026-11-22 09:00 in Shanghai.
const MORNING: i64 = 1_795_309_200_000_000;

/// One intake on an empty database of its own.
pub struct City {
    /// `sqlite` or `postgres`, for messages.
    pub label: &'static str,
    pub core: Core,
    pub intake: Intake,
    pub clock: ManualClock,
    pub keys: tempfile::TempDir,
    _database: TestDatabase,
}

/// One city per arrangement.
pub async fn cities() -> Vec<City> {
    let mut cities = Vec::new();
    for database in Databases::all().await {
        cities.push(City::found(database).await);
    }
    cities
}

impl City {
    async fn found(database: TestDatabase) -> Self {
        let clock = ManualClock::at(from_micros(MORNING).expect("in range"));
        let core = testing::core(
            "intake",
            &database.url,
            store::migration::migrations(),
            &clock,
        )
        .await;
        let keys = tempfile::tempdir().expect("a folder for keys");
        let vault = testing::vault(keys.path());
        let settings = Settings {
            keys: Keys {
                citizen: [1; 32],
                query_code: [2; 32],
                hashes: [3; 32],
            },
            vault: vault.clone(),
            zone: Zone::SHANGHAI,
            masker: Masker::standard(),
            batch_max: hotline_platform::group_commit::BATCH_MAX,
        };
        let intake = Intake::new(core.clone(), settings);
        intake.open().await.expect("the vault opens");
        let city = Self {
            label: database.label,
            core,
            intake,
            clock,
            keys,
            _database: database,
        };
        let channels = "code,name,kind\ntel12345,12345电话,phone\nmailbox,市长信箱,mailbox\n";
        city.load("channels", channels)
            .await
            .expect("channels load");
        let lines =
            "number,name,merge_mode,exempt\n110,报警,保留,yes\n12319,城管热线,双号并行,no\n";
        city.load("lines", lines).await.expect("lines load");
        city
    }

    pub async fn load(&self, table: &str, csv: &str) -> Result<u32, IntakeError> {
        self.intake
            .load_registry(command(), table, csv.as_bytes())
            .await
    }

    /// Registers through the group commit, as gRPC does.
    pub async fn register(&self, registration: Registration) -> Result<Receipt, IntakeError> {
        self.intake.register(submission(registration)).await
    }

    /// Registers in one transaction, as an import does.
    pub async fn apply(&self, items: Vec<Registration>) -> Vec<Result<Registered, IntakeError>> {
        let items: Vec<_> = items.into_iter().map(submission).collect();
        let results = Arc::new(Mutex::new(Vec::new()));
        let (kept, registrar) = (Arc::clone(&results), self.intake.registrar.clone());
        let applied: Result<(), IntakeError> = self
            .core
            .execute(command(), move |work| {
                Box::pin(async move {
                    *kept.lock().expect("one test") = registrar.apply(work, &items).await?;
                    Ok(())
                })
            })
            .await;
        applied.expect("the batch is written");
        std::mem::take(&mut *results.lock().expect("one test"))
    }

    pub async fn decide(
        &self,
        receipt: &Receipt,
        decision: Decision,
    ) -> Result<AppealView, IntakeError> {
        self.intake
            .triage(command(), receipt.appeal_id, decision)
            .await
    }

    pub async fn accept(&self, receipt: &Receipt) -> AppealView {
        self.decide(
            receipt,
            Decision::Accept {
                corrections: Vec::new(),
            },
        )
        .await
        .expect("accepted")
    }

    /// Registers and accepts an appeal of an unknown citizen; its one matter and ticket.
    pub async fn opens(&self, text: &str) -> (Receipt, MatterId, TicketId) {
        let receipt = self.register(appeal(text, text)).await.expect("registered");
        let view = self.accept(&receipt).await;
        let matter = &view.matters[0].matter;
        (receipt, matter.id, matter.reserved_ticket)
    }

    pub async fn merge(&self, matter: MatterId, ticket: TicketId) -> Result<(), IntakeError> {
        self.intake.merge(command(), matter, ticket).await.map(drop)
    }

    pub async fn log(&self) -> Vec<(Envelope, Body)> {
        testing::log(&self.core).await
    }

    /// What happened since the registry was loaded, in words.
    pub async fn story(&self) -> Vec<String> {
        let log = self.log().await;
        log.iter()
            .filter_map(|(envelope, body)| told(envelope, body))
            .collect()
    }

    /// Hears from routing that a ticket stands in `state` at `version`.
    pub async fn hears(&self, ticket: TicketId, state: shared::TicketState, version: i64) {
        let changed = pb::TicketChanged {
            ticket: Some(pb::Ticket {
                id: ticket.to_string(),
                number: "261122-AAAAA-A".to_owned(),
                state: state.into(),
                ..pb::Ticket::default()
            }),
            ..pb::TicketChanged::default()
        };
        self.react(ticket, version, Event::TicketChanged(changed))
            .await
            .expect("heard");
    }

    /// Hears from routing that a concluded ticket refused a matter.
    pub async fn hears_refusal(
        &self,
        ticket: TicketId,
        matter: MatterId,
        version: i64,
    ) -> Result<(), ReactionError> {
        let refused = pb::AttachRefused {
            ticket_id: ticket.to_string(),
            matter_id: matter.to_string(),
            ticket_state: shared::TicketState::Concluded.into(),
        };
        self.react(ticket, version, Event::AttachRefused(refused))
            .await
    }

    pub async fn react(
        &self,
        ticket: TicketId,
        version: i64,
        event: Event,
    ) -> Result<(), ReactionError> {
        let envelope = Envelope {
            producer: "routing".to_owned(),
            stream_id: ticket.to_string(),
            aggregate_id: ticket.to_string(),
            version,
            ..Envelope::default()
        };
        testing::react(
            &self.core,
            &TicketReaction,
            &envelope,
            &Body { event: Some(event) },
        )
        .await
    }

    /// Versions of every aggregate in the log are 1, 2, 3, … without gap.
    pub async fn assert_versions_are_dense(&self) {
        let mut last: HashMap<String, i64> = HashMap::new();
        for (envelope, _) in self.log().await {
            let before = last.entry(envelope.aggregate_id.clone()).or_default();
            assert_eq!(
                envelope.version,
                *before + 1,
                "{} {}",
                self.label,
                envelope.r#type
            );
            *before = envelope.version;
        }
    }

    /// registered = the sum of where they stand, per channel (I12 in `docs/architecture.md`).
    pub async fn assert_conserved(&self) -> BTreeMap<String, i64> {
        let mut totals = BTreeMap::new();
        for (channel, sums) in self.intake.conservation().await.expect("counted") {
            let sums = sums.appeals;
            let standing: i64 = sums.by_state.values().sum();
            assert_eq!(
                sums.registered,
                standing + sums.merged,
                "{} {channel}",
                self.label
            );
            *totals.entry("all".to_owned()).or_default() += sums.registered;
            *totals.entry("merged".to_owned()).or_default() += sums.merged;
            for (state, count) in sums.by_state {
                *totals.entry(state).or_default() += count;
            }
        }
        totals
    }
}

/// The appeals that an operator reaches.
pub fn everybodys() -> Scope {
    testing::scope(&Principal::new("operator:li", Role::Operator), "GetAppeal")
}

/// `message` as an operator says it.
pub fn said<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .extensions_mut()
        .insert(Principal::new("operator:li", Role::Operator));
    request.extensions_mut().insert(everybodys());
    request
}

/// A command of an operator, each with a key of its own kind: none.
pub fn command() -> CommandContext {
    CommandContext {
        cause: cause(),
        scope: everybodys(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    }
}

fn cause() -> Cause {
    Cause {
        actor: "operator:li".to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: "in-process".to_owned(),
        method: "/test".to_owned(),
        trace_parent: String::new(),
    }
}

pub fn submission(registration: Registration) -> Submission {
    Submission::new(cause(), registration)
}

/// An appeal of one matter from nobody known.
pub fn appeal(key: &str, text: &str) -> Registration {
    let digits = crate::domain::identity::hex(key.as_bytes());
    Registration {
        channel_code: "tel12345".to_owned(),
        line_number: String::new(),
        source: String::new(),
        identity: Identity::ClientKey(digits.chars().take(128).collect()),
        nature: Nature::New,
        said_at: None,
        contact: Contact::default(),
        confidentiality: Confidentiality::default(),
        subject: String::new(),
        text: text.to_owned(),
        matters: vec![NewMatter::default()],
        imported: None,
    }
}

/// The same, from the citizen with this phone.
pub fn appeal_of(phone: &str, key: &str, text: &str) -> Registration {
    Registration {
        contact: Contact {
            phone: phone.to_owned(),
            name: "样小明".to_owned(),
            ..Contact::default()
        },
        ..appeal(key, text)
    }
}

pub fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// One event in words: what happened, at which version.
fn told(envelope: &Envelope, body: &Body) -> Option<String> {
    let version = envelope.version;
    Some(match body.event.as_ref()? {
        Event::AppealChanged(changed) => {
            format!("appeal {} {version}", short(changed.change().as_str_name()))
        }
        Event::MatterAttached(attached) => {
            assert_eq!(envelope.stream_id, attached.matter.as_ref()?.ticket_id);
            format!(
                "attached {} {version}",
                short(attached.r#move().as_str_name())
            )
        }
        Event::MatterDetached(detached) => {
            assert_eq!(envelope.stream_id, detached.ticket_id);
            format!(
                "detached {} {version}",
                short(detached.r#move().as_str_name())
            )
        }
        _ => return None,
    })
}

fn short(name: &str) -> String {
    name.trim_start_matches("APPEAL_CHANGE_")
        .trim_start_matches("MATTER_MOVE_")
        .to_lowercase()
}

impl City {
    /// The reason in the audit trail of what was done last with a resource.
    pub async fn audited_reason(&self, id: impl std::fmt::Display) -> String {
        use sea_orm::{ConnectionTrait, Statement};
        let db = self.core.db().read();
        let sql = "SELECT reason FROM audit WHERE resource_id = $1 ORDER BY version DESC LIMIT 1";
        let asked =
            Statement::from_sql_and_values(db.get_database_backend(), sql, [id.to_string().into()]);
        let row = db.query_one_raw(asked).await.expect("asked");
        row.expect("one row")
            .try_get("", "reason")
            .expect("a reason")
    }

    pub fn clock_now(&self) -> hotline_kernel::time::Timestamp {
        use hotline_kernel::time::Clock;
        self.clock.now()
    }
}
