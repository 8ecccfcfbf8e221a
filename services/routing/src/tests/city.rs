//! A small city to test with: its registry, a moved clock, and the ways into the service.

use std::sync::Arc;
use std::time::Duration;

use hotline_kernel::id::TicketId;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::core::{Core, CoreParts};
use hotline_platform::ids::Ids;
use hotline_platform::migration;
use hotline_platform::tasks::Tasks;
use hotline_platform::testing::{self, Databases, ManualClock, TestDatabase, steps};
use hotline_proto::event::body::Event;
use hotline_proto::event::{self as pb, Body, Envelope};
use hotline_proto::shared;
use uuid::Uuid;

use super::callers::{context, scope_of};
use crate::app::Routing;
use crate::app::loading::Loaded;
use crate::app::order::{DispatchOrder, Order, ReturnOrder};
use crate::app::queries::Name;
use crate::convert::timestamp;
use crate::domain::ticket::Ticket;
use crate::domain::word::ReturnReason;
use crate::error::RoutingError;
use crate::events::{Hearing, Timers};
use crate::store;

const TABLES: [(&str, &str); 8] = [
    (
        "units",
        "code,name,parent_code,group,kind\nHOUSING,市住建局,,市级部门,gov\nUMB,市城管执法局,,市级部门,gov\n\
         LAMPS,市照明中心,UMB,市级部门,gov\nWATER,市水务局,,市级部门,gov\n",
    ),
    ("unit_aliases", "alias,unit_code\n住建局,HOUSING\n"),
    ("areas", "code,name,parent_code,aliases\nE,东区,,城东\n"),
    (
        "categories",
        "code,parent_code,name,default_unit_code,deadlines,urgent_hours\n01,,城建,HOUSING,,\n02,,市容,UMB,,\n\
         0201,02,路灯,,,4\n",
    ),
    (
        "catalogue",
        "category_code,area_code,lead_unit_code,assisting_unit_codes,source,valid_from,valid_until\n\
         0201,,LAMPS,WATER,目录第1项,,\n",
    ),
    ("keywords", "keyword,category_code,weight\n路灯,0201,3\n"),
    (
        "holidays",
        "date,kind,name\n2026-09-20,workday,国庆\n2026-09-25,holiday,中秋\n2026-10-01,holiday,国庆\n\
         2026-10-02,holiday,国庆\n2026-10-05,holiday,国庆\n2026-10-06,holiday,国庆\n2026-10-07,holiday,国庆\n\
         2026-10-10,workday,国庆\n",
    ),
    (
        "policy_profiles",
        "profile,counts,valid_from,sign_workdays,consult,help,suggest,complaint,report,praise,other,urgent_hours,return_workdays\n\
         sichuan-2025,workdays,2025-01-01,1,3,7,7,15,15,7,7,2,1\n",
    ),
];

/// A city on one arrangement.
pub(super) struct City {
    pub label: &'static str,
    pub clock: ManualClock,
    pub core: Core,
    pub routing: Arc<Routing>,
    hearing: Hearing,
    timers: Timers,
    // Dropped last: its folder goes with it.
    _database: TestDatabase,
}

/// A wall-clock time of the city.
pub(super) fn at(text: &str) -> Timestamp {
    let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    Zone::SHANGHAI.local(wall).unwrap()
}

/// The n-th matter of the city, on its own ticket.
pub(super) fn matter(number: u128, text: &str) -> pb::Matter {
    let own = Uuid::from_u128(0x7000 + number).to_string();
    pb::Matter {
        id: Uuid::from_u128(0x3000 + number).to_string(),
        appeal_id: Uuid::from_u128(0x1000 + number).to_string(),
        ordinal: 1,
        ticket_id: own.clone(),
        reserved_ticket_id: own,
        number: format!("260918-{number:05}-2"),
        kind: shared::Kind::Help.into(),
        urgency: shared::Urgency::Normal.into(),
        subject: "来电".to_owned(),
        text: text.to_owned(),
        nature: shared::Nature::New.into(),
        channel_code: "tel12345".to_owned(),
        received_at: Some(timestamp(at("2026-09-18 10:00"))),
        ..pb::Matter::default()
    }
}

/// The ticket that is reserved for `matter`.
pub(super) fn own_ticket(matter: &pb::Matter) -> TicketId {
    matter.reserved_ticket_id.parse().unwrap()
}

impl City {
    /// The city on every arrangement, on Friday 18 September 2026 at 10:00.
    pub(super) async fn all() -> Vec<Self> {
        let mut cities = Vec::new();
        for database in Databases::all().await {
            let clock = ManualClock::at(at("2026-09-18 10:00"));
            let migrations = store::migration::migrations();
            let core = testing::core("routing", &database.url, migrations, &clock).await;
            cities.push(Self::on(database, core, clock).await);
        }
        cities
    }

    /// The city on SQLite, with a database that is fast and would survive no loss of power.
    pub(super) async fn brisk() -> Self {
        let database = Databases::all().await.swap_remove(0);
        let clock = ManualClock::at(at("2026-09-18 10:00"));
        let path = database.url.trim_start_matches("sqlite://");
        let db = steps::open(path.as_ref()).await.unwrap();
        migration::apply(&db, store::migration::migrations())
            .await
            .unwrap();
        let core = Core::new(CoreParts {
            name: "routing",
            db,
            clock: Arc::new(clock.clone()),
            ids: Ids::seeded(1, "routing"),
            tasks: Tasks::new(),
            audit_key: testing::audit_key(),
        });
        Self::on(database, core, clock).await
    }

    async fn on(database: TestDatabase, core: Core, clock: ManualClock) -> Self {
        let routing = Arc::new(Routing::new(
            core.clone(),
            Zone::SHANGHAI,
            "sichuan-2025".to_owned(),
        ));
        let city = Self {
            label: database.label,
            clock,
            core,
            hearing: Hearing::new(Arc::clone(&routing)),
            timers: Timers::new(Arc::clone(&routing)),
            routing,
            _database: database,
        };
        for (table, csv) in TABLES {
            city.loads(table, csv).await.unwrap();
        }
        city
    }

    pub(super) async fn loads(&self, table: &str, csv: &str) -> Result<Loaded, RoutingError> {
        self.routing
            .load_table(context(""), table, csv.as_bytes())
            .await
    }

    /// Lets time pass and fires what fell due.
    pub(super) async fn waits(&self, hours: u64) {
        self.clock.advance(Duration::from_hours(hours));
        testing::fire_due(&self.core, &self.timers).await.unwrap();
    }

    /// Moves the clock and fires what fell due; returns how many timers that were.
    pub(super) async fn clock_strikes(&self, text: &str) -> u32 {
        self.clock.set(at(text));
        testing::fire_due(&self.core, &self.timers).await.unwrap()
    }

    /// Hears one event of another service.
    pub(super) async fn hears(&self, stream: &str, aggregate: &str, version: i64, event: Event) {
        let body = Body { event: Some(event) };
        let envelope = Envelope {
            event_id: Uuid::from_u128(1).to_string(),
            producer: "intake".to_owned(),
            stream_id: stream.to_owned(),
            aggregate_id: aggregate.to_owned(),
            version,
            r#type: "test".to_owned(),
            actor: "operator:li".to_owned(),
            ..Envelope::default()
        };
        testing::react(&self.core, &self.hearing, &envelope, &body)
            .await
            .unwrap();
    }

    /// A matter is now on `matter.ticket_id`.
    pub(super) async fn attaches(&self, matter: &pb::Matter, version: i64, cause: pb::MatterMove) {
        let attached = pb::MatterAttached {
            matter: Some(matter.clone()),
            r#move: cause.into(),
            from_ticket_id: String::new(),
        };
        self.hears(
            &matter.ticket_id,
            &matter.id,
            version,
            Event::MatterAttached(attached),
        )
        .await;
    }

    /// A matter left `ticket`.
    pub(super) async fn detaches(
        &self,
        matter: &pb::Matter,
        ticket: TicketId,
        version: i64,
        cause: pb::MatterMove,
    ) {
        let detached = pb::MatterDetached {
            matter: Some(matter.clone()),
            r#move: cause.into(),
            ticket_id: ticket.to_string(),
            to_ticket_id: String::new(),
        };
        self.hears(
            &ticket.to_string(),
            &matter.id,
            version,
            Event::MatterDetached(detached),
        )
        .await;
    }

    /// Opens the own ticket of `matter`.
    pub(super) async fn opens(&self, matter: &pb::Matter) -> TicketId {
        self.attaches(matter, 1, pb::MatterMove::Opened).await;
        own_ticket(matter)
    }

    /// Feedback says what the follow-ups of a round mean.
    pub(super) async fn judges(&self, ticket: TicketId, round: u32, verdict: pb::Verdict) {
        self.verdict(ticket, round, 0, verdict).await;
    }

    /// The n-th such word on a ticket.
    pub(super) async fn verdict(
        &self,
        ticket: TicketId,
        round: u32,
        number: u128,
        verdict: pb::Verdict,
    ) {
        let follow_up = pb::FollowUp {
            ticket_id: ticket.to_string(),
            round,
            note: "灯还是不亮".to_owned(),
            ..pb::FollowUp::default()
        };
        let changed = pb::FollowUpChanged {
            follow_up: Some(follow_up),
            verdict: verdict.into(),
        };
        let aggregate = Uuid::from_u128(0x9000 + u128::from(round) + (number << 32)).to_string();
        self.hears(
            &ticket.to_string(),
            &aggregate,
            2,
            Event::FollowUpChanged(changed),
        )
        .await;
    }

    /// Somebody of `unit` (the centre, if empty) gives an order.
    pub(super) async fn orders(
        &self,
        unit: &str,
        ticket: TicketId,
        order: Order,
    ) -> Result<Ticket, RoutingError> {
        self.routing.carry_out(context(unit), ticket, order).await
    }

    /// The centre dispatches to `unit`.
    pub(super) async fn dispatches(&self, ticket: TicketId, unit: &str) -> Ticket {
        self.orders("", ticket, dispatch(unit)).await.unwrap()
    }

    /// `unit` signs and hands in, and the centre concludes.
    pub(super) async fn concludes(&self, ticket: TicketId, unit: &str) -> Ticket {
        self.orders(unit, ticket, Order::Sign).await.unwrap();
        self.orders(unit, ticket, handle()).await.unwrap();
        self.orders("", ticket, Order::Conclude).await.unwrap()
    }

    /// The ticket as it stands.
    pub(super) async fn ticket(&self, id: TicketId) -> Ticket {
        self.routing
            .ticket(&scope_of(""), &Name::Id(id))
            .await
            .unwrap()
    }

    /// What happened to a ticket, as its events tell it; they are 1, 2, 3… up to its version, one each.
    pub(super) async fn story(&self, id: TicketId) -> Vec<&'static str> {
        let log = testing::log(&self.core).await;
        let mut told = Vec::new();
        for (envelope, body) in log
            .iter()
            .filter(|(envelope, _)| envelope.aggregate_id == id.to_string())
        {
            assert_eq!(
                envelope.version,
                i64::try_from(told.len()).unwrap() + 1,
                "{}: no gap",
                self.label
            );
            assert_eq!(envelope.stream_id, id.to_string(), "{}", self.label);
            told.push(match &body.event {
                Some(Event::TicketChanged(changed)) => {
                    let snapshot = changed.ticket.as_ref().unwrap();
                    assert_eq!(snapshot.id, id.to_string(), "{}", self.label);
                    changed
                        .change()
                        .as_str_name()
                        .trim_start_matches("TICKET_CHANGE_")
                }
                Some(Event::AttachRefused(_)) => "ATTACH_REFUSED",
                _ => panic!(
                    "{}: routing tells of tickets only by these events",
                    self.label
                ),
            });
        }
        assert_eq!(
            self.ticket(id).await.version,
            i64::try_from(told.len()).unwrap(),
            "{}",
            self.label
        );
        told
    }
}

/// A dispatch to one unit, without corrections.
pub(super) fn dispatch(unit: &str) -> Order {
    Order::Dispatch(DispatchOrder {
        lead: unit.to_owned(),
        assisting: vec![],
        category_code: String::new(),
        area_code: String::new(),
        urgency: None,
        note: String::new(),
    })
}

/// A return that proposes another unit.
pub(super) fn give_back(reason: ReturnReason, proposed: &str) -> Order {
    Order::Return(ReturnOrder {
        reason,
        clause: "三定方案第3条".to_owned(),
        proposed_unit_code: proposed.to_owned(),
        note: "不是我单位职责".to_owned(),
    })
}

/// Report and reply.
pub(super) fn handle() -> Order {
    Order::Handle {
        handling_report: "已换灯,联系人电话13900000000".to_owned(),
        reply: "路灯已修复,感谢来电".to_owned(),
    }
}
