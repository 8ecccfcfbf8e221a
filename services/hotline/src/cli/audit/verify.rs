//! `hotline audit verify`: are the audit trails as they were written?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use hotline_platform::audit::anchor;
use hotline_platform::audit::verify::{self, Part, Report};
use hotline_platform::core::Core;

use super::{Outcome, Period, Place};
use crate::services::Name;
use crate::{City, Parts, folder};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    period: Period,
    /// Anchors to compare with: the copy that is kept where the database's administrator cannot write, or lines of
    /// the syslog host; without it, the configured file.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// The service whose trail is walked; none means all.
    #[arg(long)]
    service: Option<Name>,
}

pub(super) async fn run(args: Args, place: &Place) -> anyhow::Result<Outcome> {
    let config = place.config()?;
    let names = args.service.map_or(Name::ALL.to_vec(), |name| vec![name]);
    folder::require(&config, &names)?;
    let (from, to) = args.period.bounds(config.zone()?)?;
    let part = Part {
        from,
        to,
        rows_max: None,
    };
    // A file that was named must be there; the configured one is not before the first anchor.
    let configured = anchor::file(&config.audit, &config.data_dir);
    let anchors = args
        .anchors
        .or_else(|| configured.exists().then_some(configured));
    let mounted = City::mount(&names, &config, Parts::default(), false).await?;
    let mut found = 0;
    let mut walked = Ok(());
    for (name, service) in &mounted.services {
        match walk(&service.core, &part, anchors.as_deref()).await {
            Ok(report) => {
                tell(*name, &report, anchors.is_some())?;
                found += report.found;
            }
            Err(error) => walked = Err(error),
        }
    }
    mounted.close().await;
    walked?;
    writeln!(std::io::stdout(), "{found} findings")?;
    Ok(if found == 0 {
        Outcome::Well
    } else {
        Outcome::Findings
    })
}

async fn walk(core: &Core, part: &Part, anchors: Option<&Path>) -> anyhow::Result<Report> {
    let mut report = verify::verify(core, part).await?;
    if let Some(path) = anchors {
        verify::verify_anchors(core, part, path, &mut report).await?;
    }
    Ok(report)
}

fn tell(name: Name, report: &Report, has_anchors: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{name}: {finding}")?;
    }
    let untold = report.found - report.findings.len() as u64;
    if untold > 0 {
        writeln!(out, "{name}: {untold} findings more")?;
    }
    writeln!(
        out,
        "{name}: {} rows under {} seals, the last is number {}; {} rows wait for a seal",
        report.rows, report.seals, report.end, report.unsealed
    )?;
    if report.uncoded > 0 {
        writeln!(
            out,
            "{name}: {} rows are from before the seal: nothing tells what was done to them before it",
            report.uncoded
        )?;
    }
    if has_anchors {
        writeln!(
            out,
            "{name}: {} anchors compared, {} lines unreadable",
            report.anchors, report.unreadable
        )?;
    } else {
        writeln!(
            out,
            "{name}: no anchors: what was cut off at the end would not be seen"
        )?;
    }
    Ok(())
}
