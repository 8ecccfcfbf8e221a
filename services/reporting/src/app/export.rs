//! The full export: every ticket as a record of one CSV file, page by page.

use std::sync::Arc;

use chrono::NaiveDate;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use hotline_platform::access::Scope;
use hotline_platform::core::CommandContext;
use hotline_platform::work::AuditEntry;
use uuid::Uuid;

use super::Reporting;
use crate::domain::export::{COLUMNS, record};
use crate::domain::listing::Ticket;
use crate::domain::names::Names;
use crate::error::ReportingError;
use crate::{render, store};

/// Tickets of one page: few enough for memory, many enough that asking costs little.
pub(crate) const PAGE: u64 = 1_000;
/// Pages made ready while the next one is read. One more would wait in memory and win nothing.
const PAGES_AHEAD: usize = 2;

/// The file, piece by piece.
pub(crate) type Pieces = BoxStream<'static, Result<Vec<u8>, ReportingError>>;

/// Tickets received on these days, either end open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExportDays {
    /// The first day.
    pub first: Option<NaiveDate>,
    /// The last day.
    pub last: Option<NaiveDate>,
}

impl Reporting {
    /// The file of the tickets of these days in the order of their ids, read `page` at a time as its
    /// pieces are taken. The audit knows of it before the first ticket leaves.
    pub(crate) async fn export(
        &self,
        context: CommandContext,
        days: ExportDays,
        page: u64,
    ) -> Result<Pieces, ReportingError> {
        let scope = context.scope.clone();
        self.note_export(context, days).await?;
        let names = Arc::new(store::load_names(self.core.db().read()).await?);
        let header = render::header(&COLUMNS)?;
        let reporting = self.clone();
        let records = self
            .clone()
            .pages(scope, days, page)
            .map_ok(move |tickets| reporting.clone().piece(tickets, Arc::clone(&names)))
            .try_buffered(PAGES_AHEAD);
        Ok(stream::once(future::ok(header)).chain(records).boxed())
    }

    async fn note_export(
        &self,
        context: CommandContext,
        days: ExportDays,
    ) -> Result<(), ReportingError> {
        let told = |day: Option<NaiveDate>| day.map_or("…".to_owned(), |day| day.to_string());
        let reason = format!("{} to {}", told(days.first), told(days.last));
        let cause = context.cause.clone();
        let noted = self.core.execute(context, move |work| {
            Box::pin(async move {
                work.audit(
                    &cause,
                    AuditEntry {
                        resource: "ticket",
                        resource_id: String::new(),
                        version: 0,
                        action: "exported".to_owned(),
                        reason,
                    },
                );
                Ok::<_, ReportingError>(())
            })
        });
        noted.await?;
        Ok(())
    }

    /// The tickets, without their citizens; each page begins behind the last ticket of the one before.
    fn pages(
        self,
        scope: Scope,
        days: ExportDays,
        page: u64,
    ) -> BoxStream<'static, Result<Vec<Ticket>, ReportingError>> {
        let days = (days.first, days.last);
        let start = (self, scope, Uuid::nil());
        stream::try_unfold(start, move |(reporting, scope, after)| async move {
            let reader = reporting.core.db().reader(&scope).await?;
            let tickets = store::tickets_behind(&reader, &scope, after, page, days).await?;
            let last = tickets.last().map(|ticket| ticket.id);
            Ok(last.map(|last| (tickets, (reporting, scope, last))))
        })
        .boxed()
    }

    /// The records of a page.
    async fn piece(
        self,
        mut tickets: Vec<Ticket>,
        names: Arc<Names>,
    ) -> Result<Vec<u8>, ReportingError> {
        store::add_citizens(self.core.db().read(), &mut tickets).await?;
        let zone = self.desk.zone;
        let rows = move || {
            let records = tickets.iter().map(|ticket| record(ticket, &names, zone));
            render::records(records)
        };
        Ok(render::away(rows).await?)
    }
}
