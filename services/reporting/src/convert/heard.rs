//! Events of other services as views. An event that cannot be read is refused for ever, by name.

use hotline_kernel::text::shorten;
use hotline_kernel::time::{Timestamp, Zone, from_micros};
use hotline_platform::reaction::ReactionError;
use hotline_proto::event as pb;
use hotline_proto::shared;
use uuid::Uuid;

use crate::app::hearing::HeardTicket;
use crate::domain::fact::FollowUp;
use crate::domain::listing::{Discretion, SUMMARY_CHARS, Ticket};
use crate::domain::names::Entry;
use crate::domain::search::Said;
use crate::domain::tenure::{Clocks, Standing, Subject};
use crate::domain::view::{AppealView, FollowUpView, MatterView, ReplyView, Step, TicketView};
use crate::domain::words::{self, TicketState};

/// Longest remark that is kept, in characters.
const NOTE_CHARS_MAX: usize = 200;
/// Longest reply that is kept to be told, in characters.
const REPLY_CHARS_MAX: usize = 300;

type Heard<T> = Result<T, ReactionError>;

/// When an event happened.
pub(crate) fn occurred_at(envelope: &pb::Envelope) -> Heard<Timestamp> {
    required("occurred_at", envelope.occurred_at.as_ref())
}

/// An appeal as an event left it.
pub(crate) fn appeal(zone: Zone, version: i64, changed: &pb::AppealChanged) -> Heard<AppealView> {
    let appeal = changed.appeal.as_ref().ok_or_else(|| missing("appeal"))?;
    let received_at = required("received_at", appeal.received_at.as_ref())?;
    let text = if appeal.subject.is_empty() {
        &appeal.text
    } else {
        &appeal.subject
    };
    Ok(AppealView {
        id: id("appeal.id", &appeal.id)?,
        version,
        number: appeal.number.clone(),
        state: word(appeal.state().as_str_name(), "APPEAL_STATE_"),
        nature: word(appeal.nature().as_str_name(), "NATURE_"),
        channel_code: appeal.channel_code.clone(),
        line_number: appeal.line_number.clone(),
        citizen: appeal.citizen.clone(),
        kind: word(appeal.kind().as_str_name(), "KIND_"),
        summary: shorten(text, SUMMARY_CHARS),
        note: shorten(&appeal_note(appeal), NOTE_CHARS_MAX),
        received_at,
        received_day: zone.day(received_at),
        discretion: discretion(appeal.confidentiality.as_ref()),
    })
}

fn appeal_note(appeal: &pb::Appeal) -> String {
    let route = match (appeal.legal_route.as_str(), appeal.competent_body.as_str()) {
        ("", body) => body.to_owned(),
        (route, "") => route.to_owned(),
        (route, body) => format!("{route}({body})"),
    };
    let told = [route.as_str(), &appeal.diverted_to, &appeal.reason];
    told.iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("；")
}

/// A matter as an event left it.
pub(crate) fn matter(
    zone: Zone,
    version: i64,
    matter: Option<&pb::Matter>,
    last_move: pb::MatterMove,
) -> Heard<MatterView> {
    let matter = matter.ok_or_else(|| missing("matter"))?;
    let received_at = required("received_at", matter.received_at.as_ref())?;
    Ok(MatterView {
        id: id("matter.id", &matter.id)?,
        version,
        appeal_id: id("matter.appeal_id", &matter.appeal_id)?,
        // A withdrawn matter stands on no ticket: it is shown with its own.
        ticket_id: id(
            "matter.ticket_id",
            if matter.ticket_id.is_empty() {
                &matter.reserved_ticket_id
            } else {
                &matter.ticket_id
            },
        )?,
        reserved_ticket_id: id("matter.reserved_ticket_id", &matter.reserved_ticket_id)?,
        ordinal: i32::try_from(matter.ordinal).unwrap_or(i32::MAX),
        citizen: matter.citizen.clone(),
        nature: word(matter.nature().as_str_name(), "NATURE_"),
        last_move: word(last_move.as_str_name(), "MATTER_MOVE_"),
        received_at,
        received_day: zone.day(received_at),
        said: said(matter),
    })
}

fn said(matter: &pb::Matter) -> Said {
    let is_tip_off = discretion(matter.confidentiality.as_ref()).tip_off;
    Said {
        numbers: format!("{}\n{}", matter.number, matter.appeal_number),
        text: if is_tip_off {
            String::new()
        } else {
            format!("{}\n{}", matter.subject, matter.text)
        },
    }
}

/// A ticket as an event left it.
pub(crate) fn ticket(
    zone: Zone,
    version: i64,
    at: Timestamp,
    changed: &pb::TicketChanged,
) -> Heard<HeardTicket> {
    let ticket = changed.ticket.as_ref().ok_or_else(|| missing("ticket"))?;
    let shown = shown(ticket)?;
    let nature = word(ticket.nature().as_str_name(), "NATURE_");
    let subject = Subject {
        channel_code: shown.channel_code.clone(),
        kind: shown.kind.clone(),
        category_code: shown.category_code.clone(),
    };
    let standing = Standing {
        at,
        lead_unit_code: ticket.lead_unit_code.clone(),
        state: TicketState::from_word(&shown.state).ok_or_else(|| missing("ticket.state"))?,
        clocks: Clocks {
            due_at: optional("unit_due_at", ticket.unit_due_at.as_ref())?,
            sign_due_at: shown.sign_due_at,
            signed_at: shown.signed_at,
        },
        subject,
    };
    let step = step(zone, version, at, changed, &shown);
    let received_day = zone.day(shown.received_at);
    let view = TicketView {
        version,
        nature,
        received_day,
        tenures: 0,
        shown,
    };
    Ok(HeardTicket {
        view,
        standing,
        step,
    })
}

fn shown(ticket: &pb::Ticket) -> Heard<Ticket> {
    let unit_due_at = optional("unit_due_at", ticket.unit_due_at.as_ref())?;
    let citizen_due_at = optional("citizen_due_at", ticket.citizen_due_at.as_ref())?;
    let text = if ticket.subject.is_empty() {
        &ticket.text
    } else {
        &ticket.subject
    };
    Ok(Ticket {
        id: id("ticket.id", &ticket.id)?,
        number: ticket.number.clone(),
        state: word(ticket.state().as_str_name(), "TICKET_STATE_"),
        kind: word(ticket.kind().as_str_name(), "KIND_"),
        urgency: word(ticket.urgency().as_str_name(), "URGENCY_"),
        category_code: ticket.category_code.clone(),
        summary: shorten(text, SUMMARY_CHARS),
        channel_code: ticket.channel_code.clone(),
        lead_unit_code: ticket.lead_unit_code.clone(),
        assisting_unit_codes: ticket.assisting_unit_codes.clone(),
        round: ticket.round,
        received_at: required("received_at", ticket.received_at.as_ref())?,
        signed_at: optional("signed_at", ticket.signed_at.as_ref())?,
        sign_due_at: optional("sign_due_at", ticket.sign_due_at.as_ref())?,
        concluded_at: optional("concluded_at", ticket.concluded_at.as_ref())?,
        due_at: unit_due_at.or(citizen_due_at),
        due_provisional: ticket.due_provisional,
        returns: ticket.returns,
        card: word(ticket.card().as_str_name(), "CARD_"),
        supervision_orders: ticket.supervision_orders,
        escalated: ticket.escalated,
        reply: shorten(&ticket.reply, REPLY_CHARS_MAX),
        discretion: discretion(ticket.confidentiality.as_ref()),
        citizens: Vec::new(),
    })
}

fn step(
    zone: Zone,
    version: i64,
    at: Timestamp,
    changed: &pb::TicketChanged,
    shown: &Ticket,
) -> Option<Step> {
    let change = word(changed.change().as_str_name(), "TICKET_CHANGE_");
    if !Step::is_told(&change) {
        return None;
    }
    let ticket = changed.ticket.as_ref()?;
    let reason = words::return_reason(&word(
        ticket.return_reason().as_str_name(),
        "RETURN_REASON_",
    ));
    let parts = [reason, changed.note.as_str()];
    let note = parts
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("，");
    let unit_code = if shown.lead_unit_code.is_empty() {
        changed.previous_lead_unit_code.clone()
    } else {
        shown.lead_unit_code.clone()
    };
    let note = shorten(&note, NOTE_CHARS_MAX);
    Some(Step {
        ticket_id: shown.id,
        version,
        change,
        at,
        day: zone.day(at),
        unit_code,
        note,
    })
}

/// A follow-up as an event left it. It counts for the day of the conclusion that opened it.
pub(crate) fn follow_up(
    zone: Zone,
    version: i64,
    at: Timestamp,
    changed: &pb::FollowUpChanged,
) -> Heard<FollowUpView> {
    let follow_up = changed
        .follow_up
        .as_ref()
        .ok_or_else(|| missing("follow_up"))?;
    let opened_at = optional("opened_at", follow_up.opened_at.as_ref())?.unwrap_or(at);
    Ok(FollowUpView {
        id: id("follow_up.id", &follow_up.id)?,
        version,
        ticket_id: id("follow_up.ticket_id", &follow_up.ticket_id)?,
        counted: FollowUp {
            day: zone.day(opened_at),
            unit_code: follow_up.lead_unit_code.clone(),
            state: word(follow_up.state().as_str_name(), "FOLLOW_UP_STATE_"),
            solved: word(follow_up.solved().as_str_name(), "SOLVED_"),
            satisfaction: word(follow_up.satisfaction().as_str_name(), "SATISFACTION_"),
        },
    })
}

/// A reply as an event left it.
pub(crate) fn reply(
    zone: Zone,
    version: i64,
    at: Timestamp,
    changed: &pb::ReplyChanged,
) -> Heard<ReplyView> {
    let reply = changed.reply.as_ref().ok_or_else(|| missing("reply"))?;
    Ok(ReplyView {
        id: id("reply.id", &reply.id)?,
        version,
        day: zone.day(optional("replied_at", reply.replied_at.as_ref())?.unwrap_or(at)),
        channel_code: reply.channel_code.clone(),
        state: word(reply.state().as_str_name(), "REPLY_STATE_"),
    })
}

/// Names of a registry's table.
pub(crate) fn names(loaded: &pb::RegistryLoaded) -> Vec<(String, Entry)> {
    let entry = |row: &shared::RegistryRow| Entry {
        name: row.name.clone(),
        parent_code: row.parent_code.clone(),
        group: row.columns.get("group").cloned().unwrap_or_default(),
    };
    loaded
        .rows
        .iter()
        .map(|row| (row.code.clone(), entry(row)))
        .collect()
}

fn discretion(flags: Option<&shared::Confidentiality>) -> Discretion {
    flags.map_or_else(Discretion::default, |flags| Discretion {
        anonymous: flags.anonymous,
        confidential: flags.confidential,
        tip_off: flags.tip_off,
    })
}

/// The stored word of an enum's value: `KIND_HELP` is `help`; unspecified is empty.
fn word(name: &str, prefix: &str) -> String {
    let word = name.strip_prefix(prefix).unwrap_or(name);
    if word == "UNSPECIFIED" {
        String::new()
    } else {
        word.to_lowercase()
    }
}

fn id(field: &'static str, text: &str) -> Heard<Uuid> {
    Uuid::parse_str(text).map_err(|_| missing(field))
}

fn required(field: &'static str, told: Option<&prost_types::Timestamp>) -> Heard<Timestamp> {
    told.and_then(instant).ok_or_else(|| missing(field))
}

fn optional(
    field: &'static str,
    told: Option<&prost_types::Timestamp>,
) -> Heard<Option<Timestamp>> {
    told.map(|told| instant(told).ok_or_else(|| missing(field)))
        .transpose()
}

fn instant(told: &prost_types::Timestamp) -> Option<Timestamp> {
    let micros = told
        .seconds
        .checked_mul(1_000_000)?
        .checked_add(i64::from(told.nanos) / 1_000)?;
    from_micros(micros)
}

fn missing(field: &'static str) -> ReactionError {
    ReactionError::Permanent(format!("the event's {field} is missing or cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enums_become_the_words_of_columns() {
        assert_eq!(
            word(shared::Kind::Complaint.as_str_name(), "KIND_"),
            "complaint"
        );
        assert_eq!(word(shared::Kind::Unspecified.as_str_name(), "KIND_"), "");
        for value in 1..=10 {
            let Ok(state) = shared::TicketState::try_from(value) else {
                continue;
            };
            let word = word(state.as_str_name(), "TICKET_STATE_");
            assert!(TicketState::from_word(&word).is_some(), "{word}");
        }
        let states = (1..=7).filter_map(|value| shared::AppealState::try_from(value).ok());
        let listed: Vec<_> = words::APPEAL_STATES
            .iter()
            .map(|row| row.0.to_owned())
            .collect();
        assert_eq!(
            states
                .map(|state| word(state.as_str_name(), "APPEAL_STATE_"))
                .collect::<Vec<_>>(),
            listed
        );
        let kinds = (1..=7).filter_map(|value| shared::Kind::try_from(value).ok());
        let listed: Vec<_> = words::KINDS.iter().map(|row| row.0.to_owned()).collect();
        assert_eq!(
            kinds
                .map(|kind| word(kind.as_str_name(), "KIND_"))
                .collect::<Vec<_>>(),
            listed
        );
    }

    #[test]
    fn nothing_that_a_tip_off_says_is_kept_for_searches() {
        let mut matter = pb::Matter {
            number: "260331-7K2QF-4".to_owned(),
            text: "物业私设路灯收费".to_owned(),
            ..pb::Matter::default()
        };
        assert!(said(&matter).text.contains("路灯"));
        matter.confidentiality = Some(shared::Confidentiality {
            tip_off: true,
            ..shared::Confidentiality::default()
        });
        let kept = said(&matter);
        assert_eq!(kept.text, "");
        assert!(kept.numbers.contains("260331-7K2QF-4"));
    }

    #[test]
    fn an_event_without_its_aggregate_is_refused_for_ever() {
        let refused = appeal(Zone::SHANGHAI, 1, &pb::AppealChanged::default());
        assert!(matches!(refused, Err(ReactionError::Permanent(_))));
    }
}
