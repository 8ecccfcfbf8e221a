//! Looks at contacts and questions of citizens, between the wire and the domain.

use hotline_platform::access::Role;
use hotline_platform::grpc::{Call, Principal};
use hotline_proto::intake as pb;
use tonic::Request;
use uuid::Uuid;

use super::words::{WireEnum, parse_id, timestamp, wire_word, word};
use crate::app::progress::{Look, Question};
use crate::app::reveals::{Named, Wish};
use crate::domain::Invalid;
use crate::domain::origin::Origin;
use crate::domain::reveal::{ContactField, PendingApproval, Reveal};

/// A wish to look, and the approval that comes with it.
pub fn wish(request: pb::RevealContactRequest) -> Result<(Wish, Option<Uuid>), Invalid> {
    use pb::reveal_contact_request::Of;
    let appeal = match request.of {
        Some(Of::AppealId(id)) => by_id(&id)?,
        Some(Of::Number(number)) => Named::Number(number),
        None => return Err(unnamed()),
    };
    let approval = match request.approval_id.as_str() {
        "" => None,
        id => Some(approval_id(id)?),
    };
    let wish = Wish {
        appeal,
        fields: fields(&request.fields)?,
        purpose: word::<_, pb::RevealPurpose>("purpose", request.purpose)?,
        reason: request.reason,
    };
    Ok((wish, approval))
}

/// A wish that another person shall approve.
pub fn wish_for_approval(request: pb::RequestRevealRequest) -> Result<Wish, Invalid> {
    use pb::request_reveal_request::Of;
    let appeal = match request.of {
        Some(Of::AppealId(id)) => by_id(&id)?,
        Some(Of::Number(number)) => Named::Number(number),
        None => return Err(unnamed()),
    };
    Ok(Wish {
        appeal,
        fields: fields(&request.fields)?,
        purpose: word::<_, pb::RevealPurpose>("purpose", request.purpose)?,
        reason: request.reason,
    })
}

/// The id of an approval.
pub fn approval_id(text: &str) -> Result<Uuid, Invalid> {
    text.parse()
        .map_err(|_| Invalid::new("approval_id", "the id that RequestReveal answered"))
}

fn by_id(text: &str) -> Result<Named, Invalid> {
    Ok(Named::Id(parse_id("appeal_id", text)?))
}

fn unnamed() -> Invalid {
    Invalid::new("of", "an appeal_id or a number")
}

fn fields(numbers: &[i32]) -> Result<Vec<ContactField>, Invalid> {
    numbers
        .iter()
        .map(|number| word::<_, pb::ContactField>("fields", *number))
        .collect()
}

/// Somebody looked.
pub fn reveal(found: Reveal) -> pb::Reveal {
    let field = |field: &ContactField| wire_word::<_, pb::ContactField>(*field);
    pb::Reveal {
        id: found.id.to_string(),
        at: Some(timestamp(found.at)),
        actor: found.actor,
        unit_code: found.unit_code,
        appeal_id: found.appeal.to_string(),
        fields: found.fields.iter().map(field).collect(),
        purpose: wire_word::<_, pb::RevealPurpose>(found.purpose),
        reason: found.reason,
        approved_by: found.approved_by,
    }
}

/// A wish that waits for another person.
pub fn pending(found: PendingApproval) -> pb::RevealRequest {
    let field = |field: &ContactField| wire_word::<_, pb::ContactField>(*field);
    let approval = found.approval;
    pb::RevealRequest {
        approval_id: found.id.to_string(),
        appeal_id: approval.appeal.to_string(),
        number: found.number,
        masked_subject: found.subject,
        fields: approval.fields.iter().map(field).collect(),
        purpose: wire_word::<_, pb::RevealPurpose>(approval.purpose),
        reason: found.reason,
        approve_until: Some(timestamp(approval.approve_until())),
        asked_by: approval.asked_by,
        asked_at: Some(timestamp(approval.asked_at)),
    }
}

/// Somebody looked, as his citizen is told.
pub fn look(look: Look) -> pb::Look {
    pb::Look {
        unit_code: look.unit_code,
        at: Some(timestamp(look.at)),
        purpose: wire_word::<_, pb::RevealPurpose>(look.purpose),
    }
}

/// How far is it? Where a question comes from is said by channels' programs, which see the citizen; of others it is
/// the address that calls, or who calls if that is this process. What is told must be an address, whoever tells it.
pub fn question(request: &Request<pb::QueryProgressRequest>) -> Result<Question, Invalid> {
    let asked = request.get_ref();
    let principal = request.extensions().get::<Principal>();
    let is_program = principal.is_some_and(|caller| {
        let roles = &caller.roles;
        roles.contains(&Role::Channel) || roles.contains(&Role::Citizen)
    });
    let told = match asked.client_address.trim() {
        "" => None,
        text => Some(
            Origin::parse(text).ok_or_else(|| Invalid::new("client_address", Origin::EXPECTED))?,
        ),
    };
    let told = told.filter(|_| is_program);
    let origin = told.unwrap_or_else(|| {
        let call = request.extensions().get::<Call>();
        let network = call.and_then(|call| Origin::parse(&call.from_addr));
        let name = principal.map_or_else(String::new, |caller| caller.id.clone());
        network.unwrap_or(Origin::Caller(name))
    });
    Ok(Question {
        number: asked.number.clone(),
        code: asked.query_code.clone(),
        origin,
        key_channel: principal.map_or_else(String::new, |caller| caller.channel_code.clone()),
    })
}

impl WireEnum for pb::ContactField {
    const PREFIX: &'static str = "CONTACT_FIELD_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for pb::RevealPurpose {
    const PREFIX: &'static str = "REVEAL_PURPOSE_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a question by `principal` from `network` comes from, if it says `told`.
    fn address(principal: Principal, network: &str, told: &str) -> Result<String, Invalid> {
        let mut request = Request::new(pb::QueryProgressRequest {
            client_address: told.to_owned(),
            ..pb::QueryProgressRequest::default()
        });
        request.extensions_mut().insert(principal);
        request.extensions_mut().insert(Call {
            path: "/hotline.intake.v1.IntakeService/QueryProgress",
            from_addr: network.to_owned(),
            trace_parent: String::new(),
        });
        question(&request).map(|question| question.origin.address())
    }

    #[test]
    fn wrong_tries_are_counted_by_the_citizens_address_or_the_callers() {
        let program = || Principal::new("channel:web", Role::Channel);
        let operator = || Principal::new("operator:li", Role::Operator);
        for (principal, network, told, expected) in [
            (program(), "192.0.2.7", "198.51.100.9", "198.51.100.9"),
            (program(), "192.0.2.7", "", "192.0.2.7"),
            (program(), "in-process", "", "channel:web"),
            // An operator speaks for himself, whatever he says.
            (operator(), "192.0.2.7", "198.51.100.9", "192.0.2.7"),
            (operator(), "::ffff:192.0.2.7", "", "192.0.2.7"),
        ] {
            assert_eq!(
                address(principal, network, told).unwrap(),
                expected,
                "{network} {told}"
            );
        }
        for told in ["somebody", "192.0.2.7:443", "192.0.2.7, 10.0.0.1"] {
            for principal in [program(), operator()] {
                let refused = address(principal, "192.0.2.7", told).unwrap_err();
                assert_eq!(refused.field, "client_address", "{told}");
                assert!(!refused.expected.contains(told), "{told}");
            }
        }
    }
}
