//! `hotline report`: a document, to the terminal or into a file.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::reporting::{
    self, DocumentHead, GetDocumentRequest, IssueDocumentRequest, RenderDocumentRequest,
};

use super::Place;
use super::reach::{Reach, by_administrator, said};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which document.
    series: Series,
    /// 2026-03-31, 2026-03 or 2026-Q1.
    period: String,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// File or folder to write to; without one, text goes to the terminal and XLSX to a file here.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Only these blocks, such as `units` or `ranking`.
    #[arg(long, value_delimiter = ',')]
    blocks: Vec<String>,
    /// Issues it first: number given, content frozen. It says how many were issued for the period before.
    #[arg(long, value_name = "ISSUED_BEFORE")]
    issue: Option<i64>,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Series {
    /// The daily list.
    Daily,
    /// The monthly summary.
    Monthly,
    /// The quarterly circular.
    Quarterly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading here.
    Terminal,
    /// Markdown.
    Markdown,
    /// CSV.
    Csv,
    /// A workbook.
    Xlsx,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let city = Reach::find_existing(args.place.config()?).await?;
    let written = write(&city, &args).await;
    let left = city.leave().await;
    written.and(left)
}

async fn write(city: &Reach, args: &Args) -> anyhow::Result<()> {
    let mut client = ReportingServiceClient::new(city.transport("reporting"));
    let series = match args.series {
        Series::Daily => reporting::Series::Daily,
        Series::Monthly => reporting::Series::Monthly,
        Series::Quarterly => reporting::Series::Quarterly,
    };
    if let Some(expected_version) = args.issue {
        let request = IssueDocumentRequest {
            idempotency_key: format!("cli-{series:?}-{}-{expected_version}", args.period),
            expected_version,
            series: series.into(),
            period: args.period.clone(),
        };
        let issued = said(client.issue_document(by_administrator(request)).await)?;
        let head = issued.head.unwrap_or_default();
        writeln!(std::io::stderr(), "issued as {}", head.issue_number)?;
        if args.blocks.is_empty() {
            let request = GetDocumentRequest {
                document_id: issued.document_id,
                format: args.format.wire().into(),
            };
            let mut pieces = said(client.get_document(by_administrator(request)).await)?;
            let (mut head, mut bytes) = (DocumentHead::default(), Vec::new());
            while let Some(piece) = pieces.message().await.map_err(in_words)? {
                head = piece.head.unwrap_or(head);
                bytes.extend_from_slice(&piece.piece);
            }
            return put(args, &head, &bytes);
        }
    }
    let request = RenderDocumentRequest {
        series: series.into(),
        period: args.period.clone(),
        format: args.format.wire().into(),
        blocks: args.blocks.clone(),
    };
    let mut pieces = said(client.render_document(by_administrator(request)).await)?;
    let (mut head, mut bytes) = (DocumentHead::default(), Vec::new());
    while let Some(piece) = pieces.message().await.map_err(in_words)? {
        head = piece.head.unwrap_or(head);
        bytes.extend_from_slice(&piece.piece);
    }
    put(args, &head, &bytes)?;
    if !head.reconciles {
        writeln!(
            std::io::stderr(),
            "a draft: it does not reconcile ({})",
            head.differences.join("; ")
        )?;
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err gives the status away"
)]
fn in_words(status: tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{}", status.message())
}

fn put(args: &Args, head: &DocumentHead, bytes: &[u8]) -> anyhow::Result<()> {
    let file = match &args.out {
        Some(out) if out.is_dir() => out.join(&head.file_name),
        Some(out) => out.clone(),
        None if args.format == Format::Xlsx => PathBuf::from(&head.file_name),
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes)?;
            return Ok(out.flush()?);
        }
    };
    std::fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))?;
    writeln!(std::io::stderr(), "{}", file.display())?;
    Ok(())
}

impl Format {
    fn wire(self) -> reporting::Format {
        match self {
            Self::Terminal => reporting::Format::Terminal,
            Self::Markdown => reporting::Format::Markdown,
            Self::Csv => reporting::Format::Csv,
            Self::Xlsx => reporting::Format::Xlsx,
        }
    }
}
