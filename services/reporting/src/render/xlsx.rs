//! Workbooks: typed cells, frozen headers, A4 landscape with repeated headers and page numbers.

mod overview;

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime, Timelike};
use hotline_kernel::text::width;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::flat::{Flat, flatten};
use crate::domain::document::{Block, Document, Table};

/// Narrowest and widest column, in characters: longer text wraps, so that fifteen columns stay readable
/// on A4.
const WIDTHS: (usize, usize) = (6, 18);
/// Margins of a page, in inches.
const MARGIN: f64 = 0.4;
/// Height of a line of text, in points, and most lines of a row (a row is at most 409 points high).
const LINE_HEIGHT: u32 = 15;
const LINES_MAX: u32 = 27;
/// Height of a row with a heading, in points.
const HEADING_HEIGHT: u32 = 24;
/// Rows that decide a column's width.
const MEASURED_ROWS_MAX: usize = 500;
/// Longest name of a sheet that office programs accept.
const SHEET_NAME_MAX: usize = 31;
/// Row of a table sheet that holds the column titles; the rows under it scroll.
const HEADER_ROW: u32 = 1;
const A4: u8 = 9;

/// The document as a workbook: a sheet of running text and figures, then a sheet per table.
pub fn render(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // Fixed, so that the same document gives the same bytes.
    let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(
        &DocProperties::new()
            .set_title(document.full_title())
            .set_creation_datetime(&created),
    );
    let mut taken = BTreeSet::new();
    let first = sheet_name("概况", &mut taken);
    let tables = document.blocks().filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    });
    let tables: Vec<(String, &Table)> = tables
        .map(|table| (sheet_name(&table.title, &mut taken), table))
        .collect();
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let sheet = workbook.add_worksheet();
    page(sheet, &first)?;
    overview::fill(sheet, document, &names, &Styles::plain())?;
    let ruled = Styles::ruled();
    for (name, table) in &tables {
        table_sheet(workbook.add_worksheet(), document, table, &ruled, name)?;
    }
    workbook.save_to_buffer()
}

struct Styles {
    title: Format,
    header: Format,
    text: Format,
    count: Format,
    percent: Format,
    score: Format,
    time: Format,
}

impl Styles {
    /// Of running text.
    fn plain() -> Self {
        Self::with(FormatBorder::None)
    }

    /// Of a table, with lines between its cells.
    fn ruled() -> Self {
        Self::with(FormatBorder::Thin)
    }

    fn with(border: FormatBorder) -> Self {
        let font = || Format::new().set_font_name("宋体").set_font_size(10);
        let base = || font().set_border(border);
        Self {
            title: font().set_font_size(14).set_bold(),
            header: base()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Center),
            text: base().set_text_wrap().set_align(FormatAlign::Top),
            count: base().set_num_format("0").set_align(FormatAlign::Top),
            percent: base().set_num_format("0.00%").set_align(FormatAlign::Top),
            score: base().set_num_format("0.00").set_align(FormatAlign::Top),
            time: base()
                .set_num_format("yyyy-mm-dd hh:mm")
                .set_align(FormatAlign::Top),
        }
    }
}

fn table_sheet(
    sheet: &mut Worksheet,
    document: &Document,
    table: &Table,
    styles: &Styles,
    name: &str,
) -> Result<(), XlsxError> {
    let flat = flatten(table);
    page(sheet, name)?;
    sheet.set_freeze_panes(HEADER_ROW + 1, 0)?;
    sheet.set_repeat_rows(0, HEADER_ROW)?;
    sheet.write_string_with_format(
        0,
        0,
        format!("{} {}", document.full_title(), table.title),
        &styles.title,
    )?;
    sheet.set_row_height(0, HEADING_HEIGHT)?;
    let mut widths = Vec::new();
    for (column, title) in (0..).zip(&flat.columns) {
        sheet.write_string_with_format(HEADER_ROW, column, title, &styles.header)?;
        let cells = flat
            .rows
            .iter()
            .take(MEASURED_ROWS_MAX)
            .filter_map(|row| row.get(usize::from(column)));
        let widest = cells
            .map(shown_width)
            .chain([width(title)])
            .max()
            .unwrap_or_default()
            + 2;
        let characters = widest.clamp(WIDTHS.0, WIDTHS.1);
        sheet.set_column_width(column, u32::try_from(characters).unwrap_or_default())?;
        widths.push(characters);
    }
    let mut row = HEADER_ROW + 1;
    for cells in &flat.rows {
        for (column, cell) in (0..).zip(cells) {
            write(sheet, row, column, cell, styles)?;
        }
        // Not every office program makes room for wrapped text by itself.
        let lines = cells
            .iter()
            .zip(&widths)
            .map(|(cell, columns)| lines_of(cell, *columns));
        sheet.set_row_height(row, lines.max().unwrap_or(1) * LINE_HEIGHT)?;
        row += 1;
    }
    if table.left_out > 0 {
        write(
            sheet,
            row,
            0,
            &Flat::text(&format!("另有{}条未列", table.left_out)),
            styles,
        )?;
        row += 1;
    }
    if !table.note.is_empty() {
        sheet.write_string(row, 0, &table.note)?;
    }
    Ok(())
}

/// A4 landscape, as wide as the page, with page numbers.
fn page(sheet: &mut Worksheet, name: &str) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    sheet
        .set_paper_size(A4)
        .set_landscape()
        .set_print_fit_to_pages(1, 0)
        .set_margins(MARGIN, MARGIN, 2.0 * MARGIN, 2.0 * MARGIN, MARGIN, MARGIN);
    sheet.set_footer("&C第 &P 页 共 &N 页");
    Ok(())
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Flat,
    styles: &Styles,
) -> Result<(), XlsxError> {
    match cell {
        Flat::Text(text) => sheet.write_string_with_format(row, column, text, &styles.text)?,
        Flat::Count(count) => {
            sheet.write_number_with_format(row, column, exact(*count), &styles.count)?
        }
        Flat::Percent(fraction) => {
            sheet.write_number_with_format(row, column, *fraction, &styles.percent)?
        }
        Flat::Score(score) => sheet.write_number_with_format(row, column, *score, &styles.score)?,
        Flat::Time(time) => {
            sheet.write_datetime_with_format(row, column, excel_time(*time)?, &styles.time)?
        }
    };
    Ok(())
}

/// A count as a spreadsheet holds numbers: exact to 9,007,199,254,740,992.
#[expect(clippy::cast_precision_loss, reason = "no city counts that far")]
fn exact(count: i64) -> f64 {
    count as f64
}

fn excel_time(time: NaiveDateTime) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(time.year()).unwrap_or_default();
    let day = ExcelDateTime::from_ymd(year, narrow(time.month()), narrow(time.day()))?;
    let hour = u16::from(narrow(time.hour()));
    day.and_hms(hour, narrow(time.minute()), f64::from(time.second()))
}

fn narrow(value: u32) -> u8 {
    u8::try_from(value).unwrap_or_default()
}

fn shown_width(cell: &Flat) -> usize {
    match cell {
        Flat::Text(text) => width(text),
        Flat::Count(count) => count.to_string().len(),
        Flat::Percent(_) | Flat::Score(_) => 8,
        Flat::Time(_) => 16,
    }
}

/// Lines that a cell takes in a column of a width; the last character of a line may not fit.
fn lines_of(cell: &Flat, columns: usize) -> u32 {
    let lines = match cell {
        Flat::Text(text) => width(text).div_ceil(columns - 2).max(1),
        _ => 1,
    };
    u32::try_from(lines).unwrap_or(u32::MAX).min(LINES_MAX)
}

/// A name that office programs accept and that no other sheet has.
fn sheet_name(title: &str, taken: &mut BTreeSet<String>) -> String {
    let allowed = |symbol: &char| {
        !matches!(symbol, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'') && !symbol.is_control()
    };
    let clean: String = title.chars().filter(allowed).collect();
    let clean = if clean.is_empty() {
        "表".to_owned()
    } else {
        clean
    };
    for ordinal in 1.. {
        let suffix = if ordinal == 1 {
            String::new()
        } else {
            format!("({ordinal})")
        };
        let keep = SHEET_NAME_MAX - suffix.chars().count();
        let name: String = clean.chars().take(keep).chain(suffix.chars()).collect();
        if taken.insert(name.to_lowercase()) {
            return name;
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use calamine::{Data, Reader, Xlsx};

    use super::*;
    use crate::domain::daily::tests::list;
    use crate::domain::document::{Cell, ColumnKind, Section};
    use crate::domain::monthly::tests::summary;
    use crate::domain::quarterly::tests::circular;

    fn open(document: &Document) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(render(document).expect("a workbook"))).expect("readable")
    }

    #[test]
    fn cells_are_typed() {
        let mut workbook = open(&summary());
        let sheet = workbook
            .worksheet_range("承办单位办理情况")
            .expect("the head table");
        let row: Vec<_> = sheet
            .rows()
            .find(|row| row[0] == Data::String("HOUSING".into()))
            .expect("a unit")
            .to_vec();
        assert_eq!(row[1], Data::Float(3.0));
        assert_eq!(
            row[7..10],
            [Data::Float(0.8462), Data::Float(11.0), Data::Float(13.0)]
        );
        let mut workbook = open(&list(40));
        let sheet = workbook.worksheet_range("当日受理").expect("the block");
        assert_eq!(sheet.rows().count(), 42);
        assert!(
            matches!(sheet.get((2, 2)), Some(Data::DateTime(_))),
            "{:?}",
            sheet.get((2, 2))
        );
    }

    #[test]
    fn text_never_becomes_a_formula() {
        let mut document = summary();
        let mut table = Table::new("文本", &[("列", ColumnKind::Text)]);
        let hostile = ["=1+1", "+1", "-1", "@a", "＝1", "=HYPERLINK(\"http://x\")"];
        table.rows = hostile.iter().map(|text| vec![Cell::text(*text)]).collect();
        document
            .sections
            .push(Section::new("x", vec![Block::Table(table)]));
        let mut workbook = open(&document);
        let formulas = workbook.worksheet_formula("文本").expect("a sheet");
        assert!(
            formulas
                .used_cells()
                .all(|(_, _, formula)| formula.is_empty())
        );
        let sheet = workbook.worksheet_range("文本").expect("a sheet");
        for (index, text) in hostile.iter().enumerate() {
            assert_eq!(sheet[(index + 2, 0)], Data::String(format!("'{text}")));
        }
    }

    #[test]
    fn a_sheet_prints_on_a4_landscape_with_its_header_on_every_page() {
        let bytes = render(&list(40)).expect("a workbook");
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
        let mut part = |name: &str| {
            let mut text = String::new();
            archive
                .by_name(name)
                .expect(name)
                .read_to_string(&mut text)
                .expect("text");
            text
        };
        let sheet = part("xl/worksheets/sheet2.xml");
        for telling in [
            "paperSize=\"9\"",
            "orientation=\"landscape\"",
            "state=\"frozen\"",
            "ySplit=\"2\"",
            "&amp;P",
        ] {
            assert!(sheet.contains(telling), "{telling}");
        }
        assert!(part("xl/workbook.xml").contains("_xlnm.Print_Titles"));
    }

    #[test]
    fn every_table_has_a_sheet_of_its_own() {
        let document = circular();
        let tables = document
            .blocks()
            .filter(|block| matches!(block, Block::Table(_)))
            .count();
        assert_eq!(open(&document).sheet_names().len(), tables + 1);
        let mut taken = BTreeSet::new();
        assert_eq!(sheet_name("突发/紧急", &mut taken), "突发紧急");
        assert_eq!(sheet_name("突发紧急", &mut taken), "突发紧急(2)");
        assert_eq!(sheet_name(&"长".repeat(40), &mut taken).chars().count(), 31);
    }

    #[test]
    fn the_same_document_gives_the_same_bytes() {
        assert_eq!(
            render(&list(40)).expect("a workbook"),
            render(&list(40)).expect("a workbook")
        );
    }
}
