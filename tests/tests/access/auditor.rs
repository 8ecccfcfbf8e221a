//! The auditor reads every trail, page by page, and leaves his own rows; nobody else reads one.

use hotline::services::Name;
use hotline_platform::access::Role;
use hotline_proto::audit::{AuditOrder, AuditRow, ListAuditRequest, ListAuditResponse};
use hotline_tests::city::City;
use prost::Message;
use tonic::Code;

use crate::somebody;

const LIST: &str = "/hotline.audit.v1.AuditService/ListAudit";

async fn page(city: &City, request: &ListAuditRequest) -> ListAuditResponse {
    let outcome = city.calls(LIST, &somebody(Role::Auditor), request).await;
    assert_eq!(
        outcome.code,
        Code::Ok,
        "{}: {}",
        city.label,
        outcome.message
    );
    ListAuditResponse::decode(outcome.answer.as_slice()).expect("an answer")
}

async fn all(city: &City, mut request: ListAuditRequest) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    loop {
        let page = page(city, &request).await;
        rows.extend(page.rows);
        if page.next_page_token.is_empty() {
            return rows;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn the_auditor_reads_who_did_what_and_leaves_a_row_himself() {
    for city in City::all().await {
        let said = city.citizen("李").calls("路灯不亮").await;
        city.operator().accepts_one(&said).await;
        let accepted = ListAuditRequest {
            service: "intake".to_owned(),
            action: "accepted".to_owned(),
            ..ListAuditRequest::default()
        };
        let rows = all(&city, accepted.clone()).await;
        assert!(!rows.is_empty(), "{}", city.label);
        assert!(
            rows.iter()
                .all(|row| row.action == "accepted" && row.actor.starts_with("operator:")),
            "{}: {rows:?}",
            city.label
        );
        let mut paged = ListAuditRequest {
            service: "intake".to_owned(),
            order: AuditOrder::OldestFirst.into(),
            to: rows[0].at,
            ..ListAuditRequest::default()
        };
        let whole = all(&city, paged.clone()).await;
        paged.page_size = 1;
        assert_eq!(
            all(&city, paged).await,
            whole,
            "{}: page by page",
            city.label
        );

        let own = ListAuditRequest {
            service: "intake".to_owned(),
            actor: "auditor:somebody".to_owned(),
            action: "read".to_owned(),
            page_size: 200,
            ..ListAuditRequest::default()
        };
        let own = all(&city, own).await;
        assert!(
            own.iter()
                .any(|row| row.reason == "action accepted" && row.method == LIST),
            "{}: {own:?}",
            city.label
        );
        let elsewhere = ListAuditRequest {
            service: "nowhere".to_owned(),
            ..ListAuditRequest::default()
        };
        let outcome = city.calls(LIST, &somebody(Role::Auditor), &elsewhere).await;
        assert_eq!(outcome.reason, "SERVICE_NOT_HERE", "{}", city.label);
        for role in [
            Role::Operator,
            Role::Administrator,
            Role::SecurityAdministrator,
        ] {
            let outcome = city.calls(LIST, &somebody(role), &accepted).await;
            assert_eq!(
                outcome.code,
                Code::PermissionDenied,
                "{}: {role:?}",
                city.label
            );
        }
        let noted = city.tables(Name::Intake).await.denied().await;
        assert_eq!(noted.len(), 3, "{}", city.label);
        city.ends().await;
    }
}
