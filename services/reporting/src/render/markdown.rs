//! Markdown: headings, lists and pipe tables; nothing that a citizen wrote becomes markup.

use super::safe::markdown as escape;
use crate::domain::document::{Block, ColumnKind, Document, Figure, Table};

/// The document as Markdown.
pub fn render(document: &Document) -> String {
    let mut lines = vec![
        format!("# {}", escape(&document.full_title())),
        String::new(),
    ];
    lines.extend(
        document
            .head
            .iter()
            .map(|line| format!("> {}  ", escape(line))),
    );
    if !document.reconciles() {
        lines.extend(["", "**数据未核平，不得印发：**", ""].map(str::to_owned));
        let differences = document.differences.iter();
        lines
            .extend(differences.map(|difference| format!("- {}", escape(&difference.to_string()))));
    }
    for block in document.blocks() {
        lines.push(String::new());
        match block {
            Block::Heading(text) => lines.push(format!("## {}", escape(text))),
            Block::Paragraph(text) => lines.push(escape(text)),
            Block::Figures(figures) => lines.extend(figures.iter().map(figure_line)),
            Block::Table(table) => lines.extend(table_lines(table)),
        }
    }
    lines.join("\n") + "\n"
}

fn figure_line(figure: &Figure) -> String {
    format!(
        "- {}:{}",
        escape(&figure.label),
        escape(&figure.value.shown())
    )
}

fn table_lines(table: &Table) -> Vec<String> {
    let mut lines = vec![
        format!("### {}（{}）", escape(&table.title), count(table)),
        String::new(),
    ];
    if !table.rows.is_empty() {
        let titles: Vec<_> = table
            .columns
            .iter()
            .map(|column| escape(&column.title))
            .collect();
        let rules: Vec<_> = table
            .columns
            .iter()
            .map(|column| rule(column.kind))
            .collect();
        lines.push(format!("| {} |", titles.join(" | ")));
        lines.push(format!("| {} |", rules.join(" | ")));
    }
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(|cell| escape(&cell.shown())).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    if table.left_out > 0 {
        lines.extend([String::new(), format!("另有{}条未列。", table.left_out)]);
    }
    if !table.note.is_empty() {
        lines.extend([String::new(), escape(&table.note)]);
    }
    lines
}

fn rule(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Count | ColumnKind::Rate => "---:",
        ColumnKind::Text | ColumnKind::Date => "---",
    }
}

fn count(table: &Table) -> String {
    let listed = i64::try_from(table.rows.len()).unwrap_or(i64::MAX);
    format!("{}行", listed.saturating_add(table.left_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::daily::tests::list;
    use crate::domain::document::Cell;
    use crate::domain::monthly::tests::summary;
    use crate::domain::reconcile::Difference;

    #[test]
    fn every_row_of_a_table_has_its_columns() {
        let text = render(&list(40));
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let pipes = line.replace("\\|", "").matches('|').count();
            assert!(pipes == 16 || pipes == 14, "{line}");
        }
        assert!(text.starts_with("# 【草稿】2026年3月31日群众诉求日清单\n"));
    }

    #[test]
    fn what_does_not_reconcile_is_marked_with_its_differences() {
        let mut document = summary();
        document.differences.push(Difference {
            what: "住建局收支".to_owned(),
            expected: "10".to_owned(),
            found: "9".to_owned(),
        });
        assert!(
            render(&document)
                .contains("**数据未核平，不得印发：**\n\n- 住建局收支：应为10，实为9\n")
        );
    }

    #[test]
    fn a_citizens_pipe_does_not_make_a_column() {
        let mut document = list(1);
        if let Block::Table(table) = &mut document.sections[1].blocks[0] {
            table.rows[0][7] = Cell::text("a|b\nc");
        }
        assert!(render(&document).contains("| a\\|b c |"));
    }
}
