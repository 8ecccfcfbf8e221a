//! Appeals and their matters.

use hotline_proto::intake::{
    AcceptAppealRequest, AcceptAppealResponse, AnswerAppealRequest, Contact, DivertAppealRequest,
    GetAppealRequest, GuideAppealRequest, ListAppealsRequest, MergeMatterRequest,
    MergeMatterResponse, NewMatter, QuarantineAppealRequest, QueryProgressRequest,
    RegisterAppealRequest, RegisterAppealResponse, ReleaseAppealRequest, SplitAppealRequest,
    UnmergeMatterRequest, WithdrawAppealRequest, get_appeal_request,
};
use hotline_proto::shared::{GuideReason, Kind};
use hotline_tests::people::Said;

use super::Trail;

/// What others go on with.
pub struct Life {
    /// The first appeal, by its receipt.
    pub first: Said,
    /// Its ticket, dispatched by itself.
    pub ticket: String,
    /// The reference of its citizen's contact.
    pub contact_ref: String,
}

fn path(method: &str) -> String {
    format!("/hotline.intake.v1.IntakeService/{method}")
}

/// Everything that is done with appeals.
pub async fn all(trail: &mut Trail<'_>) -> Life {
    let first = registered(trail).await;
    let (ticket, contact_ref) = accepted(trail, &first).await;
    put_aside(trail).await;
    ended(trail).await;
    moved(trail, &first, &ticket).await;
    read(trail, &first).await;
    Life {
        first,
        ticket,
        contact_ref,
    }
}

async fn registered(trail: &mut Trail<'_>) -> Said {
    let request = RegisterAppealRequest {
        idempotency_key: "first".to_owned(),
        channel_code: "tel".to_owned(),
        contact: Some(Contact {
            name: "李某".to_owned(),
            phone: "19900000011".to_owned(),
            ..Contact::default()
        }),
        subject: "路灯".to_owned(),
        text: "文昌路路灯不亮".to_owned(),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    };
    let who = trail.able(&path("RegisterAppeal"));
    let mut visit = trail.visit(&path("RegisterAppeal")).await;
    let answer: RegisterAppealResponse = visit.allowed(&who, &request).await;
    let receipt = answer.receipt.expect("a receipt");
    visit.calls(&receipt.appeal_id, "appeal");
    visit.calls(&receipt.number, "number");
    visit.repeated().await;
    let other = RegisterAppealRequest {
        text: "文昌路路灯亮了".to_owned(),
        ..request.clone()
    };
    visit
        .does("the key with something else", &who, &other)
        .await;
    let nowhere = RegisterAppealRequest {
        channel_code: "nowhere".to_owned(),
        ..request
    };
    visit.refused("invalid", &who, &nowhere).await;
    visit.ends().await;
    Said {
        appeal_id: receipt.appeal_id,
        number: receipt.number,
        query_code: receipt.query_code,
    }
}

async fn accepted(trail: &mut Trail<'_>, said: &Said) -> (String, String) {
    let request = AcceptAppealRequest {
        idempotency_key: "accept".to_owned(),
        expected_version: 1,
        appeal_id: said.appeal_id.clone(),
        ..AcceptAppealRequest::default()
    };
    let who = trail.able(&path("AcceptAppeal"));
    let mut visit = trail.visit(&path("AcceptAppeal")).await;
    let answer: AcceptAppealResponse = visit.allowed(&who, &request).await;
    visit.repeated().await;
    let again = AcceptAppealRequest {
        idempotency_key: "accept again".to_owned(),
        ..request.clone()
    };
    visit.refused("conflict", &who, &again).await;
    let other = AcceptAppealRequest {
        expected_version: 2,
        ..request.clone()
    };
    visit
        .refused("the key with something else", &who, &other)
        .await;
    let absent = AcceptAppealRequest {
        appeal_id: "nothing".to_owned(),
        ..again
    };
    visit.refused("invalid", &who, &absent).await;
    visit.ends().await;
    let view = answer.appeal.expect("an appeal");
    let ticket = view.matters[0].matter.clone().expect("a matter").ticket_id;
    (ticket, view.appeal.expect("an appeal").contact_ref)
}

async fn another(trail: &mut Trail<'_>, text: &str, name: &str) -> Said {
    let said = trail.city.citizen(name).calls(text).await;
    trail.call(&said.appeal_id, &format!("appeal of {name}"));
    trail.call(&said.number, &format!("number of {name}"));
    said
}

async fn put_aside(trail: &mut Trail<'_>) {
    let appeal_id = another(trail, "井盖坏了", "zhang").await.appeal_id;
    let who = trail.able(&path("QuarantineAppeal"));
    let request = |idempotency_key| QuarantineAppealRequest {
        idempotency_key,
        expected_version: 1,
        appeal_id: appeal_id.clone(),
        reason: "像是测试电话".to_owned(),
    };
    trail
        .command::<(), _>(&path("QuarantineAppeal"), &who, request)
        .await;
    let request = |idempotency_key| ReleaseAppealRequest {
        idempotency_key,
        expected_version: 2,
        appeal_id: appeal_id.clone(),
        reason: "不是测试".to_owned(),
    };
    trail
        .command::<(), _>(&path("ReleaseAppeal"), &who, request)
        .await;
    let request = |idempotency_key| WithdrawAppealRequest {
        idempotency_key,
        expected_version: 3,
        appeal_id: appeal_id.clone(),
        reason: "本人要求撤诉".to_owned(),
    };
    trail
        .command::<(), _>(&path("WithdrawAppeal"), &who, request)
        .await;
}

async fn ended(trail: &mut Trail<'_>) {
    let appeal_id = another(trail, "社保卡在哪里办", "wang").await.appeal_id;
    let who = trail.able(&path("AnswerAppeal"));
    let request = |idempotency_key| AnswerAppealRequest {
        idempotency_key,
        expected_version: 1,
        appeal_id: appeal_id.clone(),
        answer: "请到社保大厅办理".to_owned(),
    };
    trail
        .command::<(), _>(&path("AnswerAppeal"), &who, request)
        .await;

    let appeal_id = another(trail, "法院判得不公", "zhao").await.appeal_id;
    let who = trail.able(&path("GuideAppeal"));
    let request = |idempotency_key| GuideAppealRequest {
        idempotency_key,
        expected_version: 1,
        appeal_id: appeal_id.clone(),
        reason: GuideReason::Litigation.into(),
        legal_route: "依法上诉".to_owned(),
        competent_body: "人民法院".to_owned(),
        answer: "请依法上诉".to_owned(),
    };
    trail
        .command::<(), _>(&path("GuideAppeal"), &who, request)
        .await;

    let appeal_id = another(trail, "有人打架", "sun").await.appeal_id;
    let who = trail.able(&path("DivertAppeal"));
    let request = |idempotency_key| DivertAppealRequest {
        idempotency_key,
        expected_version: 1,
        appeal_id: appeal_id.clone(),
        diverted_to: "110".to_owned(),
    };
    trail
        .command::<(), _>(&path("DivertAppeal"), &who, request)
        .await;
}

async fn moved(trail: &mut Trail<'_>, first: &Said, ticket: &str) {
    let said = another(trail, "云溪区路灯也不亮", "zhou").await;
    let city = trail.city;
    let matter_id = city.operator().accepts_one(&said).await.id;
    trail.call(&matter_id, "matter of zhou");
    let version = city.appeal(&said).await.matters[0].version;
    let who = trail.able(&path("MergeMatter"));
    let request = |idempotency_key| MergeMatterRequest {
        idempotency_key,
        expected_version: version,
        matter_id: matter_id.clone(),
        ticket_id: ticket.to_owned(),
    };
    let merged: MergeMatterResponse = trail.command(&path("MergeMatter"), &who, request).await;
    let version = merged.matter.expect("a matter").version;
    let request = |idempotency_key| UnmergeMatterRequest {
        idempotency_key,
        expected_version: version,
        matter_id: matter_id.clone(),
        reason: "并错了".to_owned(),
    };
    trail
        .command::<(), _>(&path("UnmergeMatter"), &who, request)
        .await;

    let version = city.appeal(first).await.version;
    let request = |idempotency_key| SplitAppealRequest {
        idempotency_key,
        expected_version: version,
        appeal_id: first.appeal_id.clone(),
        matter: Some(NewMatter {
            subject: "噪声".to_owned(),
            text: "工地噪声".to_owned(),
            ..NewMatter::default()
        }),
    };
    trail
        .command::<(), _>(&path("SplitAppeal"), &who, request)
        .await;
}

async fn read(trail: &mut Trail<'_>, first: &Said) {
    let by = |id: &str| GetAppealRequest {
        by: Some(get_appeal_request::By::AppealId(id.to_owned())),
    };
    trail
        .reading(&path("GetAppeal"), &by(&first.appeal_id), &by("nothing"))
        .await;
    let further = ListAppealsRequest {
        page_token: "nothing".to_owned(),
        ..ListAppealsRequest::default()
    };
    trail
        .reading(
            &path("ListAppeals"),
            &ListAppealsRequest::default(),
            &further,
        )
        .await;

    let who = trail.able(&path("QueryProgress"));
    let mut visit = trail.visit(&path("QueryProgress")).await;
    let request = QueryProgressRequest {
        number: first.number.clone(),
        query_code: first.query_code.clone(),
        ..QueryProgressRequest::default()
    };
    visit.allowed::<()>(&who, &request).await;
    let wrong = QueryProgressRequest {
        query_code: "AAAAAA".to_owned(),
        ..request
    };
    visit.does("a wrong code", &who, &wrong).await;
    visit.ends().await;
}
