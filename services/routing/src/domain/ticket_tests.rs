//! Every state with every command: what is drawn is allowed, everything else is refused by name.

use std::collections::BTreeMap;

use chrono::Duration;

use super::super::state::{Assignment, Report, ReturnRequest, Signing};
use super::super::word::{DispatchSource, ReturnReason};
use super::*;

pub(super) fn at(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::hours(hour)
}

fn due(hour: i64) -> Due {
    Due {
        at: at(hour),
        is_provisional: false,
    }
}

pub(super) fn assignment(unit: &str) -> Assignment {
    Assignment {
        lead_unit_code: unit.to_owned(),
        assisting_unit_codes: vec![],
        source: DispatchSource::Dispatcher,
        is_binding: false,
        dispatched_at: at(1),
        due: due(100),
        sign_due: Some(due(25)),
    }
}

pub(super) fn signing() -> Signing {
    Signing {
        signed_at: at(2),
        return_until: at(26),
    }
}

fn report() -> Report {
    Report {
        handling_report: "修好了".to_owned(),
        reply: "已修复".to_owned(),
        handled_at: at(3),
    }
}

pub(super) fn request(reason: ReturnReason) -> ReturnRequest {
    ReturnRequest {
        reason,
        clause: "三定方案第3条".to_owned(),
        proposed_unit_code: "UMB".to_owned(),
    }
}

pub(super) fn matter(number: u128) -> MatterOnTicket {
    MatterOnTicket {
        id: MatterId::from(uuid::Uuid::from_u128(number)),
        received_at: at(0),
        confidentiality: Confidentiality::default(),
    }
}

pub(super) fn conclusion() -> Conclusion {
    Conclusion {
        assignment: assignment("HOUSING"),
        signing: signing(),
        report: report(),
        concluded_at: at(4),
    }
}

pub(super) fn ticket(state: TicketState) -> Ticket {
    let demand = Demand {
        nature: Nature::New,
        kind: Kind::Complaint,
        urgency: Urgency::Normal,
        category_code: "0101".to_owned(),
        area_code: String::new(),
        subject: "路灯".to_owned(),
        text: "路灯不亮".to_owned(),
        channel_code: "phone".to_owned(),
        received_at: at(0),
        imported_due_at: None,
        confidentiality: Confidentiality::default(),
    };
    let id = TicketId::from(uuid::Uuid::from_u128(7));
    let opened = Ticket::open(
        (id, "261122-22222-2".to_owned()),
        demand,
        matter(1),
        Some(due(90)),
        at(0),
    );
    Ticket { state, ..opened }
}

pub(super) fn states() -> Vec<TicketState> {
    let (assignment, signing) = (assignment("HOUSING"), signing());
    let request = request(ReturnReason::NotDuty);
    let returning = Returning {
        assignment: assignment.clone(),
        signing: None,
        request,
    };
    vec![
        TicketState::AwaitingDispatch,
        TicketState::Dispatched {
            assignment: assignment.clone(),
        },
        TicketState::ReturnReview(returning.clone()),
        TicketState::Consultation(returning),
        TicketState::Signed {
            assignment: assignment.clone(),
            signing,
        },
        TicketState::Handled {
            assignment,
            signing,
            report: report(),
        },
        TicketState::Concluded(conclusion()),
        TicketState::Archived {
            conclusion: Some(conclusion()),
            archived_at: at(5),
        },
        TicketState::Absorbed {
            was_concluded: false,
        },
    ]
}

fn commands() -> Vec<TicketCommand> {
    use TicketCommand as C;
    let next = || assignment("UMB");
    vec![
        C::Dispatch(next()),
        C::Sign(signing()),
        C::AskReturn(request(ReturnReason::NotDuty)),
        C::GrantReturn(Some(next())),
        C::RefuseReturn,
        C::DecideConsultation(next()),
        C::Handle(report()),
        C::SendBack,
        C::Conclude,
        C::Rework(Some(next())),
        C::Archive,
        C::Supervise,
        C::Attach(matter(2)),
        C::Detach(matter(1).id),
        C::Absorb(matter(1).id),
        C::Withdraw(matter(1).id),
        C::Reopen(matter(1)),
        C::RefuseAttach,
        C::WarnYellow,
        C::WarnRed,
        C::Remind,
        C::Escalate,
        C::Instruct,
        C::Recompute(None),
    ]
}

/// The life of a ticket as the trade draws it: a command, from which states, to which; `same` takes a mark only.
const DRAWN: &str = "
dispatch: awaiting_dispatch -> dispatched
sign: dispatched -> signed
return: dispatched signed -> return_review
grant the return of: return_review -> dispatched
refuse the return of: return_review -> dispatched
decide the consultation of: consultation -> dispatched
handle: signed -> handled
send back: handled -> signed
conclude: handled -> concluded
rework: concluded -> dispatched
archive: concluded -> archived
absorb: awaiting_dispatch dispatched return_review consultation signed handled concluded -> absorbed
withdraw: awaiting_dispatch dispatched return_review consultation signed handled concluded -> archived
reopen: absorbed concluded archived -> awaiting_dispatch
supervise: awaiting_dispatch dispatched return_review consultation signed handled concluded -> same
attach a matter to: awaiting_dispatch dispatched return_review consultation signed handled -> same
detach a matter from: awaiting_dispatch dispatched return_review consultation signed handled concluded archived -> same
refuse a matter of: awaiting_dispatch dispatched return_review consultation signed handled concluded archived absorbed -> same
show a yellow card to: dispatched return_review consultation signed -> same
show a red card to: dispatched return_review consultation signed -> same
remind: dispatched return_review consultation signed -> same
escalate: concluded -> same
instruct: awaiting_dispatch dispatched return_review consultation signed handled concluded archived absorbed -> same
recompute the deadline of: awaiting_dispatch dispatched return_review consultation signed handled -> same
";

fn drawn() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let mut drawn = BTreeMap::new();
    for row in DRAWN.lines().filter(|row| !row.is_empty()) {
        let (command, steps) = row.split_once(": ").unwrap();
        let (from, to) = steps.split_once(" -> ").unwrap();
        for state in from.split(' ') {
            drawn.insert((command, state), if to == "same" { state } else { to });
        }
    }
    drawn
}

#[test]
fn a_ticket_takes_exactly_the_drawn_steps() {
    let drawn = drawn();
    let mut pairs = 0;
    for state in states() {
        for command in commands() {
            let label = format!("{} + {}", state.name(), command.name());
            let before = ticket(state.clone());
            match (
                before.after(command.clone(), at(10)),
                drawn.get(&(command.name(), state.name())),
            ) {
                (Ok(after), Some(to)) => {
                    assert_eq!(after.state.name(), *to, "{label}");
                    assert_eq!(after.version, before.version + 1, "{label}");
                }
                (Err(refused), None) => {
                    let named = Refused {
                        command: command.name(),
                        state: state.name(),
                        rule: None,
                    };
                    assert_eq!(refused, named, "{label}");
                }
                (Ok(after), None) => {
                    panic!("{label}: not drawn, but led to {}", after.state.name())
                }
                (Err(refused), Some(to)) => panic!("{label}: drawn to {to}, but {refused}"),
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 9 * 24, "every state with every command");
    assert_eq!(
        DRAWN.lines().count(),
        1 + commands().len(),
        "every command is drawn"
    );
}
