//! Between the wire and the domain: what is asked is parsed here, what is answered is put into words.

pub mod erasures;
pub mod imports;
mod keyed;
pub mod requests;
pub mod responses;
pub mod reveals;
mod status;
mod words;

pub use self::keyed::Keyed;
pub use self::words::{optional_instant, parse_id, timestamp, wire_word, word};

use hotline_proto::event as pb;
use hotline_proto::shared;

use crate::domain::appeal::Appeal;
use crate::domain::matter::Matter;
use crate::domain::registration::Confidentiality;

/// An appeal as events and screens show it.
pub fn appeal_message(appeal: &Appeal, matters: &[&Matter]) -> pb::Appeal {
    let outcome = &appeal.outcome;
    pb::Appeal {
        id: appeal.id.to_string(),
        number: appeal.number.clone(),
        state: wire_word::<_, shared::AppealState>(appeal.state),
        nature: wire_word::<_, shared::Nature>(appeal.nature),
        channel_code: appeal.channel_code.clone(),
        line_number: appeal.line_number.clone(),
        citizen: appeal.citizen.clone(),
        contact_ref: contact_ref(appeal),
        subject: appeal.subject.clone(),
        text: appeal.text.clone(),
        said_at: Some(timestamp(appeal.said_at)),
        received_at: Some(timestamp(appeal.received_at)),
        confidentiality: Some(confidentiality_message(&appeal.confidentiality)),
        matter_ids: matters.iter().map(|matter| matter.id.to_string()).collect(),
        guide_reason: outcome
            .guide_reason
            .map_or(0, wire_word::<_, shared::GuideReason>),
        legal_route: outcome.legal_route.clone(),
        competent_body: outcome.competent_body.clone(),
        answer: outcome.answer.clone(),
        diverted_to: outcome.diverted_to.clone(),
        reason: outcome.reason.clone(),
        kind: matters
            .first()
            .map_or(0, |matter| wire_word::<_, shared::Kind>(matter.kind)),
        import_batch_id: appeal
            .import_batch
            .map(|batch| batch.to_string())
            .unwrap_or_default(),
    }
}

/// A matter as events and screens show it.
pub fn matter_message(appeal: &Appeal, matter: &Matter) -> pb::Matter {
    let reply = matter
        .imported_reply
        .as_ref()
        .map(|reply| pb::ImportedReply {
            text: reply.text.clone(),
            replied_at: reply.replied_at.map(timestamp),
        });
    pb::Matter {
        id: matter.id.to_string(),
        appeal_id: matter.appeal_id.to_string(),
        ordinal: matter.ordinal,
        ticket_id: matter
            .ticket()
            .map(|ticket| ticket.to_string())
            .unwrap_or_default(),
        reserved_ticket_id: matter.reserved_ticket.to_string(),
        number: matter.number.clone(),
        kind: wire_word::<_, shared::Kind>(matter.kind),
        urgency: wire_word::<_, shared::Urgency>(matter.urgency),
        category_code: matter.category_code.clone(),
        area_code: matter.area_code.clone(),
        subject: matter.subject.clone(),
        text: matter.text.clone(),
        nature: wire_word::<_, shared::Nature>(appeal.nature),
        channel_code: appeal.channel_code.clone(),
        line_number: appeal.line_number.clone(),
        citizen: appeal.citizen.clone(),
        contact_ref: contact_ref(appeal),
        received_at: Some(timestamp(appeal.received_at)),
        confidentiality: Some(confidentiality_message(&appeal.confidentiality)),
        imported_due_at: matter.imported_due_at.map(timestamp),
        imported_reply: reply,
        appeal_number: appeal.number.clone(),
    }
}

fn contact_ref(appeal: &Appeal) -> String {
    appeal
        .contact
        .map(|contact| contact.to_string())
        .unwrap_or_default()
}

fn confidentiality_message(flags: &Confidentiality) -> shared::Confidentiality {
    shared::Confidentiality {
        anonymous: flags.is_anonymous,
        confidential: flags.is_confidential,
        tip_off: flags.is_tip_off,
        complained_unit_codes: flags.complained_unit_codes.clone(),
    }
}
