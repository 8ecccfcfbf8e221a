//! `hotline audit`: what an auditor asks of the audit trails.

mod export;
mod verify;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use hotline_kernel::time::{Timestamp, Zone};

use super::{Outcome, Place};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Walks the chains and names what is not as it was written; exit code 1 if anything is.
    Verify(verify::Args),
    /// Writes rows of the trails into a file; that it did so stands in the trails.
    Export(export::Args),
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.what {
        What::Verify(what) => verify::run(what, &args.place).await,
        What::Export(what) => export::run(what, &args.place).await,
    }
}

/// A time that an auditor names: days of the city's zone, or instants.
#[derive(Debug, clap::Args)]
struct Period {
    /// From this day (2026-03-01) or instant (2026-03-01T08:00:00+08:00) on.
    #[arg(long)]
    from: Option<String>,
    /// Until this day, with all of it, or until this instant.
    #[arg(long)]
    to: Option<String>,
}

impl Period {
    fn bounds(&self, zone: Zone) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
        let from = self.from.as_deref();
        let to = self.to.as_deref();
        Ok((
            from.map(|text| instant(text, |day| zone.start_of(day)))
                .transpose()
                .context("--from")?,
            to.map(|text| instant(text, |day| zone.end_of(day)))
                .transpose()
                .context("--to")?,
        ))
    }
}

fn instant(text: &str, of_day: impl Fn(NaiveDate) -> Timestamp) -> anyhow::Result<Timestamp> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(of_day(day));
    }
    let at = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("expected a day such as 2026-03-01 or an instant such as 2026-03-01T08:00:00Z, found `{text}`")
    })?;
    Ok(at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_days_of_the_city_or_instants() {
        let zone = Zone::named("Asia/Shanghai").unwrap();
        let period = |from: &str, to: &str| Period {
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
        };
        let (from, to) = period("2026-03-01", "2026-03-01").bounds(zone).unwrap();
        assert_eq!(from.unwrap().to_rfc3339(), "2026-02-28T16:00:00+00:00");
        assert_eq!(to.unwrap().to_rfc3339(), "2026-03-01T16:00:00+00:00");
        let (from, _) = period("2026-03-01T08:00:00+08:00", "2026-03-02")
            .bounds(zone)
            .unwrap();
        assert_eq!(from.unwrap().to_rfc3339(), "2026-03-01T00:00:00+00:00");
        let refused = period("yesterday", "2026-03-02").bounds(zone).unwrap_err();
        assert!(format!("{refused:#}").contains("yesterday"), "{refused:#}");
    }
}
