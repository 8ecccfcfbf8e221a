//! The centre's dispatchers and reviewers, and the units' clerks.

use hotline_kernel::time::{Timestamp, from_micros};
use hotline_proto::routing::{
    ArchiveTicketRequest, ConcludeTicketRequest, DecideConsultationRequest, DecideReturnRequest,
    DispatchTicketRequest, HandleTicketRequest, ListTicketsRequest, ReturnTicketRequest,
    SendBackTicketRequest, SignTicketRequest, TicketView,
};
use hotline_proto::shared::{ReturnReason, TicketState, Urgency};
use rand::rngs::StdRng;

use super::city::{Clients, by, by_unit, pages, said};
use super::directory::Directory;
use super::memory::Memory;
use super::plan::Fate;
use super::story::Story;

/// Everybody who moves tickets.
pub struct Offices<'a> {
    /// The city.
    pub clients: Clients,
    /// Who is right.
    pub directory: &'a Directory,
    /// What they write.
    pub story: &'a Story,
    /// Draws their words.
    pub random: StdRng,
}

impl Offices<'_> {
    /// One turn of all desks. Outside working hours only what is urgent moves.
    pub async fn turn(
        &mut self,
        now: Timestamp,
        is_working: bool,
        memory: &mut Memory,
    ) -> anyhow::Result<()> {
        for view in self.list(TicketState::AwaitingDispatch).await? {
            if is_working || is_urgent(&view) {
                self.dispatch(&view, memory).await?;
            }
        }
        for view in self.list(TicketState::Dispatched).await? {
            if is_working || is_urgent(&view) {
                self.take(&view, memory).await?;
            }
        }
        for view in self.list(TicketState::Signed).await? {
            if is_working || is_urgent(&view) {
                self.handle(&view, now, memory).await?;
            }
        }
        if is_working {
            self.centre_decides(memory).await?;
        }
        Ok(())
    }

    async fn centre_decides(&mut self, memory: &mut Memory) -> anyhow::Result<()> {
        for view in self.list(TicketState::ReturnReview).await? {
            self.decide_return(&view, memory).await?;
        }
        for view in self.list(TicketState::Consultation).await? {
            self.decide_consultation(&view, memory).await?;
        }
        for view in self.list(TicketState::Handled).await? {
            self.review(&view, memory).await?;
        }
        for view in self.escalated().await? {
            self.end(&view).await?;
        }
        Ok(())
    }

    async fn list(&mut self, state: TicketState) -> anyhow::Result<Vec<TicketView>> {
        self.tickets(ListTicketsRequest {
            states: vec![state.into()],
            page_size: 200,
            ..Default::default()
        })
        .await
    }

    async fn escalated(&mut self) -> anyhow::Result<Vec<TicketView>> {
        let states = vec![TicketState::Concluded.into()];
        self.tickets(ListTicketsRequest {
            states,
            escalated: true,
            page_size: 200,
            ..Default::default()
        })
        .await
    }

    async fn tickets(&mut self, request: ListTicketsRequest) -> anyhow::Result<Vec<TicketView>> {
        let routing = self.clients.routing.clone();
        let listed = pages(|page_token| {
            let mut routing = routing.clone();
            let request = ListTicketsRequest {
                page_token,
                ..request.clone()
            };
            async move {
                let answer = routing
                    .list_tickets(by("dispatcher", "gao", request))
                    .await?
                    .into_inner();
                Ok((answer.tickets, answer.next_page_token))
            }
        });
        listed
            .await
            .map_err(|status| anyhow::anyhow!("list tickets: {}", status.message()))
    }

    async fn dispatch(&mut self, view: &TicketView, memory: &Memory) -> anyhow::Result<()> {
        let id = ticket_id(view);
        let Some(fate) = memory.fates.get(&id) else {
            return Ok(());
        };
        let Some(lead) = self.directory.lead(&fate.category, &fate.area) else {
            return Ok(());
        };
        let request = DispatchTicketRequest {
            idempotency_key: key("dispatch", view),
            expected_version: view.version,
            ticket_id: id,
            lead_unit_code: lead.to_owned(),
            category_code: fate.category.clone(),
            area_code: fate.area.clone(),
            ..Default::default()
        };
        said(
            self.clients
                .routing
                .dispatch_ticket(by("dispatcher", "gao", request))
                .await,
        )
        .map(drop)
    }

    /// A unit signs for a ticket, or gives it back when it is another's.
    async fn take(&mut self, view: &TicketView, memory: &mut Memory) -> anyhow::Result<()> {
        let id = ticket_id(view);
        let unit = lead(view);
        let returned = memory.returned.get(&id).copied().unwrap_or(0);
        let right = memory
            .fates
            .get(&id)
            .and_then(|fate| self.right_unit(fate, &unit, returned));
        let Some(proposed) = right.filter(|right| *right != unit) else {
            let request = SignTicketRequest {
                idempotency_key: key("sign", view),
                expected_version: view.version,
                ticket_id: id,
            };
            return said(
                self.clients
                    .routing
                    .sign_ticket(by_unit(&unit, request))
                    .await,
            )
            .map(drop);
        };
        memory.returned.insert(id.clone(), returned + 1);
        let request = ReturnTicketRequest {
            idempotency_key: key("return", view),
            expected_version: view.version,
            ticket_id: id,
            reason: ReturnReason::NotDuty.into(),
            clause: self.story.remark("return_clause", &mut self.random),
            proposed_unit_code: proposed,
            note: self.story.remark("return_note", &mut self.random),
        };
        said(
            self.clients
                .routing
                .return_ticket(by_unit(&unit, request))
                .await,
        )
        .map(drop)
    }

    /// The unit that this clerk thinks is right: a disputed ticket is nobody's until the consultation.
    fn right_unit(&self, fate: &Fate, unit: &str, returned: u32) -> Option<String> {
        if fate.disputed {
            return (returned < 2).then(|| self.directory.other_than(unit).to_owned());
        }
        if returned > 0 {
            return None;
        }
        self.directory
            .lead(&fate.category, &fate.area)
            .map(str::to_owned)
    }

    async fn handle(
        &mut self,
        view: &TicketView,
        now: Timestamp,
        memory: &Memory,
    ) -> anyhow::Result<()> {
        let Some(ticket) = &view.ticket else {
            return Ok(());
        };
        let Some(fate) = memory.fates.get(&ticket.id) else {
            return Ok(());
        };
        if now < ready_at(view, fate.pace) {
            return Ok(());
        }
        let unit = lead(view);
        let request = HandleTicketRequest {
            idempotency_key: key("handle", view),
            expected_version: view.version,
            ticket_id: ticket.id.clone(),
            handling_report: fate.report.clone(),
            reply: fate.reply.clone(),
        };
        said(
            self.clients
                .routing
                .handle_ticket(by_unit(&unit, request))
                .await,
        )
        .map(drop)
    }

    async fn review(&mut self, view: &TicketView, memory: &mut Memory) -> anyhow::Result<()> {
        let id = ticket_id(view);
        let sent_back = memory.fates.get(&id).is_some_and(|fate| fate.sent_back);
        if sent_back && memory.sent_back.insert(id.clone()) {
            let request = SendBackTicketRequest {
                idempotency_key: key("send-back", view),
                expected_version: view.version,
                ticket_id: id,
                reason: self.story.remark("send_back", &mut self.random),
            };
            return said(
                self.clients
                    .routing
                    .send_back_ticket(by("dispatcher", "gao", request))
                    .await,
            )
            .map(drop);
        }
        let request = ConcludeTicketRequest {
            idempotency_key: key("conclude", view),
            expected_version: view.version,
            ticket_id: id,
        };
        said(
            self.clients
                .routing
                .conclude_ticket(by("dispatcher", "gao", request))
                .await,
        )
        .map(drop)
    }

    async fn decide_return(&mut self, view: &TicketView, memory: &Memory) -> anyhow::Result<()> {
        let id = ticket_id(view);
        let right = memory
            .fates
            .get(&id)
            .and_then(|fate| self.directory.lead(&fate.category, &fate.area));
        let request = DecideReturnRequest {
            idempotency_key: key("decide-return", view),
            expected_version: view.version,
            ticket_id: id.clone(),
            grant: true,
            lead_unit_code: right
                .filter(|right| *right != lead(view))
                .unwrap_or_default()
                .to_owned(),
            note: "按职责分工改派".into(),
        };
        said(
            self.clients
                .routing
                .decide_return(by("dispatcher", "gao", request))
                .await,
        )
        .map(drop)
    }

    async fn decide_consultation(
        &mut self,
        view: &TicketView,
        memory: &Memory,
    ) -> anyhow::Result<()> {
        let id = ticket_id(view);
        let right = memory
            .fates
            .get(&id)
            .and_then(|fate| self.directory.lead(&fate.category, &fate.area));
        let request = DecideConsultationRequest {
            idempotency_key: key("consult", view),
            expected_version: view.version,
            lead_unit_code: right.map_or_else(|| lead(view), str::to_owned),
            ticket_id: id,
            decision: self.story.remark("consultation", &mut self.random),
            ..Default::default()
        };
        said(
            self.clients
                .routing
                .decide_consultation(by("shift_supervisor", "zhao", request))
                .await,
        )
        .map(drop)
    }

    /// The shift supervisor has spoken with citizen and unit after the third failure.
    async fn end(&mut self, view: &TicketView) -> anyhow::Result<()> {
        let request = ArchiveTicketRequest {
            idempotency_key: key("end", view),
            expected_version: view.version,
            ticket_id: ticket_id(view),
        };
        said(
            self.clients
                .routing
                .archive_ticket(by("shift_supervisor", "zhao", request))
                .await,
        )
        .map(drop)
    }
}

fn key(action: &str, view: &TicketView) -> String {
    format!("{action}-{}-{}", ticket_id(view), view.version)
}

fn ticket_id(view: &TicketView) -> String {
    view.ticket
        .as_ref()
        .map(|ticket| ticket.id.clone())
        .unwrap_or_default()
}

fn lead(view: &TicketView) -> String {
    view.ticket
        .as_ref()
        .map(|ticket| ticket.lead_unit_code.clone())
        .unwrap_or_default()
}

fn is_urgent(view: &TicketView) -> bool {
    view.ticket
        .as_ref()
        .is_some_and(|ticket| ticket.urgency > Urgency::Normal as i32)
}

/// When a unit of this pace is done: that share of the time between dispatch and deadline.
fn ready_at(view: &TicketView, pace: f64) -> Timestamp {
    let micros = |at: Option<prost_types::Timestamp>| {
        at.map(|at| at.seconds * 1_000_000 + i64::from(at.nanos) / 1000)
    };
    let ticket = view.ticket.clone().unwrap_or_default();
    let begun = micros(ticket.dispatched_at).unwrap_or(0);
    let due = micros(ticket.unit_due_at).unwrap_or(begun);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a share of some days"
    )]
    let share = ((due - begun) as f64 * pace) as i64;
    from_micros(begun + share).unwrap_or_default()
}
