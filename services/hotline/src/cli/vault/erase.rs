//! `hotline vault erase`, `approve`, `erasures`: forgetting somebody takes two persons.

use std::io::Write as _;

use hotline_platform::access::Role;
use hotline_proto::intake::erasure_service_client::ErasureServiceClient;
use hotline_proto::intake::request_erasure_request::By;
use hotline_proto::intake::{
    ApproveErasureRequest, Erasure, ListErasuresRequest, RequestErasureRequest,
};

use super::What;
use crate::cli::reach::{Reach, by_person, said};
use crate::config::Config;

/// Requests that are shown.
const SHOWN: u32 = 50;

/// Whether `what` asks the city, rather than its keys.
pub(super) fn is_meant(what: &What) -> bool {
    matches!(
        what,
        What::Erase { .. } | What::Approve { .. } | What::Erasures
    )
}

/// Carries `what` out in the city.
pub(super) async fn run(what: What, config: Config) -> anyhow::Result<()> {
    let city = Reach::find_existing(config).await?;
    let done = carry_out(what, &city).await;
    city.leave().await?;
    done
}

async fn carry_out(what: What, city: &Reach) -> anyhow::Result<()> {
    let mut erasures = ErasureServiceClient::new(city.transport("intake"));
    match what {
        What::Erase {
            number,
            citizen,
            reason,
            by,
        } => {
            let asked = RequestErasureRequest {
                // Asking twice makes two requests, and erasing twice is harmless.
                idempotency_key: String::new(),
                by: number.map(By::Number).or(citizen.map(By::Citizen)),
                reason,
                expected_version: 0,
            };
            let request = by_person(Role::ShiftSupervisor, &person(&by), asked);
            show(said(erasures.request_erasure(request).await)?.erasure)
        }
        What::Approve { request, by } => {
            let asked = ApproveErasureRequest {
                idempotency_key: format!("cli:{request}"),
                approval_id: request.to_string(),
                expected_version: 0,
            };
            let request = by_person(Role::ShiftSupervisor, &person(&by), asked);
            show(said(erasures.approve_erasure(request).await)?.erasure)
        }
        _ => {
            let asked = ListErasuresRequest {
                page_size: SHOWN,
                page_token: String::new(),
            };
            let request = by_person(Role::ShiftSupervisor, "shift_supervisor:cli", asked);
            for erasure in said(erasures.list_erasures(request).await)?.erasures {
                show(Some(erasure))?;
            }
            Ok(())
        }
    }
}

fn person(name: &str) -> String {
    format!("user:{name}")
}

/// Whom it is about: who approves must see that.
fn whose(erasure: &Erasure) -> String {
    let number = match erasure.number.as_str() {
        "" => "no appeal",
        number => number,
    };
    let others = match erasure.appeals {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    format!("{number}{others} {}", erasure.masked_name)
}

fn show(erasure: Option<Erasure>) -> anyhow::Result<()> {
    let Some(erasure) = erasure else {
        return Ok(());
    };
    let state = if erasure.approved_by.is_empty() {
        "waits for another person".to_owned()
    } else {
        format!("approved by {}, done", erasure.approved_by)
    };
    writeln!(
        std::io::stdout(),
        "{}  {}  asked by {}  {}  {state}",
        erasure.id,
        whose(&erasure),
        erasure.requested_by,
        erasure.reason
    )?;
    Ok(())
}
