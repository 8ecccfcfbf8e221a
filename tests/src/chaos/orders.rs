//! The commands of those who work in the city, each sent as often as it takes.

use hotline_proto::feedback::{ClassifyFailureRequest, RecordAttemptRequest};
use hotline_proto::intake::AcceptAppealRequest;
use hotline_proto::routing::{
    ConcludeTicketRequest, DecideConsultationRequest, DecideReturnRequest, DispatchTicketRequest,
    HandleTicketRequest, ReturnTicketRequest, SignTicketRequest,
};
use hotline_proto::shared::{FailureClass, ReturnReason, Satisfaction, Solved};
use tonic::{Request, Status};

use super::fleet::Doors;

/// What is to be done with an appeal, a ticket or a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Accept,
    Dispatch { unit: &'static str },
    DecideReturn { grant: bool },
    DecideConsultation { unit: &'static str },
    Conclude,
    Sign,
    Return { instead: &'static str },
    Handle,
    RecordAttempt { is_solved: bool },
    ClassifyFailure,
}

/// A deed, on the subject as it was seen.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) key: String,
    pub(super) deed: Deed,
    pub(super) subject_id: String,
    pub(super) version: i64,
}

impl Deed {
    /// The service that does it.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Accept => "intake",
            Self::RecordAttempt { .. } | Self::ClassifyFailure => "feedback",
            _ => "routing",
        }
    }

    /// Whether the ticket's unit does it.
    fn is_of_unit(self) -> bool {
        matches!(self, Self::Sign | Self::Return { .. } | Self::Handle)
    }
}

impl Order {
    /// Gives it once; the subject's version after it. `signature` says in whose name.
    pub(super) async fn give(
        self,
        doors: Doors,
        replica: usize,
        signature: Request<()>,
    ) -> Result<i64, Status> {
        let done = match self.deed.service() {
            "intake" => self.accept(doors, replica, signature).await?,
            "feedback" => self.follow_up(doors, replica, signature).await?,
            _ if self.deed.is_of_unit() => self.unit(doors, replica, signature).await?,
            _ => self.centre(doors, replica, signature).await?,
        };
        done.ok_or_else(|| Status::data_loss("an answer without its subject"))
    }

    async fn accept(
        self,
        doors: Doors,
        replica: usize,
        signature: Request<()>,
    ) -> Result<Option<i64>, Status> {
        let request = signature.map(|()| AcceptAppealRequest {
            idempotency_key: self.key,
            expected_version: self.version,
            appeal_id: self.subject_id,
            matters: Vec::new(),
        });
        let answer = doors.intake(replica).accept_appeal(request).await?;
        Ok(answer.into_inner().appeal.map(|view| view.version))
    }

    async fn follow_up(
        self,
        doors: Doors,
        replica: usize,
        signature: Request<()>,
    ) -> Result<Option<i64>, Status> {
        let mut feedback = doors.feedback(replica);
        let view = if let Deed::RecordAttempt { is_solved } = self.deed {
            let (solved, satisfaction) = if is_solved {
                (Solved::Solved, Satisfaction::Satisfied)
            } else {
                (Solved::Unsolved, Satisfaction::Unsatisfied)
            };
            let request = signature.map(|()| RecordAttemptRequest {
                idempotency_key: self.key,
                expected_version: self.version,
                follow_up_id: self.subject_id,
                reached: true,
                solved: solved.into(),
                satisfaction: satisfaction.into(),
                note: String::new(),
            });
            feedback
                .record_attempt(request)
                .await?
                .into_inner()
                .follow_up
        } else {
            let request = signature.map(|()| ClassifyFailureRequest {
                idempotency_key: self.key,
                expected_version: self.version,
                follow_up_id: self.subject_id,
                failure_class: FailureClass::UnitFault.into(),
                note: "已核实".to_owned(),
            });
            feedback
                .classify_failure(request)
                .await?
                .into_inner()
                .follow_up
        };
        Ok(view.map(|view| view.version))
    }

    /// What the centre does with a ticket.
    async fn centre(
        self,
        doors: Doors,
        replica: usize,
        signature: Request<()>,
    ) -> Result<Option<i64>, Status> {
        let mut routing = doors.routing(replica);
        let (idempotency_key, expected_version) = (self.key, self.version);
        let ticket_id = self.subject_id;
        let view = match self.deed {
            Deed::Dispatch { unit } => {
                let request = signature.map(|()| DispatchTicketRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                    lead_unit_code: unit.to_owned(),
                    ..DispatchTicketRequest::default()
                });
                routing.dispatch_ticket(request).await?.into_inner().ticket
            }
            Deed::DecideReturn { grant } => {
                let request = signature.map(|()| DecideReturnRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                    grant,
                    ..DecideReturnRequest::default()
                });
                routing.decide_return(request).await?.into_inner().ticket
            }
            Deed::DecideConsultation { unit } => {
                let request = signature.map(|()| DecideConsultationRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                    lead_unit_code: unit.to_owned(),
                    decision: "会商确定由该单位主办".to_owned(),
                    ..DecideConsultationRequest::default()
                });
                routing
                    .decide_consultation(request)
                    .await?
                    .into_inner()
                    .ticket
            }
            _ => {
                let request = signature.map(|()| ConcludeTicketRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                });
                routing.conclude_ticket(request).await?.into_inner().ticket
            }
        };
        Ok(view.map(|view| view.version))
    }

    /// What its unit does with a ticket.
    async fn unit(
        self,
        doors: Doors,
        replica: usize,
        signature: Request<()>,
    ) -> Result<Option<i64>, Status> {
        let mut routing = doors.routing(replica);
        let (idempotency_key, expected_version) = (self.key, self.version);
        let ticket_id = self.subject_id;
        let view = match self.deed {
            Deed::Sign => {
                let request = signature.map(|()| SignTicketRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                });
                routing.sign_ticket(request).await?.into_inner().ticket
            }
            Deed::Return { instead } => {
                let request = signature.map(|()| ReturnTicketRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                    reason: ReturnReason::NotDuty.into(),
                    clause: "三定方案第三条".to_owned(),
                    proposed_unit_code: instead.to_owned(),
                    note: "不属于本单位职责".to_owned(),
                });
                routing.return_ticket(request).await?.into_inner().ticket
            }
            _ => {
                let request = signature.map(|()| HandleTicketRequest {
                    idempotency_key,
                    expected_version,
                    ticket_id,
                    handling_report: "已到现场处理".to_owned(),
                    reply: "已处理完毕，感谢来电。".to_owned(),
                });
                routing.handle_ticket(request).await?.into_inner().ticket
            }
        };
        Ok(view.map(|view| view.version))
    }
}
