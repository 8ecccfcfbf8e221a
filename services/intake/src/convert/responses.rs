//! What is answered, put into the wire's words.

use std::collections::BTreeMap;

use hotline_proto::intake as pb;
use hotline_proto::shared;

use super::words::{timestamp, wire_word};
use super::{appeal_message, matter_message};
use crate::app::conservation::Conservation;
use crate::app::progress::{MatterProgress, Progress};
use crate::app::register::Receipt;
use crate::app::view::{AppealView, MatterView};
use crate::domain::registration::Contact;
use crate::domain::registry::{Channel, Line};
use crate::domain::terms::{AppealState, Term};

/// What a citizen gets.
pub fn receipt(receipt: Receipt) -> pb::Receipt {
    pb::Receipt {
        appeal_id: receipt.appeal_id.to_string(),
        number: receipt.number,
        query_code: receipt.query_code,
        received_at: Some(timestamp(receipt.received_at)),
    }
}

/// An appeal with its matters.
pub fn appeal_view(view: &AppealView) -> pb::AppealView {
    let matters: Vec<_> = view.matters.iter().map(|matter| &matter.matter).collect();
    pb::AppealView {
        appeal: Some(appeal_message(&view.appeal, &matters)),
        version: view.appeal.version,
        matters: view.matters.iter().map(matter_view).collect(),
    }
}

/// A matter.
pub fn matter_view(view: &MatterView) -> pb::MatterView {
    pb::MatterView {
        matter: Some(matter_message(&view.appeal, &view.matter)),
        version: view.matter.version,
        ticket_state: view
            .ticket_state
            .map_or(0, wire_word::<_, shared::TicketState>),
    }
}

/// What became of an appeal.
pub fn progress(progress: Progress) -> pb::QueryProgressResponse {
    pb::QueryProgressResponse {
        state: wire_word::<_, shared::AppealState>(progress.state),
        matters: progress.matters.into_iter().map(matter_progress).collect(),
        looks: progress
            .looks
            .into_iter()
            .map(super::reveals::look)
            .collect(),
    }
}

fn matter_progress(matter: MatterProgress) -> pb::MatterProgress {
    pb::MatterProgress {
        number: matter.number,
        ticket_number: matter.ticket_number,
        ticket_state: matter
            .ticket_state
            .map_or(0, wire_word::<_, shared::TicketState>),
        due_at: matter.due_at.map(timestamp),
    }
}

/// How a citizen can be answered.
pub fn contact(contact: Contact) -> pb::Contact {
    pb::Contact {
        name: contact.name,
        phone: contact.phone,
        email: contact.email,
        account: contact.account,
    }
}

/// A way appeals come in.
pub fn channel(channel: Channel) -> pb::Channel {
    pb::Channel {
        code: channel.code,
        name: channel.name,
        kind: channel.kind,
        owner_unit_code: channel.owner_unit_code,
        public_answer: channel.is_answered_publicly,
    }
}

/// A legacy line.
pub fn line(line: Line) -> pb::Line {
    pb::Line {
        number: line.number,
        name: line.name,
        unit_name: line.unit_name,
        merge_mode: line.merge_mode.word().to_owned(),
        is_exempt: line.is_exempt,
    }
}

/// Where the appeals of each channel stand.
pub fn conservation(sums: BTreeMap<String, Conservation>) -> pb::GetConservationResponse {
    let channels = sums
        .into_iter()
        .map(|(code, sums)| channel_conservation(code, &sums))
        .collect();
    pb::GetConservationResponse { channels }
}

fn channel_conservation(channel_code: String, sums: &Conservation) -> pb::ChannelConservation {
    let of = |state: AppealState| {
        sums.appeals
            .by_state
            .get(state.word())
            .copied()
            .unwrap_or_default()
    };
    pb::ChannelConservation {
        channel_code,
        registered: sums.appeals.registered,
        awaiting_triage: of(AppealState::Registered),
        accepted: of(AppealState::Accepted),
        merged: sums.appeals.merged,
        answered: of(AppealState::Answered),
        guided: of(AppealState::Guided),
        diverted: of(AppealState::Diverted),
        quarantined: of(AppealState::Quarantined),
        withdrawn: of(AppealState::Withdrawn),
        rows_read: sums.rows_read,
        rows_present: sums.rows.present,
        rows_refused: sums.rows.refused,
        rows_registered: sums.rows.registered,
    }
}
