//! How many appeals of how many lines and channels became how many tickets.

use hotline_platform::access::Scope;
use hotline_platform::snapshot::Snapshot;

use super::{Reporting, is_whole};
use crate::domain::fact::measure;
use crate::domain::period::Days;
use crate::error::ReportingError;
use crate::store::{self, OverviewCounts};

/// The figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// What came, and on how many tickets it stands.
    pub counts: OverviewCounts,
    /// Appeals answered directly.
    pub answered: i64,
    /// Appeals guided elsewhere.
    pub guided: i64,
    /// Appeals quarantined.
    pub quarantined: i64,
    /// Replies of ours.
    pub replies: i64,
    /// Conclusions.
    pub concluded: i64,
    /// Reworks.
    pub reworked: i64,
}

impl Reporting {
    /// The figures of some days, or of everything.
    pub(crate) async fn overview(
        &self,
        scope: &Scope,
        days: Option<Days>,
    ) -> Result<Overview, ReportingError> {
        is_whole(scope)?;
        let snapshot = Snapshot::open(self.core.db()).await?;
        let counts = store::overview(snapshot.reader(), days).await;
        let sums = store::sums_by_unit(snapshot.reader(), days.unwrap_or(Days::EVER)).await;
        snapshot.close().await?;
        let (counts, sums) = (counts?, sums?);
        let state = |word: &str| sums.total(&format!("{}{word}", measure::APPEAL_STATE));
        Ok(Overview {
            counts,
            answered: state("answered"),
            guided: state("guided"),
            quarantined: state("quarantined"),
            replies: sums.total(measure::REPLY),
            concluded: sums.total(measure::CONCLUDED),
            reworked: sums.total(measure::REWORKED),
        })
    }
}
