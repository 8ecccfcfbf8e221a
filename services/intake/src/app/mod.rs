//! What intake does: each use case loads, decides with the domain, saves and tells.
//!
//! Start reading with [`register`], then [`triage`] (what is done with an appeal) and [`moves`]
//! (what is done with a matter).

pub mod approvals;
pub mod conservation;
pub mod erasure;
pub mod hearing;
pub mod import;
mod journal;
pub mod moves;
pub mod progress;
pub mod queries;
pub mod register;
pub mod registry;
pub mod reveals;
pub mod sealing;
pub mod triage;
pub mod view;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use hotline_kernel::id::{AppealId, MatterId};
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, Core, CoreError};
use hotline_platform::group_commit::GroupCommit;
use hotline_platform::vault::VaultError;
use hotline_platform::work::{Cause, Work};

use self::register::{Receipt, Registered, Registrar, Settings, Submission};
use self::view::AppealView;
use crate::MountError;
use crate::domain::appeal::Appeal;
use crate::domain::guess::{Burst, GuessLimits};
use crate::domain::matter::Matter;
use crate::domain::owner;
use crate::domain::reveal::RevealLimits;
use crate::error::IntakeError;
use crate::store;
use crate::store::sealed::Seal;

/// How often a write is repeated that met another one at the same unique key.
const COLLISIONS_MAX: usize = 3;

/// The use cases of intake. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    core: Core,
    pub(crate) settings: Arc<Settings>,
    pub(crate) registrar: Registrar,
    writer: GroupCommit<Registrar>,
    care: Arc<Care>,
    burst: Arc<Mutex<Burst>>,
    /// Whether a task writes to the file of destroyed keys what could not be written at once.
    is_noting: Arc<AtomicBool>,
}

/// What is taken care of where citizens' contacts and query codes are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// How often a person may look at contacts.
    pub reveals: RevealLimits,
    /// How often somebody may be wrong about a query code.
    pub guesses: GuessLimits,
    /// Wrong query codes in a minute beyond which an alarm is raised.
    pub guess_alarm: u32,
    /// Whether a citizen who asks how far it is reads who looked at his contact.
    pub tells_who_looked: bool,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            reveals: RevealLimits {
                per_hour: 30,
                unusual_per_hour: 15,
            },
            guesses: GuessLimits {
                per_number: 5,
                reserve: 20,
                per_address: 20,
                per_network: 200,
                all: 300,
            },
            guess_alarm: 100,
            tells_who_looked: false,
        }
    }
}

impl Intake {
    /// Puts intake together on its base and starts its writer.
    pub fn new(core: Core, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let registrar = Registrar::new(Arc::clone(&settings));
        let writer = GroupCommit::start_with(&core, registrar.clone(), settings.batch_max);
        Self {
            core,
            settings,
            registrar,
            writer,
            care: Arc::default(),
            burst: Arc::default(),
            is_noting: Arc::default(),
        }
    }

    /// The same, with other care than the default.
    #[must_use]
    pub fn with_care(self, care: Care) -> Self {
        Self {
            care: Arc::new(care),
            ..self
        }
    }

    /// Opens the vault, seals what older versions wrote, and forgets again whom a restored database remembers. Nobody
    /// is served before.
    ///
    /// # Errors
    ///
    /// [`MountError`] if the keys are missing, or what storage fails with.
    pub async fn open(&self) -> Result<(), MountError> {
        self.settings.vault.start(&self.core).await?;
        let sealed = sealing::seal_all(&self.core, &self.settings).await;
        sealed.map_err(|error| MountError::Sealing(Box::new(error)))?;
        let forgotten = erasure::forget_again(&self.core, &self.settings).await;
        forgotten.map_err(|error| MountError::Erasing(Box::new(error)))?;
        Ok(())
    }

    /// Registers one appeal, together with whatever else waits, and answers after the commit.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ContentDiffers`] if its id is taken by another text: this one is quarantined;
    /// [`IntakeError::ChannelNotYours`] if it came by another channel's key.
    pub async fn register(&self, submission: Submission) -> Result<Receipt, IntakeError> {
        submission.speaks_for_its_channel()?;
        // What will be refused is not worth masking; the batch itself refuses it.
        let is_sound = submission.registration.check().is_ok();
        let submission = if is_sound {
            submission.masked(&self.settings)
        } else {
            submission
        };
        let mut registered = self.writer.submit(submission.clone()).await;
        for _ in 0..COLLISIONS_MAX {
            if !matches!(registered, Err(IntakeError::Collision)) {
                break;
            }
            registered = self.writer.submit(submission.clone()).await;
        }
        match registered? {
            Registered::New { receipt, .. } | Registered::Present { receipt } => Ok(receipt),
            Registered::Differs { first, .. } => Err(IntakeError::ContentDiffers {
                first_number: first.number,
            }),
        }
    }

    /// Runs a command of a person; once more if it met another write at the same unique key.
    async fn command<O, F>(&self, context: CommandContext, decide: F) -> Result<O, IntakeError>
    where
        O: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
        F: for<'a> Fn(Order<'a>) -> futures::future::BoxFuture<'a, Result<O, IntakeError>>,
        F: Clone + Send + Sync + 'static,
    {
        let mut collisions = 0;
        loop {
            let (decide, settings) = (decide.clone(), Arc::clone(&self.settings));
            let (cause, scope) = (context.cause.clone(), context.scope.clone());
            let expected_version = context.expected_version;
            let outcome = self
                .core
                .execute(context.clone(), move |work| {
                    Box::pin(async move {
                        decide(Order {
                            work,
                            cause: &cause,
                            scope: &scope,
                            settings: &settings,
                            expected_version,
                        })
                        .await
                    })
                })
                .await;
            collisions += 1;
            if collisions > COLLISIONS_MAX || !matches!(outcome, Err(IntakeError::Collision)) {
                return outcome;
            }
        }
    }
}

/// A command inside its transaction.
#[derive(Clone, Copy)]
struct Order<'a> {
    work: &'a Work,
    cause: &'a Cause,
    scope: &'a Scope,
    settings: &'a Settings,
    /// The version the caller saw; 0 for none.
    expected_version: i64,
}

impl Order<'_> {
    /// Refuses a caller who saw another version.
    fn expect(&self, current: i64) -> Result<(), CoreError> {
        if self.expected_version != 0 && self.expected_version != current {
            return Err(CoreError::Stale { current });
        }
        Ok(())
    }

    async fn appeal(&self, id: AppealId) -> Result<(Appeal, Vec<Matter>), IntakeError> {
        let txn = &**self.work.txn();
        let appeal = store::appeals::find(txn, self.scope, id)
            .await?
            .ok_or(IntakeError::AppealNotFound)?;
        let matters = store::matters::of_appeals(txn, &[id]).await?;
        Ok((appeal, matters))
    }

    async fn matter(&self, id: MatterId) -> Result<(Appeal, Matter), IntakeError> {
        let txn = &**self.work.txn();
        let matter = store::matters::find(txn, self.scope, id)
            .await?
            .ok_or(IntakeError::MatterNotFound)?;
        let appeal = store::appeals::find(txn, self.scope, matter.appeal_id)
            .await?
            .ok_or(IntakeError::AppealNotFound)?;
        Ok((appeal, matter))
    }

    /// Seals what is said in an appeal.
    async fn seal(&self, appeal: &Appeal) -> Result<Seal, IntakeError> {
        let (vault, owner) = (
            &self.settings.vault,
            owner::of_appeal(&appeal.citizen, appeal.id),
        );
        let keys = vault
            .keys_of(self.work, std::slice::from_ref(&owner))
            .await?;
        // Whoever was forgotten meanwhile is not known again: the keys above waited for that.
        let citizen = store::appeals::citizen(self.work.txn(), appeal.id).await?;
        if citizen.as_ref() != Some(&appeal.citizen) {
            return Err(CoreError::Stale { current: 0 }.into());
        }
        let key = keys.get(&owner).ok_or(VaultError::Unreadable)?;
        Ok(Seal::new(vault, key))
    }

    /// The citizen's name, to mask it in what others write about him.
    async fn name(&self, appeal: &Appeal) -> Result<String, IntakeError> {
        let Some(id) = appeal.contact else {
            return Ok(String::new());
        };
        let (txn, vault) = (&**self.work.txn(), &self.settings.vault);
        let contact = store::contacts::find(txn, vault, self.scope, id).await?;
        Ok(contact.map(|contact| contact.name).unwrap_or_default())
    }

    async fn view(&self, appeal: Appeal, matters: Vec<Matter>) -> Result<AppealView, IntakeError> {
        let seen = store::tickets::seen(&**self.work.txn(), &view::tickets_of(&matters)).await?;
        Ok(AppealView::new(appeal, matters, &view::by_id(seen)))
    }
}
