//! The table of the follow-up's life.

use chrono::{DateTime, Duration};
use uuid::Uuid;

use super::super::conclusion::Verdict;
use super::*;

const EPOCH: Timestamp = DateTime::UNIX_EPOCH;

fn at() -> Timestamp {
    EPOCH + Duration::hours(1)
}

fn conclusion() -> Conclusion {
    Conclusion {
        ticket_id: Uuid::from_u128(1).into(),
        ticket_version: 7,
        round: 2,
        reply: "路灯已修复".to_owned(),
        lead_unit_code: "CGJ".to_owned(),
        concluded_at: EPOCH,
        matter_ids: vec![Uuid::from_u128(2).into()],
        verdict: Verdict::Pending,
    }
}

fn matter(contact_ref: &str) -> Matter {
    Matter {
        id: Uuid::from_u128(2).into(),
        version: 1,
        appeal_id: Uuid::from_u128(3).into(),
        appeal_number: "260901-ABCDE-2".to_owned(),
        channel_code: "tel12345".to_owned(),
        contact_ref: contact_ref.to_owned(),
        is_historical: false,
        ticket_id: Some(Uuid::from_u128(1).into()),
        visited: vec![Uuid::from_u128(1).into()],
    }
}

fn opened() -> FollowUp {
    FollowUp::open(
        Uuid::from_u128(9).into(),
        &conclusion(),
        &matter("c1"),
        true,
    )
}

fn in_state(state: FollowUpState) -> FollowUp {
    FollowUp { state, ..opened() }
}

fn answer(solved: Solved, satisfaction: Satisfaction) -> Answer {
    Answer {
        solved,
        satisfaction,
    }
}

#[test]
fn only_solved_and_satisfied_closes_by_itself() {
    use Satisfaction::{Basic, Satisfied, Unsatisfied, VerySatisfied, VeryUnsatisfied};
    let cases = [
        (Solved::Solved, VerySatisfied, "closed"),
        (Solved::Solved, Satisfied, "closed"),
        (Solved::Solved, Basic, "closed"),
        (Solved::Solved, Unsatisfied, "classifying"),
        (Solved::Solved, VeryUnsatisfied, "classifying"),
        (Solved::Partly, VerySatisfied, "classifying"),
        (Solved::Partly, Unsatisfied, "classifying"),
        (Solved::Unsolved, VerySatisfied, "classifying"),
        (Solved::Unsolved, VeryUnsatisfied, "classifying"),
    ];
    for (solved, satisfaction, expected) in cases {
        let reached = FollowUpCommand::Reached(answer(solved, satisfaction));
        let next = opened().after(reached, at()).unwrap();
        assert_eq!(next.state.word(), expected, "{solved:?} {satisfaction:?}");
        assert_eq!(
            (next.attempts, next.version),
            (1, 2),
            "{solved:?} {satisfaction:?}"
        );
        assert_eq!(next.state.answer(), Some(answer(solved, satisfaction)));
    }
}

#[test]
fn three_unreached_attempts_at_different_hours_end_it() {
    let cases: [(&str, &[u32], &str); 7] = [
        ("one", &[9], "open"),
        ("two hours", &[9, 15], "open"),
        ("three hours", &[9, 15, 19], "unreachable"),
        ("three times in one hour", &[9, 9, 9], "open"),
        ("four times in two hours", &[9, 9, 15, 15], "open"),
        (
            "the third hour after a repeated one",
            &[9, 9, 15, 0],
            "unreachable",
        ),
        ("the last hour of the day", &[22, 23, 0], "unreachable"),
    ];
    for (label, hours, expected) in cases {
        let mut follow_up = opened();
        for hour in hours {
            follow_up = follow_up
                .after(FollowUpCommand::Unreached { hour: *hour }, at())
                .unwrap();
        }
        assert_eq!(follow_up.state.word(), expected, "{label}");
        assert_eq!(follow_up.attempts as usize, hours.len(), "{label}");
    }
}

#[test]
fn a_follow_up_allows_only_the_drawn_steps() {
    let said = answer(Solved::Partly, Satisfaction::Basic);
    let states = [
        FollowUpState::Open,
        FollowUpState::Classifying { answer: said },
        FollowUpState::Closed {
            answer: said,
            failure: None,
            at: EPOCH,
        },
        FollowUpState::Unreachable { at: EPOCH },
        FollowUpState::Cancelled {
            answer: None,
            at: EPOCH,
        },
    ];
    let commands = [
        FollowUpCommand::Unreached { hour: 9 },
        FollowUpCommand::Reached(said),
        FollowUpCommand::Classify(FailureClass::UnitFault),
        FollowUpCommand::Cancel,
        FollowUpCommand::Reopen,
    ];
    // One row per state, one column per command; a dash is refused.
    let table = [
        ["open", "classifying", "-", "cancelled", "-"],
        ["-", "-", "closed", "cancelled", "-"],
        ["-", "-", "-", "-", "-"],
        ["-", "-", "-", "-", "-"],
        ["-", "-", "-", "-", "open"],
    ];
    for (state, row) in states.into_iter().zip(table) {
        for (command, expected) in commands.into_iter().zip(row) {
            let label = format!("{} + {}", state.word(), command.word());
            match in_state(state).after(command, at()) {
                Ok(next) => assert_eq!(next.state.word(), expected, "{label}"),
                Err(refused) => {
                    assert_eq!(expected, "-", "{label}");
                    assert_eq!(
                        refused,
                        Refused {
                            command: command.word(),
                            state: state.word()
                        },
                        "{label}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_classification_closes_with_its_class_and_keeps_the_answer() {
    let said = answer(Solved::Unsolved, Satisfaction::Unsatisfied);
    let classifying = opened()
        .after(FollowUpCommand::Reached(said), at())
        .unwrap();
    let closed = classifying
        .after(FollowUpCommand::Classify(FailureClass::PolicyLimit), at())
        .unwrap();
    let expected = FollowUpState::Closed {
        answer: said,
        failure: Some(FailureClass::PolicyLimit),
        at: at(),
    };
    assert_eq!(closed.state, expected);
    assert_eq!((closed.version, closed.attempts), (3, 1));
}

#[test]
fn a_cancelled_follow_up_comes_back_where_it_was() {
    let said = answer(Solved::Partly, Satisfaction::Basic);
    for state in [
        FollowUpState::Open,
        FollowUpState::Classifying { answer: said },
    ] {
        let cancelled = in_state(state)
            .after(FollowUpCommand::Cancel, at())
            .unwrap();
        let back = cancelled.after(FollowUpCommand::Reopen, at()).unwrap();
        assert_eq!(back.state, state);
    }
}

#[test]
fn only_what_is_not_over_is_corrected() {
    let said = answer(Solved::Solved, Satisfaction::Basic);
    let cases = [
        (FollowUpState::Open, true, None),
        (FollowUpState::Open, false, Some(FollowUpCommand::Cancel)),
        (
            FollowUpState::Classifying { answer: said },
            false,
            Some(FollowUpCommand::Cancel),
        ),
        (
            FollowUpState::Cancelled {
                answer: None,
                at: EPOCH,
            },
            true,
            Some(FollowUpCommand::Reopen),
        ),
        (
            FollowUpState::Cancelled {
                answer: None,
                at: EPOCH,
            },
            false,
            None,
        ),
        (
            FollowUpState::Closed {
                answer: said,
                failure: None,
                at: EPOCH,
            },
            false,
            None,
        ),
        (FollowUpState::Unreachable { at: EPOCH }, false, None),
    ];
    for (state, is_live, expected) in cases {
        assert_eq!(
            in_state(state).correction(is_live),
            expected,
            "{} live: {is_live}",
            state.word()
        );
    }
}

#[test]
fn nobody_is_asked_who_left_no_contact() {
    for is_live in [true, false] {
        let unasked = FollowUp::open(
            Uuid::from_u128(9).into(),
            &conclusion(),
            &matter(""),
            is_live,
        );
        assert_eq!(unasked.state, FollowUpState::Unreachable { at: EPOCH });
        assert_eq!(unasked.attempts, 0);
    }
}

#[test]
fn a_matter_that_has_left_is_not_asked_about() {
    let cancelled = FollowUp::open(
        Uuid::from_u128(9).into(),
        &conclusion(),
        &matter("c1"),
        false,
    );
    assert_eq!(
        cancelled.state,
        FollowUpState::Cancelled {
            answer: None,
            at: EPOCH
        }
    );
}
