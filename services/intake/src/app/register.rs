//! Registers appeals: many in one transaction, each once for ever.
//!
//! gRPC submissions come through the group commit, import chunks through [`Registrar::apply`]
//! directly; both are registered by the same code. A batch is read, sorted into what is known and
//! what is fresh (`sorting`), the fresh part is drafted (`draft`) and written in a few statements.

pub mod draft;
mod masking;
mod sorting;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use hotline_kernel::id::AppealId;
use hotline_kernel::mask::Masker;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::fault;
use hotline_platform::group_commit::Batch;
use hotline_platform::vault::{Vault, VaultError};
use hotline_platform::work::{Cause, Work};

use self::draft::Draft;
use self::masking::Masks;
use self::sorting::{Sorted, Verdict};
use super::journal;
use crate::domain::appeal::Change;
use crate::domain::identity::{self, Keys};
use crate::domain::owner;
use crate::domain::registration::Registration;
use crate::domain::terms::AppealState;
use crate::error::IntakeError;
use crate::store;
use crate::store::sealed::Seal;

/// An appeal that somebody hands in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who hands it in, from where, by which method.
    pub cause: Cause,
    /// What is handed in.
    pub registration: Registration,
    /// The channel whose key it came by, empty if by none.
    key_channel: String,
    /// Its masked texts, if that was done before its turn.
    masks: Option<Masks>,
}

impl Submission {
    /// What `cause` hands in.
    #[must_use]
    pub fn new(cause: Cause, registration: Registration) -> Self {
        Self {
            cause,
            registration,
            key_channel: String::new(),
            masks: None,
        }
    }

    /// The same, come by the key of a channel; empty: by none.
    #[must_use]
    pub fn by_key_of(self, channel_code: &str) -> Self {
        Self {
            key_channel: channel_code.to_owned(),
            ..self
        }
    }

    /// A key speaks for its own channel.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ChannelNotYours`] if it speaks for another one.
    pub fn speaks_for_its_channel(&self) -> Result<(), IntakeError> {
        if self.key_channel.is_empty() || self.key_channel == self.registration.channel_code {
            return Ok(());
        }
        Err(IntakeError::ChannelNotYours(self.key_channel.clone()))
    }

    /// Masks its texts now, so that nobody waits for that in the writer.
    #[must_use]
    pub fn masked(self, settings: &Settings) -> Self {
        let masks = Some(Masks::of(settings, &self.registration));
        Self { masks, ..self }
    }
}

/// What a citizen gets: identical for every repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The appeal.
    pub appeal_id: AppealId,
    /// Its number.
    pub number: String,
    /// With the number it opens the progress query.
    pub query_code: String,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is a new appeal.
    New {
        /// Its receipt.
        receipt: Receipt,
        /// Whether a matter of it attached by itself to an open ticket.
        is_attached: bool,
    },
    /// It was registered before with the same content.
    Present {
        /// The receipt it got then.
        receipt: Receipt,
    },
    /// Its id was registered before with other content; this text stands in quarantine.
    Differs {
        /// The receipt of the first text.
        first: Receipt,
        /// Whether this text was set aside just now; `false` if it was there already.
        is_new: bool,
    },
}

/// Registers appeals. Cheap to clone.
#[derive(Clone)]
pub struct Registrar {
    settings: Arc<Settings>,
}

/// What registration goes by.
pub struct Settings {
    /// For pseudonyms, query codes and hashes.
    pub keys: Keys,
    /// Seals what was said and who said it.
    pub vault: Vault,
    /// The city's zone: it decides the day in a number.
    pub zone: Zone,
    /// Hides personal data.
    pub masker: Masker,
    /// How many registrations share a transaction at most.
    pub batch_max: usize,
}

impl Registrar {
    /// A registrar that goes by `settings`.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    /// Registers `items` in one transaction; one result per item, in order.
    ///
    /// A refused item writes nothing and harms no neighbour.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Collision`] if another process took a key at the same moment: nothing is
    /// written then, and a repetition finds the other's appeal. Else what storage fails with.
    pub async fn apply(
        &self,
        work: &Work,
        items: &[Submission],
    ) -> Result<Vec<Result<Registered, IntakeError>>, IntakeError> {
        let tellings = sorting::read(&self.settings.keys, work, items).await?;
        let sorted = sorting::sort(work, tellings).await?;
        let drafts = draft::all(&self.settings, work, &sorted).await?;
        fault::point("register.drafted");
        for draft in &drafts {
            publish(work, draft);
        }
        let receipts: Vec<_> = drafts
            .iter()
            .map(|draft| (self.receipt(draft), draft.is_attached()))
            .collect();
        save(&self.settings.vault, work, drafts).await?;
        Ok(self.answers(sorted, &receipts))
    }

    fn answers(
        &self,
        sorted: Sorted<'_>,
        fresh: &[(Receipt, bool)],
    ) -> Vec<Result<Registered, IntakeError>> {
        let receipt_of = |known: &sorting::Known| match known {
            sorting::Known::Fresh(slot) => fresh[*slot].0.clone(),
            sorting::Known::Stored(row) => Receipt {
                appeal_id: row.id,
                number: row.number.clone(),
                query_code: identity::query_code(&self.settings.keys.query_code, &row.number),
                received_at: row.received_at,
            },
        };
        let answer = |verdict| match verdict {
            Verdict::Refused(error) => Err(error),
            Verdict::New(slot) => {
                let (receipt, is_attached) = fresh[slot].clone();
                Ok(Registered::New {
                    receipt,
                    is_attached,
                })
            }
            Verdict::Present(known) => Ok(Registered::Present {
                receipt: receipt_of(&known),
            }),
            Verdict::Differs { first, is_new } => Ok(Registered::Differs {
                first: receipt_of(&first),
                is_new,
            }),
        };
        sorted.verdicts.into_iter().map(answer).collect()
    }

    fn receipt(&self, draft: &Draft<'_>) -> Receipt {
        let appeal = &draft.appeal;
        Receipt {
            appeal_id: appeal.id,
            number: appeal.number.clone(),
            query_code: identity::query_code(&self.settings.keys.query_code, &appeal.number),
            received_at: appeal.received_at,
        }
    }
}

#[async_trait]
impl Batch for Registrar {
    type Item = Submission;
    type Outcome = Registered;
    type Error = IntakeError;

    async fn apply(
        &self,
        work: &Work,
        items: &[Submission],
    ) -> Result<Vec<Result<Registered, IntakeError>>, IntakeError> {
        Self::apply(self, work, items).await
    }
}

fn publish(work: &Work, draft: &Draft<'_>) {
    let change = match draft.appeal.state {
        AppealState::Accepted => Change::Accepted,
        AppealState::Diverted => Change::Diverted,
        AppealState::Quarantined => Change::Quarantined,
        AppealState::Registered
        | AppealState::Answered
        | AppealState::Guided
        | AppealState::Withdrawn => Change::Registered,
    };
    let matters: Vec<_> = draft.matters.iter().map(|row| &row.matter).collect();
    journal::appeal(work, draft.cause, &draft.appeal, &matters, change);
    for (row, step) in draft.matters.iter().zip(&draft.steps) {
        if let Some(step) = step {
            journal::moved(work, draft.cause, &draft.appeal, &row.matter, step);
        }
    }
}

async fn save(vault: &Vault, work: &Work, drafts: Vec<Draft<'_>>) -> Result<(), IntakeError> {
    let seals = seals(vault, work, &drafts).await?;
    let (mut contacts, mut appeals, mut matters) = (Vec::new(), Vec::new(), Vec::new());
    for (draft, seal) in drafts.into_iter().zip(seals) {
        contacts.extend(draft.contact.map(|contact| (contact, seal.clone())));
        matters.extend(draft.matters.into_iter().map(|row| (row, seal.clone())));
        let registration = draft.registration;
        let appeal = store::appeals::NewAppeal {
            appeal: draft.appeal,
            original_subject: registration.subject.clone(),
            original_text: registration.text.clone(),
            source: registration.source().to_owned(),
            source_id: sorting::source_id(registration),
            dedup_key: draft.dedup_key,
            content_hash: draft.content_hash,
            differs_from: draft.differs_from,
        };
        appeals.push((appeal, seal));
    }
    store::contacts::insert(work.txn(), contacts).await?;
    fault::point("register.contacts_saved");
    store::appeals::insert(work.txn(), appeals).await?;
    fault::point("register.appeals_saved");
    store::matters::insert(work.txn(), matters).await?;
    fault::point("register.matters_saved");
    Ok(())
}

/// A seal per draft: that of its citizen, or a new one of its own.
async fn seals(vault: &Vault, work: &Work, drafts: &[Draft<'_>]) -> Result<Vec<Seal>, IntakeError> {
    let (mut citizens, mut alone) = (HashSet::new(), Vec::new());
    let owners: Vec<String> = drafts
        .iter()
        .map(|draft| owner::of_appeal(&draft.appeal.citizen, draft.appeal.id))
        .collect();
    for (draft, owner) in drafts.iter().zip(&owners) {
        if draft.appeal.citizen.is_empty() {
            alone.push(owner.clone());
        } else {
            citizens.insert(owner.clone());
        }
    }
    let citizens: Vec<String> = citizens.into_iter().collect();
    let mut keys = vault.keys_of(work, &citizens).await?;
    keys.extend(vault.make_keys(work, alone).await?);
    let seal = |owner: &String| keys.get(owner).map(|key| Seal::new(vault, key));
    let seals: Option<Vec<Seal>> = owners.iter().map(seal).collect();
    Ok(seals.ok_or(VaultError::Unreadable)?)
}

/// Which ticket each open text of a known citizen stands on.
type OpenTexts = HashMap<String, hotline_kernel::id::TicketId>;
