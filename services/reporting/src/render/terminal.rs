//! Plain text for a terminal: tables that align although Chinese characters are two columns wide.

use hotline_kernel::text::{pad_left_to_width, pad_to_width, width};

use super::safe::one_line;
use super::wrap::{fit, wrap};
use crate::domain::document::{Block, Cell, ColumnKind, Document, Figure, Table};

/// Columns a document is laid out for.
pub const COLUMNS: usize = 150;
/// Rows of a table that a terminal shows; the other formats are complete.
pub const ROWS_MAX: usize = 30;
/// Lines that a cell may take.
const CELL_LINES_MAX: usize = 2;
/// A text column is not made narrower than this.
const TEXT_COLUMNS_MIN: usize = 4;

/// The document as text of at most `columns` per line.
pub fn render(document: &Document, columns: usize) -> String {
    let mut lines = vec![document.full_title(), "=".repeat(columns)];
    lines.extend(
        document
            .head
            .iter()
            .flat_map(|line| paragraph(line, columns)),
    );
    if !document.reconciles() {
        lines.push(String::new());
        lines.push("!! 数据未核平，不得印发 !!".to_owned());
        let differences = document.differences.iter();
        lines.extend(
            differences.flat_map(|difference| paragraph(&format!("- {difference}"), columns)),
        );
    }
    for block in document.blocks() {
        lines.push(String::new());
        match block {
            Block::Heading(text) => lines.push(format!("## {}", one_line(text))),
            Block::Paragraph(text) => lines.extend(paragraph(text, columns)),
            Block::Figures(figures) => lines.extend(figure_lines(figures, columns)),
            Block::Table(table) => lines.extend(table_lines(table, columns)),
        }
    }
    lines.push(String::new());
    lines
        .iter()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn paragraph(text: &str, columns: usize) -> Vec<String> {
    wrap(&one_line(text), columns, usize::MAX)
}

fn figure_lines(figures: &[Figure], columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for figure in figures {
        let text = format!("{} {}", figure.label, figure.value.shown());
        let current = lines.last_mut();
        match current {
            Some(line) if line.is_empty() => *line = text,
            Some(line) if width(line) + width(&text) + 3 <= columns => {
                *line = format!("{line} | {text}");
            }
            _ => lines.push(text),
        }
    }
    lines
}

/// Title, header, rule and rows; rows and header all take the same columns.
fn table_lines(table: &Table, columns: usize) -> Vec<String> {
    let total = i64::try_from(table.rows.len())
        .unwrap_or(i64::MAX)
        .saturating_add(table.left_out);
    let mut lines = vec![format!("[{}] {total}行", one_line(&table.title))];
    if !table.rows.is_empty() {
        lines.extend(grid(table, columns));
    }
    let hidden = total - i64::try_from(table.rows.len().min(ROWS_MAX)).unwrap_or(i64::MAX);
    if hidden > 0 {
        lines.push(format!("… and {hidden} more"));
    }
    if !table.note.is_empty() {
        lines.extend(paragraph(&format!("注：{}", table.note), columns));
    }
    lines
}

fn grid(table: &Table, columns: usize) -> Vec<String> {
    let shown: Vec<Vec<String>> = table
        .rows
        .iter()
        .take(ROWS_MAX)
        .map(|row| row.iter().map(|cell| cell_text(cell, columns)).collect())
        .collect();
    let titles: Vec<String> = table
        .columns
        .iter()
        .map(|column| one_line(&column.title))
        .collect();
    let wanted: Vec<usize> = (0..titles.len())
        .map(|index| {
            shown
                .iter()
                .map(|row| width(&row[index]))
                .chain([width(&titles[index])])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let floors: Vec<usize> = table
        .columns
        .iter()
        .zip(&wanted)
        .map(|(column, wanted)| match column.kind {
            ColumnKind::Text => TEXT_COLUMNS_MIN.min(*wanted),
            // A time takes two lines, day and hour; a rate breaks before its parenthesis.
            ColumnKind::Date => 10.min(*wanted),
            ColumnKind::Rate => 9.min(*wanted),
            ColumnKind::Count => *wanted,
        })
        .collect();
    let spare = columns.saturating_sub(titles.len() + 1);
    let padding = usize::from(wanted.iter().sum::<usize>() + 2 * titles.len() <= spare);
    let widths = fit(
        &wanted,
        &floors,
        spare.saturating_sub(2 * padding * titles.len()),
    );
    let frame = Frame {
        widths,
        padding,
        kinds: table.columns.iter().map(|column| column.kind).collect(),
    };
    let mut lines = frame.row(&titles);
    lines.push(frame.rule());
    lines.extend(shown.iter().flat_map(|row| frame.row(row)));
    lines
}

struct Frame {
    widths: Vec<usize>,
    padding: usize,
    kinds: Vec<ColumnKind>,
}

impl Frame {
    fn row(&self, cells: &[String]) -> Vec<String> {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.widths)
            .map(|(text, columns)| break_cell(text, *columns))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
        let pad = " ".repeat(self.padding);
        let mut lines = Vec::new();
        for index in 0..height {
            let mut line = "|".to_owned();
            for ((cell, columns), kind) in wrapped.iter().zip(&self.widths).zip(&self.kinds) {
                let text = cell.get(index).map(String::as_str).unwrap_or_default();
                let text = match kind {
                    ColumnKind::Count | ColumnKind::Rate => pad_left_to_width(text, *columns),
                    ColumnKind::Text | ColumnKind::Date => pad_to_width(text, *columns),
                };
                line = format!("{line}{pad}{text}{pad}|");
            }
            lines.push(line);
        }
        lines
    }

    fn rule(&self) -> String {
        let parts: Vec<_> = self
            .widths
            .iter()
            .map(|columns| "-".repeat(columns + 2 * self.padding))
            .collect();
        format!("|{}|", parts.join("|"))
    }
}

/// A cell on its lines: a rate breaks before `(`, a time at its space, everything else where it must.
fn break_cell(text: &str, columns: usize) -> Vec<String> {
    if width(text) <= columns {
        return vec![text.to_owned()];
    }
    let at = text.find('(').or_else(|| text.find(' '));
    if let Some(at) = at.filter(|at| *at > 0)
        && width(text[..at].trim_end()) <= columns
        && width(text[at..].trim_start()) <= columns
    {
        return vec![
            text[..at].trim_end().to_owned(),
            text[at..].trim_start().to_owned(),
        ];
    }
    wrap(text, columns, CELL_LINES_MAX)
}

fn cell_text(cell: &Cell, columns: usize) -> String {
    // A longer cell could never be shown; cutting it first keeps the work small.
    let text = one_line(&cell.shown());
    if width(&text) > columns {
        hotline_kernel::text::truncate_to_width(&text, columns)
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::daily::tests::list;
    use crate::domain::monthly::tests::summary;
    use crate::domain::quarterly::tests::circular;

    /// Every maximal run of table lines, with the widths of its lines.
    fn tables(text: &str) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new()];
        for line in text.lines() {
            if line.starts_with('|') {
                if let Some(last) = found.last_mut() {
                    last.push(width(line));
                }
            } else {
                found.push(Vec::new());
            }
        }
        found.retain(|lines| !lines.is_empty());
        found
    }

    #[test]
    fn every_line_of_a_table_is_equally_wide_and_fits() {
        for document in [list(40), summary(), circular()] {
            for columns in [100, 120, COLUMNS, 160] {
                let text = render(&document, columns);
                let tables = tables(&text);
                assert!(!tables.is_empty());
                for lines in tables {
                    assert!(
                        lines.iter().all(|line| *line == lines[0]),
                        "{columns}: {lines:?}"
                    );
                }
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns}: {} {line}", width(line));
                }
            }
        }
    }

    #[test]
    fn a_long_block_is_capped_and_says_so() {
        let text = render(&list(100), COLUMNS);
        assert!(text.contains("[当日受理] 100行"));
        assert!(text.contains("… and 70 more"));
        assert!(text.contains("260331-00030-K") && !text.contains("260331-00031-K"));
    }

    #[test]
    fn control_sequences_of_a_citizen_do_not_reach_the_terminal() {
        let mut document = list(1);
        if let Block::Table(table) = &mut document.sections[1].blocks[0] {
            table.rows[0][7] = Cell::text("\u{1b}]0；x\u{7}路灯\r\n不亮");
        }
        let text = render(&document, COLUMNS);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\r'));
    }
}
