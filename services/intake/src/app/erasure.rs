//! Forgetting somebody: asked for by one person, approved by another, and done again after a restore.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hotline_kernel::id::AppealId;
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::backoff::Backoff;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::page::Page;
use hotline_platform::work::{AuditEntry, Work};
use uuid::Uuid;

use super::register::Settings;
use super::sealing::by_itself;
use super::{Intake, Order};
use crate::domain::erasure::{Erasure, Subject};
use crate::domain::owner::{self, Owner};
use crate::error::{IntakeError, required};
use crate::store;
use crate::store::erasure::Cursor;

/// How long to wait before the file of destroyed keys is tried again, at first and at most.
const NOTE_AGAIN: Duration = Duration::from_secs(1);
/// See [`NOTE_AGAIN`].
const NOTE_AGAIN_MAX: Duration = Duration::from_mins(1);

/// Who is to be forgotten.
#[derive(Clone, Debug)]
pub enum Target {
    /// A citizen, by his pseudonym.
    Citizen(String),
    /// The citizen of the appeal with this number, or the appeal alone if he is not known.
    Number(String),
}

impl Intake {
    /// Asks that somebody be forgotten. Nothing is erased yet.
    ///
    /// # Errors
    ///
    /// [`IntakeError::NothingToErase`] if nothing of him is kept.
    pub async fn request_erasure(
        &self,
        context: CommandContext,
        target: Target,
        reason: String,
    ) -> Result<Erasure, IntakeError> {
        required("reason", &reason, "why somebody is to be forgotten")?;
        self.command(context, move |order| {
            let (target, reason) = (target.clone(), reason.clone());
            Box::pin(async move { request(order, target, &reason).await })
        })
        .await
    }

    /// Forgets whom another person asked to forget. Answers when the file that outlives the database knows it too.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Erasure`] for the person who asked, [`IntakeError::ErasureNotFound`].
    pub async fn approve_erasure(
        &self,
        context: CommandContext,
        id: Uuid,
    ) -> Result<Erasure, IntakeError> {
        let approved = self
            .command(context, move |order| Box::pin(approve(order, id)))
            .await?;
        let noted = self
            .settings
            .vault
            .note_request(&self.core, &id.to_string())
            .await;
        if let Err(error) = noted {
            self.note_later();
            return Err(CoreError::Unavailable(Box::new(error)).into());
        }
        // The destroyed keys shall not stand in SQLite's log either.
        self.core.db().shrink_log().await?;
        Ok(approved)
    }

    /// Writes into the file what only the database knows of destroyed keys, as soon as that works: one that asked may not
    /// ask again, and the next start may be far. One task does it for all.
    fn note_later(&self) {
        if self.is_noting.swap(true, Ordering::SeqCst) {
            return;
        }
        let (intake, mut backoff) = (self.clone(), Backoff::new(NOTE_AGAIN, NOTE_AGAIN_MAX));
        self.core.tasks().spawn(async move {
            let stop = intake.core.tasks().stop().clone();
            loop {
                metrics::counter!("hotline_erasure_file_failures_total").increment(1);
                let wait = tokio::time::sleep(backoff.next(intake.core.ids()));
                if stop.run_until_cancelled(wait).await.is_none() {
                    return;
                }
                // Before it is done: what fails from now on begins again.
                intake.is_noting.store(false, Ordering::SeqCst);
                match intake.settings.vault.note_erasures(&intake.core).await {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::error!(%error, "who was forgotten cannot be written to the file that a restore needs");
                    }
                }
                if intake.is_noting.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
            if let Err(error) = intake.core.db().shrink_log().await {
                tracing::warn!(%error, "the log of the database was not shrunk after an erasure");
            }
        });
    }

    /// A page of requests, the last one first, and where the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn erasures(
        &self,
        scope: &Scope,
        page: &Page<Cursor>,
    ) -> Result<(Vec<Erasure>, Option<Cursor>), IntakeError> {
        let db = self.core.db().read();
        let mut found = store::erasure::list(db, page.after.as_ref(), page.size + 1).await?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| has_more).map(|last| Cursor {
            requested_at: micros(last.requested_at),
            id: last.id,
        });
        for erasure in &mut found {
            erasure.subject = store::erasure::subject(db, &self.settings.vault, erasure, scope)
                .await?
                .0;
        }
        Ok((found, next))
    }
}

async fn request(order: Order<'_>, target: Target, reason: &str) -> Result<Erasure, IntakeError> {
    order.expect(0)?;
    let (owner, appeal) = match target {
        Target::Citizen(citizen) => (citizen, None),
        Target::Number(number) => owner_of(order, &number).await?,
    };
    let owners = std::slice::from_ref(&owner);
    let has_rows = !store::erasure::refusals_of(&**order.work.txn(), owners)
        .await?
        .is_empty();
    if !has_rows && !order.settings.vault.has_key(order.work, &owner).await? {
        return Err(IntakeError::NothingToErase);
    }
    let mut erasure = Erasure {
        id: order.work.new_id(),
        owner,
        subject: Subject {
            appeal,
            ..Subject::default()
        },
        reason: String::new(),
        requested_by: order.cause.actor.clone(),
        requested_at: order.work.now(),
        approved: None,
    };
    let (subject, name) = subject(order, &erasure).await?;
    erasure.reason = order.settings.mask(reason, &name);
    erasure.subject = subject;
    store::erasure::insert(order.work.txn(), &erasure).await?;
    audit(order, &erasure, "erasure requested");
    Ok(erasure)
}

/// Whom it is about, and his name.
async fn subject(order: Order<'_>, erasure: &Erasure) -> Result<(Subject, String), IntakeError> {
    let (txn, vault) = (&**order.work.txn(), &order.settings.vault);
    Ok(store::erasure::subject(txn, vault, erasure, order.scope).await?)
}

async fn owner_of(
    order: Order<'_>,
    number: &str,
) -> Result<(String, Option<AppealId>), IntakeError> {
    if number.is_empty() || number.contains('\0') {
        return Err(IntakeError::AppealNotFound);
    }
    let (txn, scope) = (&**order.work.txn(), order.scope);
    let id = store::matters::appeal_by_number(txn, scope, number).await?;
    let appeal = match id {
        Some(id) => store::appeals::find(txn, scope, id).await?,
        None => None,
    };
    let appeal = appeal.ok_or(IntakeError::AppealNotFound)?;
    Ok((
        owner::of_appeal(&appeal.citizen, appeal.id),
        Some(appeal.id),
    ))
}

async fn approve(order: Order<'_>, id: Uuid) -> Result<Erasure, IntakeError> {
    let found = store::erasure::find(order.work.txn(), id).await?;
    let erasure = found.ok_or(IntakeError::ErasureNotFound)?;
    order.expect(erasure.version())?;
    let mut erasure = erasure.approve(&order.cause.actor, order.work.now())?;
    erasure.subject = subject(order, &erasure).await?.0;
    store::erasure::approve(order.work.txn(), &erasure).await?;
    let owners = std::slice::from_ref(&erasure.owner);
    forget(order.work, order.settings, owners, &erasure.id.to_string()).await?;
    audit(order, &erasure, "erasure approved and done");
    erasure.subject.name.clear();
    Ok(erasure)
}

fn audit(order: Order<'_>, erasure: &Erasure, action: &str) {
    let entry = AuditEntry {
        resource: "erasure",
        resource_id: erasure.id.to_string(),
        version: 0,
        action: action.to_owned(),
        reason: whose(erasure),
    };
    order.work.audit(order.cause, entry);
}

/// Which appeal a request is about, and why, for the audit trail.
fn whose(erasure: &Erasure) -> String {
    let (reason, subject) = (&erasure.reason, &erasure.subject);
    match subject.appeal {
        Some(id) => format!("appeal {id}, {} in all: {reason}", subject.appeals),
        None => reason.clone(),
    }
}

/// Destroys the keys of `owners`, and what could point to them.
async fn forget(
    work: &Work,
    settings: &Settings,
    owners: &[String],
    request: &str,
) -> Result<(), IntakeError> {
    let mut citizens = Vec::new();
    for owner in owners {
        match Owner::parse(owner) {
            Owner::Citizen => citizens.push(owner.clone()),
            Owner::Appeal(id) => store::erasure::forget_appeal(work.txn(), id).await?,
            Owner::Refusal => {}
        }
    }
    // Rows of imports that were refused have keys of their own.
    let mut theirs = store::erasure::refusals_of(&**work.txn(), &citizens).await?;
    theirs.extend_from_slice(owners);
    settings.vault.destroy(work, &theirs, request).await?;
    store::erasure::forget_refusals(work.txn(), &citizens).await?;
    Ok(store::erasure::forget_citizens(work.txn(), &citizens).await?)
}

/// Makes a database that was restored to an earlier time forget again whom it had forgotten, and the file know whom
/// the database has forgotten. Nobody is served before.
///
/// # Errors
///
/// A file that cannot be read or written, and what storage fails with.
pub async fn forget_again(
    core: &Core,
    settings: &std::sync::Arc<Settings>,
) -> Result<u64, IntakeError> {
    let mut forgotten = 0;
    while let Some(unapplied) = settings.vault.unapplied_erasures(core).await? {
        let settings = std::sync::Arc::clone(settings);
        forgotten += unapplied.owners.len() as u64;
        let done: Result<(), IntakeError> = core
            .execute(by_itself("start:forget"), move |work| {
                Box::pin(async move {
                    // What is destroyed here is entered with its own request by the next line.
                    settings.vault.enter_erased(work, &unapplied.keys).await?;
                    forget(work, &settings, &unapplied.owners, "restored").await?;
                    let entry = AuditEntry {
                        resource: "erasure",
                        resource_id: String::new(),
                        version: 0,
                        action: format!("{} erasures done again", unapplied.owners.len()),
                        reason: "the database was restored to an earlier time".to_owned(),
                    };
                    work.audit(&by_itself("start:forget").cause, entry);
                    Ok(())
                })
            })
            .await;
        done?;
    }
    settings.vault.note_erasures(core).await?;
    Ok(forgotten)
}
