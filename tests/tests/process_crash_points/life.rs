//! One ticket's life, step by step; each step is repeated with its key until it is acknowledged.

use hotline_proto::event::FollowUpState;
use hotline_proto::feedback::{ListFollowUpsRequest, RecordAttemptRequest};
use hotline_proto::intake::AcceptAppealRequest;
use hotline_proto::reporting::GiveInstructionRequest;
use hotline_proto::routing::{
    ConcludeTicketRequest, GetTicketHistoryRequest, GetTicketRequest, HandleTicketRequest,
    SignTicketRequest, TicketView, get_ticket_request,
};
use hotline_proto::shared::{Satisfaction, Solved, TicketState};
use hotline_tests::principal::{by, by_unit};

use crate::ledger::Ledger;
use crate::server::{Gone, Server, Wait};

/// The unit that the catalogue names for street lamps.
const UNIT: &str = "CGJ";

/// How far a life has come: what is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Registered,
    Accepted,
    Signed,
    Instructed,
    Handled,
    Concluded,
    Judged,
    Archived,
}

/// A ticket on its way.
pub struct Life {
    /// Its place in the ledger.
    pub entry: usize,
    /// Its ticket, once it is accepted.
    pub ticket_id: String,
    step: Option<Step>,
}

impl Life {
    pub fn begin(ledger: &mut Ledger) -> Self {
        let entry = ledger.intend("样例路的路灯不亮");
        Self {
            entry,
            ticket_id: String::new(),
            step: None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.step == Some(Step::Archived)
    }

    /// Goes on to the end.
    pub async fn goes_on(&mut self, ledger: &mut Ledger, server: &mut Server) -> Result<(), Gone> {
        while !self.is_over() {
            self.step = Some(match self.step {
                None => {
                    ledger.receipt(server, self.entry).await?;
                    Step::Registered
                }
                Some(Step::Registered) => self.accepted(ledger, server).await?,
                Some(Step::Accepted) => self.signed(server).await?,
                Some(Step::Signed) => self.instructed(server).await?,
                Some(Step::Instructed) => self.handled(server).await?,
                Some(Step::Handled) => self.concluded(server).await?,
                Some(Step::Concluded) => self.judged(server).await?,
                Some(Step::Judged | Step::Archived) => {
                    self.comes_to(server, TicketState::Archived).await?;
                    Step::Archived
                }
            });
        }
        Ok(())
    }

    fn key(&self, step: &str) -> String {
        format!("{step}-{}", self.entry)
    }

    async fn accepted(&mut self, ledger: &mut Ledger, server: &mut Server) -> Result<Step, Gone> {
        let request = AcceptAppealRequest {
            idempotency_key: self.key("accept"),
            appeal_id: ledger.receipt(server, self.entry).await?.appeal_id,
            ..AcceptAppealRequest::default()
        };
        let answer = server
            .intake()
            .accept_appeal(by("operator", "li", request))
            .await;
        let appeal = server.said(answer).await?.appeal.expect("an appeal");
        let matter = appeal
            .matters
            .into_iter()
            .next()
            .and_then(|view| view.matter);
        self.ticket_id = matter.expect("a matter").ticket_id;
        Ok(Step::Accepted)
    }

    async fn signed(&self, server: &mut Server) -> Result<Step, Gone> {
        self.comes_to(server, TicketState::Dispatched).await?;
        let request = SignTicketRequest {
            idempotency_key: self.key("sign"),
            ticket_id: self.ticket_id.clone(),
            ..SignTicketRequest::default()
        };
        let answer = server.routing().sign_ticket(by_unit(UNIT, request)).await;
        server.said(answer).await?;
        Ok(Step::Signed)
    }

    async fn instructed(&self, server: &mut Server) -> Result<Step, Gone> {
        let mut wait = Wait::begin("reporting knows the ticket");
        loop {
            let request = GiveInstructionRequest {
                idempotency_key: self.key("instruct"),
                ticket_id: self.ticket_id.clone(),
                leader: "分管副市长".to_owned(),
                text: "请尽快办理".to_owned(),
                ..GiveInstructionRequest::default()
            };
            let answer = server
                .reporting()
                .give_instruction(by("leader", "zhou", request))
                .await;
            match server.heard(answer).await? {
                Ok(_) => return Ok(Step::Instructed),
                Err(status) => assert_eq!(status.code(), tonic::Code::NotFound, "{status:?}"),
            }
            wait.on().await;
        }
    }

    async fn handled(&self, server: &mut Server) -> Result<Step, Gone> {
        let request = HandleTicketRequest {
            idempotency_key: self.key("handle"),
            ticket_id: self.ticket_id.clone(),
            handling_report: "已到现场处理".to_owned(),
            reply: "路灯已修复。".to_owned(),
            ..HandleTicketRequest::default()
        };
        let answer = server.routing().handle_ticket(by_unit(UNIT, request)).await;
        server.said(answer).await?;
        Ok(Step::Handled)
    }

    async fn concluded(&self, server: &mut Server) -> Result<Step, Gone> {
        let request = ConcludeTicketRequest {
            idempotency_key: self.key("conclude"),
            ticket_id: self.ticket_id.clone(),
            ..ConcludeTicketRequest::default()
        };
        let answer = server
            .routing()
            .conclude_ticket(by("dispatcher", "sun", request))
            .await;
        server.said(answer).await?;
        Ok(Step::Concluded)
    }

    async fn judged(&self, server: &mut Server) -> Result<Step, Gone> {
        let follow_up_id = self.follow_up(server).await?;
        let request = RecordAttemptRequest {
            idempotency_key: self.key("follow-up"),
            follow_up_id,
            reached: true,
            solved: Solved::Solved.into(),
            satisfaction: Satisfaction::Satisfied.into(),
            ..RecordAttemptRequest::default()
        };
        let answer = server
            .feedback()
            .record_attempt(by("follow_up_agent", "zhao", request))
            .await;
        server.said(answer).await?;
        Ok(Step::Judged)
    }

    /// The ticket's one follow-up, once there is one; closed already if an attempt was not acknowledged.
    async fn follow_up(&self, server: &mut Server) -> Result<String, Gone> {
        let mut wait = Wait::begin("there is a follow-up");
        loop {
            let request = ListFollowUpsRequest {
                ticket_id: self.ticket_id.clone(),
                page_size: 10,
                ..ListFollowUpsRequest::default()
            };
            let request = by("follow_up_agent", "zhao", request);
            let answer = server.feedback().list_follow_ups(request).await;
            let views = server.said(answer).await?.follow_ups;
            let found: Vec<_> = views
                .into_iter()
                .filter_map(|view| view.follow_up)
                .collect();
            assert!(
                found.len() <= 1,
                "{}: {} follow-ups",
                self.ticket_id,
                found.len()
            );
            if let Some(follow_up) = found.into_iter().next() {
                let is_sound = matches!(
                    follow_up.state(),
                    FollowUpState::Open | FollowUpState::Closed
                );
                assert!(is_sound, "{follow_up:?}");
                return Ok(follow_up.id);
            }
            wait.on().await;
        }
    }

    async fn comes_to(&self, server: &mut Server, state: TicketState) -> Result<(), Gone> {
        let mut wait = Wait::begin(&format!("a ticket is {state:?}"));
        loop {
            if let Some(view) = self.ticket(server).await? {
                let found = view.ticket.expect("a view has its ticket").state();
                // What was done and not acknowledged is further on already.
                if found as i32 >= state as i32 {
                    return Ok(());
                }
            }
            wait.on().await;
        }
    }

    async fn ticket(&self, server: &mut Server) -> Result<Option<TicketView>, Gone> {
        let asked = Some(get_ticket_request::By::TicketId(self.ticket_id.clone()));
        let request = by("dispatcher", "sun", GetTicketRequest { by: asked });
        let answer = server.routing().get_ticket(request).await;
        match server.heard(answer).await? {
            Ok(answer) => Ok(answer.ticket),
            Err(status) => {
                assert_eq!(status.code(), tonic::Code::NotFound, "{status:?}");
                Ok(None)
            }
        }
    }

    /// What became of the ticket, each step once: versions from 1 on, and the changes sorted by name.
    pub async fn history(&self, server: &mut Server) -> Result<Vec<String>, Gone> {
        let request = GetTicketHistoryRequest {
            ticket_id: self.ticket_id.clone(),
            page_size: 200,
            ..GetTicketHistoryRequest::default()
        };
        let answer = server
            .routing()
            .get_ticket_history(by("dispatcher", "sun", request))
            .await;
        let steps = server.said(answer).await?.steps;
        let mut versions: Vec<i64> = steps.iter().map(|step| step.version).collect();
        versions.sort_unstable();
        let dense: Vec<i64> = (1..).take(steps.len()).collect();
        assert_eq!(versions, dense, "versions of {}", self.ticket_id);
        let mut changes: Vec<String> = steps
            .iter()
            .map(|step| step.change().as_str_name().to_owned())
            .collect();
        changes.sort_unstable();
        Ok(changes)
    }
}
