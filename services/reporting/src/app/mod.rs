//! What reporting does: hears events, composes documents, issues them, notes instructions.

mod compose;
mod export;
pub(crate) mod hearing;
mod instruct;
mod issue;
mod overview;
mod search;

use hotline_kernel::id::DocumentId;
use hotline_kernel::mask::Masker;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::access::Scope;
use hotline_platform::core::Core;
use hotline_platform::page::Page;
use std::sync::Arc;

pub(crate) use compose::Composed;
pub(crate) use export::{ExportDays, PAGE};
pub(crate) use instruct::{GiveInstruction, LEADER_CHARS_MAX, TEXT_CHARS_MAX};
pub(crate) use issue::IssueDocument;
pub(crate) use overview::Overview;
pub(crate) use search::FoundTickets;

use crate::domain::document::{Document, Issued, IssuedHead, IssuedOf, IssuedPlace};
use crate::domain::figures::RatePolicy;
use crate::domain::period::Period;
use crate::error::ReportingError;
use crate::store;
use hotline_platform::snapshot::Snapshot;

/// The service's use cases. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reporting {
    core: Core,
    desk: Desk,
    masker: Arc<Masker>,
}

/// What composing a document needs besides the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk {
    /// The city's zone.
    pub zone: Zone,
    /// What is decided about rates.
    pub policy: RatePolicy,
}

impl Reporting {
    /// The use cases over a base.
    pub(crate) fn new(core: Core, desk: Desk) -> Self {
        Self {
            core,
            desk,
            masker: Arc::new(Masker::standard()),
        }
    }

    /// The city's zone.
    pub(crate) fn zone(&self) -> Zone {
        self.desk.zone
    }

    /// A document as it stands now, seen at one moment.
    pub(crate) async fn compose(
        &self,
        scope: &Scope,
        period: Period,
    ) -> Result<Composed, ReportingError> {
        is_whole(scope)?;
        let snapshot = Snapshot::open(self.core.db()).await?;
        let composed =
            compose::compose(snapshot.reader(), self.desk, period, self.core.now()).await;
        snapshot.close().await?;
        Ok(composed?)
    }

    /// An issued document, as it was frozen.
    pub(crate) async fn document(
        &self,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Issued, ReportingError> {
        let reader = self.core.db().reader(scope).await?;
        let found = store::document(&reader, scope, id.uuid()).await?;
        found.ok_or(ReportingError::DocumentNotFound(id))
    }

    /// Issued documents, newest first, and where the next page begins.
    pub(crate) async fn documents(
        &self,
        scope: &Scope,
        of: IssuedOf,
        page: &Page<IssuedPlace>,
    ) -> Result<(Vec<IssuedHead>, Option<IssuedPlace>), ReportingError> {
        let reader = self.core.db().reader(scope).await?;
        Ok(store::documents(&reader, scope, of, page).await?)
    }
}

/// Documents and sums are made of everybody's rows: who reaches fewer gets none.
fn is_whole(scope: &Scope) -> Result<(), ReportingError> {
    if scope.is_everything() {
        return Ok(());
    }
    Err(ReportingError::OutOfReach)
}

/// The head lines of a document.
fn head_lines(zone: Zone, period: &Period, data_cut: Option<Timestamp>) -> Vec<String> {
    let cut = data_cut.map_or_else(
        || "尚无数据".to_owned(),
        |at| zone.wall(at).format("%Y-%m-%d %H:%M:%S").to_string(),
    );
    vec![
        format!("统计期间：{}至{}", period.first, period.last),
        format!("数据截至：{cut}"),
    ]
}

/// The number of an issued document, as it is printed.
pub(crate) fn issue_number(year: i32, number: i32) -> String {
    format!("{year}年第{number}期")
}

/// The name of a document's file, without its ending.
pub(crate) fn file_stem(period: &Period, document: &Document) -> String {
    let state = if document.issue_number.is_some() {
        ""
    } else {
        "-draft"
    };
    format!("{}-{}{state}", period.series.word(), period.text())
}
