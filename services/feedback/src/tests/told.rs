//! Events of intake and routing, as tests write them: small numbers name matters and tickets.

use std::collections::HashMap;

use hotline_proto::event as pb;
use hotline_proto::event::body::Event;
use hotline_proto::shared::{Nature, RegistryRow, TicketState};
use prost_types::Timestamp;
use uuid::Uuid;

/// One event, as the consumer hands it over.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) envelope: pb::Envelope,
    pub(super) body: pb::Body,
}

const MATTER: u128 = 0x1000 << 64;
const TICKET: u128 = 0x2000 << 64;
const APPEAL: u128 = 0x3000 << 64;

pub(super) fn matter(number: u64) -> Uuid {
    Uuid::from_u128(MATTER | u128::from(number))
}

pub(super) fn ticket(number: u64) -> Uuid {
    Uuid::from_u128(TICKET | u128::from(number))
}

pub(super) fn appeal(number: u64) -> Uuid {
    Uuid::from_u128(APPEAL | u128::from(number))
}

/// The small number of a matter's, ticket's or appeal's id.
pub(super) fn number(id: Uuid) -> u64 {
    id.as_u64_pair().1
}

/// A matter as intake tells of it.
#[derive(Clone, Debug)]
pub(super) struct MatterTold(pb::Matter);

/// The matter `number` of a known citizen.
pub(super) fn a_matter(number: u64) -> MatterTold {
    MatterTold(pb::Matter {
        id: matter(number).to_string(),
        appeal_id: appeal(number).to_string(),
        ordinal: 1,
        channel_code: "tel".to_owned(),
        contact_ref: format!("contact-{number}"),
        appeal_number: format!("260901-{number:05}-2"),
        nature: Nature::New.into(),
        received_at: Some(at(0)),
        ..pb::Matter::default()
    })
}

impl MatterTold {
    pub(super) fn on_channel(mut self, code: &str) -> Self {
        self.0.channel_code = code.to_owned();
        self
    }

    pub(super) fn without_contact(mut self) -> Self {
        self.0.contact_ref = String::new();
        self
    }

    pub(super) fn historical(mut self, reply: &str) -> Self {
        self.0.nature = Nature::Historical.into();
        self.0.imported_reply = Some(pb::ImportedReply {
            text: reply.to_owned(),
            replied_at: Some(at(5)),
        });
        self
    }

    /// It is on `ticket` now.
    pub(super) fn attached(&self, version: i64, on: u64, how: pb::MatterMove) -> Told {
        let mut matter = self.0.clone();
        matter.ticket_id = ticket(on).to_string();
        let aggregate = matter.id.clone();
        let attached = pb::MatterAttached {
            matter: Some(matter),
            r#move: how.into(),
            ..pb::MatterAttached::default()
        };
        told(
            "intake",
            ticket(on),
            &aggregate,
            version,
            Event::MatterAttached(attached),
        )
    }

    /// It left `from`; `None`: withdrawn.
    pub(super) fn detached(
        &self,
        version: i64,
        from: u64,
        to: Option<u64>,
        how: pb::MatterMove,
    ) -> Told {
        let to = to.map(|to| ticket(to).to_string()).unwrap_or_default();
        let mut matter = self.0.clone();
        matter.ticket_id.clone_from(&to);
        let aggregate = matter.id.clone();
        let detached = pb::MatterDetached {
            matter: Some(matter),
            r#move: how.into(),
            ticket_id: ticket(from).to_string(),
            to_ticket_id: to,
        };
        told(
            "intake",
            ticket(from),
            &aggregate,
            version,
            Event::MatterDetached(detached),
        )
    }

    /// Accepted, onto its own ticket of the same number.
    pub(super) fn opened(&self) -> Told {
        self.attached(
            1,
            number(self.0.id.parse().unwrap()),
            pb::MatterMove::Opened,
        )
    }

    /// Merged from its own ticket into another: two events.
    pub(super) fn merged_into(&self, target: u64) -> [Told; 2] {
        let own = number(self.0.id.parse().unwrap());
        [
            self.detached(2, own, Some(target), pb::MatterMove::Merged),
            self.attached(3, target, pb::MatterMove::Merged),
        ]
    }

    /// Back from there to its own ticket: two events.
    pub(super) fn unmerged_from(&self, target: u64) -> [Told; 2] {
        let own = number(self.0.id.parse().unwrap());
        [
            self.detached(4, target, Some(own), pb::MatterMove::Unmerged),
            self.attached(5, own, pb::MatterMove::Unmerged),
        ]
    }
}

/// A ticket as routing tells of it.
pub(super) fn ticket_changed(
    on: u64,
    version: i64,
    state: TicketState,
    change: pb::TicketChange,
) -> Told {
    let snapshot = pb::Ticket {
        state: state.into(),
        ..snapshot(on, 1, &[on])
    };
    let changed = pb::TicketChanged {
        ticket: Some(snapshot),
        change: change.into(),
        previous_lead_unit_code: "CGJ".to_owned(),
        ..pb::TicketChanged::default()
    };
    told(
        "routing",
        ticket(on),
        &ticket(on).to_string(),
        version,
        Event::TicketChanged(changed),
    )
}

/// A ticket was concluded with these matters on it.
pub(super) fn concluded(on: u64, version: i64, round: u32, matters: &[u64]) -> Told {
    let changed = pb::TicketChanged {
        ticket: Some(snapshot(on, round, matters)),
        change: pb::TicketChange::Concluded.into(),
        previous_lead_unit_code: "CGJ".to_owned(),
        ..pb::TicketChanged::default()
    };
    told(
        "routing",
        ticket(on),
        &ticket(on).to_string(),
        version,
        Event::TicketChanged(changed),
    )
}

/// An imported ticket that was closed before we knew it.
pub(super) fn historical_ticket(on: u64) -> Told {
    let snapshot = pb::Ticket {
        nature: Nature::Historical.into(),
        state: TicketState::Archived.into(),
        ..snapshot(on, 1, &[on])
    };
    let changed = pb::TicketChanged {
        ticket: Some(snapshot),
        change: pb::TicketChange::Opened.into(),
        ..pb::TicketChanged::default()
    };
    told(
        "routing",
        ticket(on),
        &ticket(on).to_string(),
        1,
        Event::TicketChanged(changed),
    )
}

/// An appeal was answered or guided at the desk.
pub(super) fn appeal_changed(number: u64, change: pb::AppealChange, answer: &str) -> Told {
    let changed = pb::AppealChanged {
        appeal: Some(pb::Appeal {
            id: appeal(number).to_string(),
            number: format!("260901-{number:05}-2"),
            channel_code: "tel".to_owned(),
            contact_ref: format!("contact-{number}"),
            nature: Nature::New.into(),
            answer: answer.to_owned(),
            competent_body: "某区人民法院".to_owned(),
            legal_route: "依法提起诉讼".to_owned(),
            ..pb::Appeal::default()
        }),
        change: change.into(),
    };
    told(
        "intake",
        appeal(number),
        &appeal(number).to_string(),
        2,
        Event::AppealChanged(changed),
    )
}

/// Intake loaded its channels: code, and whether answers are shown in public.
pub(super) fn channels_loaded(version: i64, channels: &[(&str, &str)]) -> Told {
    let row = |(code, is_public): &(&str, &str)| RegistryRow {
        code: (*code).to_owned(),
        columns: HashMap::from([("public_answer".to_owned(), (*is_public).to_owned())]),
        ..RegistryRow::default()
    };
    let loaded = pb::RegistryLoaded {
        table: "channels".to_owned(),
        rows: channels.iter().map(row).collect(),
    };
    let table = Uuid::from_u128(0x4000);
    told(
        "intake",
        table,
        &table.to_string(),
        version,
        Event::RegistryLoaded(loaded),
    )
}

fn snapshot(on: u64, round: u32, matters: &[u64]) -> pb::Ticket {
    pb::Ticket {
        id: ticket(on).to_string(),
        state: TicketState::Concluded.into(),
        nature: Nature::New.into(),
        lead_unit_code: "CGJ".to_owned(),
        round,
        concluded_at: Some(at(60)),
        matter_ids: matters
            .iter()
            .map(|number| matter(*number).to_string())
            .collect(),
        reply: format!("第{round}轮:已办理,请致电19900000001联系王小明"),
        ..pb::Ticket::default()
    }
}

fn told(producer: &str, stream: Uuid, aggregate: &str, version: i64, event: Event) -> Told {
    let envelope = pb::Envelope {
        producer: producer.to_owned(),
        stream_id: stream.to_string(),
        aggregate_id: aggregate.to_owned(),
        version,
        r#type: "told".to_owned(),
        occurred_at: Some(at(60)),
        ..pb::Envelope::default()
    };
    Told {
        envelope,
        body: pb::Body { event: Some(event) },
    }
}

/// Minutes after the tests' start.
fn at(minutes: i64) -> Timestamp {
    Timestamp {
        seconds: super::start().timestamp() + minutes * 60,
        nanos: 0,
    }
}
