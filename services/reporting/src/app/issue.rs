//! Issuing a document: it gets its number, its content is frozen, and the log says so.

use hotline_kernel::id::DocumentId;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_platform::fault;
use hotline_platform::work::{AuditEntry, Cause, Work};
use serde::{Deserialize, Serialize};

use super::compose::compose;
use super::{Desk, Reporting, is_whole, issue_number};
use crate::domain::document::{Issued, IssuedHead};
use crate::domain::period::Period;
use crate::error::ReportingError;
use crate::events;
use crate::store;

/// Asks to issue the document of a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssueDocument {
    /// Which.
    pub period: Period,
    /// Documents already issued for it, as the caller saw.
    pub editions_seen: i64,
}

/// What is remembered of an issue, to answer a repetition.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Outcome {
    document_id: DocumentId,
}

impl Reporting {
    /// Issues a document.
    ///
    /// # Errors
    ///
    /// [`ReportingError::NotReconciled`] if its figures do not agree, [`ReportingError::PeriodNotBegun`]
    /// before its first day, `Stale` if another number of documents was issued for the period.
    pub(crate) async fn issue(
        &self,
        context: CommandContext,
        command: IssueDocument,
    ) -> Result<Issued, ReportingError> {
        let scope = context.scope.clone();
        is_whole(&scope)?;
        let (desk, cause) = (self.desk, context.cause.clone());
        let outcome: Outcome = self
            .core
            .execute(context, move |work| {
                Box::pin(issue(work, desk, cause, command))
            })
            .await?;
        self.document(&scope, outcome.document_id).await
    }
}

async fn issue(
    work: &Work,
    desk: Desk,
    cause: Cause,
    command: IssueDocument,
) -> Result<Outcome, ReportingError> {
    let (txn, now, period) = (work.txn(), work.now(), command.period);
    // Nothing that events tell changes until this transaction ends, and nobody else takes the number.
    store::hold(txn).await?;
    let editions = store::editions(txn, &period).await?;
    if editions != command.editions_seen {
        return Err(CoreError::Stale { current: editions }.into());
    }
    if period.start(desk.zone) > now {
        return Err(ReportingError::PeriodNotBegun);
    }
    let composed = compose(&**txn, desk, period, now).await?;
    if !composed.document.reconciles() {
        return Err(ReportingError::NotReconciled(
            composed.document.differences.len(),
        ));
    }
    let number = store::next_number(txn, &period).await?;
    let mut content = composed.document;
    content.issue_number = Some(issue_number(period.year(), number));
    let head = IssuedHead {
        id: work.new_id(),
        period,
        edition: editions + 1,
        number,
        title: content.title.clone(),
        issued_at: now,
        issued_by: cause.actor.clone(),
        data_cut: composed.data_cut,
    };
    let issued = Issued { head, content };
    fault::point("document.numbered");
    store::issue(txn, &issued).await?;
    fault::point("document.frozen");
    events::publish_issued(work, &cause, &issued.head);
    let entry = AuditEntry {
        resource: "document",
        resource_id: issued.head.id.to_string(),
        version: 1,
        action: "issued".to_owned(),
        reason: String::new(),
    };
    work.audit(&cause, entry);
    Ok(Outcome {
        document_id: issued.head.id.into(),
    })
}
