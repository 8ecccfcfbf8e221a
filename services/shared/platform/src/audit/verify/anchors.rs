//! The chain beside anchors that were kept elsewhere.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use hotline_kernel::time::micros;
use sea_orm::{ConnectionTrait, Value};

use super::walk::told;
use super::{Kind, Part, Report};
use crate::audit::anchor::Anchor;
use crate::audit::key::CODE_BYTES;
use crate::bulk;
use crate::core::{Core, CoreError};
use crate::db::sql;

/// Anchors compared at once.
const BATCH: usize = 512;
/// The longest line that is looked at, in bytes.
const LINE_MAX: u64 = 4_096;

/// Why anchors could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum AnchorsError {
    /// The file cannot be read.
    #[error("cannot read the anchors {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Core(#[from] CoreError),
}

/// Compares a service's seals with the anchors in `path` that were cast in the part's time: lines of the anchors'
/// file, or of a syslog host's, each ending with an anchor's JSON.
///
/// # Errors
///
/// A file or a database that cannot be read.
pub async fn verify_anchors(
    core: &Core,
    part: &Part,
    path: &Path,
    report: &mut Report,
) -> Result<(), AnchorsError> {
    let unreadable = |source| AnchorsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut batch = Vec::with_capacity(BATCH);
    for number in 1_u64.. {
        let Some(line) = next_line(&mut lines).map_err(unreadable)? else {
            break;
        };
        let Some(anchor) = read(&line) else {
            report.unreadable += u64::from(!line.is_empty());
            continue;
        };
        let in_time = part
            .from
            .is_none_or(|from| anchor.at_micros >= micros(from))
            && part.to.is_none_or(|to| anchor.at_micros <= micros(to));
        if anchor.service != core.name() || !in_time {
            continue;
        }
        if !anchor.is_ours(&core.pen().key) {
            let what = format!("the anchor in line {number} is not ours");
            report.find(Kind::ForeignSeal, what);
            continue;
        }
        batch.push(anchor);
        if batch.len() == BATCH {
            compare(core, &batch, report).await?;
            batch.clear();
        }
    }
    compare(core, &batch, report).await?;
    Ok(())
}

/// A line without its end; `None` at the end of the file. Of one that is too long the rest is the next line.
fn next_line(lines: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = lines.take(LINE_MAX).read_until(b'\n', &mut line)?;
    Ok((read > 0).then(|| line.trim_ascii().to_vec()))
}

/// The anchor at the end of a line; a syslog host has put its own words before it.
fn read(line: &[u8]) -> Option<Anchor> {
    let start = line.iter().position(|byte| *byte == b'{')?;
    serde_json::from_slice(&line[start..]).ok()
}

async fn compare(core: &Core, anchors: &[Anchor], report: &mut Report) -> Result<(), CoreError> {
    if anchors.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = anchors.iter().map(|anchor| anchor.chain_seq).collect();
    let seals = hashes(core, &numbers).await?;
    for anchor in anchors {
        report.anchors += 1;
        let (number, at) = (anchor.chain_seq, told(anchor.at_micros));
        match seals.get(&number) {
            Some(hash) if anchor.hash().is_some_and(|anchored| *hash == anchored) => {}
            Some(_) => {
                let what = format!(
                    "number {number} is in another chain than the one that was anchored at {at}"
                );
                report.find(Kind::Truncated, what);
            }
            None => {
                let what = format!("number {number} was anchored at {at} and is not there");
                report.find(Kind::Truncated, what);
            }
        }
    }
    Ok(())
}

async fn hashes(core: &Core, numbers: &[i64]) -> Result<HashMap<i64, [u8; CODE_BYTES]>, CoreError> {
    let keys = bulk::keys(numbers);
    let places: Vec<String> = (1..=keys.len()).map(|place| format!("${place}")).collect();
    let text = format!(
        "SELECT chain_seq, hash FROM audit_seal WHERE chain_seq IN ({})",
        places.join(", ")
    );
    let reader = core.db().read();
    let values = keys.into_iter().map(Value::from).collect();
    let mut found = HashMap::new();
    for row in reader.query_all_raw(sql(reader, text, values)).await? {
        let hash: Vec<u8> = row.try_get_by_index(1)?;
        let hash = hash.try_into().unwrap_or([0; CODE_BYTES]);
        found.insert(row.try_get_by_index(0)?, hash);
    }
    Ok(found)
}
