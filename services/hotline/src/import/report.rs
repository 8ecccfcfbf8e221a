//! What became of an import, and every refused row with what was expected and what stood there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hotline_kernel::mask::Masker;
use hotline_platform::access::Role;
use hotline_platform::peers::Transport;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{ListRefusedRowsRequest, RefusedRow};

use super::client::Ended;
use crate::cli::reach::{by, said};

/// So many refused rows are printed; more go to a file.
const PRINTED_MAX: i64 = 20;
/// Rows asked for at once.
const PAGE: u32 = 200;

/// Prints the sums and the refused rows of an import to `out`, what stood in them masked; if they
/// are many, the rows go to a file in `folder`, whose path is returned. The file says what stood
/// there, shortened, and only its owner can read it.
///
/// # Errors
///
/// Intake does not answer, or the file cannot be written.
pub async fn print(
    ended: &Ended,
    transport: Transport,
    folder: &Path,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Option<PathBuf>> {
    let sums = &ended.sums;
    writeln!(
        out,
        "import {}: {} rows read = {} already present + {} refused + {} registered",
        ended.batch_id, sums.rows_read, sums.present, sums.refused, sums.registered
    )?;
    if sums.quarantined > 0 {
        writeln!(
            out,
            "  {} of the registered stand in quarantine: their id came before with other content",
            sums.quarantined
        )?;
    }
    if sums.attached > 0 {
        writeln!(
            out,
            "  {} of the registered joined an open ticket: same citizen, same text",
            sums.attached
        )?;
    }
    let mut refused = Refused {
        intake: IntakeServiceClient::new(transport),
        batch_id: &ended.batch_id,
    };
    if sums.refused > PRINTED_MAX {
        let path = folder.join(format!("import-report-{}.csv", ended.batch_id));
        refused
            .write(&path)
            .await
            .with_context(|| format!("write {}", path.display()))?;
        writeln!(out, "  the refused rows: {}", path.display())?;
        return Ok(Some(path));
    }
    if sums.refused > 0 {
        let masker = Masker::standard();
        refused
            .each(&mut |row| writeln!(out, "{}", in_words(row, &masker)))
            .await?;
    }
    Ok(None)
}

fn in_words(row: &RefusedRow, masker: &Masker) -> String {
    let shown = |text: &str| visible(&masker.internal(text));
    format!(
        "  line {}, {}: expected {}, found `{}`",
        row.source_line,
        shown(&row.field),
        shown(&row.expected),
        shown(&row.found)
    )
}

/// Text that does nothing to a terminal: what controls it, or turns the direction of writing, is shown
/// escaped.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        let turns = matches!(symbol, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || symbol.is_control() {
            shown.extend(symbol.escape_default());
        } else {
            shown.push(symbol);
        }
    }
    shown
}

/// An empty file that only its owner can read, also if another one stood there before.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

struct Refused<'a> {
    intake: IntakeServiceClient<Transport>,
    batch_id: &'a str,
}

impl Refused<'_> {
    async fn each(
        &mut self,
        take: &mut (dyn FnMut(&RefusedRow) -> io::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let mut page_token = String::new();
        loop {
            let batch_id = self.batch_id.to_owned();
            let asked = ListRefusedRowsRequest {
                batch_id,
                page_size: PAGE,
                page_token,
            };
            let page = said(
                self.intake
                    .list_refused_rows(by(Role::Administrator, asked))
                    .await,
            )?;
            page.rows.iter().try_for_each(&mut *take)?;
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn write(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut file = private_file(path)?;
        // A byte-order mark: offices open it as UTF-8 then.
        file.write_all("\u{feff}".as_bytes())?;
        let mut csv = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(file);
        csv.write_record(["row", "line", "field", "expected", "found"])?;
        self.each(&mut |row| {
            let (number, line) = (row.row_no.to_string(), row.source_line.to_string());
            let texts = [
                harmless(&row.field),
                harmless(&row.expected),
                harmless(&row.found),
            ];
            csv.write_record([&number, &line].into_iter().chain(&texts))
                .map_err(io::Error::from)
        })
        .await?;
        csv.flush()?;
        Ok(())
    }
}

/// Text that an office program cannot take for a formula.
fn harmless(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_never_becomes_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        assert_eq!(harmless("路灯 = 坏"), "路灯 = 坏");
    }

    #[test]
    fn a_refused_row_says_where_what_and_why() {
        let row = RefusedRow {
            row_no: 4,
            source_line: 7,
            field: "said_at".into(),
            expected: "a date such as 2020/1/6 12:09:38 or 2020-01-06".into(),
            found: "路灯".into(),
        };
        assert_eq!(
            in_words(&row, &Masker::standard()),
            "  line 7, said_at: expected a date such as 2020/1/6 12:09:38 or 2020-01-06, found `路灯`"
        );
    }

    #[test]
    fn what_stood_in_a_refused_row_is_printed_masked() {
        let row = RefusedRow {
            found: "请回电19900000001".into(),
            ..RefusedRow::default()
        };
        let printed = in_words(&row, &Masker::standard());
        assert!(
            printed.contains("请回电") && !printed.contains("19900000001"),
            "{printed}"
        );
    }

    #[test]
    fn what_stood_in_a_refused_row_does_nothing_to_a_terminal() {
        let row = RefusedRow {
            field: "text".into(),
            expected: "回电19900000001\u{1b}[2J".into(),
            found: "路灯\u{1b}]0;x\u{7}\n\u{9b}1m\u{202e}坏".into(),
            ..RefusedRow::default()
        };
        let printed = in_words(&row, &Masker::standard());
        assert!(!printed.contains("19900000001"), "{printed}");
        assert!(
            printed.ends_with("found `路灯\\u{1b}]0;x\\u{7}\\n\\u{9b}1m\\u{202e}坏`"),
            "{printed}"
        );
        assert!(!printed.contains(char::is_control), "{printed:?}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_report() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("import-report.csv");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        private_file(&path).unwrap();
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        private_file(&path).unwrap();
        assert_eq!(mode(), 0o600, "one that stood there before");
    }
}
