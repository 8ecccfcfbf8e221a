//! Tickets, from the dispatch to the archive, and what citizens say afterwards.

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_proto::event::FollowUpState;
use hotline_proto::feedback::{
    ClassifyFailureRequest, FollowUpView, ListFollowUpsRequest, ListRepliesRequest,
    RecordAttemptRequest,
};
use hotline_proto::routing::{
    ArchiveTicketRequest, ConcludeTicketRequest, DecideConsultationRequest, DecideReturnRequest,
    DispatchTicketRequest, GetTicketHistoryRequest, GetTicketRequest, HandleTicketRequest,
    ListTicketsRequest, ProposeDispatchRequest, ReturnTicketRequest, ReworkTicketRequest,
    SendBackTicketRequest, SignTicketRequest, SuperviseTicketRequest, get_ticket_request,
};
use hotline_proto::shared::{FailureClass, ReturnReason, Satisfaction, Solved};
use prost::Message;

use super::Trail;
use super::appeals::Life;
use super::visit::Who;

fn path(method: &str) -> String {
    format!("/hotline.routing.v1.RoutingService/{method}")
}

fn of_feedback(method: &str) -> String {
    format!("/hotline.feedback.v1.FeedbackService/{method}")
}

fn clerk(unit: &str) -> Who {
    let id = format!("unit:{unit}:wang");
    Who::person(Principal::new(&id, Role::UnitClerk).of_unit(unit))
}

impl Trail<'_> {
    /// What is done to a ticket at the version that it has.
    async fn step<M: Message>(
        &mut self,
        method: &str,
        who: &Who,
        ticket_id: &str,
        request: impl Fn(String, i64, String) -> M,
    ) {
        let version = self.city.ticket_view(ticket_id).await.version;
        let request = |key| request(key, version, ticket_id.to_owned());
        self.command::<(), _>(&path(method), who, request).await;
    }
}

/// Everything that is done with tickets.
pub async fn all(trail: &mut Trail<'_>, life: &Life) {
    handled(trail, &life.ticket).await;
    afterwards(trail, &life.ticket).await;
    returned(trail).await;
    archived(trail).await;
    read(trail, life).await;
}

async fn handled(trail: &mut Trail<'_>, ticket: &str) {
    let clerk = clerk("CGJ");
    let sign = |idempotency_key, expected_version, ticket_id| SignTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
    };
    trail.step("SignTicket", &clerk, ticket, sign).await;
    let handle = |idempotency_key, expected_version, ticket_id| HandleTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        handling_report: "已到现场处理".to_owned(),
        reply: "路灯已修好".to_owned(),
    };
    trail.step("HandleTicket", &clerk, ticket, handle).await;
    let reviewer = trail.able(&path("SendBackTicket"));
    let send_back = |idempotency_key, expected_version, ticket_id| SendBackTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        reason: "未联系来电人".to_owned(),
    };
    trail
        .step("SendBackTicket", &reviewer, ticket, send_back)
        .await;
    trail.city.unit("CGJ").hands_in(ticket, "路灯已修好").await;
    let conclude = |idempotency_key, expected_version, ticket_id| ConcludeTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
    };
    trail
        .step("ConcludeTicket", &reviewer, ticket, conclude)
        .await;
}

async fn follow_up(trail: &Trail<'_>, ticket: &str, state: FollowUpState) -> FollowUpView {
    let views = trail.city.follow_up_views(ticket).await;
    let is_in_state = |view: &&FollowUpView| {
        view.follow_up
            .as_ref()
            .is_some_and(|found| found.state() == state)
    };
    views
        .iter()
        .find(is_in_state)
        .cloned()
        .expect("a follow-up")
}

/// Who told the citizen what, and what he said to it.
async fn afterwards(trail: &mut Trail<'_>, ticket: &str) {
    let view = follow_up(trail, ticket, FollowUpState::Open).await;
    let id = view.follow_up.expect("a follow-up").id;
    trail.call(&id, "follow-up");
    let request = |idempotency_key| RecordAttemptRequest {
        idempotency_key,
        expected_version: view.version,
        follow_up_id: id.clone(),
        reached: true,
        solved: Solved::Unsolved.into(),
        satisfaction: Satisfaction::Unsatisfied.into(),
        note: "还是不亮".to_owned(),
    };
    let who = trail.able(&of_feedback("RecordAttempt"));
    trail
        .command::<(), _>(&of_feedback("RecordAttempt"), &who, request)
        .await;

    let view = follow_up(trail, ticket, FollowUpState::Classifying).await;
    let request = |idempotency_key| ClassifyFailureRequest {
        idempotency_key,
        expected_version: view.version,
        follow_up_id: id.clone(),
        failure_class: FailureClass::UnitFault.into(),
        note: "已核实".to_owned(),
    };
    let who = trail.able(&of_feedback("ClassifyFailure"));
    trail
        .command::<(), _>(&of_feedback("ClassifyFailure"), &who, request)
        .await;

    let of = |page_token: &str| ListFollowUpsRequest {
        page_token: page_token.to_owned(),
        ..ListFollowUpsRequest::default()
    };
    trail
        .reading(&of_feedback("ListFollowUps"), &of(""), &of("nothing"))
        .await;
    let of = |page_token: &str| ListRepliesRequest {
        page_token: page_token.to_owned(),
        ..ListRepliesRequest::default()
    };
    trail
        .reading(&of_feedback("ListReplies"), &of(""), &of("nothing"))
        .await;
}

async fn opened(trail: &mut Trail<'_>, name: &str, text: &str) -> String {
    let city = trail.city;
    let said = city.citizen(name).calls(text).await;
    let ticket = city.operator().accepts_one(&said).await.ticket_id;
    trail.call(&ticket, &format!("ticket of {name}"));
    ticket
}

async fn returned(trail: &mut Trail<'_>) {
    let ticket = opened(trail, "qian", "小区门口占道经营").await;
    let of = |ticket_id: &str| ProposeDispatchRequest {
        ticket_id: ticket_id.to_owned(),
    };
    trail
        .reading(&path("ProposeDispatch"), &of(&ticket), &of("nothing"))
        .await;
    let dispatcher = trail.able(&path("DispatchTicket"));
    let dispatch = |idempotency_key, expected_version, ticket_id| DispatchTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        lead_unit_code: "CGJ".to_owned(),
        note: "按地段".to_owned(),
        ..DispatchTicketRequest::default()
    };
    trail
        .step("DispatchTicket", &dispatcher, &ticket, dispatch)
        .await;
    let give_back = |idempotency_key, expected_version, ticket_id| ReturnTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        reason: ReturnReason::NotDuty.into(),
        clause: "三定方案第三条".to_owned(),
        proposed_unit_code: "ZJJ".to_owned(),
        note: "不属于本单位职责".to_owned(),
    };
    trail
        .step("ReturnTicket", &clerk("CGJ"), &ticket, give_back)
        .await;
    let decider = trail.able(&path("DecideReturn"));
    let decide = |idempotency_key, expected_version, ticket_id| DecideReturnRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        grant: true,
        note: "同意".to_owned(),
        ..DecideReturnRequest::default()
    };
    trail.step("DecideReturn", &decider, &ticket, decide).await;
    let unit = trail.city.unit("ZJJ");
    unit.returns(&ticket, ReturnReason::NotDuty, "CGJ").await;
    let decide = |idempotency_key, expected_version, ticket_id| DecideConsultationRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        lead_unit_code: "CGJ".to_owned(),
        decision: "会商确定由该单位主办".to_owned(),
        ..DecideConsultationRequest::default()
    };
    trail
        .step("DecideConsultation", &decider, &ticket, decide)
        .await;
    let supervise = |idempotency_key, expected_version, ticket_id| SuperviseTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        order: "限期办结".to_owned(),
    };
    trail
        .step("SuperviseTicket", &decider, &ticket, supervise)
        .await;
}

async fn archived(trail: &mut Trail<'_>) {
    let ticket = opened(trail, "wu", "云溪区噪声扰民").await;
    let city = trail.city;
    city.unit("ZJJ").settles_matter(&ticket, "已责令停工").await;
    let who = trail.able(&path("ReworkTicket"));
    let rework = |idempotency_key, expected_version, ticket_id| ReworkTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
        reason: "值班长决定".to_owned(),
    };
    trail.step("ReworkTicket", &who, &ticket, rework).await;
    city.unit("ZJJ").settles_matter(&ticket, "又责令停工").await;
    let archive = |idempotency_key, expected_version, ticket_id| ArchiveTicketRequest {
        idempotency_key,
        expected_version,
        ticket_id,
    };
    trail.step("ArchiveTicket", &who, &ticket, archive).await;
}

async fn read(trail: &mut Trail<'_>, life: &Life) {
    let by = |id: &str| GetTicketRequest {
        by: Some(get_ticket_request::By::TicketId(id.to_owned())),
    };
    trail
        .reading(&path("GetTicket"), &by(&life.ticket), &by("nothing"))
        .await;
    let of = |page_token: &str| ListTicketsRequest {
        page_token: page_token.to_owned(),
        ..ListTicketsRequest::default()
    };
    trail
        .reading(&path("ListTickets"), &of(""), &of("nothing"))
        .await;
    let of = |ticket_id: &str| GetTicketHistoryRequest {
        ticket_id: ticket_id.to_owned(),
        ..GetTicketHistoryRequest::default()
    };
    trail
        .reading(&path("GetTicketHistory"), &of(&life.ticket), &of("nothing"))
        .await;
}
