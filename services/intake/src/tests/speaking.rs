//! The gRPC face: what is asked is parsed, what is refused has a code and a reason.

use hotline_proto::intake as pb;
use hotline_proto::intake::get_appeal_request::By;
use hotline_proto::intake::intake_service_server::IntakeService;
use hotline_proto::shared;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::city::{cities, said};
use crate::grpc::IntakeGrpc;

fn asked(key: &str, source_id: &str, text: &str) -> pb::RegisterAppealRequest {
    pb::RegisterAppealRequest {
        idempotency_key: key.to_owned(),
        channel_code: "tel12345".to_owned(),
        source_id: source_id.to_owned(),
        text: text.to_owned(),
        kind: shared::Kind::Complaint.into(),
        urgency: shared::Urgency::Urgent.into(),
        category_code: "0101".to_owned(),
        area_code: "999900".to_owned(),
        contact: Some(pb::Contact {
            phone: "19900000001".to_owned(),
            ..pb::Contact::default()
        }),
        ..pb::RegisterAppealRequest::default()
    }
}

fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

async fn registered(
    grpc: &IntakeGrpc,
    request: pb::RegisterAppealRequest,
) -> Result<pb::Receipt, Status> {
    let answer = grpc.register_appeal(said(request)).await?;
    Ok(answer.into_inner().receipt.expect("a receipt"))
}

#[tokio::test]
async fn an_appeal_is_registered_and_read_back_with_what_was_said() {
    for city in cities().await {
        let grpc = IntakeGrpc(city.intake.clone());
        let receipt = registered(&grpc, asked("k", "", "路灯不亮, 电话19900000001"))
            .await
            .expect("registered");
        let get = pb::GetAppealRequest {
            by: Some(By::Number(receipt.number.clone())),
        };
        let view = grpc
            .get_appeal(said(get))
            .await
            .expect("found")
            .into_inner()
            .appeal
            .expect("an appeal");
        let (appeal, matter) = (
            view.appeal.expect("an appeal"),
            view.matters[0].matter.clone().expect("a matter"),
        );
        assert_eq!(
            (appeal.id, view.version),
            (receipt.appeal_id.clone(), 1),
            "{}",
            city.label
        );
        assert_eq!(
            (matter.kind(), matter.urgency()),
            (shared::Kind::Complaint, shared::Urgency::Urgent)
        );
        assert_eq!(
            (matter.category_code.as_str(), matter.area_code.as_str()),
            ("0101", "999900")
        );
        assert!(appeal.text.starts_with("路灯不亮") && !appeal.text.contains("19900000001"));
        assert_eq!(appeal.matter_ids, [matter.id]);
        assert!(matter.ticket_id.is_empty() && !matter.reserved_ticket_id.is_empty());
        let accept = pb::AcceptAppealRequest {
            appeal_id: receipt.appeal_id,
            expected_version: 1,
            ..Default::default()
        };
        let view = grpc
            .accept_appeal(said(accept))
            .await
            .expect("accepted")
            .into_inner()
            .appeal
            .expect("an appeal");
        let matter = view.matters[0].matter.clone().expect("a matter");
        assert_eq!(
            matter.ticket_id, matter.reserved_ticket_id,
            "{}",
            city.label
        );
        let query = pb::QueryProgressRequest {
            number: receipt.number,
            query_code: receipt.query_code,
            ..pb::QueryProgressRequest::default()
        };
        let progress = grpc
            .query_progress(said(query))
            .await
            .expect("known")
            .into_inner();
        assert_eq!(progress.state(), shared::AppealState::Accepted);
        let sums = grpc
            .get_conservation(said(pb::GetConservationRequest {}))
            .await
            .expect("counted");
        let sums = &sums.into_inner().channels[0];
        assert_eq!(
            (sums.registered, sums.accepted, sums.awaiting_triage),
            (1, 1, 0),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn what_is_refused_has_a_code_and_a_reason() {
    for city in cities().await {
        let grpc = IntakeGrpc(city.intake.clone());
        registered(&grpc, asked("", "LY-1", "路灯不亮"))
            .await
            .expect("registered");
        let with = |change: fn(&mut pb::RegisterAppealRequest)| {
            let mut request = asked("k", "", "水管漏水");
            change(&mut request);
            request
        };
        let cases = [
            (
                with(|r| r.source_id = "LY-1".to_owned()),
                Code::AlreadyExists,
                "CONTENT_DIFFERS",
            ),
            (
                with(|r| r.idempotency_key.clear()),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
            (
                with(|r| r.kind = 99),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
            (
                with(|r| r.channel_code = "fax".to_owned()),
                Code::InvalidArgument,
                "CHANNEL_UNKNOWN",
            ),
            (
                with(|r| r.line_number = "4321".to_owned()),
                Code::InvalidArgument,
                "LINE_UNKNOWN",
            ),
            (
                with(|r| r.text = "灯".repeat(20_001)),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
            (
                with(|r| r.text = "灯\0".to_owned()),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
            (
                with(|r| r.matters = vec![pb::NewMatter::default(); 21]),
                Code::InvalidArgument,
                "INVALID_FIELD",
            ),
        ];
        for (request, code, expected) in cases {
            let status = registered(&grpc, request).await.expect_err(expected);
            assert_eq!(
                (status.code(), reason(&status)),
                (code, expected.to_owned()),
                "{} {status}",
                city.label
            );
            assert!(!status.message().contains("水管"), "no text in a message");
        }
    }
}

#[tokio::test]
async fn commands_and_queries_are_refused_with_a_code() {
    for city in cities().await {
        let grpc = IntakeGrpc(city.intake.clone());
        let receipt = registered(&grpc, asked("k", "", "路灯不亮"))
            .await
            .expect("registered");
        let id = receipt.appeal_id;
        let stale = pb::AcceptAppealRequest {
            appeal_id: id.clone(),
            expected_version: 9,
            ..Default::default()
        };
        assert_eq!(
            grpc.accept_appeal(said(stale))
                .await
                .expect_err("stale")
                .code(),
            Code::Aborted
        );
        let release = pb::ReleaseAppealRequest {
            appeal_id: id,
            ..Default::default()
        };
        let status = grpc
            .release_appeal(said(release))
            .await
            .expect_err("not quarantined");
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::FailedPrecondition, "APPEAL_STATE_CONFLICT")
        );
        let unknown = pb::GetAppealRequest {
            by: Some(By::AppealId(uuid::Uuid::nil().to_string())),
        };
        assert_eq!(
            grpc.get_appeal(said(unknown))
                .await
                .expect_err("unknown")
                .code(),
            Code::NotFound
        );
        let token = pb::ListAppealsRequest {
            page_token: "??".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            grpc.list_appeals(said(token))
                .await
                .expect_err("foreign")
                .code(),
            Code::InvalidArgument
        );
    }
}

#[tokio::test]
async fn wrong_registry_rows_are_told_one_by_one() {
    for city in cities().await {
        let grpc = IntakeGrpc(city.intake.clone());
        let csv = "number,name,merge_mode,exempt\n1,甲,并入,no\n2,乙,保留,也许\n";
        let table = shared::RegistryTable {
            name: "lines".to_owned(),
            csv: csv.as_bytes().to_vec(),
        };
        let request = pb::LoadRegistryRequest { table: Some(table) };
        let status = grpc
            .load_registry(said(request))
            .await
            .expect_err("wrong rows");
        assert_eq!(reason(&status), "REGISTRY_ROWS_WRONG", "{}", city.label);
        let told = status
            .get_details_bad_request()
            .expect("violations")
            .field_violations;
        let fields: Vec<_> = told
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(fields, ["rows[1].merge_mode", "rows[2].exempt"]);
        assert!(told[0].description.contains("整体并入") && told[0].description.contains("`并入`"));
    }
}
