//! What can be done to a ticket, and what history and events call it.

use hotline_kernel::id::MatterId;

use super::matter::MatterOnTicket;
use super::state::{Assignment, Report, ReturnRequest, Signing, TicketState};
use super::word::Change;

/// What can be done to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketCommand {
    /// 派单.
    Dispatch(Assignment),
    /// 签收.
    Sign(Signing),
    /// 退单.
    AskReturn(ReturnRequest),
    /// Agree; without a next unit it waits for a dispatcher.
    GrantReturn(Option<Assignment>),
    /// Do not agree.
    RefuseReturn,
    /// 会商: binding.
    DecideConsultation(Assignment),
    /// Hand in report and reply.
    Handle(Report),
    /// Send them back.
    SendBack,
    /// 办结.
    Conclude,
    /// 重办; without a unit it waits for a dispatcher.
    Rework(Option<Assignment>),
    /// 归档.
    Archive,
    /// 督办.
    Supervise,
    /// A matter comes.
    Attach(MatterOnTicket),
    /// A matter goes, others remain.
    Detach(MatterId),
    /// The last matter goes to another ticket.
    Absorb(MatterId),
    /// The last matter was withdrawn.
    Withdraw(MatterId),
    /// Its own matter comes back.
    Reopen(MatterOnTicket),
    /// A matter cannot come.
    RefuseAttach,
    /// 黄牌.
    WarnYellow,
    /// 红牌.
    WarnRed,
    /// 催办.
    Remind,
    /// To the shift supervisor.
    Escalate,
    /// A leader's instruction.
    Instruct,
    /// A calendar moved a deadline; the assignment with its new deadlines, if there is one.
    Recompute(Option<Assignment>),
}

impl TicketCommand {
    /// The command's word for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dispatch(_) => "dispatch",
            Self::Sign(_) => "sign",
            Self::AskReturn(_) => "return",
            Self::GrantReturn(_) => "grant the return of",
            Self::RefuseReturn => "refuse the return of",
            Self::DecideConsultation(_) => "decide the consultation of",
            Self::Handle(_) => "handle",
            Self::SendBack => "send back",
            Self::Conclude => "conclude",
            Self::Rework(_) => "rework",
            Self::Archive => "archive",
            Self::Supervise => "supervise",
            Self::Attach(_) => "attach a matter to",
            Self::Detach(_) => "detach a matter from",
            Self::Absorb(_) => "absorb",
            Self::Withdraw(_) => "withdraw",
            Self::Reopen(_) => "reopen",
            Self::RefuseAttach => "refuse a matter of",
            Self::WarnYellow => "show a yellow card to",
            Self::WarnRed => "show a red card to",
            Self::Remind => "remind",
            Self::Escalate => "escalate",
            Self::Instruct => "instruct",
            Self::Recompute(_) => "recompute the deadline of",
        }
    }

    /// What history and events call the step that led to `state`.
    #[must_use]
    pub fn change(&self, state: &TicketState) -> Change {
        match self {
            Self::Dispatch(_) => Change::Dispatched,
            Self::Sign(_) => Change::Signed,
            Self::AskReturn(_) if matches!(state, TicketState::Consultation(_)) => {
                Change::ConsultationOpened
            }
            Self::AskReturn(_) => Change::ReturnAsked,
            Self::GrantReturn(_) => Change::ReturnGranted,
            Self::RefuseReturn => Change::ReturnRefused,
            Self::DecideConsultation(_) => Change::ConsultationDecided,
            Self::Handle(_) => Change::Handled,
            Self::SendBack => Change::SentBack,
            Self::Conclude => Change::Concluded,
            Self::Rework(_) => Change::Reworked,
            Self::Archive | Self::Withdraw(_) => Change::Archived,
            Self::Supervise => Change::Supervised,
            Self::Attach(_) => Change::MatterAttached,
            Self::Detach(_) => Change::MatterDetached,
            Self::Absorb(_) => Change::Absorbed,
            Self::Reopen(_) => Change::Reopened,
            Self::RefuseAttach => Change::AttachRefused,
            Self::WarnYellow => Change::YellowCard,
            Self::WarnRed => Change::RedCard,
            Self::Remind => Change::Reminded,
            Self::Escalate => Change::Escalated,
            Self::Instruct => Change::Instructed,
            Self::Recompute(_) => Change::DeadlineRecomputed,
        }
    }
}
