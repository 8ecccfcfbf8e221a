//! Tables of the registry: loaded, and chosen from. And what services ask each other for.

use hotline_platform::grpc::Principal;
use hotline_proto::audit::ListAuditRequest;
use hotline_proto::event::{FetchRequest, HeadsRequest};
use hotline_proto::intake::{GetConservationRequest, ListChannelsRequest};
use hotline_proto::shared::RegistryTable;

use super::Trail;
use super::visit::Who;

const CHANNELS: &str =
    "code,name,kind,owner_unit_code,public_answer\ntel,12345电话,phone,H12345,yes\n";
const UNITS: &str = "\
code,name,parent_code,group,kind
CGJ,市城管局,,市直部门,bureau
ZJJ,市住建局,,市直部门,bureau
GAJ,市公安局,,市直部门,bureau
SWJ,市水务局,,市直部门,bureau
";
/// Their requests have one shape.
const LISTS: [&str; 5] = [
    "/hotline.intake.v1.IntakeService/ListChannels",
    "/hotline.intake.v1.IntakeService/ListLines",
    "/hotline.routing.v1.RoutingService/ListUnits",
    "/hotline.routing.v1.RoutingService/ListCategories",
    "/hotline.routing.v1.RoutingService/ListCatalogueProposals",
];

/// Everything that is done with tables, logs and trails.
pub async fn all(trail: &mut Trail<'_>) {
    loaded(trail).await;
    for path in LISTS {
        let further = ListChannelsRequest {
            page_token: "nothing".to_owned(),
            ..ListChannelsRequest::default()
        };
        trail
            .reading(path, &ListChannelsRequest::default(), &further)
            .await;
    }
    let path = "/hotline.intake.v1.IntakeService/GetConservation";
    let who = trail.able(path);
    let mut visit = trail.visit(path).await;
    visit.allowed::<()>(&who, &GetConservationRequest {}).await;
    visit.ends().await;
    heard(trail).await;
}

async fn loaded(trail: &mut Trail<'_>) {
    let table = |name: &str, csv: &str| hotline_proto::intake::LoadRegistryRequest {
        table: Some(RegistryTable {
            name: name.to_owned(),
            csv: csv.as_bytes().to_vec(),
        }),
    };
    // Routing's request has the same shape.
    for (path, name, csv) in [
        (
            "/hotline.intake.v1.IntakeService/LoadRegistry",
            "channels",
            CHANNELS,
        ),
        (
            "/hotline.routing.v1.RoutingService/LoadRegistry",
            "units",
            UNITS,
        ),
    ] {
        let who = trail.able(path);
        let mut visit = trail.visit(path).await;
        visit.allowed::<()>(&who, &table(name, csv)).await;
        visit.refused("invalid", &who, &table(name, "code\n")).await;
        visit.ends().await;
    }
}

async fn heard(trail: &mut Trail<'_>) {
    let routing = Who::Service(Principal::of_service("routing"));
    let mut visit = trail.visit("/hotline.event.v1.EventLog/Heads").await;
    let of = |producer: &str| HeadsRequest {
        producer: producer.to_owned(),
    };
    visit.allowed::<()>(&routing, &of("intake")).await;
    visit.refused("invalid", &routing, &of("nowhere")).await;
    visit.ends().await;

    let mut visit = trail.visit("/hotline.event.v1.EventLog/Fetch").await;
    let of = |producer: &str| FetchRequest {
        producer: producer.to_owned(),
        epoch: 1,
        limit: 10,
        ..FetchRequest::default()
    };
    visit.allowed::<()>(&routing, &of("intake")).await;
    visit.refused("invalid", &routing, &of("nowhere")).await;
    visit.ends().await;

    let of = |service: &str| ListAuditRequest {
        service: service.to_owned(),
        actor: "operator:li".to_owned(),
        ..ListAuditRequest::default()
    };
    let path = "/hotline.audit.v1.AuditService/ListAudit";
    trail.reading(path, &of("intake"), &of("nowhere")).await;
}
