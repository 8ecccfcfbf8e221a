//! `hotline parked`: events that a service could not apply, and what stands behind them.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context as _, bail};
use hotline_platform::parked::{self, ParkedEvent};
use uuid::Uuid;

use super::{Place, administrator};
use crate::compose::Mounted;
use crate::services::Name;
use crate::{City, Parts, folder};

/// Events read at once.
const PAGE: u32 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists what is parked, oldest first.
    List,
    /// Shows a parked event, wherever it is parked.
    Show {
        /// Its id, from the list.
        event: Uuid,
    },
    /// Tries a parked event and what stands behind it again, in order.
    Retry {
        /// Its id; none means everything that is parked.
        event: Option<Uuid>,
    },
    /// Gives an event up wherever it is parked: it is never applied there.
    Skip {
        /// Its id, from the list.
        event: Uuid,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    folder::require(&config, Name::ALL)?;
    let mounted = City::mount(Name::ALL, &config, Parts::default(), false).await?;
    let done = match args.what {
        What::List => list(&mounted).await,
        What::Show { event } => show(&mounted, event).await,
        What::Retry { event } => retry(&mounted, event).await,
        What::Skip { event, reason } => skip(&mounted, event, &reason).await,
    };
    mounted.close().await;
    done
}

async fn list(mounted: &Mounted) -> anyhow::Result<()> {
    let all = all(mounted).await?;
    let mut out = std::io::stdout().lock();
    for (_, event) in &all {
        let why = if event.error.is_empty() {
            "stands behind another one"
        } else {
            &event.error
        };
        writeln!(
            out,
            "{}  {} hears {} of {}  since {}  tries {}  {why}",
            event.event_id,
            event.consumer,
            event.event_type,
            event.producer,
            event.parked_at.format("%Y-%m-%dT%H:%M:%SZ"),
            event.attempts,
        )?;
    }
    writeln!(out, "{} parked", all.len())?;
    Ok(())
}

async fn show(mounted: &Mounted, id: Uuid) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (_, event) in find(mounted, id).await? {
        let envelope = &event.envelope;
        for (name, value) in [
            ("event", event.event_id.to_string()),
            ("type", event.event_type),
            ("heard by", event.consumer),
            ("written by", event.producer),
            ("stream", event.stream_id.to_string()),
            ("aggregate", envelope.aggregate_id.clone()),
            ("version", envelope.version.to_string()),
            ("partition", event.partition.to_string()),
            ("number", event.pub_seq.to_string()),
            ("actor", envelope.actor.clone()),
            ("trace", envelope.trace_parent.clone()),
            ("parked at", event.parked_at.to_rfc3339()),
            ("tries", event.attempts.to_string()),
            ("next try", event.next_at.to_rfc3339()),
            ("error", event.error),
        ] {
            writeln!(out, "{name:>10}: {value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

async fn retry(mounted: &Mounted, id: Option<Uuid>) -> anyhow::Result<()> {
    let events = match id {
        Some(id) => find(mounted, id).await?,
        None => all(mounted).await?,
    };
    let streams: BTreeSet<(String, String, Uuid)> = events
        .into_iter()
        .map(|(_, event)| event)
        .map(|event| (event.consumer, event.producer, event.stream_id))
        .collect();
    let mut stopped = 0;
    for (consumer, producer, stream) in streams {
        let (_, service) = mounted
            .services
            .iter()
            .find(|(name, _)| name.word() == consumer)
            .context("a known service")?;
        let Some(reaction) = &service.reaction else {
            continue;
        };
        let retried = parked::retry(&service.core, reaction.as_ref(), &producer, stream).await?;
        writeln!(
            std::io::stdout(),
            "{consumer}, stream {stream} of {producer}: {} applied",
            retried.applied
        )?;
        if let Some(error) = retried.stopped_by {
            writeln!(std::io::stdout(), "  stopped: {error}")?;
            stopped += 1;
        }
    }
    if stopped > 0 {
        bail!("{stopped} streams stay parked");
    }
    Ok(())
}

async fn skip(mounted: &Mounted, id: Uuid, reason: &str) -> anyhow::Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason: expected why the event can never be applied");
    }
    let cause = administrator("parked skip");
    for (index, _) in find(mounted, id).await? {
        let (name, service) = &mounted.services[index];
        if !parked::skip(&service.core, id, &cause, reason).await? {
            bail!("{name}: event {id} is not parked any more");
        }
        writeln!(std::io::stdout(), "{name}: skipped; it stands in the audit")?;
    }
    Ok(())
}

/// A parked event and where among the mounted services it is parked: several may hear it.
type Parked = (usize, ParkedEvent);

async fn find(mounted: &Mounted, id: Uuid) -> anyhow::Result<Vec<Parked>> {
    let mut found = Vec::new();
    for (index, (_, service)) in mounted.services.iter().enumerate() {
        if let Some(event) = parked::show(&service.core, id).await? {
            found.push((index, event));
        }
    }
    if found.is_empty() {
        bail!("no event {id} is parked; `hotline parked list` shows what is");
    }
    Ok(found)
}

async fn all(mounted: &Mounted) -> anyhow::Result<Vec<Parked>> {
    let mut all = Vec::new();
    for (index, (_, service)) in mounted.services.iter().enumerate() {
        let mut after = None;
        loop {
            let page = parked::list(&service.core, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            all.extend(page.into_iter().map(|event| (index, event)));
        }
    }
    Ok(all)
}
