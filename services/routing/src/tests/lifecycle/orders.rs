//! What people order, as the service is told it.

use super::Act;
use crate::app::order::Order;
use crate::domain::word::ReturnReason;
use crate::tests::city::{dispatch, give_back, handle};

/// The order for `act`; a unit that is named is `other`.
pub(super) fn order(act: Act, other: &str) -> Order {
    let why = || "有理由".to_owned();
    match act {
        Act::Dispatch => dispatch(other),
        Act::Sign => Order::Sign,
        Act::Return(true) => give_back(ReturnReason::NotDuty, other),
        Act::Return(false) => give_back(ReturnReason::MissingInfo, other),
        Act::Grant(_) => Order::DecideReturn {
            grant: true,
            lead: String::new(),
            note: String::new(),
        },
        Act::Refuse => Order::DecideReturn {
            grant: false,
            lead: String::new(),
            note: String::new(),
        },
        Act::Decide => Order::DecideConsultation {
            lead: other.to_owned(),
            assisting: Vec::new(),
            decision: why(),
        },
        Act::Handle => handle(),
        Act::SendBack => Order::SendBack { reason: why() },
        Act::Conclude => Order::Conclude,
        Act::Rework(_) => Order::Rework { reason: why() },
        Act::Archive => Order::Archive,
        Act::Supervise => Order::Supervise { order: why() },
        _ => unreachable!("nobody orders {act:?}"),
    }
}
