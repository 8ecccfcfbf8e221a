//! Seals what older versions wrote in clear, before anybody is served, step by step: what a step did is not done
//! again, whenever the process dies. Hashes without a key are put under one; a repetition of an old submission is
//! still found, because what it is compared with goes the same way.

use std::collections::HashMap;

use hotline_kernel::id::{AppealId, ImportBatchId};
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::vault::{DataKey, Vault, VaultError};
use hotline_platform::work::{AuditEntry, Cause, Work};
use uuid::Uuid;

use super::register::Settings;
use crate::domain::identity::keyed;
use crate::domain::owner;
use crate::error::IntakeError;
use crate::store::sealed::Seal;
use crate::store::sealing::{self, ClearRefusal, Part, Progress};
use crate::store::tally::Tally;
use crate::store::{self, StoreError};

/// Rows of one transaction.
const STEP: u64 = 500;

/// Seals all that is left; returns whether anything was.
///
/// # Errors
///
/// What storage fails with; what was done so far stays done.
pub async fn seal_all(
    core: &Core,
    settings: &std::sync::Arc<Settings>,
) -> Result<bool, IntakeError> {
    if !sealing::is_unfinished(core.db().read()).await? {
        return Ok(false);
    }
    let mut has_sealed = false;
    loop {
        let settings = std::sync::Arc::clone(settings);
        let done: u64 = core
            .execute(by_itself("start:seal"), move |work| {
                Box::pin(async move { step(work, &settings).await })
            })
            .await?;
        if done == 0 {
            break;
        }
        has_sealed = true;
    }
    if has_sealed {
        core.db().shrink_log().await?;
    }
    Ok(has_sealed)
}

/// Opens everything that is sealed, and counts what came of it.
///
/// # Errors
///
/// What storage fails with.
pub async fn tally(core: &Core, vault: &Vault) -> Result<Tally, CoreError> {
    let counted = store::tally::tally(core.db().read(), vault).await;
    counted.map_err(|error| match error {
        StoreError::Core(error) => error,
        StoreError::Collision => CoreError::Storage("a read met a collision".into()),
    })
}

/// What intake does by itself when it starts.
pub fn by_itself(method: &str) -> CommandContext {
    CommandContext {
        cause: Cause {
            actor: "intake".to_owned(),
            unit_code: String::new(),
            from_addr: "in-process".to_owned(),
            method: method.to_owned(),
            session: String::new(),
            trace_parent: String::new(),
        },
        scope: Scope::nothing(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    }
}

/// Seals the next rows; how many, 0 at the end.
async fn step(work: &Work, settings: &Settings) -> Result<u64, IntakeError> {
    while let Some(progress) = sealing::unfinished(work.txn()).await? {
        let (count, last) = match progress.part {
            Part::Appeals => appeals(work, settings, &progress).await?,
            Part::Matters => matters(work, settings, &progress).await?,
            Part::Rows => rows(work, settings, &progress).await?,
            Part::Refusals => refusals(work, settings, &progress).await?,
        };
        sealing::advance(work.txn(), &progress, last).await?;
        if count > 0 {
            let entry = AuditEntry {
                resource: "vault",
                resource_id: format!("{:?}", progress.part).to_lowercase(),
                version: 0,
                action: format!("sealed {count} rows of an older version"),
                reason: String::new(),
            };
            work.audit(&by_itself("start:seal").cause, entry);
            return Ok(count);
        }
    }
    Ok(0)
}

/// How many rows were done, and the last of them; `None` if there was none.
type Stepped = (u64, Option<(Uuid, i64)>);

async fn appeals(
    work: &Work,
    settings: &Settings,
    progress: &Progress,
) -> Result<Stepped, IntakeError> {
    let found = sealing::appeals(work.txn(), progress.after, STEP).await?;
    let owners = found
        .iter()
        .map(|row| owner::of_appeal(&row.citizen, row.id));
    let owners: Vec<String> = owners.collect();
    let keys = keys_of(work, settings, &owners).await?;
    for (row, owner) in found.iter().zip(&owners) {
        let seal = seal(settings, &keys, owner)?;
        let hashes = row.hashes.each_ref().map(|hash| rekeyed(settings, hash));
        sealing::seal_appeal(work.txn(), &seal, row, hashes).await?;
    }
    let last = found.last().map(|row| (row.id.uuid(), 0));
    Ok((found.len() as u64, last))
}

async fn matters(
    work: &Work,
    settings: &Settings,
    progress: &Progress,
) -> Result<Stepped, IntakeError> {
    let found = sealing::matters(work.txn(), progress.after, STEP).await?;
    let owner_of = |citizen: &str, appeal: AppealId| owner::of_appeal(citizen, appeal);
    let owners: Vec<String> = found
        .iter()
        .map(|row| owner_of(&row.citizen, row.appeal))
        .collect();
    let keys = keys_of(work, settings, &owners).await?;
    for (row, owner) in found.iter().zip(&owners) {
        let seal = seal(settings, &keys, owner)?;
        let key = row.text_key.as_ref().map(|hash| rekeyed(settings, hash));
        sealing::seal_matter(work.txn(), &seal, row, key).await?;
    }
    let last = found.last().map(|row| (row.id, 0));
    Ok((found.len() as u64, last))
}

async fn rows(
    work: &Work,
    settings: &Settings,
    progress: &Progress,
) -> Result<Stepped, IntakeError> {
    let found = sealing::rows(work.txn(), progress.after, STEP).await?;
    for (batch, row_no, content) in &found {
        if let Some(content) = content {
            let keyed = rekeyed(settings, content);
            sealing::key_row(work.txn(), (*batch, *row_no), keyed).await?;
        }
    }
    let last = found.last().map(|(batch, row_no, _)| (*batch, *row_no));
    Ok((found.len() as u64, last))
}

async fn refusals(
    work: &Work,
    settings: &Settings,
    progress: &Progress,
) -> Result<Stepped, IntakeError> {
    let found = sealing::refusals(work.txn(), progress.after, STEP).await?;
    let owner_of =
        |row: &ClearRefusal| owner::of_refusal(ImportBatchId::from(row.batch), row.row_no);
    let with_words: Vec<&ClearRefusal> = found.iter().filter(|row| row.has_words()).collect();
    let owners: Vec<String> = with_words.iter().map(|row| owner_of(row)).collect();
    let keys = keys_of(work, settings, &owners).await?;
    for (row, owner) in with_words.into_iter().zip(&owners) {
        let seal = seal(settings, &keys, owner)?;
        sealing::seal_refusal(work.txn(), &seal, row).await?;
    }
    let last = found.last().map(|row| (row.batch, row.row_no));
    Ok((found.len() as u64, last))
}

async fn keys_of(
    work: &Work,
    settings: &Settings,
    owners: &[String],
) -> Result<HashMap<String, DataKey>, IntakeError> {
    let mut owners = owners.to_vec();
    owners.sort_unstable();
    owners.dedup();
    Ok(settings.vault.keys_of(work, &owners).await?)
}

fn seal(
    settings: &Settings,
    keys: &HashMap<String, DataKey>,
    owner: &str,
) -> Result<Seal, IntakeError> {
    let key = keys.get(owner).ok_or(VaultError::Unreadable)?;
    Ok(Seal::new(&settings.vault, key))
}

/// A hash that was stored without a key, as it is stored now. What is no hash stays as it is.
fn rekeyed(settings: &Settings, stored: &str) -> String {
    let mut hash = [0; 32];
    let digits = stored.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    match bytes {
        Some(bytes) if bytes.len() == hash.len() && stored.len() == 64 => {
            hash.copy_from_slice(&bytes);
            keyed(&settings.keys.hashes, &hash)
        }
        _ => stored.to_owned(),
    }
}
