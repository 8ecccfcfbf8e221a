//! A matter: one thing asked in an appeal, on exactly one ticket at a time.

use hotline_kernel::id::{AppealId, MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::terms::{Kind, TicketState, Urgency};

/// A matter as intake shows it: texts are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// Its id.
    pub id: MatterId,
    /// The appeal it was asked in.
    pub appeal_id: AppealId,
    /// From 1 within its appeal.
    pub ordinal: u32,
    /// Counts its events from 1; 0 before the first.
    pub version: i64,
    /// The ticket it opens when it is on its own; never changes.
    pub reserved_ticket: TicketId,
    /// The number of that ticket.
    pub number: String,
    /// Where it stands.
    pub place: Place,
    /// What is wanted.
    pub kind: Kind,
    /// How fast.
    pub urgency: Urgency,
    /// Proposed category, empty if routing shall propose.
    pub category_code: String,
    /// Proposed area, empty if routing shall propose.
    pub area_code: String,
    /// Masked headline.
    pub subject: String,
    /// Masked text.
    pub text: String,
    /// The deadline kept from the source of an in-hand import.
    pub imported_due_at: Option<Timestamp>,
    /// A reply given before the import, masked.
    pub imported_reply: Option<MaskedReply>,
    /// Equal for equal texts of one known citizen; `None` if nothing can be compared.
    pub text_key: Option<String>,
}

/// A reply given before the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedReply {
    /// What the citizen read, masked.
    pub text: String,
    /// When, if the source told.
    pub replied_at: Option<Timestamp>,
}

/// Where a matter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Its appeal is not accepted, or will never be.
    Waiting,
    /// On this ticket.
    On(TicketId),
    /// Its citizen withdrew it.
    Withdrawn,
}

impl Matter {
    /// The ticket it stands on, if any.
    #[must_use]
    pub fn ticket(&self) -> Option<TicketId> {
        match self.place {
            Place::On(ticket) => Some(ticket),
            Place::Waiting | Place::Withdrawn => None,
        }
    }
}

/// A matter after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// As it stands now, its version raised by the events the step writes.
    pub matter: Matter,
    /// What it did.
    pub step: Step,
}

impl Matter {
    /// Takes a step.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the move does not fit where the matter stands.
    pub fn moved(&self, cause: Move) -> Result<Moved, Refused> {
        let step = step(self.place, self.reserved_ticket, cause)?;
        let matter = Self {
            place: step.place,
            version: self.version + step.events(),
            ..self.clone()
        };
        Ok(Moved { matter, step })
    }
}

/// Why a matter goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Accepted: onto its reserved ticket.
    Open,
    /// A new matter out of an accepted appeal: onto its reserved ticket.
    Split,
    /// Accepted: onto the ticket of the same text of the same citizen.
    SameText(TicketId),
    /// By an operator, onto another ticket.
    Merge(TicketId),
    /// By an operator, back onto its own ticket.
    Unmerge,
    /// This ticket refused it: back onto its own.
    Refuse(TicketId),
    /// Its citizen withdrew it.
    Withdraw,
}

/// A step of a matter: what it left and where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Why.
    pub cause: Move,
    /// The ticket it left, `None` if it stood on none.
    pub from: Option<TicketId>,
    /// Where it is now.
    pub place: Place,
}

impl Step {
    /// Whether the left ticket is told. A ticket that refused the matter never had it.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.from.is_some() && !matches!(self.cause, Move::Refuse(_))
    }

    /// Whether a ticket is told that the matter came.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        matches!(self.place, Place::On(_))
    }

    /// How many events the step writes, which is by how much the version rises.
    #[must_use]
    pub fn events(&self) -> i64 {
        i64::from(self.is_detached()) + i64::from(self.is_attached())
    }
}

/// Why a matter cannot move so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its appeal was not accepted.
    #[error("the matter is on no ticket yet; accept its appeal first")]
    Waiting,
    /// It is on a ticket already.
    #[error("the matter is on a ticket already")]
    Placed,
    /// It was withdrawn.
    #[error("the matter was withdrawn")]
    Withdrawn,
    /// Merge onto the ticket it stands on.
    #[error("the matter is on that ticket already")]
    SameTicket,
    /// Merge onto its own ticket.
    #[error("that is the matter's own ticket; unmerge it instead")]
    OwnTicket,
    /// Unmerge of what was never merged.
    #[error("the matter is on its own ticket; there is nothing to unmerge")]
    NotMerged,
    /// A refusal by a ticket it does not stand on.
    #[error("the matter is not on the ticket that refused it")]
    Elsewhere,
}

/// Decides a move.
///
/// # Errors
///
/// [`Refused`] for every pair of place and move that is not an arm here.
pub fn step(place: Place, reserved: TicketId, cause: Move) -> Result<Step, Refused> {
    let to = |from, place| Ok(Step { cause, from, place });
    match (place, cause) {
        (Place::Waiting, Move::Open | Move::Split) => to(None, Place::On(reserved)),
        (Place::Waiting, Move::SameText(ticket)) => to(None, Place::On(ticket)),
        (Place::On(from), Move::Merge(ticket)) if from == ticket => Err(Refused::SameTicket),
        (Place::On(_), Move::Merge(ticket)) if ticket == reserved => Err(Refused::OwnTicket),
        (Place::On(from), Move::Merge(ticket)) => to(Some(from), Place::On(ticket)),
        (Place::On(from), Move::Unmerge) if from == reserved => Err(Refused::NotMerged),
        (Place::On(from), Move::Refuse(ticket)) if from != ticket || from == reserved => {
            Err(Refused::Elsewhere)
        }
        (Place::On(from), Move::Unmerge | Move::Refuse(_)) => to(Some(from), Place::On(reserved)),
        (Place::On(from), Move::Withdraw) => to(Some(from), Place::Withdrawn),
        (Place::On(_), Move::Open | Move::Split | Move::SameText(_)) => Err(Refused::Placed),
        (Place::Waiting, Move::Withdraw) => to(None, Place::Withdrawn),
        (Place::Waiting, Move::Merge(_) | Move::Unmerge | Move::Refuse(_)) => Err(Refused::Waiting),
        (Place::Withdrawn, _) => Err(Refused::Withdrawn),
    }
}

/// A ticket as intake last heard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTicket {
    /// Its id.
    pub id: TicketId,
    /// Its number.
    pub number: String,
    /// Where it stood.
    pub state: TicketState,
    /// The citizen's deadline, if there is one.
    pub due_at: Option<Timestamp>,
    /// The ticket's version that was heard.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ticket(number: u128) -> TicketId {
        Uuid::from_u128(number).into()
    }

    #[test]
    fn every_move_from_every_place_is_decided() {
        let (own, other, third) = (ticket(1), ticket(2), ticket(3));
        let (waiting, home, away, gone) = (
            Place::Waiting,
            Place::On(own),
            Place::On(other),
            Place::Withdrawn,
        );
        let cases = [
            (waiting, Move::Open, Ok((None, home))),
            (waiting, Move::Split, Ok((None, home))),
            (waiting, Move::SameText(other), Ok((None, away))),
            (waiting, Move::Merge(other), Err(Refused::Waiting)),
            (waiting, Move::Unmerge, Err(Refused::Waiting)),
            (waiting, Move::Refuse(other), Err(Refused::Waiting)),
            (waiting, Move::Withdraw, Ok((None, gone))),
            (home, Move::Open, Err(Refused::Placed)),
            (home, Move::SameText(other), Err(Refused::Placed)),
            (home, Move::Merge(other), Ok((Some(own), away))),
            (home, Move::Merge(own), Err(Refused::SameTicket)),
            (home, Move::Unmerge, Err(Refused::NotMerged)),
            (home, Move::Refuse(own), Err(Refused::Elsewhere)),
            (home, Move::Refuse(other), Err(Refused::Elsewhere)),
            (home, Move::Withdraw, Ok((Some(own), gone))),
            (away, Move::Split, Err(Refused::Placed)),
            (away, Move::Merge(own), Err(Refused::OwnTicket)),
            (away, Move::Merge(other), Err(Refused::SameTicket)),
            (
                away,
                Move::Merge(third),
                Ok((Some(other), Place::On(third))),
            ),
            (away, Move::Unmerge, Ok((Some(other), home))),
            (away, Move::Refuse(other), Ok((Some(other), home))),
            (away, Move::Refuse(third), Err(Refused::Elsewhere)),
            (away, Move::Withdraw, Ok((Some(other), gone))),
            (gone, Move::Unmerge, Err(Refused::Withdrawn)),
            (gone, Move::Withdraw, Err(Refused::Withdrawn)),
        ];
        for (place, cause, expected) in cases {
            let found = step(place, own, cause).map(|step| (step.from, step.place));
            assert_eq!(found, expected, "{cause:?} from {place:?}");
        }
    }

    #[test]
    fn a_step_writes_as_many_events_as_tickets_are_told() {
        let (own, other) = (ticket(1), ticket(2));
        let cases = [
            (Place::Waiting, Move::Open, 1),
            (Place::Waiting, Move::Withdraw, 0),
            (Place::On(own), Move::Merge(other), 2),
            (Place::On(other), Move::Unmerge, 2),
            (Place::On(other), Move::Refuse(other), 1),
            (Place::On(own), Move::Withdraw, 1),
        ];
        for (place, cause, events) in cases {
            assert_eq!(
                step(place, own, cause).map(|step| step.events()),
                Ok(events),
                "{cause:?}"
            );
        }
    }
}
