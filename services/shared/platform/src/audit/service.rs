//! The audit trails of a process as a service: read, and each reading noted.

use std::collections::{BTreeMap, HashMap};

use hotline_kernel::time::{Timestamp, from_micros, micros};
use hotline_proto::audit::audit_service_client::AuditServiceClient;
use hotline_proto::audit::audit_service_server::{AuditService, AuditServiceServer};
use hotline_proto::audit::{AuditOrder, AuditRow, ListAuditRequest, ListAuditResponse};
use tonic::{Code, Request, Response, Status};

use super::list::{self, Order, Query};
use super::row::Row;
use crate::core::{Core, CoreError};
use crate::grpc::{self, PRINCIPAL_METADATA, core_status, invalid_field, problem};
use crate::page::Page;
use crate::peers::Transport;
use crate::work::AuditEntry;

/// What problems of this service are told under.
const NAME: &str = "audit";
/// The longest text that is looked for, in bytes.
const TEXT_MAX: usize = 500;

/// The trails of the services that are mounted here, and the ways to others'.
pub struct Trails {
    cores: HashMap<&'static str, Core>,
    elsewhere: BTreeMap<&'static str, Transport>,
}

/// The gRPC service over the trails of `cores`, one per process. Whoever asks for the trail of one of `elsewhere` is
/// handed on to it in his own name, and that process decides and notes that he reads.
#[must_use]
pub fn audit_service(
    cores: &[Core],
    elsewhere: BTreeMap<&'static str, Transport>,
) -> AuditServiceServer<Trails> {
    let cores = cores.iter().map(|core| (core.name(), core.clone()));
    AuditServiceServer::new(Trails {
        cores: cores.collect(),
        elsewhere,
    })
}

/// The same question in the name of the same person, seen where this process saw him.
fn handed_on(request: &Request<ListAuditRequest>) -> Result<Request<ListAuditRequest>, Status> {
    let principal = grpc::principal(request)?.seen_at(&grpc::cause(request).from_addr);
    let mut onward = Request::new(request.get_ref().clone());
    let unfit = |_| {
        problem(
            NAME,
            Code::Internal,
            "PRINCIPAL_UNFIT",
            "no metadata".to_owned(),
        )
    };
    let value = principal.to_metadata().parse().map_err(unfit)?;
    onward.metadata_mut().insert(PRINCIPAL_METADATA, value);
    Ok(onward)
}

#[tonic::async_trait]
impl AuditService for Trails {
    async fn list_audit(
        &self,
        request: Request<ListAuditRequest>,
    ) -> Result<Response<ListAuditResponse>, Status> {
        if !grpc::scope(&request)?.is_everything() {
            return Ok(Response::new(ListAuditResponse::default()));
        }
        if let Some(way) = self.elsewhere.get(request.get_ref().service.as_str()) {
            let onward = handed_on(&request)?;
            return AuditServiceClient::new(way.clone())
                .list_audit(onward)
                .await;
        }
        let context = grpc::command(&request, "", 0);
        let asked = request.into_inner();
        let core = self.cores.get(asked.service.as_str()).ok_or_else(|| {
            let message = format!("no audit trail of `{}` here", asked.service);
            problem(NAME, Code::NotFound, "SERVICE_NOT_HERE", message)
        })?;
        let query = query(&asked)?;
        let failed = |error: CoreError| core_status(core.name(), &error);
        // Who reads is noted before anything is shown.
        let (cause, entry) = (context.cause.clone(), reading(core, &asked));
        let noted = core.execute(context, move |work| {
            work.audit(&cause, entry);
            Box::pin(async { Ok::<(), CoreError>(()) })
        });
        noted.await.map_err(failed)?;
        let (rows, next_page_token) = list::list(core, &query).await.map_err(failed)?;
        Ok(Response::new(ListAuditResponse {
            rows: rows.iter().map(shown).collect(),
            next_page_token,
        }))
    }
}

fn query(asked: &ListAuditRequest) -> Result<Query, Status> {
    for (field, text) in [
        ("actor", &asked.actor),
        ("resource", &asked.resource),
        ("resource_id", &asked.resource_id),
        ("action", &asked.action),
    ] {
        if text.len() > TEXT_MAX || text.contains('\0') {
            return Err(invalid_field(NAME, field, "at most 500 bytes without NUL"));
        }
    }
    let order = match AuditOrder::try_from(asked.order) {
        Ok(AuditOrder::Unspecified | AuditOrder::NewestFirst) => Order::NewestFirst,
        Ok(AuditOrder::OldestFirst) => Order::OldestFirst,
        Err(_) => return Err(invalid_field(NAME, "order", "an order that is known")),
    };
    let page = Page::decode(asked.page_size, &asked.page_token);
    Ok(Query {
        actor: asked.actor.clone(),
        resource: asked.resource.clone(),
        resource_id: asked.resource_id.clone(),
        action: asked.action.clone(),
        from: instant("from", asked.from)?,
        to: instant("to", asked.to)?,
        order,
        page: page.map_err(|error| core_status(NAME, &error))?,
    })
}

fn instant(field: &str, at: Option<prost_types::Timestamp>) -> Result<Option<i64>, Status> {
    let Some(at) = at else { return Ok(None) };
    let read = u32::try_from(at.nanos)
        .ok()
        .and_then(|nanos| Timestamp::from_timestamp(at.seconds, nanos));
    let read = read.ok_or_else(|| invalid_field(NAME, field, "an instant"))?;
    Ok(Some(micros(read)))
}

/// That somebody reads, and what he asked for: words of filters, no rows.
fn reading(core: &Core, asked: &ListAuditRequest) -> AuditEntry {
    let mut words = Vec::new();
    for (name, text) in [
        ("actor", &asked.actor),
        ("resource", &asked.resource),
        ("resource_id", &asked.resource_id),
        ("action", &asked.action),
    ] {
        if !text.is_empty() {
            words.push(format!("{name} {text}"));
        }
    }
    for (name, at) in [("from", asked.from), ("to", asked.to)] {
        if let Some(at) = at {
            words.push(format!("{name} {}", at.seconds));
        }
    }
    if !asked.page_token.is_empty() {
        words.push("a further page".to_owned());
    }
    AuditEntry {
        resource: "audit",
        resource_id: core.name().to_owned(),
        version: 0,
        action: "read".to_owned(),
        reason: words.join(", "),
    }
}

fn shown(row: &Row) -> AuditRow {
    let content = row.content();
    let at = from_micros(content.at).map(|at| prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    });
    AuditRow {
        chain_seq: row.chain_seq.unwrap_or_default(),
        at,
        actor: content.actor.to_owned(),
        session: content.session.to_owned(),
        unit_code: content.unit_code.to_owned(),
        from_addr: content.from_addr.to_owned(),
        method: content.method.to_owned(),
        resource: content.resource.to_owned(),
        resource_id: content.resource_id.to_owned(),
        version: content.version,
        action: content.action.to_owned(),
        reason: content.reason.to_owned(),
        trace_id: content.trace_id.to_owned(),
    }
}
