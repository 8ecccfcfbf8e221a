//! What a row without an id is known by: a hash of what the mapping took from it.

use hotline_kernel::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::registration::{Identity, Registration};
use crate::domain::terms::Term;

/// Over what was said and replied, each value with its length before it. Not over what the import
/// itself adds (batch, nature), nor over dates that only some natures read (receipt, deadline), so
/// that another import of the row has the same content whatever its nature.
pub(super) fn of(registration: &Registration) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    let instant =
        |at: Option<Timestamp>| at.map_or(String::new(), |at| at.timestamp_micros().to_string());
    part("import-row-v1");
    if let Identity::SourceId(id) = &registration.identity {
        part(id);
    }
    part(&registration.line_number);
    let contact = &registration.contact;
    for text in [
        &contact.name,
        &contact.phone,
        &contact.email,
        &contact.account,
    ] {
        part(text);
    }
    let flags = &registration.confidentiality;
    part(if flags.is_anonymous { "anonymous" } else { "" });
    part(if flags.is_confidential {
        "confidential"
    } else {
        ""
    });
    part(&registration.subject);
    part(&registration.text);
    part(&instant(registration.said_at));
    for matter in &registration.matters {
        part(matter.kind.map_or("", Term::word));
        part(matter.urgency.map_or("", Term::word));
        part(&matter.category_code);
        part(&matter.area_code);
    }
    if let Some(imported) = &registration.imported {
        // The deadline stood here; empty as for every row without one, rows keep their content.
        part("");
        let reply = imported.reply.as_ref();
        part(reply.map_or("", |reply| &reply.text));
        part(&instant(reply.and_then(|reply| reply.replied_at)));
    }
    hash.finalize().into()
}
