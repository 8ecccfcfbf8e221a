//! The small closed vocabularies of tickets, each with the word that columns and files hold.

use serde::{Deserialize, Serialize};

/// A closed vocabulary: every value has one stable snake-case word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its word.
    const ALL: &'static [(Self, &'static str)];

    /// The word of this value.
    fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(value, _)| *value == self)
            .map_or("", |(_, word)| word)
    }

    /// The value of a word, `None` if no value has it.
    fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(value, _)| *value)
    }
}

/// What a citizen wants (诉求类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// 咨询.
    Consult,
    /// 求助.
    Help,
    /// 建议.
    Suggest,
    /// 投诉.
    Complaint,
    /// 举报.
    Report,
    /// 表扬.
    Praise,
    /// 其他.
    Other,
}

impl Word for Kind {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Consult, "consult"),
        (Self::Help, "help"),
        (Self::Suggest, "suggest"),
        (Self::Complaint, "complaint"),
        (Self::Report, "report"),
        (Self::Praise, "praise"),
        (Self::Other, "other"),
    ];
}

/// How fast a ticket must move (紧急程度).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// 一般: working days.
    Normal,
    /// 紧急: natural hours round the clock.
    Urgent,
    /// 特急: natural hours round the clock.
    Critical,
}

impl Urgency {
    /// Whether its clocks count natural hours, round the clock: those of urgent and critical do.
    #[must_use]
    pub fn counts_hours(self) -> bool {
        self != Self::Normal
    }
}

impl Word for Urgency {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Normal, "normal"),
        (Self::Urgent, "urgent"),
        (Self::Critical, "critical"),
    ];
}

/// What an appeal is to the clocks: imports declare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nature {
    /// A full life.
    New,
    /// Taken over from elsewhere: its receipt date and deadline are kept.
    InHand,
    /// A closed record: no clocks, no timers.
    Historical,
}

impl Word for Nature {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::New, "new"),
        (Self::InHand, "in_hand"),
        (Self::Historical, "historical"),
    ];
}

/// Why a unit wants to give a ticket back (退单).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnReason {
    /// 不属于本单位职责.
    NotDuty,
    /// 不属于本辖区.
    NotArea,
    /// 要素不全无法办理: not counted.
    MissingInfo,
    /// 重复派单: not counted.
    Duplicate,
    /// 应走法定途径.
    LegalRoute,
    /// 职责交叉需会商.
    Dispute,
}

impl ReturnReason {
    /// Whether the return counts towards the second, which forces a consultation: not one for missing
    /// information or a duplicate.
    #[must_use]
    pub fn is_counted(self) -> bool {
        !matches!(self, Self::MissingInfo | Self::Duplicate)
    }
}

impl Word for ReturnReason {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::NotDuty, "not_duty"),
        (Self::NotArea, "not_area"),
        (Self::MissingInfo, "missing_info"),
        (Self::Duplicate, "duplicate"),
        (Self::LegalRoute, "legal_route"),
        (Self::Dispute, "dispute"),
    ];
}

/// The warning that a ticket shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Card {
    /// None yet.
    None,
    /// 黄牌: the deadline is near.
    Yellow,
    /// 红牌: the deadline has passed.
    Red,
}

impl Word for Card {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::None, "none"),
        (Self::Yellow, "yellow"),
        (Self::Red, "red"),
    ];
}

/// How an assignment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DispatchSource {
    /// By itself, the catalogue being unambiguous.
    Catalogue,
    /// By a dispatcher.
    Dispatcher,
    /// By the decision on a return.
    Arbitration,
    /// By a consultation: binding.
    Consultation,
    /// To the same unit again, in the next round.
    Rework,
}

impl Word for DispatchSource {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Catalogue, "catalogue"),
        (Self::Dispatcher, "dispatcher"),
        (Self::Arbitration, "arbitration"),
        (Self::Consultation, "consultation"),
        (Self::Rework, "rework"),
    ];
}

/// What a step did to a ticket; the history and the events say it in these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It came into being.
    Opened,
    /// A matter came.
    MatterAttached,
    /// A matter went, others remain.
    MatterDetached,
    /// Its last matter went to another ticket.
    Absorbed,
    /// Its own matter came back.
    Reopened,
    /// A unit got it.
    Dispatched,
    /// The unit signed for it.
    Signed,
    /// The unit wants to give it back; the centre decides.
    ReturnAsked,
    /// The centre agreed.
    ReturnGranted,
    /// The centre did not agree.
    ReturnRefused,
    /// The second counted return: a consultation decides.
    ConsultationOpened,
    /// The consultation decided.
    ConsultationDecided,
    /// The unit handed in report and reply.
    Handled,
    /// The centre sent them back.
    SentBack,
    /// The centre released the reply.
    Concluded,
    /// The next round began.
    Reworked,
    /// Nothing is left to do.
    Archived,
    /// The deadline is near.
    YellowCard,
    /// The deadline has passed.
    RedCard,
    /// 催办.
    Reminded,
    /// 督办.
    Supervised,
    /// It went to the shift supervisor.
    Escalated,
    /// A calendar year was loaded and moved a deadline.
    DeadlineRecomputed,
    /// A leader wrote an instruction on it.
    Instructed,
    /// A matter wanted to come after it had concluded.
    AttachRefused,
}

impl Word for Change {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Opened, "opened"),
        (Self::MatterAttached, "matter_attached"),
        (Self::MatterDetached, "matter_detached"),
        (Self::Absorbed, "absorbed"),
        (Self::Reopened, "reopened"),
        (Self::Dispatched, "dispatched"),
        (Self::Signed, "signed"),
        (Self::ReturnAsked, "return_asked"),
        (Self::ReturnGranted, "return_granted"),
        (Self::ReturnRefused, "return_refused"),
        (Self::ConsultationOpened, "consultation_opened"),
        (Self::ConsultationDecided, "consultation_decided"),
        (Self::Handled, "handled"),
        (Self::SentBack, "sent_back"),
        (Self::Concluded, "concluded"),
        (Self::Reworked, "reworked"),
        (Self::Archived, "archived"),
        (Self::YellowCard, "yellow_card"),
        (Self::RedCard, "red_card"),
        (Self::Reminded, "reminded"),
        (Self::Supervised, "supervised"),
        (Self::Escalated, "escalated"),
        (Self::DeadlineRecomputed, "deadline_recomputed"),
        (Self::Instructed, "instructed"),
        (Self::AttachRefused, "attach_refused"),
    ];
}
