//! What every write leaves behind: its events for others, and a row in the audit trail.

use hotline_platform::work::{AuditEntry, Cause, Work};

use crate::domain::appeal::{Appeal, Change};
use crate::domain::matter::{Matter, Move, Step};
use crate::domain::terms::Term;
use crate::events;

/// Tells that an appeal was registered or changed; it is already at its new version.
pub fn appeal(work: &Work, cause: &Cause, appeal: &Appeal, matters: &[&Matter], change: Change) {
    work.publish(cause, events::appeal_changed(appeal, matters, change));
    work.audit(
        cause,
        AuditEntry {
            resource: "appeal",
            resource_id: appeal.id.to_string(),
            version: appeal.version,
            action: change.word().to_owned(),
            reason: reason(appeal, change),
        },
    );
}

/// Tells that a matter moved; it is already at its new version.
pub fn moved(work: &Work, cause: &Cause, appeal: &Appeal, matter: &Matter, step: &Step) {
    moved_because(work, cause, appeal, matter, step, String::new());
}

/// The same, with the masked reason that a person gave.
pub fn moved_because(
    work: &Work,
    cause: &Cause,
    appeal: &Appeal,
    matter: &Matter,
    step: &Step,
    reason: String,
) {
    for event in events::matter_moved(appeal, matter, step) {
        work.publish(cause, event);
    }
    work.audit(
        cause,
        AuditEntry {
            resource: "matter",
            resource_id: matter.id.to_string(),
            version: matter.version,
            action: word(step.cause).to_owned(),
            reason,
        },
    );
}

/// Why, as far as the appeal itself says it.
fn reason(appeal: &Appeal, change: Change) -> String {
    let outcome = &appeal.outcome;
    match change {
        Change::Guided => outcome
            .guide_reason
            .map(Term::word)
            .unwrap_or_default()
            .to_owned(),
        Change::Diverted => outcome.diverted_to.clone(),
        Change::Quarantined | Change::Released | Change::Withdrawn => outcome.reason.clone(),
        Change::Registered | Change::Accepted | Change::Answered | Change::Split => String::new(),
    }
}

fn word(cause: Move) -> &'static str {
    match cause {
        Move::Open => "opened",
        Move::Split => "split",
        Move::SameText(_) => "same_text",
        Move::Merge(_) => "merged",
        Move::Unmerge => "unmerged",
        Move::Refuse(_) => "refused",
        Move::Withdraw => "withdrawn",
    }
}
