//! Searching tickets, and keeping the words by which they are found.

use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use hotline_platform::snapshot::Snapshot;
use uuid::Uuid;

use super::Reporting;
use crate::domain::listing::Ticket;
use crate::domain::names::Names;
use crate::domain::search::{self, Search};
use crate::error::ReportingError;
use crate::store;

/// A page of a search.
#[derive(Clone, Debug)]
pub(crate) struct FoundTickets {
    /// The newest receipt first. Their citizens are not told.
    pub tickets: Vec<Ticket>,
    /// Names of their units and categories.
    pub names: Names,
    /// The place of the last one, if there are more.
    pub next: Option<i64>,
}

impl Reporting {
    /// A page of the tickets that have every word that was asked for.
    pub(crate) async fn search(
        &self,
        scope: &Scope,
        search: &Search,
        page: &Page<i64>,
    ) -> Result<FoundTickets, ReportingError> {
        let snapshot = Snapshot::within(self.core.db(), scope).await?;
        let found = found(snapshot.reader(), scope, search, page).await;
        snapshot.close().await?;
        Ok(found?)
    }
}

async fn found(
    db: &impl store::Reader,
    scope: &Scope,
    search: &Search,
    page: &Page<i64>,
) -> Result<FoundTickets, CoreError> {
    let mut hits = store::search(db, scope, search, page.after, page.size + 1).await?;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let is_more = hits.len() > size;
    hits.truncate(size);
    let next = hits.last().filter(|_| is_more).map(|hit| hit.place);
    let ids: Vec<Uuid> = hits.iter().map(|hit| hit.ticket_id).collect();
    let tickets = store::tickets_of(db, &ids).await?;
    let names = store::names_of(db, &tickets).await?;
    Ok(FoundTickets {
        tickets,
        names,
        next,
    })
}

/// Writes the words of a ticket anew, from what is known of it and of the matters on it. It is found while
/// a matter stands on it: what was merged into another ticket is found there.
pub(super) async fn index(txn: &Txn, ticket_id: Uuid) -> Result<(), CoreError> {
    let Some(ticket) = store::ticket(txn, ticket_id).await? else {
        return Ok(());
    };
    let said = store::said_on(txn, ticket_id).await?;
    if said.is_empty() {
        return store::forget_words(txn, ticket_id).await;
    }
    let words = search::words(&ticket.shown, &said);
    store::save_words(txn, ticket_id, ticket.shown.received_at, &words).await
}
