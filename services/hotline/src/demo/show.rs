//! What the demo prints when the story is told.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::StreamExt as _;
use hotline_proto::reporting::{
    DocumentHead, Format, GetOverviewRequest, RenderDocumentRequest, Series,
};

use super::city::{Clients, by, said};

/// A document as it was streamed.
pub struct Rendered {
    /// Title, period, whether it reconciles.
    pub head: DocumentHead,
    /// The pieces together.
    pub bytes: Vec<u8>,
}

/// Renders a document, or only some of its blocks.
pub async fn render(
    clients: &Clients,
    series: Series,
    period: &str,
    format: Format,
    blocks: &[&str],
) -> anyhow::Result<Rendered> {
    let request = RenderDocumentRequest {
        series: series.into(),
        period: period.to_owned(),
        format: format.into(),
        blocks: blocks.iter().map(|&block| block.to_owned()).collect(),
    };
    let mut reporting = clients.reporting.clone();
    let mut pieces = said(
        reporting
            .render_document(by("reviewer", "office", request))
            .await,
    )?;
    let mut rendered = Rendered {
        head: DocumentHead::default(),
        bytes: Vec::new(),
    };
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|status| anyhow::anyhow!("render: {}", status.message()))?;
        if let Some(head) = piece.head {
            rendered.head = head;
        }
        rendered.bytes.extend_from_slice(&piece.piece);
    }
    Ok(rendered)
}

/// Writes a document in every format for offices; answers with the files.
pub async fn write_files(
    clients: &Clients,
    folder: &Path,
    series: Series,
    period: &str,
) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let mut files = Vec::new();
    for format in [Format::Xlsx, Format::Csv, Format::Markdown] {
        let rendered = render(clients, series, period, format, &[]).await?;
        let file = folder.join(&rendered.head.file_name);
        std::fs::write(&file, &rendered.bytes)
            .with_context(|| format!("write {}", file.display()))?;
        files.push(file);
    }
    Ok(files)
}

/// The story in figures, as lines.
pub async fn overview(clients: &Clients) -> anyhow::Result<Vec<String>> {
    let mut reporting = clients.reporting.clone();
    let figures = said(
        reporting
            .get_overview(by("reviewer", "office", GetOverviewRequest::default()))
            .await,
    )?;
    Ok(vec![
        format!(
            "{} appeals from {} lines and {} channels became {} tickets",
            figures.appeals, figures.lines, figures.channels, figures.tickets
        ),
        format!(
            "{} matters, {} of them merged; {} answered directly, {} guided, {} in quarantine",
            figures.matters,
            figures.merged_matters,
            figures.answered,
            figures.guided,
            figures.quarantined
        ),
        format!(
            "{} conclusions, {} reworks, {} replies to citizens",
            figures.concluded, figures.reworked, figures.replies
        ),
    ])
}
