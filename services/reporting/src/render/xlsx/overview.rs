//! The first sheet of a workbook: what is not a table.

use hotline_kernel::text::width;
use rust_xlsxwriter::{Worksheet, XlsxError};

use super::{HEADING_HEIGHT, LINE_HEIGHT, LINES_MAX, Styles, write};
use crate::domain::document::{Block, Document};
use crate::render::flat::{Flat, spread};

/// Writes heads, figures and running text; a table is named where it belongs, `sheets` in their order.
pub(super) fn fill(
    sheet: &mut Worksheet,
    document: &Document,
    sheets: &[&str],
    styles: &Styles,
) -> Result<(), XlsxError> {
    let mut sheets = sheets.iter();
    sheet
        .set_column_width(0, 40)?
        .set_column_width(1, 24)?
        .set_column_width(2, 24)?
        .set_column_width(3, 24)?;
    sheet.write_string_with_format(0, 0, document.full_title(), &styles.title)?;
    sheet.set_row_height(0, HEADING_HEIGHT)?;
    let mut row = 1;
    for line in &document.head {
        write(sheet, row, 0, &Flat::text(line), styles)?;
        row += 1;
    }
    for difference in &document.differences {
        let cells = [
            "未核平",
            &difference.what,
            &difference.expected,
            &difference.found,
        ];
        for (column, text) in (0..).zip(cells) {
            write(sheet, row, column, &Flat::text(text), styles)?;
        }
        row += 1;
    }
    for block in document.blocks() {
        match block {
            Block::Table(_) => {
                let name = sheets.next().copied().unwrap_or_default();
                let where_to = Flat::text(&format!("见工作表“{name}”"));
                write(sheet, row, 0, &where_to, styles)?;
                row += 1;
            }
            Block::Heading(text) => {
                sheet.write_string_with_format(row, 0, text, &styles.title)?;
                sheet.set_row_height(row, HEADING_HEIGHT)?;
                row += 1;
            }
            Block::Paragraph(text) => {
                sheet.merge_range(row, 0, row, 3, "", &styles.text)?;
                write(sheet, row, 0, &Flat::text(text), styles)?;
                // A merged cell does not grow by itself: about 50 Chinese characters to a line.
                let lines = u32::try_from(width(text) / 100 + 1)
                    .unwrap_or(1)
                    .min(LINES_MAX);
                sheet.set_row_height(row, lines * LINE_HEIGHT)?;
                row += 1;
            }
            Block::Figures(figures) => {
                for figure in figures {
                    write(sheet, row, 0, &Flat::text(&figure.label), styles)?;
                    for (column, cell) in (1..).zip(spread(&figure.value)) {
                        write(sheet, row, column, &cell, styles)?;
                    }
                    row += 1;
                }
            }
        }
    }
    Ok(())
}
