//! Those who act on tickets: units that handle them, dispatchers who send them round and conclude.

use hotline_proto::routing::{
    ArchiveTicketRequest, ConcludeTicketRequest, DecideConsultationRequest, DecideReturnRequest,
    DispatchTicketRequest, HandleTicketRequest, ReturnTicketRequest, ReworkTicketRequest,
    SendBackTicketRequest, SignTicketRequest,
};
use hotline_proto::shared::ReturnReason;
use tonic::Status;

use crate::city::City;
use crate::principal::{by, by_unit};

/// A clerk of a unit.
pub struct Unit<'a> {
    city: &'a City,
    code: &'a str,
}

impl<'a> Unit<'a> {
    pub(super) fn new(city: &'a City, code: &'a str) -> Self {
        Self { city, code }
    }

    /// Signs for a ticket.
    pub async fn signs(&self, ticket_id: &str) {
        let request = SignTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
        };
        let answer = self
            .city
            .routing()
            .sign_ticket(by_unit(self.code, request))
            .await;
        self.city.said("sign for a ticket", answer);
        self.city.settles().await;
    }

    /// Asks to give a ticket back, proposing another unit.
    pub async fn returns(&self, ticket_id: &str, reason: ReturnReason, instead: &str) {
        let returned = self.tries_to_return(ticket_id, reason, instead).await;
        returned.unwrap_or_else(|status| panic!("{}: return: {status:?}", self.city.label));
    }

    /// Asks to give a ticket back, or is refused.
    pub async fn tries_to_return(
        &self,
        ticket_id: &str,
        reason: ReturnReason,
        instead: &str,
    ) -> Result<(), Status> {
        let request = ReturnTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            reason: reason.into(),
            clause: "三定方案第三条".to_owned(),
            proposed_unit_code: instead.to_owned(),
            note: "不属于本单位职责".to_owned(),
        };
        self.city
            .routing()
            .return_ticket(by_unit(self.code, request))
            .await?;
        self.city.settles().await;
        Ok(())
    }

    /// Hands in a report and what the citizens read.
    pub async fn hands_in(&self, ticket_id: &str, reply: &str) {
        let request = HandleTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            handling_report: "已到现场处理".to_owned(),
            reply: reply.to_owned(),
        };
        let answer = self
            .city
            .routing()
            .handle_ticket(by_unit(self.code, request))
            .await;
        self.city.said("hand in a report", answer);
        self.city.settles().await;
    }

    /// Signs, hands in, and the centre concludes.
    pub async fn settles_matter(&self, ticket_id: &str, reply: &str) {
        self.signs(ticket_id).await;
        self.hands_in(ticket_id, reply).await;
        self.city.dispatcher().concludes(ticket_id).await;
    }
}

/// A dispatcher.
pub struct Dispatcher<'a> {
    city: &'a City,
}

impl<'a> Dispatcher<'a> {
    pub(super) fn new(city: &'a City) -> Self {
        Self { city }
    }

    /// Dispatches a waiting ticket.
    pub async fn dispatches(&self, ticket_id: &str, unit_code: &str) {
        let request = DispatchTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            lead_unit_code: unit_code.to_owned(),
            ..DispatchTicketRequest::default()
        };
        let answer = self
            .city
            .routing()
            .dispatch_ticket(by("dispatcher", "sun", request))
            .await;
        self.city.said("dispatch a ticket", answer);
        self.city.settles().await;
    }

    /// Grants a return; the proposed unit is next.
    pub async fn grants_the_return(&self, ticket_id: &str) {
        self.decides_return(ticket_id, true).await;
    }

    /// Refuses a return.
    pub async fn refuses_the_return(&self, ticket_id: &str) {
        self.decides_return(ticket_id, false).await;
    }

    async fn decides_return(&self, ticket_id: &str, grant: bool) {
        let request = DecideReturnRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            grant,
            ..DecideReturnRequest::default()
        };
        let answer = self
            .city
            .routing()
            .decide_return(by("dispatcher", "sun", request))
            .await;
        self.city.said("decide a return", answer);
        self.city.settles().await;
    }

    /// Decides a consultation.
    pub async fn decides_the_consultation(&self, ticket_id: &str, unit_code: &str) {
        let request = DecideConsultationRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            lead_unit_code: unit_code.to_owned(),
            decision: "会商确定由该单位主办".to_owned(),
            ..DecideConsultationRequest::default()
        };
        let answer = self
            .city
            .routing()
            .decide_consultation(by("dispatcher", "sun", request))
            .await;
        self.city.said("decide a consultation", answer);
        self.city.settles().await;
    }

    /// Sends a handled ticket back to its unit.
    pub async fn sends_back(&self, ticket_id: &str) {
        let request = SendBackTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            reason: "未联系来电人".to_owned(),
        };
        let answer = self
            .city
            .routing()
            .send_back_ticket(by("dispatcher", "sun", request))
            .await;
        self.city.said("send a ticket back", answer);
        self.city.settles().await;
    }

    /// Concludes a handled ticket.
    pub async fn concludes(&self, ticket_id: &str) {
        let request = ConcludeTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
        };
        let answer = self
            .city
            .routing()
            .conclude_ticket(by("dispatcher", "sun", request))
            .await;
        self.city.said("conclude a ticket", answer);
        self.city.settles().await;
    }

    /// Starts the next round by his own decision.
    pub async fn reworks(&self, ticket_id: &str) {
        let request = ReworkTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
            reason: "值班长决定".to_owned(),
        };
        let answer = self
            .city
            .routing()
            .rework_ticket(by("shift_supervisor", "wu", request))
            .await;
        self.city.said("rework a ticket", answer);
        self.city.settles().await;
    }

    /// Archives a concluded ticket.
    pub async fn archives(&self, ticket_id: &str) {
        let request = ArchiveTicketRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.ticket_view(ticket_id).await.version,
            ticket_id: ticket_id.to_owned(),
        };
        let answer = self
            .city
            .routing()
            .archive_ticket(by("shift_supervisor", "wu", request))
            .await;
        self.city.said("archive a ticket", answer);
        self.city.settles().await;
    }
}
