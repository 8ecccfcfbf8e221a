//! Imports: a file's rows, chunk by chunk, each chunk in one transaction.
//!
//! A run ([`ImportBatch`]) remembers which row is next, so a chunk handed in twice is counted once
//! and an interrupted run goes on where it stood. What a row becomes is decided by its mapping
//! (`domain::mapping`) and then by [`Registrar::apply`], as for every other appeal ([`chunk`]).

mod chunk;

use std::sync::Arc;

use hotline_kernel::id::ImportBatchId;
use hotline_platform::core::CommandContext;
use hotline_platform::fault::{self, Bug};
use hotline_platform::page::Page;
use hotline_platform::work::AuditEntry;
use sha2::{Digest, Sha256};

use self::chunk::Chunk;
use super::register::Registrar;
use super::{Intake, Order};
use crate::domain::Invalid;
use crate::domain::identity::hex;
use crate::domain::import::{
    CHUNK_MAX, ImportBatch, ImportKey, ImportProgress, ImportSums, RawRow, RefusedRow,
};
use crate::domain::mapping::Mapping;
use crate::domain::owner;
use crate::domain::terms::Nature;
use crate::error::IntakeError;
use crate::store;
use crate::store::sealed::Seal;

/// Longest file name, in characters.
const FILE_NAME_MAX_CHARS: usize = 255;

/// A file that somebody wants to import.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// The channel it goes to.
    pub channel_code: String,
    /// What its rows are to the clocks.
    pub nature: Nature,
    /// Base name, for people.
    pub file_name: String,
    /// SHA-256 of the file, hex.
    pub file_sha256: String,
    /// A mapping file; empty means headers carry our field names.
    pub mapping_toml: String,
    /// The file's header row.
    pub header: Vec<String>,
}

impl Intake {
    /// Opens a run of an import, or the unfinished one of the same file, nature and mapping.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Mapping`] if the mapping does not fit the header, [`IntakeError::ChannelUnknown`].
    pub async fn start_import(
        &self,
        context: CommandContext,
        import: NewImport,
    ) -> Result<ImportProgress, IntakeError> {
        check(&import)?;
        Mapping::parse(&import.mapping_toml)?.bind(&import.header)?;
        self.command(unremembered(context), move |order| {
            let import = import.clone();
            Box::pin(async move { start(order, import).await })
        })
        .await
    }

    /// Takes in consecutive rows, from the run's next row; rows before it were taken in already.
    ///
    /// # Errors
    ///
    /// [`IntakeError::RowsSkipped`] if rows between were not handed in.
    pub async fn import_rows(
        &self,
        context: CommandContext,
        batch: ImportBatchId,
        rows: Vec<RawRow>,
    ) -> Result<ImportProgress, IntakeError> {
        if rows.is_empty() || rows.len() > CHUNK_MAX {
            return Err(Invalid::new("rows", format!("1 to {CHUNK_MAX} rows")).into());
        }
        if rows
            .windows(2)
            .any(|pair| pair[1].row_no != pair[0].row_no + 1)
        {
            return Err(Invalid::new("rows.row_no", "consecutive numbers").into());
        }
        let (rows, registrar) = (Arc::new(rows), self.registrar.clone());
        self.command(unremembered(context), move |order| {
            let (rows, registrar) = (Arc::clone(&rows), registrar.clone());
            Box::pin(async move { take_in(order, &registrar, batch, &rows).await })
        })
        .await
    }

    /// Closes a run. Closing it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ImportNotFound`].
    pub async fn finish_import(
        &self,
        context: CommandContext,
        batch: ImportBatchId,
    ) -> Result<ImportProgress, IntakeError> {
        self.command(unremembered(context), move |order| {
            Box::pin(finish(order, batch))
        })
        .await
    }

    /// A page of a run's refused rows, and the row behind which the next one starts. They hold what
    /// stood in the file, so the audit row is committed first.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ImportNotFound`]; the attempt stays in the audit.
    pub async fn refused_rows(
        &self,
        context: CommandContext,
        batch: ImportBatchId,
        page: &Page<i64>,
    ) -> Result<(Vec<RefusedRow>, Option<i64>), IntakeError> {
        let reason = format!(
            "at most {} rows behind row {}",
            page.size,
            page.after.unwrap_or_default()
        );
        let scope = context.scope.clone();
        self.command(unremembered(context), move |order| {
            let entry = AuditEntry {
                resource: "import_batch",
                resource_id: batch.to_string(),
                version: 0,
                action: "refused rows read".to_owned(),
                reason: reason.clone(),
            };
            order.work.audit(order.cause, entry);
            Box::pin(async { Ok(()) })
        })
        .await?;
        let db = self.core.db().read();
        store::import::find(db, batch)
            .await?
            .ok_or(IntakeError::ImportNotFound)?;
        let after = page.after.unwrap_or_default();
        let reader = self.core.db().reader(&scope).await?;
        let asker = (&self.settings.vault, &scope);
        let mut rows = store::import::refusals(&reader, asker, batch, after, page.size + 1).await?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = rows
            .last()
            .filter(|_| has_more)
            .map(|refused| refused.row.row_no);
        Ok((rows, next))
    }
}

/// A run remembers by itself how far it is, and every reading is audited anew; the command table would
/// only repeat it.
fn unremembered(context: CommandContext) -> CommandContext {
    CommandContext {
        idempotency_key: String::new(),
        ..context
    }
}

fn check(import: &NewImport) -> Result<(), Invalid> {
    let sha = &import.file_sha256;
    if sha.len() != 64
        || !sha
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(Invalid::new(
            "file_sha256",
            "64 lower-case hexadecimal digits",
        ));
    }
    let name = &import.file_name;
    if name.trim().is_empty()
        || name.chars().count() > FILE_NAME_MAX_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(Invalid::new(
            "file_name",
            format!("a name of at most {FILE_NAME_MAX_CHARS} characters"),
        ));
    }
    Ok(())
}

async fn start(order: Order<'_>, import: NewImport) -> Result<ImportProgress, IntakeError> {
    let txn = order.work.txn();
    let channel = import.channel_code.clone();
    if channel.contains('\0')
        || store::registry::known_channels(&**txn, std::slice::from_ref(&channel))
            .await?
            .is_empty()
    {
        return Err(IntakeError::ChannelUnknown(channel));
    }
    let key = ImportKey {
        mapping_sha256: mapping_sha256(&import),
        channel_code: import.channel_code,
        file_sha256: import.file_sha256,
        nature: import.nature,
    };
    let latest = store::import::latest(&**txn, &key).await?;
    if let Some(open) = latest.as_ref().filter(|batch| batch.finished_at.is_none()) {
        return Ok(open.progress());
    }
    let batch = ImportBatch {
        id: order.work.new_id().into(),
        key,
        run: latest.map_or(1, |batch| batch.run + 1),
        file_name: import.file_name,
        mapping_toml: import.mapping_toml,
        header: import.header,
        next_row: 1,
        sums: ImportSums::default(),
        finished_at: None,
    };
    store::import::insert(txn, &batch, order.work.now()).await?;
    fault::point("import.started");
    audit(order, &batch, "started");
    Ok(batch.progress())
}

fn mapping_sha256(import: &NewImport) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&import.mapping_toml).chain(&import.header) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

async fn finish(order: Order<'_>, id: ImportBatchId) -> Result<ImportProgress, IntakeError> {
    let txn = order.work.txn();
    let mut batch = store::import::find(&**txn, id)
        .await?
        .ok_or(IntakeError::ImportNotFound)?;
    if batch.finished_at.is_none() {
        batch.finished_at = Some(order.work.now());
        store::import::advance(txn, &batch, batch.next_row).await?;
        fault::point("import.finished");
        audit(order, &batch, "finished");
    }
    Ok(batch.progress())
}

fn audit(order: Order<'_>, batch: &ImportBatch, action: &str) {
    let entry = AuditEntry {
        resource: "import_batch",
        resource_id: batch.id.to_string(),
        version: batch.next_row,
        action: action.to_owned(),
        reason: String::new(),
    };
    order.work.audit(order.cause, entry);
}

async fn take_in(
    order: Order<'_>,
    registrar: &Registrar,
    id: ImportBatchId,
    rows: &[RawRow],
) -> Result<ImportProgress, IntakeError> {
    let txn = order.work.txn();
    let mut batch = store::import::find(&**txn, id)
        .await?
        .ok_or(IntakeError::ImportNotFound)?;
    let from_row = batch.next_row;
    let fresh: Vec<&RawRow> = rows.iter().filter(|row| row.row_no >= from_row).collect();
    let Some(first) = fresh.first() else {
        return Ok(batch.progress());
    };
    if batch.finished_at.is_some() {
        return Err(IntakeError::ImportFinished);
    }
    if first.row_no > from_row {
        return Err(IntakeError::RowsSkipped { next_row: from_row });
    }
    let mapped = fresh.len() - usize::from(fault::is_seeded(Bug::ImportSkipsRow));
    let mut chunk = Chunk::map(&batch, order, &fresh[..mapped]).await?;
    chunk.number_occurrences(order, id).await?;
    chunk.register(order, registrar).await?;
    fault::point("import.registered");
    for record in &chunk.records {
        batch.sums.count(record.outcome, 1);
    }
    batch.next_row += i64::try_from(fresh.len()).unwrap_or(i64::MAX);
    store::import::insert_rows(txn, id, chunk.records).await?;
    let refused = sealed(order, id, &chunk.refused).await?;
    store::import::insert_refusals(txn, id, &refused).await?;
    fault::point("import.rows_saved");
    store::import::advance(txn, &batch, from_row).await?;
    fault::point("import.advanced");
    audit(order, &batch, "rows taken in");
    Ok(batch.progress())
}

/// Refused rows, each with a seal of its own if anything of it is kept.
async fn sealed<'a>(
    order: Order<'_>,
    batch: ImportBatchId,
    refused: &'a [RefusedRow],
) -> Result<Vec<(&'a RefusedRow, Option<Seal>)>, IntakeError> {
    let vault = &order.settings.vault;
    let owner_of = |row: &RefusedRow| owner::of_refusal(batch, row.row.row_no);
    let with_words = refused.iter().filter(|row| row.has_words());
    let keys = vault
        .make_keys(order.work, with_words.map(owner_of).collect())
        .await?;
    let seal = |row: &RefusedRow| keys.get(&owner_of(row)).map(|key| Seal::new(vault, key));
    Ok(refused.iter().map(|row| (row, seal(row))).collect())
}
