//! Looks at contacts, and forgetting a citizen.

use hotline_platform::grpc::Principal;
use hotline_proto::intake::{
    ApproveErasureRequest, ApproveRevealRequest, Contact, ContactField, GetContactRequest,
    ListErasuresRequest, ListRevealRequestsRequest, ListRevealsRequest, RegisterAppealRequest,
    RegisterAppealResponse, RequestErasureRequest, RequestErasureResponse, RequestRevealRequest,
    RequestRevealResponse, RevealContactRequest, RevealPurpose, request_erasure_request,
    request_reveal_request, reveal_contact_request,
};
use hotline_proto::shared::{Confidentiality, Kind};
use prost::Message;

use super::appeals::Life;
use super::visit::Who;
use super::{Trail, another};

fn path(method: &str) -> String {
    format!("/hotline.intake.v1.IntakeService/{method}")
}

fn of_erasure(method: &str) -> String {
    format!("/hotline.intake.v1.ErasureService/{method}")
}

/// Everything that shows who a citizen is, or takes it away for ever.
pub async fn all(trail: &mut Trail<'_>, life: &Life) {
    trail.call(&life.contact_ref, "contact");
    let feedback = Who::Service(Principal::of_service("feedback"));
    let mut visit = trail.visit(&path("GetContact")).await;
    let of = |purpose: &str| GetContactRequest {
        contact_ref: life.contact_ref.clone(),
        purpose: purpose.to_owned(),
    };
    visit.allowed::<()>(&feedback, &of("send a reply")).await;
    visit.refused("invalid", &feedback, &of("")).await;
    visit.ends().await;

    revealed(trail, life).await;
    approved(trail).await;
    let of = |page_token: &str| ListRevealsRequest {
        page_token: page_token.to_owned(),
        ..ListRevealsRequest::default()
    };
    trail
        .reading(&path("ListReveals"), &of(""), &of("nothing"))
        .await;
    forgotten(trail, life).await;
}

async fn revealed(trail: &mut Trail<'_>, life: &Life) {
    let who = trail.able(&path("RevealContact"));
    let mut visit = trail.visit(&path("RevealContact")).await;
    let of = |appeal_id: &str, reason: &str| RevealContactRequest {
        of: Some(reveal_contact_request::Of::AppealId(appeal_id.to_owned())),
        fields: vec![ContactField::Phone.into()],
        purpose: RevealPurpose::CallBack.into(),
        reason: reason.to_owned(),
        ..RevealContactRequest::default()
    };
    let id = &life.first.appeal_id;
    let asked = of(id, "地址不清,回电核实");
    visit.allowed::<()>(&who, &asked).await;
    visit.does("once more", &who, &asked).await;
    let absent = of("00000000-0000-7000-8000-000000000000", "地址不清,回电核实");
    visit.does("of nobody", &who, &absent).await;
    visit.refused("invalid", &who, &of(id, "")).await;
    visit.ends().await;
}

/// An accepted tip-off; behind it looks nobody alone.
async fn tipped_off(trail: &mut Trail<'_>) -> String {
    let request = RegisterAppealRequest {
        idempotency_key: "tip-off".to_owned(),
        channel_code: "tel".to_owned(),
        contact: Some(Contact {
            phone: "19900000012".to_owned(),
            ..Contact::default()
        }),
        confidentiality: Some(Confidentiality {
            tip_off: true,
            ..Confidentiality::default()
        }),
        subject: "偷排".to_owned(),
        text: "有人偷排污水".to_owned(),
        kind: Kind::Report.into(),
        ..RegisterAppealRequest::default()
    };
    let who = trail.able(&path("RegisterAppeal"));
    let said = trail
        .city
        .calls(&path("RegisterAppeal"), who.principal(), &request)
        .await;
    let said = RegisterAppealResponse::decode(said.answer.as_slice()).expect("an answer");
    let receipt = said.receipt.expect("a receipt");
    trail.city.settles().await;
    trail.call(&receipt.appeal_id, "tip-off");
    receipt.appeal_id
}

async fn approved(trail: &mut Trail<'_>) {
    let appeal_id = tipped_off(trail).await;
    let who = trail.able(&path("RequestReveal"));
    let mut visit = trail.visit(&path("RequestReveal")).await;
    let of = |reason: &str| RequestRevealRequest {
        idempotency_key: "look".to_owned(),
        expected_version: 0,
        of: Some(request_reveal_request::Of::AppealId(appeal_id.clone())),
        fields: vec![ContactField::Phone.into()],
        purpose: RevealPurpose::Safety.into(),
        reason: reason.to_owned(),
    };
    let answer: RequestRevealResponse = visit.allowed(&who, &of("涉及人身安全")).await;
    visit.calls(&answer.approval_id, "approval");
    visit.repeated().await;
    visit.refused("invalid", &who, &of("")).await;
    visit.ends().await;

    let of = |page_token: &str| ListRevealRequestsRequest {
        page_token: page_token.to_owned(),
        ..ListRevealRequestsRequest::default()
    };
    trail
        .reading(&path("ListRevealRequests"), &of(""), &of("nothing"))
        .await;

    let who = trail.able(&path("ApproveReveal"));
    let request = |idempotency_key| ApproveRevealRequest {
        idempotency_key,
        expected_version: 0,
        approval_id: answer.approval_id.clone(),
        reason: "同意查看".to_owned(),
    };
    trail
        .command::<(), _>(&path("ApproveReveal"), &who, request)
        .await;
}

async fn forgotten(trail: &mut Trail<'_>, life: &Life) {
    let who = trail.able(&of_erasure("RequestErasure"));
    let mut visit = trail.visit(&of_erasure("RequestErasure")).await;
    let of = |number: &str, reason: &str| RequestErasureRequest {
        idempotency_key: format!("forget {reason}"),
        by: Some(request_erasure_request::By::Number(number.to_owned())),
        reason: reason.to_owned(),
        expected_version: 0,
    };
    let asked = of(&life.first.number, "本人申请");
    let answer: RequestErasureResponse = visit.allowed(&who, &asked).await;
    let erasure = answer.erasure.expect("a request");
    visit.calls(&erasure.id, "erasure");
    visit.repeated().await;
    visit
        .refused("invalid", &who, &of(&life.first.number, ""))
        .await;
    visit.ends().await;

    let of = |page_token: &str| ListErasuresRequest {
        page_token: page_token.to_owned(),
        ..ListErasuresRequest::default()
    };
    trail
        .reading(&of_erasure("ListErasures"), &of(""), &of("nothing"))
        .await;

    let other = another(&trail.able(&of_erasure("ApproveErasure")));
    let mut visit = trail.visit(&of_erasure("ApproveErasure")).await;
    let of = |key: &str| ApproveErasureRequest {
        idempotency_key: key.to_owned(),
        approval_id: erasure.id.clone(),
        expected_version: erasure.version,
    };
    visit.does("by himself", &who, &of("by himself")).await;
    visit.allowed::<()>(&other, &of("approve")).await;
    visit.repeated().await;
    visit.refused("conflict", &other, &of("again")).await;
    visit.ends().await;
}
