//! The wire's words for the domain's, and back.

use hotline_proto::event as pb;
use hotline_proto::shared as words;

use crate::domain::word::{Card, Change, Kind, Nature, ReturnReason, Urgency};
use crate::error::RoutingError;

/// The wire's word for a ticket's state.
pub(crate) fn state_word(name: &str) -> words::TicketState {
    let known = STATES.iter().find(|(known, _)| *known == name);
    known.map_or(words::TicketState::Unspecified, |(_, word)| *word)
}

/// The name of a ticket's state; `None` if it is unspecified.
pub(crate) fn state_name(word: words::TicketState) -> Option<&'static str> {
    STATES
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(name, _)| *name)
}

const STATES: [(&str, words::TicketState); 9] = [
    ("awaiting_dispatch", words::TicketState::AwaitingDispatch),
    ("dispatched", words::TicketState::Dispatched),
    ("return_review", words::TicketState::ReturnReview),
    ("consultation", words::TicketState::Consultation),
    ("signed", words::TicketState::Signed),
    ("handled", words::TicketState::Handled),
    ("concluded", words::TicketState::Concluded),
    ("archived", words::TicketState::Archived),
    ("absorbed", words::TicketState::Absorbed),
];

/// The wire's word for a nature.
pub(crate) fn nature_word(nature: Nature) -> words::Nature {
    match nature {
        Nature::New => words::Nature::New,
        Nature::InHand => words::Nature::InHand,
        Nature::Historical => words::Nature::Historical,
    }
}

/// A nature off the wire; what is not said is new.
pub(crate) fn nature(word: words::Nature) -> Nature {
    match word {
        words::Nature::InHand => Nature::InHand,
        words::Nature::Historical => Nature::Historical,
        words::Nature::New | words::Nature::Unspecified => Nature::New,
    }
}

/// The wire's word for a kind.
pub(crate) fn kind_word(kind: Kind) -> words::Kind {
    match kind {
        Kind::Consult => words::Kind::Consult,
        Kind::Help => words::Kind::Help,
        Kind::Suggest => words::Kind::Suggest,
        Kind::Complaint => words::Kind::Complaint,
        Kind::Report => words::Kind::Report,
        Kind::Praise => words::Kind::Praise,
        Kind::Other => words::Kind::Other,
    }
}

/// A kind off the wire; what is not said is other.
pub(crate) fn kind(word: words::Kind) -> Kind {
    match word {
        words::Kind::Consult => Kind::Consult,
        words::Kind::Help => Kind::Help,
        words::Kind::Suggest => Kind::Suggest,
        words::Kind::Complaint => Kind::Complaint,
        words::Kind::Report => Kind::Report,
        words::Kind::Praise => Kind::Praise,
        words::Kind::Other | words::Kind::Unspecified => Kind::Other,
    }
}

/// The wire's word for an urgency.
pub(crate) fn urgency_word(urgency: Urgency) -> words::Urgency {
    match urgency {
        Urgency::Normal => words::Urgency::Normal,
        Urgency::Urgent => words::Urgency::Urgent,
        Urgency::Critical => words::Urgency::Critical,
    }
}

/// An urgency off the wire; `None` if it is unspecified.
pub(crate) fn urgency(word: words::Urgency) -> Option<Urgency> {
    match word {
        words::Urgency::Normal => Some(Urgency::Normal),
        words::Urgency::Urgent => Some(Urgency::Urgent),
        words::Urgency::Critical => Some(Urgency::Critical),
        words::Urgency::Unspecified => None,
    }
}

/// The wire's word for a card.
pub(crate) fn card_word(card: Card) -> words::Card {
    match card {
        Card::None => words::Card::None,
        Card::Yellow => words::Card::Yellow,
        Card::Red => words::Card::Red,
    }
}

/// A card off the wire; `None` if it is unspecified.
pub(crate) fn card(word: words::Card) -> Option<Card> {
    match word {
        words::Card::None => Some(Card::None),
        words::Card::Yellow => Some(Card::Yellow),
        words::Card::Red => Some(Card::Red),
        words::Card::Unspecified => None,
    }
}

/// The wire's word for a return's reason.
pub(crate) fn reason_word(reason: ReturnReason) -> words::ReturnReason {
    match reason {
        ReturnReason::NotDuty => words::ReturnReason::NotDuty,
        ReturnReason::NotArea => words::ReturnReason::NotArea,
        ReturnReason::MissingInfo => words::ReturnReason::MissingInfo,
        ReturnReason::Duplicate => words::ReturnReason::Duplicate,
        ReturnReason::LegalRoute => words::ReturnReason::LegalRoute,
        ReturnReason::Dispute => words::ReturnReason::Dispute,
    }
}

/// A return's reason off the wire.
pub(crate) fn reason(word: words::ReturnReason) -> Result<ReturnReason, RoutingError> {
    match word {
        words::ReturnReason::NotDuty => Ok(ReturnReason::NotDuty),
        words::ReturnReason::NotArea => Ok(ReturnReason::NotArea),
        words::ReturnReason::MissingInfo => Ok(ReturnReason::MissingInfo),
        words::ReturnReason::Duplicate => Ok(ReturnReason::Duplicate),
        words::ReturnReason::LegalRoute => Ok(ReturnReason::LegalRoute),
        words::ReturnReason::Dispute => Ok(ReturnReason::Dispute),
        words::ReturnReason::Unspecified => Err(RoutingError::Invalid {
            field: "reason",
            expected: "a return reason",
        }),
    }
}

/// The wire's word for what a step did.
pub(crate) fn change_word(change: Change) -> pb::TicketChange {
    match change {
        Change::Opened => pb::TicketChange::Opened,
        Change::MatterAttached => pb::TicketChange::MatterAttached,
        Change::MatterDetached => pb::TicketChange::MatterDetached,
        Change::Absorbed => pb::TicketChange::Absorbed,
        Change::Reopened => pb::TicketChange::Reopened,
        Change::Dispatched => pb::TicketChange::Dispatched,
        Change::Signed => pb::TicketChange::Signed,
        Change::ReturnAsked => pb::TicketChange::ReturnAsked,
        Change::ReturnGranted => pb::TicketChange::ReturnGranted,
        Change::ReturnRefused => pb::TicketChange::ReturnRefused,
        Change::ConsultationOpened => pb::TicketChange::ConsultationOpened,
        Change::ConsultationDecided => pb::TicketChange::ConsultationDecided,
        Change::Handled => pb::TicketChange::Handled,
        Change::SentBack => pb::TicketChange::SentBack,
        Change::Concluded => pb::TicketChange::Concluded,
        Change::Reworked => pb::TicketChange::Reworked,
        Change::Archived => pb::TicketChange::Archived,
        Change::YellowCard => pb::TicketChange::YellowCard,
        Change::RedCard => pb::TicketChange::RedCard,
        Change::Reminded => pb::TicketChange::Reminded,
        Change::Supervised => pb::TicketChange::Supervised,
        Change::Escalated => pb::TicketChange::Escalated,
        Change::DeadlineRecomputed => pb::TicketChange::DeadlineRecomputed,
        Change::Instructed => pb::TicketChange::Instructed,
        Change::AttachRefused => pb::TicketChange::AttachRefused,
    }
}
