//! Erasures on the wire.

use hotline_proto::intake as pb;
use hotline_proto::intake::request_erasure_request::By;

use uuid::Uuid;

use super::words::timestamp;
use crate::app::erasure::Target;
use crate::domain::Invalid;
use crate::domain::erasure::Erasure;

/// Who is to be forgotten.
pub fn target(by: Option<By>) -> Result<Target, Invalid> {
    match by {
        Some(By::Citizen(citizen)) if !citizen.trim().is_empty() => Ok(Target::Citizen(citizen)),
        Some(By::Number(number)) if !number.trim().is_empty() => Ok(Target::Number(number)),
        _ => Err(Invalid::new("by", "a citizen's pseudonym or a number")),
    }
}

/// Which request is approved.
pub fn approval(id: &str) -> Result<Uuid, Invalid> {
    let expected = "the id of a request, as `ListErasures` tells it";
    Uuid::try_parse(id).map_err(|_| Invalid::new("approval_id", expected))
}

/// A request as it is told: of whose it is no more than who decides about it needs.
pub fn erasure(erasure: Erasure) -> pb::Erasure {
    let version = erasure.version();
    let (approved_by, approved_at) = erasure.approved.unzip();
    pb::Erasure {
        id: erasure.id.to_string(),
        reason: erasure.reason,
        requested_by: erasure.requested_by,
        requested_at: Some(timestamp(erasure.requested_at)),
        approved_by: approved_by.unwrap_or_default(),
        approved_at: approved_at.map(timestamp),
        version,
        appeal_id: erasure
            .subject
            .appeal
            .map(|id| id.to_string())
            .unwrap_or_default(),
        number: erasure.subject.number,
        masked_name: erasure.subject.name,
        appeals: u32::try_from(erasure.subject.appeals).unwrap_or(u32::MAX),
    }
}
