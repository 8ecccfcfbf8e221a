//! Imports on the wire.

use hotline_proto::{intake as pb, shared};

use super::word;
use crate::app::import::NewImport;
use crate::domain::Invalid;
use crate::domain::import::{ImportProgress, ImportSums, RawRow, RefusedRow};

/// A file that somebody wants to import.
///
/// # Errors
///
/// [`Invalid`] without a nature.
pub fn new_import(asked: pb::StartImportRequest) -> Result<NewImport, Invalid> {
    Ok(NewImport {
        nature: word::<_, shared::Nature>("nature", asked.nature)?,
        channel_code: asked.channel_code,
        file_name: asked.file_name,
        file_sha256: asked.file_sha256,
        mapping_toml: asked.mapping_toml,
        header: asked.header,
    })
}

/// Rows as they stood in the file.
pub fn raw_rows(rows: Vec<pb::RawRow>) -> Vec<RawRow> {
    let raw = |row: pb::RawRow| RawRow {
        row_no: row.row_no,
        source_line: row.source_line,
        cells: row.cells,
        unreadable: row.unreadable,
    };
    rows.into_iter().map(raw).collect()
}

/// Where a run is opened.
pub fn started(progress: &ImportProgress) -> pb::StartImportResponse {
    pb::StartImportResponse {
        batch_id: progress.batch_id.to_string(),
        next_row: progress.next_row,
    }
}

/// How far a run is.
pub fn progress(progress: &ImportProgress) -> pb::ImportRowsResponse {
    pb::ImportRowsResponse {
        next_row: progress.next_row,
        sums: Some(sums(progress.sums)),
    }
}

/// How a run ended.
pub fn finished(progress: &ImportProgress) -> pb::FinishImportResponse {
    pb::FinishImportResponse {
        sums: Some(sums(progress.sums)),
    }
}

fn sums(sums: ImportSums) -> pb::ImportSums {
    pb::ImportSums {
        rows_read: sums.rows_read(),
        present: sums.present,
        refused: sums.refused,
        registered: sums.registered,
        quarantined: sums.quarantined,
        attached: sums.attached,
    }
}

/// A row that was not registered, without its cells.
pub fn refused_row(refused: RefusedRow) -> pb::RefusedRow {
    pb::RefusedRow {
        row_no: refused.row.row_no,
        source_line: refused.row.source_line,
        field: refused.refusal.field,
        expected: refused.refusal.expected,
        found: refused.refusal.found,
    }
}
