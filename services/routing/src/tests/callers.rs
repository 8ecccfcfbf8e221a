//! Who acts: somebody of the centre, or of a unit.

use hotline_platform::access::{Role, Scope};
use hotline_platform::core::CommandContext;
use hotline_platform::grpc::Principal;
use hotline_platform::testing;
use hotline_platform::work::Cause;

/// Someone who acts: the centre, or a unit's clerk.
pub(super) fn cause(actor: &str, unit_code: &str) -> Cause {
    Cause {
        actor: actor.to_owned(),
        session: String::new(),
        unit_code: unit_code.to_owned(),
        from_addr: "127.0.0.1".to_owned(),
        method: "/hotline.routing.v1.RoutingService/Test".to_owned(),
        trace_parent: String::new(),
    }
}

/// Somebody of a unit, or of the centre if there is none.
pub(super) fn principal(unit_code: &str) -> Principal {
    if unit_code.is_empty() {
        return Principal::new("dispatcher:zhao", Role::Dispatcher);
    }
    Principal::new(&format!("unit:{unit_code}:wang"), Role::UnitClerk).of_unit(unit_code)
}

/// The tickets of a unit, or everybody's if there is none.
pub(super) fn scope_of(unit_code: &str) -> Scope {
    testing::scope(&principal(unit_code), "GetTicket")
}

/// A command's context without key and version.
pub(super) fn context(unit_code: &str) -> CommandContext {
    let actor = principal(unit_code).id;
    CommandContext {
        cause: cause(&actor, unit_code),
        scope: scope_of(unit_code),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    }
}
