//! `hotline export`: every ticket as CSV, into a file or to standard output.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hotline_platform::access::Role;
use hotline_proto::reporting::ExportTicketsRequest;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;

use super::Place;
use super::reach::{Reach, by, refusal, said};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to write; without one, records go to standard output.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Only tickets received on this day or later, such as 2026-03-01.
    #[arg(long, default_value = "")]
    from: String,
    /// Only tickets received on this day or before.
    #[arg(long, default_value = "")]
    until: String,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let city = Reach::find_existing(args.place.config()?).await?;
    let written = match &args.out {
        None => export(&city, &args, std::io::stdout().lock()).await,
        Some(path) => to_file(&city, &args, path).await,
    };
    let left = city.leave().await;
    written.and(left)
}

/// A file that stands there is replaced by a whole one, or stays as it is.
async fn to_file(city: &Reach, args: &Args, path: &Path) -> anyhow::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).with_context(|| format!("create {}", part.display()))?;
    let written = whole(city, args, file).await;
    if written.is_err() {
        // What citizens said is not left lying about.
        drop(std::fs::remove_file(&part));
    }
    written?;
    std::fs::rename(&part, path).with_context(|| format!("write {}", path.display()))
}

async fn whole(city: &Reach, args: &Args, file: File) -> anyhow::Result<()> {
    let mut file = BufWriter::new(file);
    export(city, args, &mut file).await?;
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

async fn export(city: &Reach, args: &Args, mut out: impl Write) -> anyhow::Result<()> {
    let mut client = ReportingServiceClient::new(city.transport("reporting"));
    let request = ExportTicketsRequest {
        first_day: args.from.clone(),
        last_day: args.until.clone(),
    };
    let mut pieces = said(client.export_tickets(by(Role::Reviewer, request)).await)?;
    while let Some(message) = pieces.message().await.map_err(|status| refusal(&status))? {
        out.write_all(&message.piece)?;
    }
    Ok(out.flush()?)
}
