//! Every ticket, page by page, for the full export.

use chrono::NaiveDate;
use hotline_kernel::time::Zone;
use hotline_platform::core::CommandContext;
use hotline_platform::work::AuditEntry;
use uuid::Uuid;

use super::Reporting;
use crate::domain::listing::Ticket;
use crate::domain::names::Names;
use crate::error::ReportingError;
use crate::store;

/// Tickets received on these days, either end open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExportDays {
    /// The first day.
    pub first: Option<NaiveDate>,
    /// The last day.
    pub last: Option<NaiveDate>,
}

/// An export under way: which tickets, and what to call things.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    days: ExportDays,
    /// Names of codes, as they were when it began.
    pub names: Names,
    /// The city's zone.
    pub zone: Zone,
}

impl Reporting {
    /// Begins an export; the audit knows of it before the first ticket leaves.
    pub(crate) async fn begin_export(
        &self,
        context: CommandContext,
        days: ExportDays,
    ) -> Result<Export, ReportingError> {
        let cause = context.cause.clone();
        let audited = self.core.execute(context, move |work| {
            Box::pin(async move {
                work.audit(
                    &cause,
                    AuditEntry {
                        resource: "ticket",
                        resource_id: String::new(),
                        version: 0,
                        action: "exported".to_owned(),
                        reason: String::new(),
                    },
                );
                Ok::<_, ReportingError>(())
            })
        });
        audited.await?;
        Ok(Export {
            days,
            names: store::load_names(self.core.db().read()).await?,
            zone: self.desk.zone,
        })
    }

    /// At most `limit` tickets behind `after`, in the order of ids; none when it is through.
    pub(crate) async fn export_page(
        &self,
        export: &Export,
        after: Uuid,
        limit: u64,
    ) -> Result<Vec<Ticket>, ReportingError> {
        let ExportDays { first, last } = export.days;
        Ok(store::tickets_behind(self.core.db().read(), after, limit, (first, last)).await?)
    }
}
