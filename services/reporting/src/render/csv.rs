//! CSV for office programs: a byte-order mark, every field quoted, text that starts no formula.

use chrono::SubsecRound as _;
use csv::{QuoteStyle, Terminator, WriterBuilder};

use super::flat::{Flat, flatten, spread};
use super::safe::harmless;
use crate::domain::document::{Block, Cell, Document, Table};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

type Writer = csv::Writer<Vec<u8>>;

/// The document as CSV: one record per line, tables one under the other with an empty record between.
pub fn render(document: &Document) -> Result<Vec<u8>, csv::Error> {
    let mut writer = writer(BYTE_ORDER_MARK.to_vec());
    text(&mut writer, &[&document.full_title()])?;
    for line in &document.head {
        text(&mut writer, &[line])?;
    }
    for difference in &document.differences {
        text(
            &mut writer,
            &[
                "未核平",
                &difference.what,
                &difference.expected,
                &difference.found,
            ],
        )?;
    }
    for block in document.blocks() {
        match block {
            Block::Heading(line) | Block::Paragraph(line) => text(&mut writer, &[line])?,
            Block::Figures(figures) => {
                for figure in figures {
                    let mut fields = vec![field(&Flat::text(&figure.label))];
                    fields.extend(spread(&figure.value).iter().map(field));
                    writer.write_record(fields)?;
                }
            }
            Block::Table(table) => write_table(&mut writer, table)?,
        }
    }
    written(writer)
}

/// The header of a file of records of `columns`.
pub fn header(columns: &[&str]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = writer(BYTE_ORDER_MARK.to_vec());
    writer.write_record(columns)?;
    written(writer)
}

/// Records of such a file.
pub fn records(rows: impl Iterator<Item = Vec<Cell>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = writer(Vec::new());
    for row in rows {
        for cell in &row {
            // Of millions of cells most are texts: they go in without a copy.
            if let Cell::Text(text) = cell {
                writer.write_field(harmless(text).as_bytes())?;
                continue;
            }
            for flat in spread(cell) {
                writer.write_field(field(&flat).as_bytes())?;
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    written(writer)
}

fn writer(begun: Vec<u8>) -> Writer {
    WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .flexible(true)
        .from_writer(begun)
}

fn written(writer: Writer) -> Result<Vec<u8>, csv::Error> {
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn write_table(writer: &mut Writer, table: &Table) -> Result<(), csv::Error> {
    text(writer, &[""])?;
    text(writer, &[&table.title])?;
    let flat = flatten(table);
    text(
        writer,
        &flat.columns.iter().map(String::as_str).collect::<Vec<_>>(),
    )?;
    for row in &flat.rows {
        writer.write_record(row.iter().map(field))?;
    }
    if table.left_out > 0 {
        text(writer, &[&format!("另有{}条未列", table.left_out)])?;
    }
    if !table.note.is_empty() {
        text(writer, &[&table.note])?;
    }
    text(writer, &[""])
}

fn text(writer: &mut Writer, fields: &[&str]) -> Result<(), csv::Error> {
    writer.write_record(fields.iter().map(|line| field(&Flat::text(line))))
}

fn field(cell: &Flat) -> String {
    match cell {
        Flat::Text(text) => text.clone(),
        Flat::Count(count) => count.to_string(),
        // A fall is told in words: a field that starts with `-` could be read as a formula.
        Flat::Percent(fraction) if *fraction < 0.0 => format!("下降{:.2}%", -fraction * 100.0),
        Flat::Percent(fraction) => format!("{:.2}%", fraction * 100.0),
        Flat::Score(score) => format!("{score:.2}"),
        // As `%Y-%m-%d %H:%M:%S`, which chrono would read anew each time.
        Flat::Time(time) => time.trunc_subsecs(0).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use csv::ReaderBuilder;

    use super::*;
    use crate::domain::daily::tests::list;
    use crate::domain::document::{ColumnKind, Section};
    use crate::domain::monthly::tests::summary;

    fn records(bytes: &[u8]) -> Vec<Vec<String>> {
        let body = bytes
            .strip_prefix(BYTE_ORDER_MARK)
            .expect("a byte-order mark");
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(body);
        reader
            .records()
            .map(|record| {
                record
                    .expect("a record")
                    .iter()
                    .map(str::to_owned)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_field_is_quoted_and_none_starts_a_formula() {
        let mut document = summary();
        let mut table = Table::new("=1+1", &[("@列", ColumnKind::Text)]);
        let hostile = [
            "=1+1",
            "+1",
            "-1",
            "@a",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＋1",
            "－1",
            "＠a",
            "a\"b,c\nd",
        ];
        table.rows = hostile.iter().map(|text| vec![Cell::text(*text)]).collect();
        document
            .sections
            .push(Section::new("x", vec![Block::Table(table)]));
        document
            .sections
            .push(Section::new("x", vec![Block::Paragraph("-5%".to_owned())]));
        let bytes = render(&document).expect("csv");
        let dangerous = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
        let records = records(&bytes);
        for field in records.iter().flatten() {
            assert!(!field.starts_with(dangerous), "{field:?}");
        }
        assert!(records.contains(&vec!["a\"b,c\nd".to_owned()]));
        let text = String::from_utf8(bytes).expect("UTF-8");
        for line in text
            .trim_start_matches('\u{feff}')
            .split("\r\n")
            .filter(|line| !line.is_empty())
        {
            assert!(
                line.starts_with('"') && line.ends_with('"') || line.contains('\n'),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_long_block_is_complete() {
        let document = list(200);
        let numbers = records(&render(&document).expect("csv"));
        let listed = numbers
            .iter()
            .filter(|record| record.len() == 15 && record[1].starts_with("260331-"))
            .count();
        assert_eq!(listed, 200 + 17);
    }

    #[test]
    fn a_rate_stands_beside_its_numerator_and_denominator() {
        let records = records(&render(&summary()).expect("csv"));
        let header = records
            .iter()
            .find(|record| record[0] == "承办单位")
            .expect("the head table");
        assert_eq!(
            header[7..10],
            ["按期办结率", "按期办结率分子", "按期办结率分母"]
        );
        let row = records
            .iter()
            .find(|record| record[0] == "HOUSING")
            .expect("a unit");
        assert_eq!(row[7..10], ["84.62%", "11", "13"]);
    }
}
