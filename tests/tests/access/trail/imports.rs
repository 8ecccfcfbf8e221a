//! Files that are imported.

use hotline_proto::intake::{
    FinishImportRequest, ImportRowsRequest, ListRefusedRowsRequest, RawRow, StartImportRequest,
    StartImportResponse,
};
use hotline_proto::shared::Nature;

use super::Trail;

fn path(method: &str) -> String {
    format!("/hotline.intake.v1.IntakeService/{method}")
}

const MAPPING: &str =
    "[columns]\nsource_id = 'id'\nphone = 'phone'\ntext = 'text'\nsaid_at = 'at'\n";

/// One file with a row that is taken and one that is not.
pub async fn all(trail: &mut Trail<'_>) {
    let who = trail.able(&path("StartImport"));
    let mut visit = trail.visit(&path("StartImport")).await;
    let request = StartImportRequest {
        channel_code: "tel".to_owned(),
        nature: Nature::New.into(),
        file_name: "rows.csv".to_owned(),
        file_sha256: "a".repeat(64),
        mapping_toml: MAPPING.to_owned(),
        header: ["id", "phone", "text", "at"].map(str::to_owned).to_vec(),
    };
    let started: StartImportResponse = visit.allowed(&who, &request).await;
    visit.calls(&started.batch_id, "batch");
    visit.repeated().await;
    let nowhere = StartImportRequest {
        channel_code: "nowhere".to_owned(),
        ..request
    };
    visit.refused("invalid", &who, &nowhere).await;
    visit.ends().await;

    let batch_id = started.batch_id;
    let row = |row_no: i64, at: &str| RawRow {
        row_no,
        cells: [&row_no.to_string(), "19900000051", "井盖响", at]
            .map(str::to_owned)
            .to_vec(),
        source_line: row_no + 1,
        ..RawRow::default()
    };
    let mut visit = trail.visit(&path("ImportRows")).await;
    let request = ImportRowsRequest {
        batch_id: batch_id.clone(),
        rows: vec![row(1, "2026-08-31"), row(2, "昨天")],
    };
    visit.allowed::<()>(&who, &request).await;
    visit.repeated().await;
    let gap = ImportRowsRequest {
        batch_id: batch_id.clone(),
        rows: vec![row(9, "2026-08-31")],
    };
    visit.refused("conflict", &who, &gap).await;
    visit.ends().await;

    let mut visit = trail.visit(&path("ListRefusedRows")).await;
    let of = |batch_id: &str| ListRefusedRowsRequest {
        batch_id: batch_id.to_owned(),
        ..ListRefusedRowsRequest::default()
    };
    visit.allowed::<()>(&who, &of(&batch_id)).await;
    visit.refused("invalid", &who, &of("nothing")).await;
    visit.ends().await;

    let mut visit = trail.visit(&path("FinishImport")).await;
    let of = |batch_id: &str| FinishImportRequest {
        batch_id: batch_id.to_owned(),
    };
    visit.allowed::<()>(&who, &of(&batch_id)).await;
    visit.repeated().await;
    visit.refused("invalid", &who, &of("nothing")).await;
    visit.ends().await;
}
