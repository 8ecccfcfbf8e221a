//! The roles, and the one table of what each may do.

use hotline_proto::shared::Permission as P;
use hotline_proto::shared::PiiLevel::{self, Clear, Masked};
use hotline_proto::shared::ScopeKind::{self, Any, OwnUnit, UnitTree};
use serde::{Deserialize, Serialize};

/// What a principal is there for. Its word is its name in `snake_case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 坐席: talks with citizens, registers, triages.
    Operator,
    /// 派单员: dispatches tickets, decides returns, concludes.
    Dispatcher,
    /// Leads a shift of the centre: all that operators and dispatchers may, and classification.
    ShiftSupervisor,
    /// 值守: answers for a unit at night.
    DutyOfficer,
    /// Handles a unit's tickets.
    UnitClerk,
    /// Leads a unit.
    UnitLead,
    /// 回访: asks citizens whether it is solved.
    FollowUpAgent,
    /// Judges failures and replies.
    QualityInspector,
    /// Keeps what is answered directly.
    KnowledgeEditor,
    /// Reads, reviews and issues documents for the mayor's office.
    Reviewer,
    /// Reads documents and instructs.
    Leader,
    /// Writes down what a leader instructs.
    Secretary,
    /// Reads sums.
    Analyst,
    /// Keeps the registry, imports.
    Administrator,
    /// Keeps accounts.
    SecurityAdministrator,
    /// Reads the audit trail.
    Auditor,
    /// A channel's program: brings appeals, tells how far they are.
    Channel,
    /// Asks how far his appeal is.
    Citizen,
}

/// One line of the table: with this permission, so far, and so much personal data at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub permission: P,
    /// The widest rows it may be done to.
    pub scope: ScopeKind,
    /// The most personal data it may show or take.
    pub pii: PiiLevel,
}

const fn may(permission: P, scope: ScopeKind, pii: PiiLevel) -> Grant {
    Grant {
        permission,
        scope,
        pii,
    }
}

/// Everybody's who has an account.
const OWN_ACCOUNT: Grant = may(P::OwnAccount, ScopeKind::None, PiiLevel::None);

const OPERATOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRegister, Any, Clear),
    may(P::AppealRead, Any, Masked),
    may(P::AppealTriage, Any, Masked),
    may(P::AppealAnswer, Any, Masked),
    may(P::AppealMerge, Any, Masked),
    may(P::AppealQuery, ScopeKind::None, PiiLevel::None),
    may(P::ContactReveal, Any, Clear),
    may(P::IdentityRequest, Any, Masked),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
];

const DISPATCHER: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRead, Any, Masked),
    may(P::AppealTriage, Any, Masked),
    may(P::AppealMerge, Any, Masked),
    may(P::CatalogueRead, Any, PiiLevel::None),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::TicketDispatch, Any, Masked),
    may(P::TicketArbitrate, Any, Masked),
    may(P::TicketReview, Any, Masked),
    may(P::ReplyRead, Any, Masked),
];

const SHIFT_SUPERVISOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRegister, Any, Clear),
    may(P::AppealRead, Any, Masked),
    may(P::AppealTriage, Any, Masked),
    may(P::AppealAnswer, Any, Masked),
    may(P::AppealMerge, Any, Masked),
    may(P::AppealQuery, ScopeKind::None, PiiLevel::None),
    may(P::ContactReveal, Any, Clear),
    may(P::IdentityRequest, Any, Masked),
    may(P::IdentityApprove, Any, Masked),
    may(P::RevealRead, Any, Masked),
    may(P::ConservationRead, Any, PiiLevel::None),
    may(P::CatalogueRead, Any, PiiLevel::None),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::TicketDispatch, Any, Masked),
    may(P::TicketArbitrate, Any, Masked),
    may(P::TicketReview, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::FollowUp, Any, Masked),
    may(P::Classify, Any, Masked),
    may(P::ReportRead, Any, PiiLevel::None),
    may(P::ErasureRequest, Any, Masked),
    may(P::ErasureApprove, Any, Masked),
];

/// Units read what they or units under them are involved in, and act where they lead.
const OF_A_UNIT: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, UnitTree, Masked),
    may(P::TicketHandle, OwnUnit, Masked),
];

/// Who handles a unit's tickets talks with citizens: the duty officer at night does not.
const OF_A_UNITS_DESK: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, UnitTree, Masked),
    may(P::TicketHandle, OwnUnit, Masked),
    may(P::ContactReveal, OwnUnit, Clear),
];

/// Who asks does not judge: an unreasonable demand leaves the rates.
const FOLLOW_UP_AGENT: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRead, Any, Masked),
    may(P::ContactReveal, Any, Clear),
    may(P::IdentityRequest, Any, Masked),
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::FollowUp, Any, Masked),
];

const QUALITY_INSPECTOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRead, Any, Masked),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::FollowUp, Any, Masked),
    may(P::Classify, Any, Masked),
];

const KNOWLEDGE_EDITOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
];

/// Review verbs only: nothing here changes what a unit or an operator wrote.
const REVIEWER: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AppealRead, Any, Masked),
    may(P::ConservationRead, Any, PiiLevel::None),
    may(P::CatalogueRead, Any, PiiLevel::None),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::TicketRead, Any, Masked),
    may(P::TicketReview, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::ReportRead, Any, Masked),
    may(P::ReportIssue, Any, Masked),
];

const LEADER: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::IdentityApprove, Any, Masked),
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::ReportRead, Any, Masked),
    may(P::Instruct, Any, Masked),
    may(P::ErasureApprove, Any, Masked),
];

/// Writes down for a leader, and agrees to nothing in his place.
const SECRETARY: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::TicketRead, Any, Masked),
    may(P::ReplyRead, Any, Masked),
    may(P::ReportRead, Any, Masked),
    may(P::Instruct, Any, Masked),
];

/// Reads who looked at what.
const AUDITOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AuditRead, Any, Masked),
    may(P::RevealRead, Any, Masked),
];

/// Aggregates: what answers with texts asks for more personal data than this.
const ANALYST: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::ConservationRead, Any, PiiLevel::None),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::ReportRead, Any, PiiLevel::None),
];

/// Imports bring clear texts and refused rows are shown as they came; tickets are no business of his.
const ADMINISTRATOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::ConservationRead, Any, PiiLevel::None),
    may(P::Import, Any, Clear),
    may(P::CatalogueRead, Any, PiiLevel::None),
    may(P::RegistryRead, Any, PiiLevel::None),
    may(P::RegistryWrite, Any, PiiLevel::None),
];

const SECURITY_ADMINISTRATOR: &[Grant] = &[
    OWN_ACCOUNT,
    may(P::AccountRead, Any, PiiLevel::None),
    may(P::AccountWrite, Any, PiiLevel::None),
    may(P::RoleGrant, Any, PiiLevel::None),
    may(P::KeyWrite, Any, PiiLevel::None),
];

const CHANNEL: &[Grant] = &[
    may(P::AppealRegister, Any, Clear),
    may(P::AppealQuery, ScopeKind::None, PiiLevel::None),
];

const CITIZEN: &[Grant] = &[may(P::AppealQuery, ScopeKind::None, PiiLevel::None)];

/// What an outsourced account may at most: record and answer directly (国办函〔2025〕66号). It never dispatches,
/// excludes or concludes. Accepting is left out because an accepted appeal may dispatch itself, follow-ups because
/// their outcome archives a ticket or takes it out of the rates.
pub(super) const OUTSOURCED: &[P] = &[
    P::AppealRegister,
    P::AppealRead,
    P::AppealAnswer,
    P::AppealQuery,
    P::RegistryRead,
    P::TicketRead,
    P::ReplyRead,
    P::OwnAccount,
];

impl Role {
    /// Every role.
    pub const ALL: [Self; 18] = [
        Self::Operator,
        Self::Dispatcher,
        Self::ShiftSupervisor,
        Self::DutyOfficer,
        Self::UnitClerk,
        Self::UnitLead,
        Self::FollowUpAgent,
        Self::QualityInspector,
        Self::KnowledgeEditor,
        Self::Reviewer,
        Self::Leader,
        Self::Secretary,
        Self::Analyst,
        Self::Administrator,
        Self::SecurityAdministrator,
        Self::Auditor,
        Self::Channel,
        Self::Citizen,
    ];

    /// Its word, as principals and configuration have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Dispatcher => "dispatcher",
            Self::ShiftSupervisor => "shift_supervisor",
            Self::DutyOfficer => "duty_officer",
            Self::UnitClerk => "unit_clerk",
            Self::UnitLead => "unit_lead",
            Self::FollowUpAgent => "follow_up_agent",
            Self::QualityInspector => "quality_inspector",
            Self::KnowledgeEditor => "knowledge_editor",
            Self::Reviewer => "reviewer",
            Self::Leader => "leader",
            Self::Secretary => "secretary",
            Self::Analyst => "analyst",
            Self::Administrator => "administrator",
            Self::SecurityAdministrator => "security_administrator",
            Self::Auditor => "auditor",
            Self::Channel => "channel",
            Self::Citizen => "citizen",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// What it may do.
    #[must_use]
    pub fn grants(self) -> &'static [Grant] {
        match self {
            Self::Operator => OPERATOR,
            Self::Dispatcher => DISPATCHER,
            Self::ShiftSupervisor => SHIFT_SUPERVISOR,
            Self::DutyOfficer => OF_A_UNIT,
            Self::UnitClerk | Self::UnitLead => OF_A_UNITS_DESK,
            Self::FollowUpAgent => FOLLOW_UP_AGENT,
            Self::QualityInspector => QUALITY_INSPECTOR,
            Self::KnowledgeEditor => KNOWLEDGE_EDITOR,
            Self::Reviewer => REVIEWER,
            Self::Leader => LEADER,
            Self::Secretary => SECRETARY,
            Self::Analyst => ANALYST,
            Self::Administrator => ADMINISTRATOR,
            Self::SecurityAdministrator => SECURITY_ADMINISTRATOR,
            Self::Auditor => AUDITOR,
            Self::Channel => CHANNEL,
            Self::Citizen => CITIZEN,
        }
    }

    /// Whether who has it acts for a unit; everybody else acts for none.
    #[must_use]
    pub fn is_of_a_unit(self) -> bool {
        matches!(self, Self::DutyOfficer | Self::UnitClerk | Self::UnitLead)
    }

    /// Whether who has it may have no other: administration, accounts and audit are kept apart
    /// (GB/T 22239-2019, 8.1.5).
    #[must_use]
    pub fn stands_alone(self) -> bool {
        matches!(
            self,
            Self::Administrator | Self::SecurityAdministrator | Self::Auditor
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_the_same_word_everywhere() {
        for role in Role::ALL {
            let written = serde_json::to_string(&role).unwrap();
            assert_eq!(written, format!("\"{}\"", role.word()));
            assert_eq!(Role::of(role.word()), Some(role));
        }
        assert_eq!(Role::of("Operator"), None);
    }

    #[test]
    fn no_role_is_granted_the_same_twice() {
        for role in Role::ALL {
            for (index, grant) in role.grants().iter().enumerate() {
                let rest = &role.grants()[index + 1..];
                let twice = rest
                    .iter()
                    .any(|other| other.permission == grant.permission);
                assert!(!twice, "{role:?} {:?}", grant.permission);
            }
        }
    }
}
