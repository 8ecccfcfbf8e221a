//! What is asked, parsed.

use hotline_proto::intake::{self as pb};
use hotline_proto::shared;

use super::words::{optional_instant, optional_word, word};
use crate::app::triage::Decision;
use crate::domain::Invalid;
use crate::domain::appeal::Filter;
use crate::domain::registration::{Confidentiality, Contact, Identity, NewMatter, Registration};
use crate::domain::terms::Nature;

/// An appeal handed in by gRPC.
pub fn registration(request: pb::RegisterAppealRequest) -> Result<Registration, Invalid> {
    let whole = NewMatter {
        subject: String::new(),
        text: String::new(),
        kind: optional_word::<_, shared::Kind>("kind", request.kind)?,
        urgency: optional_word::<_, shared::Urgency>("urgency", request.urgency)?,
        category_code: request.category_code,
        area_code: request.area_code,
    };
    let mut matters = new_matters(request.matters)?;
    if matters.is_empty() {
        matters.push(whole);
    }
    let identity = if request.source_id.trim().is_empty() {
        Identity::ClientKey(request.idempotency_key)
    } else {
        Identity::SourceId(request.source_id)
    };
    Ok(Registration {
        channel_code: request.channel_code,
        line_number: request.line_number,
        source: String::new(),
        identity,
        nature: Nature::New,
        said_at: optional_instant("said_at", request.said_at)?,
        contact: request.contact.as_ref().map(contact).unwrap_or_default(),
        confidentiality: request
            .confidentiality
            .map(confidentiality)
            .unwrap_or_default(),
        subject: request.subject,
        text: request.text,
        matters,
        imported: None,
    })
}

/// The matters of a request.
pub fn new_matters(told: Vec<pb::NewMatter>) -> Result<Vec<NewMatter>, Invalid> {
    told.into_iter().map(new_matter).collect()
}

/// One matter of a request.
pub fn new_matter(told: pb::NewMatter) -> Result<NewMatter, Invalid> {
    Ok(NewMatter {
        subject: told.subject,
        text: told.text,
        kind: optional_word::<_, shared::Kind>("matters.kind", told.kind)?,
        urgency: optional_word::<_, shared::Urgency>("matters.urgency", told.urgency)?,
        category_code: told.category_code,
        area_code: told.area_code,
    })
}

/// What an operator decided when he guided.
pub fn guidance(request: pb::GuideAppealRequest) -> Result<Decision, Invalid> {
    Ok(Decision::Guide {
        reason: word::<_, shared::GuideReason>("reason", request.reason)?,
        legal_route: request.legal_route,
        competent_body: request.competent_body,
        answer: request.answer,
    })
}

/// Which appeals a list holds.
pub fn filter(request: &pb::ListAppealsRequest) -> Result<Filter, Invalid> {
    for (field, value) in [
        ("channel_code", &request.channel_code),
        ("citizen", &request.citizen),
    ] {
        crate::domain::registration::text(
            field,
            value,
            crate::domain::registration::KEY_MAX_CHARS,
        )?;
    }
    Ok(Filter {
        state: optional_word::<_, shared::AppealState>("state", request.state)?,
        channel_code: request.channel_code.clone(),
        citizen: request.citizen.clone(),
    })
}

fn contact(contact: &pb::Contact) -> Contact {
    Contact {
        name: contact.name.trim().to_owned(),
        phone: contact.phone.trim().to_owned(),
        email: contact.email.trim().to_owned(),
        account: contact.account.trim().to_owned(),
    }
}

fn confidentiality(flags: shared::Confidentiality) -> Confidentiality {
    Confidentiality {
        is_anonymous: flags.anonymous,
        is_confidential: flags.confidential,
        is_tip_off: flags.tip_off,
        complained_unit_codes: flags.complained_unit_codes,
    }
}
