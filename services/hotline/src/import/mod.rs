//! `hotline import`: a file of citizens' messages goes, row by row, to intake.
//!
//! [`file::open`] makes any format a lazy run of rows ([`source`]): [`records`] reads CSV and JSON
//! lines in flat memory, [`sheet`] has workbooks parsed by a child process that shuts itself in
//! ([`sandbox`], [`workbook`], [`frame`]). [`client`] hands the rows to intake, chunk by chunk, and
//! [`report`] says what became of them.

pub mod client;
pub mod file;
mod frame;
mod progress;
mod quotes;
mod records;
pub mod report;
mod sandbox;
pub mod sheet;
pub mod source;
mod text;
mod workbook;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use hotline_platform::peers::{Peers, Transport};
use hotline_proto::shared::Nature;

use self::client::{Ended, Import};
use self::progress::Progress;
use self::sheet::SheetParser;
use crate::cli::Place;
use crate::cli::reach::Reach;
use crate::identity;

/// What `hotline import` is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV (UTF-8, GBK or GB18030, also .gz), JSON lines, XLSX or XLS. Told apart by content.
    file: PathBuf,
    /// Code of the channel the messages came by.
    #[arg(long)]
    channel: String,
    /// What the messages are to the clocks.
    #[arg(long, value_enum)]
    nature: NatureArg,
    /// Which column is which field; without it, headers carry our field names.
    #[arg(long, value_name = "TOML")]
    mapping: Option<PathBuf>,
    /// Address of a running intake, such as `http://127.0.0.1:7010`, instead of the configured one.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// What imported messages are to the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NatureArg {
    /// Closed: no clocks, no messages, no assessment.
    Historical,
    /// Being handled: old number, receipt date and deadline are kept.
    InHand,
    /// To be handled from now on.
    New,
}

impl From<NatureArg> for Nature {
    fn from(nature: NatureArg) -> Self {
        match nature {
            NatureArg::Historical => Self::Historical,
            NatureArg::InHand => Self::InHand,
            NatureArg::New => Self::New,
        }
    }
}

/// Imports a file and prints what became of it. Refused rows are no failure.
///
/// # Errors
///
/// What stands in the way: nothing could be read, or the import did not reach the file's end. Rows
/// that were taken in stay; the same command goes on behind them.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let mapping_toml = match &args.mapping {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?
        }
        None => String::new(),
    };
    let import = Import {
        path: args.file,
        channel_code: args.channel,
        nature: args.nature.into(),
        mapping_toml,
        parser: SheetParser::this_program()?,
    };
    let config = args.place.config()?;
    if let Some(server) = args.server {
        let addresses = BTreeMap::from([("intake".to_owned(), server)]);
        let peers = Peers::at(&addresses, &identity::of_a_command(&config)?)?;
        return carry_out(&import, Arc::new(peers).transport("intake", None)).await;
    }
    let city = Reach::find(config).await?;
    let imported = carry_out(&import, city.transport("intake")).await;
    let left = city.leave().await;
    imported.and(left)
}

async fn carry_out(import: &Import, transport: Transport) -> anyhow::Result<()> {
    let mut progress = Progress::start();
    let interrupted = async {
        // Without a handler Ctrl-C ends the process, and the batch can be resumed as well.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let ended = client::send(
        import,
        transport.clone(),
        &mut |sums, done| progress.show(sums, done),
        interrupted,
    )
    .await?;
    progress.end();
    let mut out = std::io::stdout();
    report::print(&ended, transport, &std::env::current_dir()?, &mut out).await?;
    out.flush()?;
    match ended {
        Ended {
            failure: Some(failure),
            ..
        } => Err(failure).with_context(|| {
            format!(
                "the import stopped before row {}; the same command goes on there",
                ended.next_row
            )
        }),
        Ended {
            is_interrupted: true,
            ..
        } => {
            anyhow::bail!(
                "interrupted before row {}; the same command goes on there",
                ended.next_row
            )
        }
        _ => Ok(()),
    }
}
