//! Conservation (I12 in `docs/architecture.md`): what came in equals the sum of where it stands.

use std::collections::BTreeMap;

use hotline_platform::check::Finding;
use hotline_platform::core::{Core, CoreError};
use hotline_platform::snapshot::Snapshot;

use super::Intake;
use crate::domain::import::ImportSums;
use crate::error::IntakeError;
use crate::store;
use crate::store::conservation::{ChannelSums, Run};

/// Runs that a finding names at most.
const SHOWN_MAX: usize = 5;

/// Where the appeals of a channel stand, and what became of the rows of its import files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Its appeals, however they came.
    pub appeals: ChannelSums,
    /// Rows before the one that comes next, in all runs.
    pub rows_read: i64,
    /// What became of them.
    pub rows: ImportSums,
}

impl Intake {
    /// The conservation sums of every channel that has an appeal or an import, as of one moment.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn conservation(&self) -> Result<BTreeMap<String, Conservation>, IntakeError> {
        let snapshot = Snapshot::open(self.core.db()).await?;
        let mut sums: BTreeMap<String, Conservation> = BTreeMap::new();
        for run in store::conservation::runs(snapshot.reader()).await? {
            let channel = sums.entry(run.channel_code).or_default();
            channel.rows_read += run.rows_read;
            channel.rows.add(run.sums);
        }
        for (channel, appeals) in store::conservation::by_channel(snapshot.reader()).await? {
            sums.entry(channel).or_default().appeals = appeals;
        }
        snapshot.close().await?;
        Ok(sums)
    }
}

/// Two numbers of a run that must agree and were counted on their own.
struct Promise {
    text: &'static str,
    said: fn(&Run) -> i64,
    counted: fn(&Run) -> i64,
}

const PROMISES: &[Promise] = &[
    Promise {
        text: "every row that an import has read is present, refused or registered",
        said: |run| run.rows_read,
        counted: |run| run.sums.rows_read(),
    },
    Promise {
        text: "every row that was present is kept as such",
        said: |run| run.sums.present,
        counted: |run| run.counted.rows.present,
    },
    Promise {
        text: "every row that was refused is kept as such",
        said: |run| run.sums.refused,
        counted: |run| run.counted.rows.refused,
    },
    Promise {
        text: "every row that was registered is kept as such",
        said: |run| run.sums.registered,
        counted: |run| run.counted.rows.registered,
    },
    Promise {
        text: "every refused row is kept with its reason",
        said: |run| run.sums.refused,
        counted: |run| run.counted.refusals,
    },
    Promise {
        text: "every row that was registered is an appeal",
        said: |run| run.sums.registered,
        counted: |run| run.counted.appeals,
    },
];

/// Runs of imports whose numbers do not agree with their rows, refusals and appeals, which are counted
/// as of one moment.
///
/// # Errors
///
/// What storage fails with.
pub async fn findings(core: &Core) -> Result<Vec<Finding>, CoreError> {
    let snapshot = Snapshot::open(core.db()).await?;
    let runs = store::conservation::counted_runs(snapshot.reader()).await?;
    snapshot.close().await?;
    let found = PROMISES.iter().filter_map(|promise| {
        let broken: Vec<String> = runs
            .iter()
            .map(|run| (run, (promise.said)(run), (promise.counted)(run)))
            .filter(|(_, said, counted)| said != counted)
            .map(|(run, said, counted)| format!("import {}: {said} against {counted}", run.id))
            .take(SHOWN_MAX)
            .collect();
        (!broken.is_empty()).then(|| Finding {
            service: core.name().to_owned(),
            promise: promise.text,
            rows: broken.join("; "),
        })
    });
    Ok(found.collect())
}
