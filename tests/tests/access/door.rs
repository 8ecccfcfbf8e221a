//! Through the one door of a city in several processes: with an API key, with a session, with a signature, with the
//! command line. Rows tell of whoever called and from where, and stand where they belong.

mod desk;

use std::process::{Command, Output};

use hotline::services::Name;
use hotline_platform::access::Role;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_proto::audit::{ListAuditRequest, ListAuditResponse};
use hotline_proto::gateway::{CreateKeyRequest, CreateKeyResponse};
use hotline_proto::intake::{
    ApproveErasureRequest, GetAppealRequest, RegisterAppealRequest, RegisterAppealResponse,
    RequestErasureRequest, RequestErasureResponse, get_appeal_request, request_erasure_request,
};
use hotline_proto::shared::Kind;
use hotline_tests::access::Outcome;
use hotline_tests::city::City;
use hotline_tests::city::door::CALLER;
use hotline_tests::process::binary;
use prost::Message;
use tonic::Code;

use self::desk::{Desk, Proof, accounts, keeper, session};
use crate::somebody;

const REGISTER: &str = "/hotline.intake.v1.IntakeService/RegisterAppeal";
const GET: &str = "/hotline.intake.v1.IntakeService/GetAppeal";
const LIST: &str = "/hotline.audit.v1.AuditService/ListAudit";

async fn key(desk: &Desk<'_>) -> CreateKeyResponse {
    let asked = CreateKeyRequest {
        idempotency_key: "key".to_owned(),
        owner: "12345 app".to_owned(),
        channel_code: "app".to_owned(),
        verbs: vec!["register".to_owned()],
        // Only from there.
        networks: vec![format!("{CALLER}/32")],
        days: 90,
        per_minute: 100,
        per_day: 1000,
        ..CreateKeyRequest::default()
    };
    let keeper = keeper("security_administrator:a", desk.city);
    desk.told(&keeper, &accounts("CreateKey"), &asked).await
}

fn appeal(channel: &str) -> RegisterAppealRequest {
    RegisterAppealRequest {
        idempotency_key: "through-the-door".to_owned(),
        channel_code: channel.to_owned(),
        subject: "路灯".to_owned(),
        text: "云溪区路灯不亮".to_owned(),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    }
}

fn number(number: &str) -> GetAppealRequest {
    GetAppealRequest {
        by: Some(get_appeal_request::By::Number(number.to_owned())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_channel_through_the_door_and_the_service_behind_knows_where_from() {
    for city in City::all_behind_a_door().await {
        let desk = Desk::of(&city).await;
        let made = key(&desk).await;
        let row = desk.one_row(Name::Gateway, &accounts("CreateKey")).await;
        assert_eq!(row.from_addr, CALLER.to_string(), "{}", city.label);

        let proof = Proof::Bearer(made.text);
        let answer: RegisterAppealResponse = desk.told(&proof, REGISTER, &appeal("app")).await;
        let receipt = answer.receipt.expect("a receipt");
        let id = format!("key:{}", made.key.expect("a key").id);
        let row = desk.one_row(Name::Intake, REGISTER).await;
        let told = (
            &*row.actor,
            &*row.session,
            &*row.from_addr,
            &*row.resource_id,
        );
        let expected = (&*id, &*id, "127.0.0.2", &*receipt.appeal_id);
        assert_eq!(told, expected, "{}", city.label);

        // It is for this channel and for registering; what is denied is denied and noted once.
        let elsewhere = desk.calls(&proof, REGISTER, &appeal("tel")).await;
        assert_eq!(elsewhere.code, Code::PermissionDenied, "{}", city.label);
        let denied = desk.rows(Name::Intake, REGISTER).await;
        let denied: Vec<_> = denied.iter().filter(|row| row.action == "denied").collect();
        assert_eq!(denied.len(), 1, "{}: behind the door", city.label);
        assert_eq!(denied[0].from_addr, "127.0.0.2", "{}", city.label);
        assert!(desk.rows(Name::Gateway, REGISTER).await.is_empty());
        let other = desk.calls(&proof, GET, &number(&receipt.number)).await;
        assert_eq!(other.reason, "ROLE_NOT_ALLOWED", "{}", city.label);
        let row = desk.one_row(Name::Gateway, GET).await;
        let told = (
            &*row.action,
            &*row.resource,
            &*row.resource_id,
            &*row.reason,
        );
        let expected = ("denied", "call", GET, "ROLE_NOT_ALLOWED");
        assert_eq!(told, expected, "{}: at the door", city.label);
        assert_eq!((&*row.actor, &*row.from_addr), (&*id, "127.0.0.2"));
        assert!(desk.rows(Name::Intake, GET).await.is_empty());
        drop(desk);
        city.ends().await;
    }
}

fn says(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_the_services_and_the_commands_through_the_door() {
    for city in City::all_behind_a_door().await {
        let said = city.citizen("李").calls("云溪区路灯不亮").await;
        let desk = Desk::of(&city).await;
        let operator = session(&desk, "li", Role::Operator).await;
        let proof = Proof::Bearer(operator.token.clone());
        desk.told::<()>(&proof, GET, &number(&said.number)).await;
        // What is read leaves no row; what is done in it does, with the session.
        let forget = RequestErasureRequest {
            idempotency_key: "forget".to_owned(),
            by: Some(request_erasure_request::By::Number(said.number.clone())),
            reason: "本人申请".to_owned(),
            expected_version: 0,
        };
        let path = "/hotline.intake.v1.ErasureService/RequestErasure";
        let denied = desk.calls(&proof, path, &forget).await;
        assert_eq!(denied.code, Code::PermissionDenied, "{}", city.label);
        let row = desk.one_row(Name::Gateway, path).await;
        let session = operator.session.expect("a session").id;
        let told = (&*row.actor, &*row.session, &*row.from_addr);
        assert_eq!(told, ("user:li", &*session, "127.0.0.2"), "{}", city.label);

        let folder = tempfile::tempdir().expect("a folder");
        let config = city.configures(&desk.door, folder.path());
        let command = |token: &str| {
            let mut command = Command::new(binary());
            command
                .args(["show", &said.number, "--config"])
                .arg(&config);
            command.env("HOTLINE_TOKEN", token);
            command
        };
        let runs = |token: &str| {
            let mut command = command(token);
            tokio::task::spawn_blocking(move || command.output().expect("the binary starts"))
        };
        let shown = runs(&operator.token).await.expect("it ends");
        assert!(shown.status.success(), "{}: {}", city.label, says(&shown));
        assert!(says(&shown).contains(&said.number), "{}", says(&shown));
        assert!(!says(&shown).contains(&operator.token), "{}", city.label);
        let refused = runs(&format!("hs_{}", "0".repeat(64)))
            .await
            .expect("it ends");
        assert!(!refused.status.success(), "{}", says(&refused));
        drop(desk);
        city.ends().await;
    }
}

async fn trail(desk: &Desk<'_>, service: Name, actor: &str) -> Outcome {
    let asked = ListAuditRequest {
        service: service.word().to_owned(),
        actor: actor.to_owned(),
        page_size: 200,
        ..ListAuditRequest::default()
    };
    let auditor = Proof::Signed(somebody(Role::Auditor));
    desk.calls(&auditor, LIST, &asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_reads_every_services_trail_through_the_door() {
    for city in City::all_behind_a_door().await {
        let said = city.citizen("李").calls("云溪区路灯不亮").await;
        city.operator().accepts_one(&said).await;
        let desk = Desk::of(&city).await;
        for (service, actor) in [
            (Name::Intake, "operator:li"),
            (Name::Routing, "administrator:root"),
            (Name::Reporting, "auditor:somebody"),
            (Name::Gateway, "auditor:somebody"),
        ] {
            let outcome = trail(&desk, service, actor).await;
            assert_eq!(outcome.code, Code::Ok, "{service}: {}", outcome.message);
            let outcome = trail(&desk, service, actor).await;
            let found = ListAuditResponse::decode(outcome.answer.as_slice()).expect("rows");
            assert!(!found.rows.is_empty(), "{}: {service}", city.label);
            assert!(found.rows.iter().all(|row| row.actor == actor), "{service}");
            // That he reads stands in the trail that he reads, as of where he is.
            let noted = desk.rows(service, LIST).await;
            let noted: Vec<_> = noted.iter().map(|row| &*row.from_addr).collect();
            assert_eq!(
                noted,
                ["127.0.0.2", "127.0.0.2"],
                "{}: {service}",
                city.label
            );
        }
        let asked = ListAuditRequest {
            service: "nowhere".to_owned(),
            ..ListAuditRequest::default()
        };
        let auditor = Proof::Signed(somebody(Role::Auditor));
        let nowhere = desk.calls(&auditor, LIST, &asked).await;
        assert_eq!(nowhere.reason, "SERVICE_NOT_HERE", "{}", city.label);
        drop(desk);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approves_what_he_asked_for_is_denied_behind_the_door_and_noted_there() {
    for city in City::all_behind_a_door().await {
        let said = city.citizen("李").calls("云溪区路灯不亮").await;
        let desk = Desk::of(&city).await;
        let mut supervisor = somebody(Role::ShiftSupervisor);
        supervisor.stepped_up_at = Some(city.now().timestamp_micros());
        let proof = Proof::Signed(supervisor);
        let asked = RequestErasureRequest {
            idempotency_key: "forget".to_owned(),
            by: Some(request_erasure_request::By::Number(said.number)),
            reason: "本人申请".to_owned(),
            expected_version: 0,
        };
        let path = "/hotline.intake.v1.ErasureService/RequestErasure";
        let answer: RequestErasureResponse = desk.told(&proof, path, &asked).await;
        let erasure = answer.erasure.expect("a request");
        let approve = ApproveErasureRequest {
            idempotency_key: "approve".to_owned(),
            approval_id: erasure.id,
            expected_version: erasure.version,
        };
        let path = "/hotline.intake.v1.ErasureService/ApproveErasure";
        let outcome = desk.calls(&proof, path, &approve).await;
        assert_eq!(outcome.code, Code::PermissionDenied, "{}", city.label);
        let row = desk.one_row(Name::Intake, path).await;
        let told = (&*row.action, &*row.from_addr, &*row.reason);
        let expected = ("denied", "127.0.0.2", &*outcome.reason);
        assert_eq!(told, expected, "{}", city.label);
        assert!(desk.rows(Name::Gateway, path).await.is_empty());
        drop(desk);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_signs_for_others_is_believed_where_they_are() {
    let city = City::all_behind_a_door().await.swap_remove(0);
    let said = city.citizen("李").calls("云溪区路灯不亮").await;
    let desk = Desk::of(&city).await;
    // In plain words nobody is believed, wherever he says that he is.
    let lies = somebody(Role::Operator).seen_at("203.0.113.9");
    let plain = Some((PRINCIPAL_METADATA, lies.to_metadata()));
    let asked = number(&said.number);
    let outcome = city.sends_through(&desk.door, GET, plain, &asked).await;
    assert_eq!(outcome.reason, "TOKEN_REFUSED");
    // With the city's key he is.
    let nobody = Principal::nobody("nobody:somebody").seen_at("203.0.113.9");
    let denied = desk.calls(&Proof::Signed(nobody), GET, &asked).await;
    assert_eq!(denied.code, Code::PermissionDenied);
    let row = desk.one_row(Name::Gateway, GET).await;
    assert_eq!(row.from_addr, "203.0.113.9");
    drop(desk);
    city.ends().await;
}
