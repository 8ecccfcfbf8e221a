//! Appeals, matters, tickets and replies as their last event told; what the read models hold.

use chrono::NaiveDate;
use hotline_kernel::time::Timestamp;
use uuid::Uuid;

use super::fact::{self, FactKey, FollowUp};
use super::listing::{Appeal, Discretion, Ticket};
use super::search::Said;
use super::tenure::Subject;

/// An appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealView {
    /// Its id.
    pub id: Uuid,
    /// The version its last event left.
    pub version: i64,
    /// The receipt's number.
    pub number: String,
    /// State word.
    pub state: String,
    /// Nature word.
    pub nature: String,
    /// Its channel.
    pub channel_code: String,
    /// The legacy line that was dialled, empty if none.
    pub line_number: String,
    /// Pseudonym, empty if not known.
    pub citizen: String,
    /// Kind word.
    pub kind: String,
    /// Subject or the beginning of the text, masked.
    pub summary: String,
    /// Why it was guided, diverted, quarantined or withdrawn; masked.
    pub note: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// The city's day of that.
    pub received_day: NaiveDate,
    /// Who must not be named.
    pub discretion: Discretion,
}

impl AppealView {
    /// What lists show of it.
    #[must_use]
    pub fn shown(&self) -> Appeal {
        Appeal {
            number: self.number.clone(),
            state: self.state.clone(),
            kind: self.kind.clone(),
            summary: self.summary.clone(),
            channel_code: self.channel_code.clone(),
            citizen: self.citizen.clone(),
            received_at: self.received_at,
            discretion: self.discretion,
            note: self.note.clone(),
        }
    }

    /// What it contributes to rollups.
    #[must_use]
    pub fn facts(&self) -> Vec<FactKey> {
        fact::of_appeal(
            self.received_day,
            &self.nature,
            &self.state,
            &self.channel_code,
            &self.kind,
        )
    }
}

/// A matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatterView {
    /// Its id.
    pub id: Uuid,
    /// The version its last event left.
    pub version: i64,
    /// The appeal it was said in.
    pub appeal_id: Uuid,
    /// The ticket it is on.
    pub ticket_id: Uuid,
    /// The ticket it opens when on its own.
    pub reserved_ticket_id: Uuid,
    /// 1 for the first of its appeal.
    pub ordinal: i32,
    /// Pseudonym, empty if not known.
    pub citizen: String,
    /// Nature word.
    pub nature: String,
    /// Word of its last move.
    pub last_move: String,
    /// When its appeal was received.
    pub received_at: Timestamp,
    /// The city's day of that.
    pub received_day: NaiveDate,
    /// What searches look through.
    pub said: Said,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketView {
    /// The version its last event left.
    pub version: i64,
    /// Nature word.
    pub nature: String,
    /// The city's day of its receipt.
    pub received_day: NaiveDate,
    /// How many tenures it had so far.
    pub tenures: i32,
    /// What lists show. Its citizens are found through its matters and are empty here.
    pub shown: Ticket,
}

impl TicketView {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            channel_code: self.shown.channel_code.clone(),
            kind: self.shown.kind.clone(),
            category_code: self.shown.category_code.clone(),
        }
    }

    /// What it contributes to rollups.
    #[must_use]
    pub fn facts(&self) -> Vec<FactKey> {
        fact::of_ticket(self.received_day, &self.nature, &self.subject())
    }
}

/// A step of a ticket that documents tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The ticket.
    pub ticket_id: Uuid,
    /// The ticket's version after it.
    pub version: i64,
    /// Word of the change.
    pub change: String,
    /// When.
    pub at: Timestamp,
    /// The city's day of that.
    pub day: NaiveDate,
    /// The unit it concerns, empty if none.
    pub unit_code: String,
    /// What a person wrote, masked.
    pub note: String,
}

/// Word of the step in which a unit asks to return a ticket.
pub const RETURN_ASKED: &str = "return_asked";
/// Word of the step in which a supervision order is given.
pub const SUPERVISED: &str = "supervised";

impl Step {
    /// Whether documents tell of a change with this word.
    #[must_use]
    pub fn is_told(change: &str) -> bool {
        matches!(change, RETURN_ASKED | SUPERVISED)
    }

    /// What it contributes to rollups.
    #[must_use]
    pub fn facts(&self) -> Vec<FactKey> {
        let measure = match self.change.as_str() {
            RETURN_ASKED => fact::measure::RETURNED,
            SUPERVISED => fact::measure::SUPERVISED,
            _ => return Vec::new(),
        };
        vec![FactKey {
            unit_code: self.unit_code.clone(),
            ..FactKey::bare(self.day, measure)
        }]
    }
}

/// A follow-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpView {
    /// Its id.
    pub id: Uuid,
    /// The version its last event left.
    pub version: i64,
    /// The ticket it asks about.
    pub ticket_id: Uuid,
    /// What is counted of it.
    pub counted: FollowUp,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyView {
    /// Its id.
    pub id: Uuid,
    /// The version its last event left.
    pub version: i64,
    /// The city's day it was first heard of.
    pub day: NaiveDate,
    /// The channel it goes to.
    pub channel_code: String,
    /// State word.
    pub state: String,
}

impl ReplyView {
    /// What it contributes to rollups: a historical record is not a reply of ours.
    #[must_use]
    pub fn facts(&self) -> Vec<FactKey> {
        if self.state == super::words::HISTORICAL {
            return Vec::new();
        }
        vec![FactKey {
            channel_code: self.channel_code.clone(),
            ..FactKey::bare(self.day, fact::measure::REPLY)
        }]
    }
}
