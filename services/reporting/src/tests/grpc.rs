//! The gRPC face: formats, pieces, refusals.

use hotline_proto::reporting as rpc;
use hotline_proto::reporting::reporting_service_server::ReportingService;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_types::StatusExt;

use super::eight_appeals::story;
use super::story::march;
use super::{benches, said};
use crate::grpc::ReportingGrpc;

#[tokio::test]
async fn every_format_arrives_in_pieces_through_grpc() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        let face = ReportingGrpc::new(bench.reporting.clone());
        let issued = rpc::IssueDocumentRequest {
            idempotency_key: "k1".to_owned(),
            expected_version: 0,
            series: rpc::Series::Daily.into(),
            period: "2026-03-31".to_owned(),
        };
        let issued = face
            .issue_document(said(issued))
            .await
            .unwrap()
            .into_inner();
        let rows = [
            (
                rpc::Format::Terminal,
                "daily-2026-03-31.txt",
                "2026年3月31日群众诉求日清单（2026年第1期）".as_bytes(),
            ),
            (
                rpc::Format::Markdown,
                "daily-2026-03-31.md",
                "# 2026年3月31日".as_bytes(),
            ),
            (
                rpc::Format::Csv,
                "daily-2026-03-31.csv",
                b"\xef\xbb\xbf\"".as_slice(),
            ),
            (rpc::Format::Xlsx, "daily-2026-03-31.xlsx", b"PK".as_slice()),
        ];
        for (format, file_name, beginning) in rows {
            let asked = rpc::GetDocumentRequest {
                document_id: issued.document_id.clone(),
                format: format.into(),
            };
            let mut stream = face.get_document(said(asked)).await.unwrap().into_inner();
            let first = stream.next().await.unwrap().unwrap();
            assert_eq!(first.head.unwrap().file_name, file_name, "{}", bench.label);
            assert!(first.piece.starts_with(beginning), "{file_name}");
        }
        let draft = rpc::RenderDocumentRequest {
            series: rpc::Series::Monthly.into(),
            period: "2026-03".to_owned(),
            format: rpc::Format::Terminal.into(),
            blocks: vec!["units".to_owned()],
        };
        let mut stream = face
            .render_document(said(draft))
            .await
            .unwrap()
            .into_inner();
        let first = stream.next().await.unwrap().unwrap();
        let text = String::from_utf8(first.piece).unwrap();
        assert!(
            text.contains("四、承办单位办理情况") && !text.contains("来源渠道"),
            "{text}"
        );
        let head = first.head.unwrap();
        assert_eq!((head.reconciles, head.issue_number.as_str()), (true, ""));
        assert_eq!(head.data_cut.unwrap().seconds, march(31, 9).timestamp());
    }
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_refused_by_its_field() {
    for bench in benches().await {
        let face = ReportingGrpc::new(bench.reporting.clone());
        let asked =
            |series: rpc::Series, period: &str, format: rpc::Format| rpc::RenderDocumentRequest {
                series: series.into(),
                period: period.to_owned(),
                format: format.into(),
                blocks: Vec::new(),
            };
        let rows = [
            (
                asked(rpc::Series::Unspecified, "2026-03", rpc::Format::Csv),
                "`series` must be daily, monthly or quarterly",
            ),
            (
                asked(rpc::Series::Monthly, "2026-03-31", rpc::Format::Csv),
                "`period` must be a month such as 2026-03",
            ),
            (
                asked(rpc::Series::Monthly, "2026-03", rpc::Format::Unspecified),
                "`format` must be terminal, Markdown, CSV or XLSX",
            ),
            (
                rpc::RenderDocumentRequest {
                    blocks: vec!["ranking".to_owned()],
                    ..asked(rpc::Series::Monthly, "2026-03", rpc::Format::Csv)
                },
                "`blocks` must be some of overview",
            ),
        ];
        for (message, told) in rows {
            let Err(status) = face.render_document(said(message)).await else {
                panic!("{told} was taken")
            };
            assert_eq!(status.code(), Code::InvalidArgument, "{told}");
            assert!(status.message().starts_with(told), "{}", status.message());
            let details = status.get_details_bad_request().unwrap();
            let field = &details.field_violations[0].field;
            assert!(told.starts_with(&format!("`{field}` ")), "{field}: {told}");
        }
    }
}
