//! `hotline audit verify` over many rows: written and sealed as the program does it, then walked by a
//! process of its own.

use std::time::Instant;

use anyhow::bail;
use hotline_platform::access::Scope;
use hotline_platform::audit::sealer;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::work::{AuditEntry, Cause};
use tokio::process::Command;

use super::ground::Ground;
use super::load::float;
use super::report::{Goal, Section, Table, figure};
use super::reports::median;
use super::{Bench, child};
use crate::services::Name;
use crate::{City, Parts};

/// How often the trail is walked.
const ROUNDS: usize = 3;
/// Rows written in one transaction: what a full group commit writes.
const BATCH: u64 = 250;
/// A walk along so many rows …
const GOAL_ROWS: u64 = 1_000_000;
/// … takes so many seconds at most.
const GOAL_S: f64 = 20.0;

/// What was found on one database.
struct Found {
    write_s: f64,
    seal_s: f64,
    verify_s: f64,
    peak_kib: u64,
}

/// Measures the walk on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let rows = bench.sizes.audit_rows;
    let mut section = Section::default();
    section.notes.push(format!(
        "Rows such as registrations leave are written by the program's own units of work, {BATCH} a transaction, and sealed by its sealer. \
         `hotline audit verify` as a process of its own walks them: every code, every link and every seal; with its start, median of {ROUNDS}."
    ));
    let mut table = Table::new(
        "Peak memory is resident, of the walking process:",
        &[
            "database",
            "rows",
            "written/s",
            "sealed/s",
            "verify s",
            "verified/s",
            "memory MiB",
        ],
    );
    for &kind in bench.grounds.kinds() {
        let ground = bench.grounds.make(kind).await?;
        let found = one(&ground, rows).await?;
        bench.grounds.clear().await;
        table.rows.push(vec![
            kind.label().to_owned(),
            rows.to_string(),
            figure(float(rows) / found.write_s),
            figure(float(rows) / found.seal_s),
            figure(found.verify_s),
            figure(float(rows) / found.verify_s),
            figure(float(found.peak_kib) / 1024.0),
        ]);
        if rows >= GOAL_ROWS {
            let what = format!("{}, {rows} rows: verify", kind.label());
            let goal = Goal::at_most(&what, GOAL_S, found.verify_s, "s");
            section.goals.push(goal);
        }
    }
    section.tables.push(table);
    Ok(section)
}

async fn one(ground: &Ground, rows: u64) -> anyhow::Result<Found> {
    let config = ground.config()?;
    let mounted = City::mount(&[Name::Intake], &config, Parts::default(), true).await?;
    let Some((_, service)) = mounted.services.first() else {
        bail!("nothing was mounted");
    };
    let core = service.core.clone();
    // What the first start leaves.
    let before = sealer::seal_all(&core).await?;
    let begun = Instant::now();
    let mut first = 0;
    while first < rows {
        let last = (first + BATCH).min(rows);
        write(&core, first..last).await?;
        first = last;
    }
    let write_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let sealed = sealer::seal_all(&core).await?;
    let seal_s = begun.elapsed().as_secs_f64();
    mounted.close().await;
    if sealed != rows {
        bail!("{sealed} of {rows} rows were sealed");
    }
    let (mut times, mut peak_kib) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let walked = walk(ground).await?;
        let expected = format!("intake: {} rows under", before + rows);
        if !walked.said.contains(&expected) || !walked.said.ends_with("0 findings\n") {
            bail!("expected `{expected}` and no findings: {}", walked.said);
        }
        times.push(walked.seconds);
        peak_kib = walked.peak_kib.max(peak_kib);
    }
    Ok(Found {
        write_s,
        seal_s,
        verify_s: median(times),
        peak_kib,
    })
}

async fn walk(ground: &Ground) -> anyhow::Result<child::Ended> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["audit", "verify", "--service", "intake", "--config"])
        .arg(ground.config_file())
        .current_dir(ground.folder());
    child::run(&mut command, "hotline audit verify").await
}

/// Writes rows as registrations leave them, in one transaction.
async fn write(core: &Core, numbers: std::ops::Range<u64>) -> Result<(), CoreError> {
    let cause = Cause {
        actor: "channel:tel12345".to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: "127.0.0.1".to_owned(),
        method: "/hotline.intake.v1.IntakeService/RegisterAppeal".to_owned(),
        trace_parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    };
    let context = CommandContext {
        cause: cause.clone(),
        scope: Scope::nothing(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    };
    core.execute(context, move |work| {
        for _ in numbers {
            let entry = AuditEntry {
                resource: "appeal",
                resource_id: work.new_id().to_string(),
                version: 1,
                action: "registered".to_owned(),
                reason: String::new(),
            };
            work.audit(&cause, entry);
        }
        Box::pin(async { Ok::<(), CoreError>(()) })
    })
    .await
}
