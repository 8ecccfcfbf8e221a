//! `hotline report`: a document, to the terminal or into a file.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use hotline_platform::access::Role;
use hotline_platform::peers::Transport;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::reporting::{
    self, DocumentHead, GetDocumentRequest, IssueDocumentRequest, IssuedDocument,
    ListDocumentsRequest, RenderDocumentRequest,
};
use tonic::Streaming;

use super::Place;
use super::reach::{Reach, by, refusal, said};

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
    #[arg(long, value_name = "ISSUED_BEFORE", conflicts_with = "blocks")]
    issue: Option<i64>,
    /// Prints the last one that was issued for the period, as it was frozen.
    #[arg(long, conflicts_with_all = ["blocks", "issue"])]
    issued: bool,
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
    let (head, bytes) = match args.issue {
        Some(issued_before) => issue(&mut client, series, args, issued_before).await?,
        None if args.issued => {
            let last = last_issued(&mut client, series, args).await?;
            let last = last.with_context(|| format!("none was issued for {}", args.period))?;
            frozen(&mut client, args, last.document_id).await?
        }
        None => render(&mut client, series, args).await?,
    };
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

type Client = ReportingServiceClient<Transport>;

/// Issues the document and gets what was issued.
async fn issue(
    client: &mut Client,
    series: reporting::Series,
    args: &Args,
    issued_before: i64,
) -> anyhow::Result<(DocumentHead, Vec<u8>)> {
    let request = IssueDocumentRequest {
        idempotency_key: format!("cli-{series:?}-{}-{issued_before}", args.period),
        expected_version: issued_before,
        series: series.into(),
        period: args.period.clone(),
    };
    let issued = said(client.issue_document(by(Role::Reviewer, request)).await)?;
    let number = issued.head.unwrap_or_default().issue_number;
    writeln!(std::io::stderr(), "issued as {number}")?;
    frozen(client, args, issued.document_id).await
}

/// What was issued last for the period.
async fn last_issued(
    client: &mut Client,
    series: reporting::Series,
    args: &Args,
) -> anyhow::Result<Option<IssuedDocument>> {
    let request = ListDocumentsRequest {
        series: series.into(),
        period: args.period.clone(),
        page_size: 1,
        page_token: String::new(),
    };
    let listed = said(client.list_documents(by(Role::Reviewer, request)).await)?;
    Ok(listed.documents.into_iter().next())
}

/// An issued document, as it was frozen.
async fn frozen(
    client: &mut Client,
    args: &Args,
    document_id: String,
) -> anyhow::Result<(DocumentHead, Vec<u8>)> {
    let request = GetDocumentRequest {
        document_id,
        format: args.format.wire().into(),
    };
    let pieces = said(client.get_document(by(Role::Reviewer, request)).await)?;
    together(pieces, |piece| (piece.head, piece.piece)).await
}

/// The document as it stands now; what was issued before is told.
async fn render(
    client: &mut Client,
    series: reporting::Series,
    args: &Args,
) -> anyhow::Result<(DocumentHead, Vec<u8>)> {
    let request = RenderDocumentRequest {
        series: series.into(),
        period: args.period.clone(),
        format: args.format.wire().into(),
        blocks: args.blocks.clone(),
    };
    let pieces = said(client.render_document(by(Role::Reviewer, request)).await)?;
    let drawn = together(pieces, |piece| (piece.head, piece.piece)).await?;
    // Only a hint: the document is not given up for it.
    let last = last_issued(client, series, args).await.ok().flatten();
    if let Some(head) = last.and_then(|last| last.head) {
        let number = head.issue_number;
        writeln!(
            std::io::stderr(),
            "issued before as {number}; --issued prints that one"
        )?;
    }
    Ok(drawn)
}

/// A streamed document, whole.
async fn together<T>(
    mut pieces: Streaming<T>,
    parts: fn(T) -> (Option<DocumentHead>, Vec<u8>),
) -> anyhow::Result<(DocumentHead, Vec<u8>)> {
    let (mut head, mut bytes) = (DocumentHead::default(), Vec::new());
    while let Some(piece) = pieces.message().await.map_err(|status| refusal(&status))? {
        let (told, piece) = parts(piece);
        head = told.unwrap_or(head);
        bytes.extend_from_slice(&piece);
    }
    Ok((head, bytes))
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
