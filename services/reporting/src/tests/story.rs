//! Logs written by hand: what intake, routing and feedback would tell.

use chrono::NaiveDate;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_proto::event as pb;
use hotline_proto::event::body::Event;
use hotline_proto::shared;
use prost_types::Timestamp as WireTime;
use uuid::Uuid;

/// An event with its envelope.
pub type Logged = (pb::Envelope, pb::Body);

/// An instant of March 2026 in the city.
pub fn march(day: u32, hour: u32) -> Timestamp {
    Zone::SHANGHAI.at(NaiveDate::from_ymd_opt(2026, 3, day).unwrap(), hour, 0)
}

/// An id with this number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Id of the ticket that opens for appeal `n`.
pub fn ticket_id(n: u128) -> Uuid {
    id(3_000 + n)
}

/// An instant on the wire.
pub fn wire(at: Timestamp) -> WireTime {
    WireTime {
        seconds: at.timestamp(),
        nanos: 0,
    }
}

/// Logs being written, oldest event first.
#[derive(Default)]
pub struct Story {
    pub events: Vec<Logged>,
}

/// An appeal of the story.
#[derive(Clone)]
pub struct Said {
    pub n: u128,
    pub channel: &'static str,
    pub kind: shared::Kind,
    pub at: Timestamp,
    pub nature: shared::Nature,
}

/// A ticket as the story's routing leaves it.
pub type Ticket = pb::Ticket;

impl Story {
    fn log(
        &mut self,
        producer: &str,
        stream: Uuid,
        aggregate: Uuid,
        version: i64,
        at: Timestamp,
        event: Event,
    ) {
        let envelope = pb::Envelope {
            event_id: id(900_000 + self.events.len() as u128).to_string(),
            producer: producer.to_owned(),
            stream_id: stream.to_string(),
            aggregate_id: aggregate.to_string(),
            version,
            occurred_at: Some(wire(at)),
            actor: "operator:li".to_owned(),
            ..pb::Envelope::default()
        };
        self.events
            .push((envelope, pb::Body { event: Some(event) }));
    }

    /// A registry's table is loaded: code, name, parent, group.
    pub fn registry(
        &mut self,
        producer: &str,
        n: u128,
        table: &str,
        rows: &[(&str, &str, &str, &str)],
    ) {
        let row = |row: &(&str, &str, &str, &str)| shared::RegistryRow {
            code: row.0.to_owned(),
            name: row.1.to_owned(),
            parent_code: row.2.to_owned(),
            columns: [("group".to_owned(), row.3.to_owned())].into(),
        };
        let loaded = pb::RegistryLoaded {
            table: table.to_owned(),
            rows: rows.iter().map(row).collect(),
        };
        self.log(
            producer,
            id(n),
            id(n),
            1,
            march(1, 0),
            Event::RegistryLoaded(loaded),
        );
    }

    /// An appeal changes.
    pub fn appeal(&mut self, said: &Said, version: i64, state: shared::AppealState, at: Timestamp) {
        let appeal = pb::Appeal {
            id: id(1_000 + said.n).to_string(),
            number: format!("2603{:02}-AAAA{}-K", said.n, said.n),
            state: state.into(),
            nature: said.nature.into(),
            channel_code: said.channel.to_owned(),
            line_number: if said.channel == "tel12345" {
                "12319".to_owned()
            } else {
                String::new()
            },
            citizen: format!("c{}f00d", said.n % 3),
            text: format!("第{}件：小区路灯不亮，请尽快修理", said.n),
            received_at: Some(wire(said.at)),
            kind: said.kind.into(),
            legal_route: if state == shared::AppealState::Guided {
                "向法院起诉".to_owned()
            } else {
                String::new()
            },
            ..pb::Appeal::default()
        };
        let changed = pb::AppealChanged {
            appeal: Some(appeal),
            change: 0,
        };
        self.log(
            "intake",
            id(1_000 + said.n),
            id(1_000 + said.n),
            version,
            at,
            Event::AppealChanged(changed),
        );
    }

    /// A matter of an appeal now stands on a ticket.
    pub fn attached(
        &mut self,
        said: &Said,
        version: i64,
        on: u128,
        how: pb::MatterMove,
        at: Timestamp,
    ) {
        self.attached_saying(said, version, (on, how, at), "小区路灯不亮，请尽快修理");
    }

    /// The same of a matter with this text.
    pub fn attached_saying(
        &mut self,
        said: &Said,
        version: i64,
        (on, how, at): (u128, pb::MatterMove, Timestamp),
        text: &str,
    ) {
        let moved = pb::MatterAttached {
            matter: Some(pb::Matter {
                text: text.to_owned(),
                ..matter(said, on)
            }),
            r#move: how.into(),
            from_ticket_id: String::new(),
        };
        self.log(
            "intake",
            ticket_id(on),
            id(2_000 + said.n),
            version,
            at,
            Event::MatterAttached(moved),
        );
    }

    /// A matter of an appeal leaves a ticket for another.
    pub fn detached(&mut self, said: &Said, version: i64, from: u128, to: u128, at: Timestamp) {
        let text = self.last_text(said);
        let moved = pb::MatterDetached {
            matter: Some(pb::Matter {
                text,
                ..matter(said, to)
            }),
            r#move: pb::MatterMove::Merged.into(),
            ticket_id: ticket_id(from).to_string(),
            to_ticket_id: ticket_id(to).to_string(),
        };
        self.log(
            "intake",
            ticket_id(from),
            id(2_000 + said.n),
            version,
            at,
            Event::MatterDetached(moved),
        );
    }

    /// A ticket changes; `change` edits what stood before.
    pub fn ticket(
        &mut self,
        n: u128,
        at: Timestamp,
        what: pb::TicketChange,
        change: impl FnOnce(&mut Ticket),
    ) {
        let mut ticket = self.last_ticket(n).unwrap_or_default();
        let version = self.tickets(n) + 1;
        let previous = ticket.lead_unit_code.clone();
        ticket.id = ticket_id(n).to_string();
        change(&mut ticket);
        let changed = pb::TicketChanged {
            ticket: Some(ticket),
            change: what.into(),
            previous_lead_unit_code: previous,
            note: "不属本单位管理范围".to_owned(),
            ..pb::TicketChanged::default()
        };
        self.log(
            "routing",
            ticket_id(n),
            ticket_id(n),
            version,
            at,
            Event::TicketChanged(changed),
        );
    }

    /// A follow-up on a ticket changes.
    pub fn follow_up(
        &mut self,
        n: u128,
        version: i64,
        at: Timestamp,
        change: impl FnOnce(&mut pb::FollowUp),
    ) {
        let mut follow_up = pb::FollowUp {
            id: id(4_000 + n).to_string(),
            ticket_id: ticket_id(n % 100).to_string(),
            state: pb::FollowUpState::Open.into(),
            lead_unit_code: "HOUSING".to_owned(),
            ..pb::FollowUp::default()
        };
        change(&mut follow_up);
        let changed = pb::FollowUpChanged {
            follow_up: Some(follow_up),
            verdict: 0,
        };
        self.log(
            "feedback",
            ticket_id(n % 100),
            id(4_000 + n),
            version,
            at,
            Event::FollowUpChanged(changed),
        );
    }

    /// A reply on a ticket is owed, then written.
    pub fn reply(&mut self, n: u128, at: Timestamp) {
        for (version, state) in [(1, pb::ReplyState::Queued), (2, pb::ReplyState::Written)] {
            let reply = pb::Reply {
                id: id(5_000 + n).to_string(),
                channel_code: "tel12345".to_owned(),
                state: state.into(),
                replied_at: Some(wire(at)),
                ..pb::Reply::default()
            };
            let changed = pb::ReplyChanged { reply: Some(reply) };
            self.log(
                "feedback",
                ticket_id(n),
                id(5_000 + n),
                version,
                at,
                Event::ReplyChanged(changed),
            );
        }
    }

    /// What a matter said when it last came onto a ticket.
    fn last_text(&self, said: &Said) -> String {
        let text = |logged: &Logged| match &logged.1.event {
            Some(Event::MatterAttached(moved)) => moved.matter.clone(),
            _ => None,
        };
        let mut matters = self.events.iter().rev().filter_map(text);
        let last = matters.find(|matter| matter.id == id(2_000 + said.n).to_string());
        last.unwrap_or_default().text
    }

    fn tickets(&self, n: u128) -> i64 {
        let of = |logged: &&Logged| {
            logged.0.producer == "routing" && logged.0.aggregate_id == ticket_id(n).to_string()
        };
        i64::try_from(self.events.iter().filter(of).count()).unwrap()
    }

    fn last_ticket(&self, n: u128) -> Option<Ticket> {
        let ticket = |logged: &Logged| match &logged.1.event {
            Some(Event::TicketChanged(changed)) => changed.ticket.clone(),
            _ => None,
        };
        self.events
            .iter()
            .rev()
            .filter_map(ticket)
            .find(|ticket| ticket.id == ticket_id(n).to_string())
    }
}

fn matter(said: &Said, on: u128) -> pb::Matter {
    pb::Matter {
        id: id(2_000 + said.n).to_string(),
        appeal_id: id(1_000 + said.n).to_string(),
        ordinal: 1,
        ticket_id: ticket_id(on).to_string(),
        reserved_ticket_id: ticket_id(said.n).to_string(),
        number: format!("2603{:02}-TTTT{}-K", said.n, said.n),
        appeal_number: format!("2603{:02}-AAAA{}-K", said.n, said.n),
        nature: said.nature.into(),
        received_at: Some(wire(said.at)),
        citizen: format!("c{}f00d", said.n % 3),
        ..pb::Matter::default()
    }
}

/// The events in another order: each stream of each producer keeps its own, as the feed promises.
pub fn shuffled(events: &[Logged], seed: u64) -> Vec<Logged> {
    let mut queues: std::collections::BTreeMap<
        (String, String),
        std::collections::VecDeque<Logged>,
    > = std::collections::BTreeMap::new();
    for logged in events {
        let key = (logged.0.producer.clone(), logged.0.stream_id.clone());
        queues.entry(key).or_default().push_back(logged.clone());
    }
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut order = Vec::new();
    while !queues.is_empty() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(state >> 33).unwrap() % queues.len();
        let key = queues.keys().nth(index).unwrap().clone();
        let queue = queues.get_mut(&key).unwrap();
        order.extend(queue.pop_front());
        if queue.is_empty() {
            queues.remove(&key);
        }
    }
    order
}
