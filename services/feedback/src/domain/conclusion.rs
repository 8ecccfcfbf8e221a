//! A conclusion (办结) of a ticket, and what its follow-ups mean for the ticket.

use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::Timestamp;

use super::follow_up::FollowUpState;
use super::matter::Matter;

/// One conclusion of a ticket, as routing told it.
///
/// The ticket's version names it: a ticket that was absorbed and reopened may conclude twice in one
/// round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) ticket_id: TicketId,
    pub(crate) ticket_version: i64,
    pub(crate) round: u32,
    /// What every citizen on the ticket reads.
    pub(crate) reply: String,
    pub(crate) lead_unit_code: String,
    pub(crate) concluded_at: Timestamp,
    pub(crate) matter_ids: Vec<MatterId>,
    /// What routing was told; stays [`Verdict::Pending`] until it is final.
    pub(crate) verdict: Verdict,
}

/// Where a ticket stands, as far as follow-up needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: TicketId,
    /// The newest version heard of.
    pub(crate) version: i64,
    /// The version of the conclusion that stands, `None` while the ticket is not concluded.
    pub(crate) standing: Option<i64>,
}

/// What the follow-ups of a conclusion mean for its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Somebody is still to be asked, or to classify.
    Pending,
    /// Nothing left to do.
    Archive,
    /// The unit's fault: next round.
    Rework,
}

impl Verdict {
    /// Every verdict, for reading a stored word.
    pub(crate) const ALL: [Self; 3] = [Self::Pending, Self::Archive, Self::Rework];

    /// The word of tables and logs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Archive => "archive",
            Self::Rework => "rework",
        }
    }

    /// The verdict of follow-ups, `missing` of which could not be opened yet.
    ///
    /// One unit's fault is enough for a rework. Where every follow-up was cancelled nobody was
    /// asked, so nothing is said.
    pub(crate) fn of<'a>(
        follow_ups: impl IntoIterator<Item = &'a FollowUpState>,
        missing: usize,
    ) -> Self {
        let mut verdict = Self::Pending;
        for state in follow_ups {
            match state {
                FollowUpState::Open | FollowUpState::Classifying { .. } => return Self::Pending,
                FollowUpState::Cancelled { .. } => {}
                over if over.is_units_fault() => verdict = Self::Rework,
                FollowUpState::Closed { .. } | FollowUpState::Unreachable { .. } => {
                    verdict = if verdict == Self::Rework {
                        Self::Rework
                    } else {
                        Self::Archive
                    };
                }
            }
        }
        if missing == 0 { verdict } else { Self::Pending }
    }
}

/// How many of a conclusion's matters will have a follow-up that does not exist yet.
pub(crate) fn missing(conclusion: &Conclusion, known: &[Matter], follow_ups: usize) -> usize {
    let historical = known.iter().filter(|matter| matter.is_historical).count();
    conclusion
        .matter_ids
        .len()
        .saturating_sub(historical)
        .saturating_sub(follow_ups)
}

#[cfg(test)]
mod tests {
    use super::super::follow_up::{Answer, FailureClass, Satisfaction, Solved};
    use super::*;
    use chrono::DateTime;

    fn closed(failure: Option<FailureClass>) -> FollowUpState {
        let (solved, satisfaction) = (Solved::Unsolved, Satisfaction::Unsatisfied);
        FollowUpState::Closed {
            answer: Answer {
                solved,
                satisfaction,
            },
            failure,
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn state(word: &str) -> FollowUpState {
        let at = DateTime::UNIX_EPOCH;
        let (solved, satisfaction) = (Solved::Partly, Satisfaction::Basic);
        let answer = Answer {
            solved,
            satisfaction,
        };
        match word {
            "open" => FollowUpState::Open,
            "classifying" => FollowUpState::Classifying { answer },
            "unreachable" => FollowUpState::Unreachable { at },
            "cancelled" => FollowUpState::Cancelled { answer: None, at },
            "content" => closed(None),
            "fault" => closed(Some(FailureClass::UnitFault)),
            other => panic!("no state {other}"),
        }
    }

    #[test]
    fn the_verdict_waits_for_all_and_one_fault_reworks() {
        use Verdict::{Archive, Pending, Rework};
        // (follow-ups, how many are not opened yet, verdict)
        let cases = [
            ("", 0, Pending),
            ("open", 0, Pending),
            ("classifying", 0, Pending),
            ("content", 0, Archive),
            ("unreachable", 0, Archive),
            ("cancelled cancelled", 0, Pending),
            ("cancelled content", 0, Archive),
            ("fault", 0, Rework),
            ("fault content", 0, Rework),
            ("content fault", 0, Rework),
            ("fault open", 0, Pending),
            ("classifying fault", 0, Pending),
            ("fault cancelled", 0, Rework),
            ("fault fault", 0, Rework),
            ("content", 1, Pending),
        ];
        for (words, missing, expected) in cases {
            let states: Vec<_> = words.split_whitespace().map(state).collect();
            assert_eq!(
                Verdict::of(&states, missing),
                expected,
                "{words}, {missing} missing"
            );
        }
    }

    #[test]
    fn only_the_units_fault_reworks() {
        use FailureClass::{NeedsTime, NewMatter, PolicyLimit, Unreasonable};
        for class in [NeedsTime, PolicyLimit, Unreasonable, NewMatter] {
            let verdict = Verdict::of([&closed(Some(class))], 0);
            assert_eq!(verdict, Verdict::Archive, "{class:?}");
        }
    }
}
