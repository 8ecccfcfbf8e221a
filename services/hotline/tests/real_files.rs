//! Facts about the real exports: every row is read, whatever the format. Nothing of them is kept.
//!
//! They are real files beside the checkout, not part of the project; the tests say so when they are absent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use hotline::import::file;
use hotline::import::sheet::SheetParser;
use hotline::import::source::SourceRow;

/// A real export; says so where it is absent.
fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/real")
        .join(name);
    if !path.exists() {
        eprintln!("not run: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn read(path: &Path) -> (Vec<String>, Vec<SourceRow>) {
    let mut source = file::open(
        path,
        &SheetParser::program(env!("CARGO_BIN_EXE_hotline").into()),
    )
    .unwrap();
    let mut rows = Vec::new();
    while let Some(row) = source.next_row().unwrap() {
        assert_eq!(row.unreadable, "");
        rows.push(row);
    }
    (source.header().to_vec(), rows)
}

#[test]
fn every_row_of_every_export_is_read() {
    let cases = [
        ("board_messages.csv.gz", 9_210, 8, "row_no"),
        ("board_replies.xlsx", 2_816, 7, "留言编号"),
        ("board_replies_gb18030.csv", 2_816, 7, "留言编号"),
        ("reply_analysis_gb18030.csv", 2_816, 8, "留言编号"),
        ("board_sample_phantom_rows.xlsx", 495, 6, "留言编号"),
        ("board_part.xls", 1_842, 7, ""),
        ("board_taxonomy.csv", 517, 3, "一级分类"),
    ];
    for (name, count, columns, first) in cases {
        let Some(path) = real(name) else { return };
        let (header, rows) = read(&path);
        assert_eq!(
            (rows.len(), header.len(), header[0].as_str()),
            (count, columns, first),
            "{name}"
        );
        let broken = rows
            .iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| cell.contains('\u{fffd}'))
            .count();
        assert_eq!(broken, 0, "{name}");
    }
}

#[test]
fn a_workbook_and_its_csv_twin_hold_the_same_words() {
    let (Some(book), Some(twin)) = (
        real("board_replies.xlsx"),
        real("board_replies_gb18030.csv"),
    ) else {
        return;
    };
    let (_, book) = read(&book);
    let (_, twin) = read(&twin);
    let plain = |cell: &String| {
        cell.replace("_x000D_", "\r")
            .split_whitespace()
            .collect::<String>()
    };
    let mut different = 0;
    for (left, right) in book.iter().zip(&twin) {
        let left: Vec<_> = left.cells.iter().map(plain).collect();
        let right: Vec<_> = right.cells.iter().map(plain).collect();
        different += left
            .iter()
            .zip(&right)
            .filter(|(left, right)| left != right)
            .count();
    }
    assert_eq!(
        different, 1,
        "the one true date cell is written in another way"
    );
}
