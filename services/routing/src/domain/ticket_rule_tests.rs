//! Rules of the lifecycle beside the bare steps: returns, cards, rounds, matters.

use chrono::Duration;

use super::super::state::Assignment;
use super::super::word::{Change, ReturnReason};
use super::tests::{assignment, at, conclusion, matter, request, signing, states, ticket};
use super::*;

#[test]
fn the_second_counted_return_opens_a_consultation() {
    use ReturnReason as R;
    // (returns before, reason, expected state, counted afterwards)
    let cases: [(&[R], R, &str, u32); 6] = [
        (&[], R::NotDuty, "return_review", 1),
        (&[R::NotDuty], R::NotArea, "consultation", 2),
        (&[R::MissingInfo], R::NotArea, "return_review", 1),
        (
            &[R::MissingInfo, R::Duplicate],
            R::Dispute,
            "return_review",
            1,
        ),
        (&[R::NotDuty], R::MissingInfo, "return_review", 1),
        (
            &[R::NotDuty, R::Duplicate],
            R::LegalRoute,
            "consultation",
            2,
        ),
    ];
    for (before, reason, expected, counted) in cases {
        let mut held = ticket(TicketState::Dispatched {
            assignment: assignment("HOUSING"),
        });
        for earlier in before {
            held = held
                .after(TicketCommand::AskReturn(request(*earlier)), at(2))
                .unwrap();
            held = held
                .after(TicketCommand::GrantReturn(Some(assignment("UMB"))), at(2))
                .unwrap();
        }
        let command = TicketCommand::AskReturn(request(reason));
        let after = held.after(command.clone(), at(3)).unwrap();
        let label = format!("{before:?} then {reason:?}");
        assert_eq!(after.state.name(), expected, "{label}");
        assert_eq!(after.counted_returns, counted, "{label}");
        assert_eq!(after.returns as usize, before.len() + 1, "{label}");
        let change = if expected == "consultation" {
            Change::ConsultationOpened
        } else {
            Change::ReturnAsked
        };
        assert_eq!(command.change(&after.state), change, "{label}");
        assert_eq!(
            after.state.assignment(),
            held.state.assignment(),
            "{label}: the first receiver keeps it"
        );
    }
}

#[test]
fn a_signed_ticket_may_be_returned_until_its_window_closes() {
    let held = ticket(TicketState::Signed {
        assignment: assignment("HOUSING"),
        signing: signing(),
    });
    let ask = || TicketCommand::AskReturn(request(ReturnReason::NotDuty));
    let last = signing().return_until - Duration::microseconds(1);
    assert_eq!(
        held.after(ask(), last).unwrap().state.name(),
        "return_review"
    );
    let refused = held.after(ask(), signing().return_until).unwrap_err();
    assert_eq!(
        refused,
        Refused {
            command: "return",
            state: "signed",
            rule: Some(RULE_RETURN_WINDOW)
        }
    );
}

#[test]
fn a_refused_return_goes_back_to_where_it_was_asked() {
    let signed = ticket(TicketState::Signed {
        assignment: assignment("HOUSING"),
        signing: signing(),
    });
    let asked = signed
        .after(
            TicketCommand::AskReturn(request(ReturnReason::NotDuty)),
            at(3),
        )
        .unwrap();
    assert_eq!(
        asked
            .after(TicketCommand::RefuseReturn, at(4))
            .unwrap()
            .state,
        signed.state
    );
}

#[test]
fn a_binding_assignment_cannot_be_returned() {
    let binding = Assignment {
        is_binding: true,
        ..assignment("HOUSING")
    };
    let states = [
        TicketState::Dispatched {
            assignment: binding.clone(),
        },
        TicketState::Signed {
            assignment: binding,
            signing: signing(),
        },
    ];
    for state in states {
        let name = state.name();
        let ask = TicketCommand::AskReturn(request(ReturnReason::MissingInfo));
        let refused = ticket(state).after(ask, at(3)).unwrap_err();
        assert_eq!(refused.rule, Some(RULE_BINDING), "{name}");
    }
}

#[test]
fn cards_rise_and_are_shown_once() {
    let held = ticket(TicketState::Dispatched {
        assignment: assignment("HOUSING"),
    });
    let yellow = held.after(TicketCommand::WarnYellow, at(3)).unwrap();
    assert_eq!(yellow.card, Card::Yellow);
    assert_eq!(
        yellow
            .after(TicketCommand::WarnYellow, at(4))
            .unwrap_err()
            .rule,
        Some(RULE_CARD_SHOWN)
    );
    let red = yellow.after(TicketCommand::WarnRed, at(5)).unwrap();
    assert_eq!(red.card, Card::Red);
    assert_eq!(
        red.after(TicketCommand::WarnYellow, at(6))
            .unwrap_err()
            .rule,
        Some(RULE_CARD_SHOWN)
    );
    assert_eq!(
        red.after(TicketCommand::WarnRed, at(6)).unwrap_err().rule,
        Some(RULE_CARD_SHOWN)
    );
    assert_eq!(
        red.after(TicketCommand::Remind, at(6)).unwrap().reminders,
        1
    );
}

#[test]
fn a_rework_starts_a_round_with_clean_cards_and_new_timers() {
    let concluded = Ticket {
        card: Card::Red,
        is_escalated: true,
        ..ticket(TicketState::Concluded(conclusion()))
    };
    let after = concluded
        .after(TicketCommand::Rework(Some(assignment("HOUSING"))), at(9))
        .unwrap();
    assert_eq!(
        (after.round, after.card, after.is_escalated),
        (2, Card::None, false)
    );
    assert_eq!(after.timer_sequence, concluded.timer_sequence + 1);
    let waiting = concluded.after(TicketCommand::Rework(None), at(9)).unwrap();
    assert_eq!(waiting.state, TicketState::AwaitingDispatch);
    let twice = Ticket {
        is_escalated: true,
        ..concluded
    }
    .after(TicketCommand::Escalate, at(9))
    .unwrap_err();
    assert_eq!(twice.rule, Some(RULE_ESCALATED));
}

#[test]
fn a_concluded_ticket_that_was_absorbed_comes_back_in_its_next_round() {
    let cases = [
        (
            TicketState::Signed {
                assignment: assignment("HOUSING"),
                signing: signing(),
            },
            1,
        ),
        (TicketState::Concluded(conclusion()), 2),
    ];
    for state in [TicketState::Concluded(conclusion()), states().remove(7)] {
        let escalated = Ticket {
            is_escalated: true,
            ..ticket(state)
        };
        let back = escalated
            .after(TicketCommand::Reopen(matter(2)), at(6))
            .unwrap();
        assert_eq!(
            (back.round, back.matters.len(), back.is_escalated),
            (2, 2, false),
            "its own matter is never turned away, and its next failure is told to the supervisor again"
        );
    }
    for (state, round) in cases {
        let label = state.name();
        let gone = ticket(state)
            .after(TicketCommand::Absorb(matter(1).id), at(5))
            .unwrap();
        assert!(gone.matters.is_empty(), "{label}");
        let back = gone.after(TicketCommand::Reopen(matter(1)), at(6)).unwrap();
        assert_eq!((back.round, back.matters.len()), (round, 1), "{label}");
    }
}

#[test]
fn a_historical_record_takes_matters_and_stays_closed() {
    let mut record = ticket(TicketState::Archived {
        conclusion: None,
        archived_at: at(0),
    });
    record.demand.nature = Nature::Historical;
    let more = record
        .after(TicketCommand::Attach(matter(2)), at(1))
        .unwrap();
    assert_eq!((more.state.name(), more.matters.len()), ("archived", 2));
}

#[test]
fn protection_is_joined_over_all_matters_and_outlives_them() {
    let protects = |unit: &str| Confidentiality {
        is_tip_off: true,
        complained_unit_codes: vec![unit.to_owned()],
        ..Confidentiality::default()
    };
    let mut held = ticket(TicketState::AwaitingDispatch);
    held.demand.confidentiality = protects("HOUSING");
    let second = MatterOnTicket {
        confidentiality: protects("UMB"),
        ..matter(2)
    };
    let both = held.after(TicketCommand::Attach(second), at(1)).unwrap();
    assert_eq!(
        both.confidentiality().complained_unit_codes,
        ["HOUSING", "UMB"]
    );
    let alone = both
        .after(TicketCommand::Detach(matter(2).id), at(2))
        .unwrap();
    assert_eq!(alone.confidentiality().complained_unit_codes, ["HOUSING"]);
    let empty = alone
        .after(TicketCommand::Absorb(matter(1).id), at(3))
        .unwrap();
    assert!(empty.confidentiality().is_tip_off);
}

#[test]
fn the_citizens_clock_starts_at_the_earliest_receipt() {
    let held = ticket(TicketState::AwaitingDispatch);
    let earlier = MatterOnTicket {
        received_at: at(-5),
        ..matter(2)
    };
    let merged = held.after(TicketCommand::Attach(earlier), at(1)).unwrap();
    assert_eq!(merged.first_received_at(), at(-5));
    let back = merged
        .after(TicketCommand::Detach(matter(2).id), at(2))
        .unwrap();
    assert_eq!(back.first_received_at(), at(0));
}
