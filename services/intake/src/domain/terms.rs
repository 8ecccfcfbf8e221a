//! Closed lists of words: kinds, urgencies, natures, states, reasons.

use serde::{Deserialize, Serialize};

/// A closed list whose members are stored as short words.
pub trait Term: Copy + PartialEq + 'static {
    /// Every member with its word, as columns hold it.
    const WORDS: &'static [(Self, &'static str)];

    /// The member's word.
    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(member, _)| *member == self)
            .map_or("", |(_, word)| *word)
    }

    /// The member of a word.
    fn parse(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(member, _)| *member)
    }
}

/// What a citizen wants with a matter (诉求类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 咨询
    Consult,
    /// 求助
    Help,
    /// 建议
    Suggest,
    /// 投诉
    Complaint,
    /// 举报
    Report,
    /// 表扬
    Praise,
    /// 其他
    Other,
}

impl Term for Kind {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Consult, "consult"),
        (Self::Help, "help"),
        (Self::Suggest, "suggest"),
        (Self::Complaint, "complaint"),
        (Self::Report, "report"),
        (Self::Praise, "praise"),
        (Self::Other, "other"),
    ];
}

/// How fast a matter must move (紧急程度).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// 一般
    #[default]
    Normal,
    /// 紧急
    Urgent,
    /// 特急
    Critical,
}

impl Term for Urgency {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Normal, "normal"),
        (Self::Urgent, "urgent"),
        (Self::Critical, "critical"),
    ];
}

/// What an appeal is to the clocks; every import declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// Full life.
    #[default]
    New,
    /// Old number, receipt date and deadline are kept.
    InHand,
    /// Closed: no clocks, no messages, no assessment.
    Historical,
}

impl Term for Nature {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::New, "new"),
        (Self::InHand, "in_hand"),
        (Self::Historical, "historical"),
    ];
}

/// Where an appeal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealState {
    /// 待受理: awaits triage.
    Registered,
    /// 已受理: its matters are on tickets.
    Accepted,
    /// 直接答复
    Answered,
    /// 分类引导
    Guided,
    /// 转接
    Diverted,
    /// 待甄别
    Quarantined,
    /// 撤诉
    Withdrawn,
}

impl Term for AppealState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Registered, "registered"),
        (Self::Accepted, "accepted"),
        (Self::Answered, "answered"),
        (Self::Guided, "guided"),
        (Self::Diverted, "diverted"),
        (Self::Quarantined, "quarantined"),
        (Self::Withdrawn, "withdrawn"),
    ];
}

/// Where a ticket stood when intake last heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// 待派单
    AwaitingDispatch,
    /// 已派单
    Dispatched,
    /// 退单待审
    ReturnReview,
    /// 会商中
    Consultation,
    /// 已签收
    Signed,
    /// 已办理
    Handled,
    /// 已办结
    Concluded,
    /// 已归档
    Archived,
    /// 已并入
    Absorbed,
}

impl TicketState {
    /// Whether the ticket takes no further matter.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Concluded | Self::Archived | Self::Absorbed)
    }
}

impl Term for TicketState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::AwaitingDispatch, "awaiting_dispatch"),
        (Self::Dispatched, "dispatched"),
        (Self::ReturnReview, "return_review"),
        (Self::Consultation, "consultation"),
        (Self::Signed, "signed"),
        (Self::Handled, "handled"),
        (Self::Concluded, "concluded"),
        (Self::Archived, "archived"),
        (Self::Absorbed, "absorbed"),
    ];
}

/// Why an appeal is not ours (分类引导; codes.csv, `guide_reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuideReason {
    /// Emergency: 110, 119, 120.
    Emergency,
    /// Before a court or an arbitrator.
    Litigation,
    /// For the discipline bodies.
    Discipline,
    /// For administrative review.
    Review,
    /// A request for government information.
    Foi,
    /// For the petition bodies.
    Petition,
    /// Touches state secrets.
    Secret,
    /// Touches trade secrets or somebody's privacy.
    Privacy,
    /// Against public order and good morals.
    Morals,
    /// For a party organ.
    PartyOrg,
    /// The same fact was already handled.
    SameFact,
    /// Outside this city.
    OutOfArea,
    /// Nothing can be understood from it.
    NoContent,
}

impl Term for GuideReason {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Emergency, "emergency"),
        (Self::Litigation, "litigation"),
        (Self::Discipline, "discipline"),
        (Self::Review, "review"),
        (Self::Foi, "foi"),
        (Self::Petition, "petition"),
        (Self::Secret, "secret"),
        (Self::Privacy, "privacy"),
        (Self::Morals, "morals"),
        (Self::PartyOrg, "party_org"),
        (Self::SameFact, "same_fact"),
        (Self::OutOfArea, "out_of_area"),
        (Self::NoContent, "no_content"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trips<T: Term + std::fmt::Debug>() {
        for (member, word) in T::WORDS {
            assert_eq!(member.word(), *word);
            assert_eq!(T::parse(word), Some(*member), "{word}");
        }
        assert_eq!(T::parse(""), None);
    }

    #[test]
    fn every_word_names_one_member() {
        round_trips::<Kind>();
        round_trips::<Urgency>();
        round_trips::<Nature>();
        round_trips::<AppealState>();
        round_trips::<TicketState>();
        round_trips::<GuideReason>();
    }

    #[test]
    fn only_finished_tickets_are_over() {
        let over: Vec<_> = TicketState::WORDS
            .iter()
            .filter(|(state, _)| state.is_over())
            .map(|(_, word)| *word)
            .collect();
        assert_eq!(over, ["concluded", "archived", "absorbed"]);
    }
}
