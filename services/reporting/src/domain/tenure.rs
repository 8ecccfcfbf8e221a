//! Who held a ticket from when to when: the independent count behind every unit's balance.

use hotline_kernel::time::Timestamp;
use uuid::Uuid;

use super::words::TicketState;

/// How a unit came to hold a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// 受理: the ticket's first dispatch.
    Received,
    /// 转入: from another unit, or again after it had left.
    TransferredIn,
    /// 重办: concluded before, and not solved.
    Reworked,
}

/// How a unit stopped holding a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// 办结.
    Concluded,
    /// 转出: to another unit or back to the centre.
    TransferredOut,
    /// 并单: its last matter moved to another ticket.
    Absorbed,
    /// 撤诉: archived without a conclusion.
    Withdrawn,
}

impl Began {
    /// The word in columns.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::TransferredIn => "transferred_in",
            Self::Reworked => "reworked",
        }
    }

    /// The variant of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Received, Self::TransferredIn, Self::Reworked]
            .into_iter()
            .find(|began| began.word() == word)
    }
}

impl Ended {
    /// The word in columns.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Concluded => "concluded",
            Self::TransferredOut => "transferred_out",
            Self::Absorbed => "absorbed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The variant of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Concluded,
            Self::TransferredOut,
            Self::Absorbed,
            Self::Withdrawn,
        ]
        .into_iter()
        .find(|ended| ended.word() == word)
    }
}

/// What a ticket is about, for counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Channel of the matter that opened it.
    pub channel_code: String,
    /// Kind word.
    pub kind: String,
    /// Category, empty while not known.
    pub category_code: String,
}

/// The deadlines and the sign-for of an assignment.
#[expect(clippy::struct_field_names, reason = "the words of the event")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The unit's deadline.
    pub due_at: Option<Timestamp>,
    /// The sign-for deadline.
    pub sign_due_at: Option<Timestamp>,
    /// When it was signed for.
    pub signed_at: Option<Timestamp>,
}

/// One unit's holding of one ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The ticket.
    pub ticket_id: Uuid,
    /// 1 for the ticket's first tenure.
    pub ordinal: i32,
    /// Who holds it.
    pub unit_code: String,
    /// Since when.
    pub from: Timestamp,
    /// How it began.
    pub began: Began,
    /// Until when and how it ended; `None` while held.
    pub end: Option<(Timestamp, Ended)>,
    /// Its clocks, as they stood last.
    pub clocks: Clocks,
    /// What it is about.
    pub subject: Subject,
}

/// A ticket as it stands after an event.
#[derive(Clone, Debug)]
pub struct Standing {
    /// When the event happened.
    pub at: Timestamp,
    /// The lead unit, empty if none.
    pub lead_unit_code: String,
    /// The state.
    pub state: TicketState,
    /// The clocks.
    pub clocks: Clocks,
    /// What it is about.
    pub subject: Subject,
}

impl Standing {
    /// The unit that has to act, if any.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        (self.state.is_open() && !self.lead_unit_code.is_empty())
            .then_some(self.lead_unit_code.as_str())
    }
}

/// The tenures that an event changes or begins, given the ticket's last one.
///
/// One that begins after a conclusion is a rework, however the ticket came back to a unit.
#[must_use]
pub fn advance(ticket_id: Uuid, last: Option<&Tenure>, now: &Standing) -> Vec<Tenure> {
    let holder = now.holder();
    let open = last.filter(|tenure| tenure.end.is_none());
    if let (Some(tenure), Some(unit)) = (open, holder)
        && tenure.unit_code == unit
    {
        return vec![Tenure {
            clocks: now.clocks,
            ..tenure.clone()
        }];
    }
    let mut changed = Vec::new();
    if let Some(tenure) = open {
        let ended = match now.state {
            TicketState::Concluded => Ended::Concluded,
            TicketState::Archived => Ended::Withdrawn,
            TicketState::Absorbed => Ended::Absorbed,
            _ => Ended::TransferredOut,
        };
        changed.push(Tenure {
            end: Some((now.at, ended)),
            ..tenure.clone()
        });
    }
    if let Some(unit) = holder {
        let began = match last.map(|last| last.end) {
            None => Began::Received,
            Some(Some((_, Ended::Concluded))) => Began::Reworked,
            Some(_) => Began::TransferredIn,
        };
        changed.push(Tenure {
            ticket_id,
            ordinal: last.map(|last| last.ordinal).unwrap_or_default() + 1,
            unit_code: unit.to_owned(),
            from: now.at,
            began,
            end: None,
            clocks: now.clocks,
            subject: now.subject.clone(),
        });
    }
    changed
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::*;

    fn run(steps: &[(&str, TicketState)]) -> Vec<(String, Began, Option<Ended>)> {
        let start = DateTime::from_timestamp(1_780_000_000, 0).expect("in range");
        let mut tenures: Vec<Tenure> = Vec::new();
        for (hour, (lead, state)) in (0..).zip(steps) {
            let now = Standing {
                at: start + Duration::hours(hour),
                lead_unit_code: (*lead).to_owned(),
                state: *state,
                clocks: Clocks::default(),
                subject: Subject::default(),
            };
            let last = tenures.last().cloned();
            for changed in advance(Uuid::nil(), last.as_ref(), &now) {
                tenures.retain(|tenure| tenure.ordinal != changed.ordinal);
                tenures.push(changed);
                tenures.sort_by_key(|tenure| tenure.ordinal);
            }
        }
        tenures
            .into_iter()
            .map(|t| (t.unit_code, t.began, t.end.map(|end| end.1)))
            .collect()
    }

    /// Label, the ticket's leads and states in order, and the tenures that come of them.
    type Row<'a> = (
        &'a str,
        &'a [(&'a str, TicketState)],
        &'a [(&'a str, Began, Option<Ended>)],
    );

    #[test]
    fn a_tenure_begins_and_ends_with_the_one_who_must_act() {
        use TicketState::{
            Absorbed, Archived, AwaitingDispatch, Concluded, Dispatched, ReturnReview, Signed,
        };
        let new = AwaitingDispatch;
        let rows: [Row<'_>; 8] = [
            ("waits", &[("", new)], &[]),
            (
                "concluded",
                &[
                    ("", new),
                    ("A", Dispatched),
                    ("A", Signed),
                    ("A", Concluded),
                ],
                &[("A", Began::Received, Some(Ended::Concluded))],
            ),
            (
                "returned and sent elsewhere: the first receiver holds it during the review",
                &[
                    ("A", Dispatched),
                    ("A", ReturnReview),
                    ("", new),
                    ("B", Dispatched),
                ],
                &[
                    ("A", Began::Received, Some(Ended::TransferredOut)),
                    ("B", Began::TransferredIn, None),
                ],
            ),
            (
                "moved in one event",
                &[("A", Dispatched), ("B", Dispatched)],
                &[
                    ("A", Began::Received, Some(Ended::TransferredOut)),
                    ("B", Began::TransferredIn, None),
                ],
            ),
            (
                "reworked by the same unit",
                &[("A", Dispatched), ("A", Concluded), ("A", Dispatched)],
                &[
                    ("A", Began::Received, Some(Ended::Concluded)),
                    ("A", Began::Reworked, None),
                ],
            ),
            (
                "reworked through the dispatchers, by another unit",
                &[
                    ("A", Dispatched),
                    ("A", Concluded),
                    ("", new),
                    ("B", Dispatched),
                ],
                &[
                    ("A", Began::Received, Some(Ended::Concluded)),
                    ("B", Began::Reworked, None),
                ],
            ),
            (
                "absorbed, and back",
                &[
                    ("A", Dispatched),
                    ("A", Absorbed),
                    ("", new),
                    ("A", Dispatched),
                ],
                &[
                    ("A", Began::Received, Some(Ended::Absorbed)),
                    ("A", Began::TransferredIn, None),
                ],
            ),
            (
                "withdrawn",
                &[("A", Dispatched), ("A", Archived)],
                &[("A", Began::Received, Some(Ended::Withdrawn))],
            ),
        ];
        for (label, steps, expected) in rows {
            let expected: Vec<_> = expected
                .iter()
                .map(|row| (row.0.to_owned(), row.1, row.2))
                .collect();
            assert_eq!(run(steps), expected, "{label}");
        }
    }
}
