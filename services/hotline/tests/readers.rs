//! Facts about reading files to import: every format gives the same rows, and no file breaks the reader.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hotline::import::file;
use hotline::import::sheet::{SUBCOMMAND, SheetParser};
use hotline::import::source::{ReadError, SourceRow};
use zip::write::SimpleFileOptions;

struct Read {
    header: Vec<String>,
    rows: Vec<SourceRow>,
}

fn parser() -> SheetParser {
    SheetParser::program(env!("CARGO_BIN_EXE_hotline").into())
}

fn read(path: &Path) -> Result<Read, ReadError> {
    let mut source = file::open(path, &parser())?;
    let header = source.header().to_vec();
    let mut rows = Vec::new();
    while let Some(row) = source.next_row()? {
        rows.push(row);
    }
    Ok(Read { header, rows })
}

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<Read, ReadError> {
    let (_folder, path) = written(name, bytes);
    read(&path)
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    match read_bytes(name, bytes) {
        Ok(read) => panic!("{name} was read: {} rows", read.rows.len()),
        Err(error) => error.to_string(),
    }
}

fn cells(read: &Read) -> Vec<(u64, Vec<&str>)> {
    let texts = |row: &SourceRow| row.line;
    read.rows
        .iter()
        .map(|row| (texts(row), row.cells.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn csv_keeps_line_breaks_in_quotes_and_skips_empty_rows() {
    let read = read_bytes(
        "a.csv",
        "编号,诉求\r\n1,\"一\n二\"\r\n,\r\n\r\n2,\"他说\"\"好\"\"\"\n3\n".as_bytes(),
    )
    .unwrap();
    assert_eq!(read.header, ["编号", "诉求"]);
    assert_eq!(
        cells(&read),
        [
            (2, vec!["1", "一\n二"]),
            (6, vec!["2", "他说\"好\""]),
            (7, vec!["3"])
        ]
    );
}

#[test]
fn tabs_and_semicolons_separate_too() {
    for text in ["a\tb\n1\t2,5\n", "a;b\n1;2,5\n"] {
        assert_eq!(
            cells(&read_bytes("a.txt", text.as_bytes()).unwrap()),
            [(2, vec!["1", "2,5"])]
        );
    }
}

#[test]
fn json_lines_take_their_header_from_the_first_names() {
    let text =
        "{\"b\":\"一\",\"a\":1}\n\n{\"a\":null,\"c\":[1,true]}\n{\"a\":\"x\"\n{\"a\":1,\"a\":2}\n";
    let read = read_bytes("a.jsonl", text.as_bytes()).unwrap();
    assert_eq!(read.header, ["b", "a", "c"]);
    assert_eq!(
        cells(&read)[..2],
        [(1, vec!["一", "1", ""]), (3, vec!["", "", "[1,true]"])]
    );
    let unread = |row: &SourceRow| (row.unreadable.clone(), row.cells.join("|"));
    assert_eq!(
        unread(&read.rows[2]),
        ("a JSON object".to_owned(), "{\"a\":\"x\"".to_owned())
    );
    assert_eq!(
        unread(&read.rows[3]),
        (
            "a JSON object that holds each name once".to_owned(),
            "{\"a\":1,\"a\":2}".to_owned()
        )
    );
}

#[test]
fn a_json_line_that_is_no_object_is_kept_whole_and_not_quoted_in_the_reason() {
    let read = read_bytes(
        "a.jsonl",
        "{\"a\":1}\n\"请回电19900000001\"\n[7]\n".as_bytes(),
    )
    .unwrap();
    for (row, text) in read.rows[1..].iter().zip(["\"请回电19900000001\"", "[7]"]) {
        assert_eq!(
            (row.unreadable.as_str(), row.cells.join("|").as_str()),
            ("a JSON object", text)
        );
    }
    assert_eq!(read.rows.len(), 3);
}

#[test]
fn a_name_that_json_lines_never_told_before_refuses_its_row_only() {
    let mut text = "{\"a\":1}\n".repeat(100);
    text.push_str("{\"a\":2,\"z\":3}\n{\"a\":4}\n");
    let read = read_bytes("a.jsonl", text.as_bytes()).unwrap();
    assert_eq!(read.rows.len(), 102);
    assert!(read.rows[100].unreadable.contains("no other names"));
    assert_eq!(read.rows[100].cells, ["{\"a\":2,\"z\":3}"]);
    assert_eq!(read.rows[101].cells, ["4"]);
}

#[test]
fn a_quotation_mark_left_open_does_not_fill_the_memory() {
    let mut bytes = b"a,b\n1,\"open".to_vec();
    bytes.resize(8 << 20, b'x');
    let why = refusal("a.csv", &bytes);
    assert!(
        why.contains("line 2") && why.contains("longer than 1 MiB"),
        "{why}"
    );
    let mut line = b"{\"a\":\"".to_vec();
    line.resize(8 << 20, b'x');
    assert!(refusal("a.jsonl", &line).contains("longer than 1 MiB"));
}

#[test]
fn what_is_no_table_is_refused_with_a_reason() {
    let noise: Vec<u8> = (0..40_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1] | 1)
        .collect();
    let cases: [(&str, &[u8], &str); 7] = [
        ("empty.csv", b"", "no header"),
        ("blank.csv", b" \n\n", "no header"),
        ("array.json", b"[{\"a\":1}]", "JSON array"),
        ("noise.csv", &noise, "no text"),
        ("picture.xlsx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text"),
        ("cut.xlsx", b"PK\x03\x04 and nothing more", "damaged"),
        (
            "cut.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing more",
            "no XLS workbook",
        ),
    ];
    for (name, bytes, why) in cases {
        let said = refusal(name, bytes);
        assert!(said.contains(why), "{name}: {said}");
    }
}

/// A workbook of one sheet whose rows are `sheet_data`.
fn workbook(sheet_data: &str, strings: Option<&str>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, text: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    part(
        "[Content_Types].xml",
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"></Types>",
    );
    part(
        "_rels/.rels",
        &format!(
            "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    );
    part(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
        ),
    );
    part(
        "xl/_rels/workbook.xml.rels",
        &format!(
            "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
        ),
    );
    if let Some(strings) = strings {
        part("xl/sharedStrings.xml", strings);
    }
    part(
        "xl/worksheets/sheet1.xml",
        &format!(
            "<worksheet xmlns=\"{main}\"><dimension ref=\"A1:XFD1048576\"/><sheetData>{sheet_data}</sheetData></worksheet>"
        ),
    );
    zip.finish().unwrap().into_inner()
}

fn text_cell(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

#[test]
fn a_workbook_gives_its_filled_rows() {
    let data = [
        format!(
            "<row r=\"2\">{}{}</row>",
            text_cell("A2", "编号"),
            text_cell("B2", "诉求")
        ),
        format!(
            "<row r=\"3\"><c r=\"A3\"><v>2549</v></c>{}</row>",
            text_cell("B3", "您好_x000D_\n再见")
        ),
        "<row r=\"4\"><c r=\"A4\"/><c r=\"B4\" s=\"0\"/></row>".to_owned(),
        "<row r=\"9\"><c r=\"A9\"><v>0.5</v></c><c r=\"B9\" t=\"b\"><v>1</v></c></row>".to_owned(),
    ];
    let read = read_bytes("a.xlsx", &workbook(&data.concat(), None)).unwrap();
    assert_eq!(read.header, ["编号", "诉求"]);
    assert_eq!(
        cells(&read),
        [(3, vec!["2549", "您好\r\n再见"]), (9, vec!["0.5", "true"])]
    );
}

#[test]
fn a_small_file_that_claims_the_last_cell_is_refused() {
    let corner = |at: &str| {
        let row: String = at.chars().filter(char::is_ascii_digit).collect();
        let data = format!(
            "<row r=\"1\">{}</row><row r=\"{row}\">{}</row>",
            text_cell("A1", "a"),
            text_cell(at, "x")
        );
        workbook(&data, None)
    };
    let file = corner("XFD1048576");
    assert!(file.len() < 4096, "{}", file.len());
    let why = refusal("corner.xlsx", &file);
    assert!(
        why.contains("at most 200 columns") && why.contains("column 16384 of row 1048576"),
        "{why}"
    );
    // far down but narrow: a row like any other
    let read = read_bytes("deep.xlsx", &corner("B1048576")).unwrap();
    assert_eq!(cells(&read), [(1_048_576, vec!["", "x"])]);
}

#[test]
fn too_many_rows_are_refused() {
    let row = |row| format!("<row r=\"{row}\"><c r=\"A{row}\"><v>{row}</v></c></row>");
    let rows: Vec<String> = (1..=100_002).map(row).collect();
    let why = refusal("long.xlsx", &workbook(&rows.concat(), None));
    assert!(why.contains("at most 100000 rows"), "{why}");
}

#[test]
fn workbooks_larger_than_their_limit_are_refused() {
    let mut xls = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    xls.resize((20 << 20) + 1, 0);
    assert!(refusal("large.xls", &xls).contains("at most 20 MiB"));
    let mut xlsx = b"PK\x03\x04".to_vec();
    xlsx.resize((64 << 20) + 1, 0);
    assert!(refusal("large.xlsx", &xlsx).contains("at most 64 MiB"));
}

#[test]
fn a_bomb_is_refused_before_it_is_parsed() {
    let blanks = " ".repeat(16 << 20);
    let why = refusal("bomb.xlsx", &workbook(&blanks, None));
    assert!(
        why.contains("packed at most 100 times") || why.contains("at most 200 MiB"),
        "{why}"
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in 0..2_001 {
        zip.start_file(format!("{entry}"), SimpleFileOptions::default())
            .unwrap();
    }
    let why = refusal("entries.xlsx", &zip.finish().unwrap().into_inner());
    assert!(why.contains("at most 2000 entries"), "{why}");
}

#[test]
fn a_directory_that_lies_about_sizes_is_believed_in_nothing() {
    let mut bytes = workbook(&" ".repeat(16 << 20), None);
    // The uncompressed size of the sheet, in its directory entry, becomes 1,000 bytes.
    let at = bytes
        .windows(4)
        .rposition(|magic| magic == b"PK\x01\x02")
        .unwrap();
    bytes[at + 24..at + 28].copy_from_slice(&1000_u32.to_le_bytes());
    let why = refusal("liar.xlsx", &bytes);
    assert!(
        why.contains("packed at most 100 times") || why.contains("damaged"),
        "{why}"
    );
}

#[test]
fn a_workbook_that_makes_the_parser_die_is_an_error_and_no_crash() {
    let strings = "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" uniqueCount=\"9999999999\"></sst>";
    let why = refusal("greedy.xlsx", &workbook("", Some(strings)));
    assert!(
        why.contains("its parser needed more memory") || why.contains("its parser met a structure"),
        "{why}"
    );
    assert!(
        read_bytes("next.csv", b"a\n1\n").is_ok(),
        "the next file is read"
    );
}

#[test]
fn empty_and_locked_workbooks_are_refused_by_name() {
    assert!(refusal("empty.xlsx", &workbook("", None)).contains("every sheet is empty"));
    let data = format!("<row r=\"1\">{}</row>", text_cell("A1", "a"));
    let mut locked = workbook(&data, None);
    // the encryption bit of the last entry
    let at = locked
        .windows(4)
        .rposition(|magic| magic == b"PK\x01\x02")
        .unwrap();
    locked[at + 8] |= 1;
    assert!(refusal("locked.xlsx", &locked).contains("password"));
}

#[test]
fn the_parser_can_open_no_file_and_no_socket() {
    let probe = Command::new(env!("CARGO_BIN_EXE_hotline"))
        .args([SUBCOMMAND, "--probe"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(probe.stdout).unwrap();
    assert!(probe.status.success(), "{said}");
    for attempt in [
        "denied open\n",
        "denied create",
        "denied socket",
        "denied exec",
        "denied thread",
    ] {
        assert!(said.contains(attempt), "{attempt} is missing in:\n{said}");
    }
}

#[test]
fn a_parser_that_is_no_parser_is_an_error() {
    let (_folder, path) = written("a.xlsx", &workbook("", None));
    let opened = file::open(&path, &SheetParser::program("/bin/false".into()));
    assert!(matches!(opened.map(|_| ()), Err(ReadError::ParserDied(_))));
    let opened = file::open(&path, &SheetParser::program("/no/such/program".into()));
    assert!(matches!(opened.map(|_| ()), Err(ReadError::ParserStart(_))));
}

#[test]
fn a_quotation_mark_that_is_never_closed_swallows_no_rows() {
    let told = refusal(
        "open.csv",
        "text\n路灯不亮\n\"井盖没了\n第三件\n第四件\n".as_bytes(),
    );
    assert!(told.contains("line 3"), "{told}");
    let read = read_bytes(
        "closed.csv",
        "text\n\"两行\n的话\"\n五\"的管子\n".as_bytes(),
    )
    .unwrap();
    assert_eq!(read.rows.len(), 2);
}
