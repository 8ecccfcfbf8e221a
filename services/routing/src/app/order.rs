//! The orders that people give on tickets.

use crate::domain::word::{ReturnReason, Urgency};

/// An order of a person.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// 派单.
    Dispatch(DispatchOrder),
    /// 签收.
    Sign,
    /// 退单.
    Return(ReturnOrder),
    /// The centre's decision on a return.
    DecideReturn {
        /// Agree.
        grant: bool,
        /// The next lead; empty for the proposed one.
        lead: String,
        /// Why.
        note: String,
    },
    /// 会商.
    DecideConsultation {
        /// Who leads from now on.
        lead: String,
        /// Who assists.
        assisting: Vec<String>,
        /// What was decided.
        decision: String,
    },
    /// Hand in report and reply.
    Handle {
        /// For the centre.
        handling_report: String,
        /// For the citizens.
        reply: String,
    },
    /// Send them back.
    SendBack {
        /// Why.
        reason: String,
    },
    /// 办结.
    Conclude,
    /// 重办.
    Rework {
        /// Why.
        reason: String,
    },
    /// 归档.
    Archive,
    /// 督办.
    Supervise {
        /// What is ordered.
        order: String,
    },
}

/// A dispatch, with corrections of what was known; empty and `None` leave what is there.
#[derive(Clone, Debug)]
pub(crate) struct DispatchOrder {
    /// Who leads.
    pub lead: String,
    /// Who assists.
    pub assisting: Vec<String>,
    /// The right category.
    pub category_code: String,
    /// The right area.
    pub area_code: String,
    /// The right urgency.
    pub urgency: Option<Urgency>,
    /// Why.
    pub note: String,
}

/// A wish to give a ticket back.
#[derive(Clone, Debug)]
pub(crate) struct ReturnOrder {
    /// Why.
    pub reason: ReturnReason,
    /// The duty rule that shows whose it is.
    pub clause: String,
    /// Whose it is.
    pub proposed_unit_code: String,
    /// More.
    pub note: String,
}
