//! What is told: tables and goals, on the terminal, as Markdown and as JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::machine::Machine;

/// Everything that was measured in one run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    sections: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    scenario: &'static str,
    section: Section,
}

/// The result of a scenario.
#[derive(Debug, Default, Serialize)]
pub(super) struct Section {
    /// What was measured against what, as sentences.
    pub(super) notes: Vec<String>,
    pub(super) tables: Vec<Table>,
    pub(super) goals: Vec<Goal>,
}

/// Figures.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// What was hoped for, and what was found.
#[derive(Debug, Serialize)]
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) wanted: String,
    pub(super) found: String,
    pub(super) is_met: bool,
}

impl Table {
    pub(super) fn new(caption: &str, head: &[&str]) -> Self {
        Self {
            caption: caption.to_owned(),
            head: head.iter().map(|&word| word.to_owned()).collect(),
            rows: Vec::new(),
        }
    }
}

impl Goal {
    /// That `found` is at least `wanted`, both as "so many times".
    pub(super) fn at_least(what: &str, wanted: f64, found: f64) -> Self {
        Self {
            what: what.to_owned(),
            wanted: format!("at least {wanted} times"),
            found: format!("{found:.2} times"),
            is_met: found >= wanted,
        }
    }

    /// That `found` is at most `wanted`, both in `unit`.
    pub(super) fn at_most(what: &str, wanted: f64, found: f64, unit: &str) -> Self {
        Self {
            what: what.to_owned(),
            wanted: format!("at most {} {unit}", figure(wanted)),
            found: format!("{} {unit}", figure(found)),
            is_met: found <= wanted,
        }
    }
}

/// A figure with as many digits as it deserves.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

impl Section {
    fn markdown(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        for note in &self.notes {
            writeln!(text, "{note}\n")?;
        }
        for table in &self.tables {
            writeln!(text, "{}\n\n{}", table.caption, table.markdown()?)?;
        }
        if !self.goals.is_empty() {
            let mut table = Table::new("Goals:", &["goal", "wanted", "found", ""]);
            for goal in &self.goals {
                let mark = if goal.is_met { "met" } else { "**missed**" };
                table.rows.push(vec![
                    goal.what.clone(),
                    goal.wanted.clone(),
                    goal.found.clone(),
                    mark.to_owned(),
                ]);
            }
            writeln!(text, "{}\n\n{}", table.caption, table.markdown()?)?;
        }
        Ok(text)
    }
}

impl Table {
    fn markdown(&self) -> Result<String, std::fmt::Error> {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            let cells = all().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for (index, row) in all().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(text, "| {cell}{} ", " ".repeat(width - cell.width()))?;
            }
            writeln!(text, "|")?;
            if index == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let edge = if column == 0 { "-" } else { ":" };
                    write!(text, "|{}{edge}", "-".repeat(width + 1))?;
                }
                writeln!(text, "|")?;
            }
        }
        Ok(text)
    }
}

impl Report {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            sections: Vec::new(),
        }
    }

    /// Tells what is measured on.
    pub(super) fn print_head(&self) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{}\n", self.machine.line())?;
        Ok(())
    }

    /// Keeps a section and prints it.
    pub(super) fn add(&mut self, scenario: &'static str, section: Section) -> anyhow::Result<()> {
        let text = section.markdown()?;
        writeln!(std::io::stdout(), "## {scenario}\n\n{text}")?;
        self.sections.push(Named { scenario, section });
        Ok(())
    }

    pub(super) fn write_json(&self, file: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        std::fs::write(file, json).with_context(|| format!("write {}", file.display()))
    }

    /// Puts each section between its marks in a document, and leaves the rest as it is.
    pub(super) fn write_markdown(&self, file: &Path) -> anyhow::Result<()> {
        let read = std::fs::read_to_string(file);
        let mut text = read.with_context(|| format!("read {}", file.display()))?;
        for Named { scenario, section } in &self.sections {
            let body = format!("{}\n{}\n", section.markdown()?, self.machine.line());
            text = replaced(&text, scenario, &body)
                .with_context(|| format!("{} has no marks of {scenario}", file.display()))?;
        }
        std::fs::write(file, text).with_context(|| format!("write {}", file.display()))
    }
}

/// `text` with what stands between the marks of `scenario` replaced; `None` without marks.
fn replaced(text: &str, scenario: &str, body: &str) -> Option<String> {
    let begin = format!("<!-- bench {scenario} -->\n");
    let end = format!("<!-- end of bench {scenario} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{body}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{Table, replaced};

    #[test]
    fn a_result_replaces_only_its_own_place() {
        let text = "a\n<!-- bench x -->\nold\n<!-- end of bench x -->\nb\n";
        assert_eq!(
            replaced(text, "x", "new\n").unwrap(),
            "a\n<!-- bench x -->\nnew\n<!-- end of bench x -->\nb\n"
        );
        assert_eq!(replaced(text, "y", "new\n"), None);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let mut table = Table::new("", &["城市", "n"]);
        table.rows.push(vec!["a".to_owned(), "100".to_owned()]);
        assert_eq!(
            table.markdown().unwrap(),
            "| 城市 | n   |\n|------|----:|\n| a    | 100 |\n"
        );
    }
}
