//! The pure rules against the model.

use chrono::Duration;
use hotline_kernel::id::{MatterId, TicketId};
use hotline_kernel::time::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::{ACTS, Act, Model, Step, drawn, life, lives};
use crate::domain::command::TicketCommand as C;
use crate::domain::deadline::Due;
use crate::domain::matter::{Confidentiality, MatterOnTicket};
use crate::domain::state::{Assignment, Report, ReturnRequest, Signing};
use crate::domain::ticket::{Demand, Ticket};
use crate::domain::word::{Card, DispatchSource, Kind, Nature, ReturnReason, Urgency};

/// How long after signing a ticket may be returned.
const RETURN_HOURS: i64 = 24;

fn at(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::hours(hour)
}

fn due(hour: i64) -> Due {
    Due {
        at: at(hour),
        is_provisional: false,
    }
}

fn matter(number: u8) -> MatterOnTicket {
    MatterOnTicket {
        id: MatterId::from(Uuid::from_u128(u128::from(number) + 1)),
        received_at: at(0),
        confidentiality: Confidentiality::default(),
    }
}

fn opened(is_record: bool) -> Ticket {
    let nature = if is_record {
        Nature::Historical
    } else {
        Nature::New
    };
    let demand = Demand {
        nature,
        kind: Kind::Complaint,
        urgency: Urgency::Normal,
        category_code: String::new(),
        area_code: String::new(),
        subject: String::new(),
        text: String::new(),
        channel_code: String::new(),
        received_at: at(0),
        imported_due_at: None,
        confidentiality: Confidentiality::default(),
    };
    let name = (TicketId::from(Uuid::from_u128(7)), String::new());
    Ticket::open(name, demand, matter(0), Some(due(360)), at(0))
}

fn assignment(hour: i64, is_binding: bool) -> Assignment {
    Assignment {
        lead_unit_code: "HOUSING".to_owned(),
        assisting_unit_codes: Vec::new(),
        source: DispatchSource::Dispatcher,
        is_binding,
        dispatched_at: at(hour),
        due: due(hour + 240),
        sign_due: None,
    }
}

fn command(act: Act, model: &Model, ticket: &Ticket, hour: i64) -> C {
    let next = |wanted: bool, is_binding| wanted.then(|| assignment(hour, is_binding));
    let id = |number| matter(number).id;
    match act {
        Act::Dispatch => C::Dispatch(assignment(hour, false)),
        Act::Sign => C::Sign(Signing {
            signed_at: at(hour),
            return_until: at(hour + RETURN_HOURS),
        }),
        Act::Return(counts) => C::AskReturn(ReturnRequest {
            reason: if counts {
                ReturnReason::NotDuty
            } else {
                ReturnReason::MissingInfo
            },
            clause: String::new(),
            proposed_unit_code: String::new(),
        }),
        Act::Grant(to_a_unit) => C::GrantReturn(next(to_a_unit, false)),
        Act::Refuse => C::RefuseReturn,
        Act::Decide => C::DecideConsultation(assignment(hour, true)),
        Act::Handle => C::Handle(Report {
            handling_report: String::new(),
            reply: String::new(),
            handled_at: at(hour),
        }),
        Act::SendBack => C::SendBack,
        Act::Conclude => C::Conclude,
        Act::Rework(by_the_same) => C::Rework(next(by_the_same, model.is_binding)),
        Act::Archive => C::Archive,
        Act::Supervise => C::Supervise,
        Act::Attach(number) => C::Attach(matter(number)),
        Act::Detach(number) => C::Detach(id(number)),
        Act::Absorb(number) => C::Absorb(id(number)),
        Act::Withdraw(number) => C::Withdraw(id(number)),
        Act::Reopen(number) => C::Reopen(matter(number)),
        Act::RefuseMatter => C::RefuseAttach,
        Act::Yellow => C::WarnYellow,
        Act::Red => C::WarnRed,
        Act::Remind => C::Remind,
        Act::Escalate => C::Escalate,
        Act::Instruct => C::Instruct,
        Act::Recompute => C::Recompute(ticket.state.assignment().cloned()),
    }
}

/// What a ticket shows, in the model's words.
fn is_as(ticket: &Ticket, model: &Model) -> Result<(), TestCaseError> {
    let card = match ticket.card {
        Card::None => 0,
        Card::Yellow => 1,
        Card::Red => 2,
    };
    let matters: Vec<_> = model.matters.iter().map(|number| matter(*number)).collect();
    prop_assert_eq!(ticket.state.name(), model.place.word());
    prop_assert_eq!(ticket.version, model.version);
    prop_assert_eq!(ticket.round, model.round);
    prop_assert_eq!(ticket.returns, model.returns);
    prop_assert_eq!(ticket.counted_returns, model.counted_returns);
    prop_assert_eq!(card, model.card);
    prop_assert_eq!(ticket.reminders, model.reminders);
    prop_assert_eq!(ticket.supervision_orders, model.orders);
    prop_assert_eq!(ticket.instructions, model.instructions);
    prop_assert_eq!(ticket.is_escalated, model.is_escalated);
    prop_assert_eq!(&ticket.matters, &matters);
    prop_assert_eq!(ticket.citizen_due, Some(due(360)), "the citizen's clock");
    Ok(())
}

fn lives_by_the_model(is_record: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let (mut ticket, mut model, mut hour) = (opened(is_record), Model::opened(is_record), 0);
    for step in steps {
        if let Step::Wait(hours) = step {
            hour += i64::from(*hours);
        }
        let Some(act) = drawn(&ACTS, &model, hour, *step) else {
            continue;
        };
        let order = command(act, &model, &ticket, hour);
        match ticket.after(order, at(hour)) {
            Ok(after) => {
                prop_assert!(model.allows(act, hour), "{act:?} was taken by {model:?}");
                let was_archived = ticket.state.name() == "archived";
                if was_archived && after.state.name() != "archived" {
                    prop_assert!(
                        matches!(act, Act::Reopen(_)),
                        "{act:?} leads out of the archive"
                    );
                }
                prop_assert!(after.round >= ticket.round, "a round is never taken back");
                model.does(act);
                if act == Act::Sign {
                    model.return_until = hour + RETURN_HOURS;
                }
                ticket = after;
            }
            Err(refused) => {
                prop_assert!(!model.allows(act, hour), "{act:?} was refused by {model:?}");
                prop_assert_eq!(refused.state, model.place.word());
            }
        }
        is_as(&ticket, &model)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(lives(10_000))]

    #[test]
    fn ten_thousand_lives_are_as_the_model_says(
        is_record in prop::bool::weighted(0.1),
        steps in life(),
    ) {
        lives_by_the_model(is_record, &steps)?;
    }
}
