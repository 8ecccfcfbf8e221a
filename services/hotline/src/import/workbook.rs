//! Inside the sandbox: a workbook on stdin becomes frames on stdout.
//!
//! XLSX goes through calamine's cell reader only: its ranges allocate rows x columns, and a file of two
//! kilobytes can claim 17 billion cells. XLS has no such reader; its format ends at 65,536 rows of 256
//! columns, and the memory limit stands behind that.

use std::io::{self, Cursor, Read, Write};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xls, XlsError, Xlsx, XlsxError};
use zip::ZipArchive;

use super::frame::{self, Frame};

/// Largest XLSX file, bytes.
const XLSX_MAX: u64 = 64 << 20;
/// Largest XLS file, bytes.
const XLS_MAX: u64 = 20 << 20;
/// Most rows that are not empty, the header counted.
const ROWS_MAX: u64 = 100_001;
/// Columns that may hold something.
const COLUMNS_MAX: u32 = 200;
/// Most cells that are not empty.
const CELLS_MAX: u64 = 2_000_000;
/// Most entries of an XLSX's zip directory.
const ENTRIES_MAX: usize = 2_000;
/// Most bytes of all its entries, inflated.
const INFLATED_MAX: u64 = 200 << 20;
/// Most times an entry may be larger inflated. Small entries are let off.
const RATIO_MAX: u64 = 100;
/// Entries up to this size are not measured by ratio, bytes.
const RATIO_FROM: u64 = 1 << 20;

/// Why a workbook is refused: a sentence for a person. `Io` is the parent gone away.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkbookError {
    /// The file is too large, damaged, locked or of another kind.
    #[error("{0}")]
    Refused(String),
    /// Reading stdin or writing stdout failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn refused(why: impl Into<String>) -> WorkbookError {
    WorkbookError::Refused(why.into())
}

/// Reads a workbook from `input` and writes the rows of its first sheet that has any to `out`.
///
/// # Errors
///
/// [`WorkbookError`]; the caller tells it as a frame.
pub(super) fn parse(input: &mut impl Read, out: &mut impl Write) -> Result<(), WorkbookError> {
    let mut bytes = Vec::new();
    input.take(XLSX_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.starts_with(b"PK") {
        if bytes.len() as u64 > XLSX_MAX {
            return Err(refused("expected an XLSX file of at most 64 MiB"));
        }
        return xlsx(&bytes, &mut Rows::new(out));
    }
    if bytes.len() as u64 > XLS_MAX {
        return Err(refused("expected an XLS file of at most 20 MiB"));
    }
    xls(bytes, &mut Rows::new(out))
}

/// Collects cells to rows, drops empty rows, holds the limits, writes frames.
struct Rows<'a, W> {
    out: &'a mut W,
    line: u32,
    cells: Vec<String>,
    count: u64,
    filled: u64,
}

impl<'a, W: Write> Rows<'a, W> {
    fn new(out: &'a mut W) -> Self {
        Self {
            out,
            line: 0,
            cells: Vec::new(),
            count: 0,
            filled: 0,
        }
    }

    fn cell(&mut self, (row, column): (u32, u32), text: String) -> Result<(), WorkbookError> {
        if row != self.line {
            self.flush()?;
            self.line = row;
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        if column >= COLUMNS_MAX {
            return Err(refused(format!(
                "expected at most {COLUMNS_MAX} columns, but something stands in column {} of row {}",
                u64::from(column) + 1,
                u64::from(row) + 1
            )));
        }
        self.filled += 1;
        if self.filled > CELLS_MAX {
            return Err(refused(format!(
                "expected at most {CELLS_MAX} filled cells"
            )));
        }
        let at = column as usize;
        if self.cells.len() <= at {
            self.cells.resize(at + 1, String::new());
        }
        self.cells[at] = text;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WorkbookError> {
        if self.cells.is_empty() {
            return Ok(());
        }
        self.count += 1;
        if self.count > ROWS_MAX {
            return Err(refused(format!(
                "expected at most {} rows under the header",
                ROWS_MAX - 1
            )));
        }
        let cells = std::mem::take(&mut self.cells);
        frame::write(
            self.out,
            &Frame::Row {
                line: u64::from(self.line) + 1,
                cells,
            },
        )?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), WorkbookError> {
        if self.count == 0 {
            return Err(refused("every sheet is empty"));
        }
        frame::write(self.out, &Frame::End)?;
        self.out.flush()?;
        Ok(())
    }
}

fn xlsx<W: Write>(bytes: &[u8], rows: &mut Rows<'_, W>) -> Result<(), WorkbookError> {
    check_zip(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| xlsx_problem(&error))?;
    for name in book.sheet_names() {
        let mut cells = match book.worksheet_cells_reader(&name) {
            Ok(cells) => cells,
            // a sheet that is a chart, or has no part of its own
            Err(XlsxError::NotAWorksheet(_) | XlsxError::WorksheetNotFound(_)) => continue,
            Err(error) => return Err(xlsx_problem(&error)),
        };
        while let Some(cell) = cells.next_cell().map_err(|error| xlsx_problem(&error))? {
            rows.cell(cell.get_position(), text_of_ref(cell.get_value()))?;
        }
        rows.flush()?;
        if rows.count > 0 {
            break;
        }
    }
    rows.end()
}

fn xlsx_problem(error: &XlsxError) -> WorkbookError {
    match error {
        XlsxError::Password => refused("it is protected by a password"),
        other => refused(format!("it is damaged: {other}")),
    }
}

/// Looks at an XLSX's zip directory, and at what its entries really inflate to, before anything else does.
fn check_zip(bytes: &[u8]) -> Result<(), WorkbookError> {
    let damaged = |error: zip::result::ZipError| refused(format!("it is damaged: {error}"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if zip.len() > ENTRIES_MAX {
        return Err(refused(format!(
            "expected at most {ENTRIES_MAX} entries, found {}",
            zip.len()
        )));
    }
    let mut claimed = 0u64;
    for at in 0..zip.len() {
        let entry = zip.by_index_raw(at).map_err(damaged)?;
        if entry.encrypted() {
            return Err(refused("it is protected by a password"));
        }
        claimed = claimed.saturating_add(entry.size());
        check_entry(entry.compressed_size(), entry.size())?;
    }
    check_total(claimed)?;
    // The directory may lie: what counts is what comes out.
    let mut inflated = 0;
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).map_err(damaged)?;
        let packed = entry.compressed_size();
        let mut limited = (&mut entry).take(INFLATED_MAX - inflated + 1);
        let size = io::copy(&mut limited, &mut io::sink())
            .map_err(|error| refused(format!("it is damaged: {error}")))?;
        inflated += size;
        check_entry(packed, size)?;
        check_total(inflated)?;
    }
    Ok(())
}

fn check_entry(packed: u64, inflated: u64) -> Result<(), WorkbookError> {
    if inflated > RATIO_FROM && inflated / packed.max(1) > RATIO_MAX {
        return Err(refused(format!(
            "expected entries packed at most {RATIO_MAX} times; one grows from {packed} to {inflated} bytes or more"
        )));
    }
    Ok(())
}

fn check_total(inflated: u64) -> Result<(), WorkbookError> {
    if inflated > INFLATED_MAX {
        return Err(refused("expected at most 200 MiB when inflated"));
    }
    Ok(())
}

fn xls<W: Write>(bytes: Vec<u8>, rows: &mut Rows<'_, W>) -> Result<(), WorkbookError> {
    let book = Xls::new(Cursor::new(bytes));
    let mut book = book.map_err(|error| match error {
        XlsError::Password => refused("it is protected by a password"),
        // the old container around a new, encrypted workbook has no sheets of its own
        XlsError::Cfb(error) => refused(format!(
            "it is no XLS workbook, or protected by a password: {error}"
        )),
        other => refused(format!("it is damaged: {other}")),
    })?;
    for name in book.sheet_names() {
        let range = book
            .worksheet_range(&name)
            .map_err(|error| refused(format!("it is damaged: {error}")))?;
        let Some((top, left)) = range.start() else {
            continue;
        };
        for (row, column, value) in range.used_cells() {
            let at = (
                top.saturating_add(narrow(row)),
                left.saturating_add(narrow(column)),
            );
            rows.cell(at, text_of(value))?;
        }
        rows.flush()?;
        if rows.count > 0 {
            break;
        }
    }
    rows.end()
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn text_of_ref(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => text_of_number(*number),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(at) => text_of_date(at),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn text_of(value: &Data) -> String {
    match value {
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => text_of_number(*number),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(at) => text_of_date(at),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

/// A whole number without decimals: `2549.0` is the id 2549.
fn text_of_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

/// A true date cell as ISO text, to the nearest second; a day without time is a day.
fn text_of_date(at: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let date = chrono::NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day));
    let time = chrono::NaiveTime::from_hms_milli_opt(
        u32::from(hour),
        u32::from(minute),
        u32::from(second),
        u32::from(milli),
    );
    let (Some(date), Some(time), true) = (date, time, at.is_datetime()) else {
        return text_of_number(at.as_f64());
    };
    let nearest = date.and_time(time) + chrono::Duration::milliseconds(500);
    if at.as_f64().fract() == 0.0 {
        return nearest.format("%Y-%m-%d").to_string();
    }
    nearest.format("%Y-%m-%d %H:%M:%S").to_string()
}
