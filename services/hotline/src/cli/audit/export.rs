//! `hotline audit export`: rows of the audit trails as CSV or JSON lines. Each page that is read leaves a row itself.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::SecondsFormat;
use hotline_kernel::time::Timestamp;
use hotline_platform::access::Role;
use hotline_platform::page::MAX_SIZE;
use hotline_proto::audit::audit_service_client::AuditServiceClient;
use hotline_proto::audit::{AuditOrder, AuditRow, ListAuditRequest};

use super::{Outcome, Period, Place};
use crate::cli::reach::{Reach, by, said};
use crate::services::Name;

const COLUMNS: [&str; 14] = [
    "service",
    "number",
    "at",
    "actor",
    "session",
    "unit_code",
    "from_addr",
    "method",
    "resource",
    "resource_id",
    "version",
    "action",
    "reason",
    "trace_id",
];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to write: `.csv`, or `.jsonl` with an object a line.
    #[arg(long, short)]
    out: PathBuf,
    #[command(flatten)]
    period: Period,
    /// The service whose trail is written; none means all.
    #[arg(long)]
    service: Option<Name>,
}

/// How records are written.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

pub(super) async fn run(args: Args, place: &Place) -> anyhow::Result<Outcome> {
    let extension = args
        .out
        .extension()
        .and_then(|extension| extension.to_str());
    let format = match extension {
        Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        _ => bail!("--out: expected a name that ends with .csv or .jsonl"),
    };
    let config = place.config()?;
    let bounds = args.period.bounds(config.zone()?)?;
    let names = args.service.map_or(Name::ALL.to_vec(), |name| vec![name]);
    let city = Reach::find_existing(config).await?;
    let written = to_file(&city, &names, bounds, format, &args.out).await;
    let left = city.leave().await;
    written.and(left)?;
    Ok(Outcome::Well)
}

/// A file that stands there is replaced by a whole one, or stays as it is.
async fn to_file(
    city: &Reach,
    names: &[Name],
    bounds: (Option<Timestamp>, Option<Timestamp>),
    format: Format,
    path: &Path,
) -> anyhow::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).with_context(|| format!("create {}", part.display()))?;
    let mut records = Records::begin(BufWriter::new(file), format)?;
    for &name in names {
        export(city, name, bounds, &mut records).await?;
    }
    let file = records.end()?.into_inner();
    file.map_err(std::io::IntoInnerError::into_error)?
        .sync_all()?;
    std::fs::rename(&part, path).with_context(|| format!("write {}", path.display()))
}

async fn export(
    city: &Reach,
    name: Name,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    records: &mut Records<BufWriter<File>>,
) -> anyhow::Result<()> {
    let mut client = AuditServiceClient::new(city.transport(name.word()));
    let wire = |at: Timestamp| prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    };
    let mut request = ListAuditRequest {
        service: name.word().to_owned(),
        from: from.map(wire),
        to: to.map(wire),
        // Newest first: the rows that the export itself leaves are not among those to come.
        order: AuditOrder::NewestFirst.into(),
        page_size: MAX_SIZE,
        ..ListAuditRequest::default()
    };
    loop {
        let page = said(client.list_audit(by(Role::Auditor, request.clone())).await)?;
        for row in &page.rows {
            records.write(name, row)?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

/// A file of records.
struct Records<W: Write> {
    out: W,
    format: Format,
}

impl<W: Write> Records<W> {
    fn begin(mut out: W, format: Format) -> anyhow::Result<Self> {
        if let Format::Csv = format {
            // With a mark of its encoding, so that offices read it as what it is.
            out.write_all("\u{feff}".as_bytes())?;
            line(&mut out, &COLUMNS.map(str::to_owned))?;
        }
        Ok(Self { out, format })
    }

    fn write(&mut self, name: Name, row: &AuditRow) -> anyhow::Result<()> {
        let at = row
            .at
            .as_ref()
            .and_then(|at| Timestamp::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?));
        let at = at.map_or_else(String::new, |at| {
            at.to_rfc3339_opts(SecondsFormat::Micros, true)
        });
        let cells = [
            name.word().to_owned(),
            row.chain_seq.to_string(),
            at,
            row.actor.clone(),
            row.session.clone(),
            row.unit_code.clone(),
            row.from_addr.clone(),
            row.method.clone(),
            row.resource.clone(),
            row.resource_id.clone(),
            row.version.to_string(),
            row.action.clone(),
            row.reason.clone(),
            row.trace_id.clone(),
        ];
        match self.format {
            Format::Csv => line(&mut self.out, &cells.map(formula_safe)),
            Format::JsonLines => {
                let pairs = COLUMNS.into_iter().zip(cells);
                let object: serde_json::Map<_, _> = pairs
                    .map(|(column, cell)| (column.to_owned(), cell.into()))
                    .collect();
                serde_json::to_writer(&mut self.out, &object)?;
                Ok(self.out.write_all(b"\n")?)
            }
        }
    }

    fn end(mut self) -> anyhow::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A line of CSV with every cell quoted (RFC 4180).
fn line(out: &mut impl Write, cells: &[String]) -> anyhow::Result<()> {
    let quoted: Vec<String> = cells
        .iter()
        .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
        .collect();
    out.write_all(quoted.join(",").as_bytes())?;
    Ok(out.write_all(b"\r\n")?)
}

/// A cell that no table program takes for a formula.
fn formula_safe(cell: String) -> String {
    let starts_formula = |first: char| "=+-@\t\r\n＝＋－＠".contains(first);
    if cell.starts_with(starts_formula) && cell.parse::<i64>().is_err() {
        return format!("'{cell}");
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut records = Records::begin(Vec::new(), format).unwrap();
        let row = AuditRow {
            chain_seq: 7,
            actor: "=HYPERLINK(\"x\")".to_owned(),
            reason: "＠因为, \"x\"".to_owned(),
            version: -1,
            ..AuditRow::default()
        };
        records.write(Name::Intake, &row).unwrap();
        String::from_utf8(records.end().unwrap()).unwrap()
    }

    #[test]
    fn no_cell_of_an_export_starts_a_formula() {
        let text = written(Format::Csv);
        let (header, record) = text.split_once("\r\n").unwrap();
        assert!(
            header.starts_with("\u{feff}\"service\",\"number\""),
            "{header}"
        );
        assert!(record.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{record}");
        assert!(record.contains("\"'＠因为, \"\"x\"\"\""), "{record}");
        assert!(record.contains("\"-1\""), "{record}");
    }

    #[test]
    fn a_record_is_an_object_a_line_as_it_was_written() {
        let text = written(Format::JsonLines);
        let object: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(object["actor"], "=HYPERLINK(\"x\")");
        assert_eq!(object["number"], "7");
    }
}
