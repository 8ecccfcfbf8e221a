//! The words that columns hold, and the Chinese words that documents print for them.

/// Channel whose letters stand first in every list (市长信箱).
pub const MAYOR_MAILBOX: &str = "mayor_mailbox";

/// The word for what is outside assessment.
pub const HISTORICAL: &str = "historical";

/// Where a ticket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// 待派单.
    AwaitingDispatch,
    /// 已派单(待签收).
    Dispatched,
    /// 退单待审.
    ReturnReview,
    /// 会商中.
    Consultation,
    /// 已签收(办理中).
    Signed,
    /// 已办理(待审核).
    Handled,
    /// 已办结(待回访).
    Concluded,
    /// 已归档.
    Archived,
    /// 已并入.
    Absorbed,
}

impl TicketState {
    const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::AwaitingDispatch, "awaiting_dispatch", "待派单"),
        (Self::Dispatched, "dispatched", "待签收"),
        (Self::ReturnReview, "return_review", "退单待审"),
        (Self::Consultation, "consultation", "会商中"),
        (Self::Signed, "signed", "办理中"),
        (Self::Handled, "handled", "待审核"),
        (Self::Concluded, "concluded", "已办结"),
        (Self::Archived, "archived", "已归档"),
        (Self::Absorbed, "absorbed", "已并入"),
    ];

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|row| row.1 == word)
            .map(|row| row.0)
    }

    /// Whether somebody still has to act on it.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Concluded | Self::Archived | Self::Absorbed)
    }
}

/// The Chinese word of a ticket's state.
#[must_use]
pub fn ticket_state(word: &str) -> &'static str {
    TicketState::ALL
        .into_iter()
        .find(|row| row.1 == word)
        .map_or("", |row| row.2)
}

/// States of an appeal in the order documents list them: word and Chinese word.
pub const APPEAL_STATES: [(&str, &str); 7] = [
    ("registered", "待受理"),
    ("accepted", "已受理"),
    ("answered", "直接答复"),
    ("guided", "分类引导"),
    ("diverted", "转接"),
    ("quarantined", "待甄别"),
    ("withdrawn", "撤诉"),
];

/// The Chinese word of an appeal's state.
#[must_use]
pub fn appeal_state(word: &str) -> &'static str {
    APPEAL_STATES
        .into_iter()
        .find(|row| row.0 == word)
        .map_or("", |row| row.1)
}

/// Kinds of demand in the order documents list them: word and Chinese word (诉求类型).
pub const KINDS: [(&str, &str); 7] = [
    ("consult", "咨询"),
    ("help", "求助"),
    ("suggest", "建议"),
    ("complaint", "投诉"),
    ("report", "举报"),
    ("praise", "表扬"),
    ("other", "其他"),
];

/// The Chinese word of a kind.
#[must_use]
pub fn kind(word: &str) -> &'static str {
    KINDS
        .into_iter()
        .find(|row| row.0 == word)
        .map_or("未分类", |row| row.1)
}

/// The Chinese word of an urgency.
#[must_use]
pub fn urgency(word: &str) -> &'static str {
    match word {
        "urgent" => "紧急",
        "critical" => "特急",
        _ => "一般",
    }
}

/// The Chinese word of a card, empty for none.
#[must_use]
pub fn card(word: &str) -> &'static str {
    match word {
        "yellow" => "黄牌",
        "red" => "红牌",
        _ => "",
    }
}

/// The Chinese word of a reason to return a ticket.
#[must_use]
pub fn return_reason(word: &str) -> &'static str {
    match word {
        "not_duty" => "非本单位职责",
        "not_area" => "非本辖区",
        "missing_info" => "要素不全",
        "duplicate" => "重复派单",
        "legal_route" => "应走法定途径",
        "dispute" => "职责交叉",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_word() {
        for (state, word, label) in TicketState::ALL {
            assert_eq!(TicketState::from_word(word), Some(state));
            assert_eq!(ticket_state(word), label);
        }
        assert_eq!(TicketState::from_word("suspended"), None);
    }
}
