//! Runs of imports, what became of their rows, and the rows that were refused.

use std::collections::HashMap;

use hotline_kernel::id::{AppealId, ImportBatchId};
use hotline_kernel::time::{Timestamp, micros};
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::vault::Vault;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entity::{import_batch, import_refusal, import_row};
use super::sealed::{self, Opener, Seal};
use super::{IN_LIST_MAX, StoreError, broken, optional_instant, term};
use crate::domain::import::{ImportBatch, ImportKey, ImportSums, RawRow, RefusedRow, RowOutcome};
use crate::domain::mapping::Refusal;
use crate::domain::terms::Term;

/// What became of one row.
pub struct RowRecord {
    /// Which row.
    pub row_no: i64,
    /// What became of it.
    pub outcome: RowOutcome,
    /// The appeal it is, if it is one.
    pub appeal_id: Option<AppealId>,
    /// Its content in hex, if it has no id.
    pub content: Option<String>,
}

/// Inserts a run that begins.
pub async fn insert(
    txn: &Txn,
    batch: &ImportBatch,
    started_at: Timestamp,
) -> Result<(), StoreError> {
    let model = import_batch::ActiveModel {
        id: Set(batch.id.uuid()),
        channel_code: Set(batch.key.channel_code.clone()),
        file_sha256: Set(batch.key.file_sha256.clone()),
        nature: Set(batch.key.nature.word().to_owned()),
        mapping_sha256: Set(batch.key.mapping_sha256.clone()),
        run: Set(batch.run),
        file_name: Set(batch.file_name.clone()),
        mapping_toml: Set(batch.mapping_toml.clone()),
        header: Set(json(&batch.header)?),
        next_row: Set(batch.next_row),
        present: Set(batch.sums.present),
        refused: Set(batch.sums.refused),
        registered: Set(batch.sums.registered),
        quarantined: Set(batch.sums.quarantined),
        attached: Set(batch.sums.attached),
        started_at: Set(micros(started_at)),
        finished_at: Set(batch.finished_at.map(micros)),
    };
    import_batch::Entity::insert(model)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A run by its id.
pub async fn find(
    db: &impl ConnectionTrait,
    id: ImportBatchId,
) -> Result<Option<ImportBatch>, StoreError> {
    import_batch::Entity::find_by_id(id.uuid())
        .one(db)
        .await?
        .map(batch_of)
        .transpose()
}

/// The latest run of an import.
pub async fn latest(
    db: &impl ConnectionTrait,
    key: &ImportKey,
) -> Result<Option<ImportBatch>, StoreError> {
    let found = import_batch::Entity::find()
        .filter(import_batch::Column::ChannelCode.eq(&key.channel_code))
        .filter(import_batch::Column::FileSha256.eq(&key.file_sha256))
        .filter(import_batch::Column::Nature.eq(key.nature.word()))
        .filter(import_batch::Column::MappingSha256.eq(&key.mapping_sha256))
        .order_by_desc(import_batch::Column::Run)
        .one(db)
        .await?;
    found.map(batch_of).transpose()
}

/// Moves a run on from `from_row` to where `batch` is now.
///
/// # Errors
///
/// [`CoreError::Stale`] if somebody else moved it on.
pub async fn advance(txn: &Txn, batch: &ImportBatch, from_row: i64) -> Result<(), StoreError> {
    let sums = batch.sums;
    let moved = import_batch::Entity::update_many()
        .col_expr(import_batch::Column::NextRow, Expr::value(batch.next_row))
        .col_expr(import_batch::Column::Present, Expr::value(sums.present))
        .col_expr(import_batch::Column::Refused, Expr::value(sums.refused))
        .col_expr(
            import_batch::Column::Registered,
            Expr::value(sums.registered),
        )
        .col_expr(
            import_batch::Column::Quarantined,
            Expr::value(sums.quarantined),
        )
        .col_expr(import_batch::Column::Attached, Expr::value(sums.attached))
        .col_expr(
            import_batch::Column::FinishedAt,
            Expr::value(batch.finished_at.map(micros)),
        )
        .filter(import_batch::Column::Id.eq(batch.id.uuid()))
        .filter(import_batch::Column::NextRow.eq(from_row))
        .filter(import_batch::Column::FinishedAt.is_null())
        .exec(&**txn)
        .await?;
    if moved.rows_affected == 0 {
        return Err(CoreError::Stale { current: 0 }.into());
    }
    Ok(())
}

/// Keeps what became of rows.
pub async fn insert_rows(
    txn: &Txn,
    batch: ImportBatchId,
    rows: Vec<RowRecord>,
) -> Result<(), StoreError> {
    let models = rows.into_iter().map(|row| import_row::ActiveModel {
        batch_id: Set(batch.uuid()),
        row_no: Set(row.row_no),
        outcome: Set(row.outcome.word().to_owned()),
        appeal_id: Set(row.appeal_id.map(AppealId::uuid)),
        content: Set(row.content),
    });
    bulk::insert(txn, models.collect()).await?;
    Ok(())
}

/// How often each of `contents` came before in a run.
pub async fn occurrences(
    db: &impl ConnectionTrait,
    batch: ImportBatchId,
    contents: &[String],
) -> Result<HashMap<String, i64>, StoreError> {
    let mut counts = HashMap::new();
    for contents in contents.chunks(IN_LIST_MAX) {
        let found: Vec<(String, i64)> = import_row::Entity::find()
            .select_only()
            .column(import_row::Column::Content)
            .column_as(import_row::Column::RowNo.count(), "rows")
            .filter(import_row::Column::BatchId.eq(batch.uuid()))
            .filter(import_row::Column::Content.is_in(bulk::keys(contents)))
            .group_by(import_row::Column::Content)
            .into_tuple()
            .all(db)
            .await?;
        counts.extend(found);
    }
    Ok(counts)
}

/// Keeps refused rows; what stood in them is sealed, and nothing is kept of one that has no seal.
pub async fn insert_refusals(
    txn: &Txn,
    batch: ImportBatchId,
    rows: &[(&RefusedRow, Option<Seal>)],
) -> Result<(), StoreError> {
    let models = rows.iter().map(|(refused, seal)| {
        let place = sealed::refusal_row(batch.uuid(), refused.row.row_no);
        let words = refused.words();
        Ok(import_refusal::ActiveModel {
            sealed: Set(match seal {
                Some(seal) => seal.list(sealed::REFUSAL, &place, &words)?,
                None => None,
            }),
            batch_id: Set(batch.uuid()),
            row_no: Set(refused.row.row_no),
            source_line: Set(refused.row.source_line),
            field: Set(refused.refusal.field.clone()),
            expected: Set(storable(&refused.refusal.expected)),
            found: Set(String::new()),
            cells: Set("[]".to_owned()),
            citizen: Set(Some(refused.citizen.clone()).filter(|citizen| !citizen.is_empty())),
        })
    });
    bulk::insert(txn, models.collect::<Result<Vec<_>, StoreError>>()?).await?;
    Ok(())
}

/// Refused rows of a run behind `after`, in order of the file; none for a scope that is not everybody's. What stood
/// in one that was erased is left out.
pub async fn refusals(
    db: &impl ConnectionTrait,
    (vault, scope): (&Vault, &Scope),
    batch: ImportBatchId,
    after: i64,
    size: u64,
) -> Result<Vec<RefusedRow>, StoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let rows = import_refusal::Entity::find()
        .filter(import_refusal::Column::BatchId.eq(batch.uuid()))
        .filter(import_refusal::Column::RowNo.gt(after))
        .order_by_asc(import_refusal::Column::RowNo)
        .limit(size)
        .all(db)
        .await?;
    let opener = Opener::of(db, vault, rows.iter().filter_map(|row| row.sealed.as_ref())).await?;
    rows.into_iter()
        .map(|row| refused_of(row, &opener))
        .collect()
}

fn batch_of(row: import_batch::Model) -> Result<ImportBatch, StoreError> {
    Ok(ImportBatch {
        id: row.id.into(),
        key: ImportKey {
            channel_code: row.channel_code,
            file_sha256: row.file_sha256,
            nature: term("nature", &row.nature)?,
            mapping_sha256: row.mapping_sha256,
        },
        run: row.run,
        file_name: row.file_name,
        mapping_toml: row.mapping_toml,
        header: serde_json::from_str(&row.header).map_err(|_| broken("header"))?,
        next_row: row.next_row,
        sums: ImportSums {
            present: row.present,
            refused: row.refused,
            registered: row.registered,
            quarantined: row.quarantined,
            attached: row.attached,
        },
        finished_at: optional_instant("finished_at", row.finished_at)?,
    })
}

fn refused_of(row: import_refusal::Model, opener: &Opener) -> Result<RefusedRow, StoreError> {
    let place = sealed::refusal_row(row.batch_id, row.row_no);
    let words = match &row.sealed {
        Some(sealed) => opener.list(sealed::REFUSAL, &place, sealed)?,
        None => None,
    };
    let mut words = words.unwrap_or_default().into_iter();
    let found = words.next().unwrap_or_default();
    let cells = words.collect();
    Ok(RefusedRow {
        row: RawRow {
            row_no: row.row_no,
            source_line: row.source_line,
            unreadable: String::new(),
            cells,
        },
        refusal: Refusal {
            field: row.field,
            expected: row.expected,
            found,
        },
        citizen: row.citizen.unwrap_or_default(),
    })
}

/// Lists are JSON text, which has an escape for NUL; bare text columns of `PostgreSQL` have not.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn json(list: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|error| CoreError::Storage(Box::new(error)).into())
}
