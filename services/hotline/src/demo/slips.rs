//! Small turns of the operators' desk: reading what intake shows, writing what it wants.

use hotline_proto::intake::{AppealView, NewMatter};
use hotline_proto::shared::{Kind, Urgency};
use tonic::Code;

use super::memory::Memory;
use super::plan::{Plan, PlannedMatter};

pub(super) fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

pub(super) fn appeal_id(view: &AppealView) -> String {
    view.appeal
        .as_ref()
        .map(|appeal| appeal.id.clone())
        .unwrap_or_default()
}

/// Too late is not an error: the ticket moved on before the person did.
pub(super) fn tolerate<T>(answer: Result<T, tonic::Status>) -> anyhow::Result<()> {
    match answer {
        Ok(_) => Ok(()),
        Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::Aborted) => Ok(()),
        Err(status) => Err(anyhow::anyhow!("{:?}: {}", status.code(), status.message())),
    }
}

pub(super) fn remember(memory: &mut Memory, index: usize, view: &AppealView, plan: &Plan) {
    let matters: Vec<_> = view
        .matters
        .iter()
        .filter_map(|view| view.matter.as_ref())
        .collect();
    for (matter, planned) in matters.iter().zip(&plan.appeals[index].matters) {
        memory
            .fates
            .entry(matter.reserved_ticket_id.clone())
            .or_insert_with(|| planned.fate.clone());
    }
    let said = memory.appeals.entry(index).or_default();
    said.matter_ids = matters.iter().map(|matter| matter.id.clone()).collect();
    said.ticket_ids = matters
        .iter()
        .map(|matter| matter.ticket_id.clone())
        .collect();
}

pub(super) fn new_matter(planned: &PlannedMatter) -> NewMatter {
    NewMatter {
        subject: planned.subject.clone(),
        text: planned.text.clone(),
        kind: Kind::from_str_name(&format!("KIND_{}", planned.kind.to_uppercase()))
            .unwrap_or(Kind::Help)
            .into(),
        urgency: Urgency::from_str_name(&format!("URGENCY_{}", planned.urgency.to_uppercase()))
            .unwrap_or(Urgency::Normal)
            .into(),
        category_code: planned.category.clone(),
        area_code: planned.area.clone(),
    }
}
