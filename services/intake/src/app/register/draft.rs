//! Drafts the rows of fresh appeals: ids, numbers, pseudonyms, masked texts, first places.

use std::collections::{HashMap, HashSet};

use hotline_kernel::id::{AppealId, TicketId};
use hotline_kernel::number::TicketNumber;
use hotline_kernel::personal::Phone;
use hotline_kernel::text::fingerprint;
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CoreError;
use hotline_platform::work::{Cause, Work};

use super::masking::Masks;
use super::sorting::{Fresh, Known, Sorted, Telling};
use super::{OpenTexts, Settings};
use crate::domain::appeal::{Appeal, Outcome};
use crate::domain::identity::{self, Keys};
use crate::domain::matter::{MaskedReply, Matter, Move, Place, Step};
use crate::domain::registration::{Contact, NewMatter, Registration};
use crate::domain::terms::{AppealState, Kind, Nature};
use crate::error::IntakeError;
use crate::store::contacts::NewContact;
use crate::store::matters::{self, NewMatterRow};
use crate::store::texts;

/// How often numbers are drawn anew before storage is called broken; 31⁵ serials fit one day.
const DRAWS_MAX: usize = 20;

/// A fresh appeal, ready to be written.
pub struct Draft<'a> {
    /// Who handed it in.
    pub cause: &'a Cause,
    /// What was handed in, or what may be kept of it.
    pub registration: &'a Registration,
    /// The appeal.
    pub appeal: Appeal,
    /// Its contact, if anybody can be answered.
    pub contact: Option<NewContact>,
    /// Its matters.
    pub matters: Vec<NewMatterRow>,
    /// What each matter did, `None` while it waits.
    pub steps: Vec<Option<Step>>,
    /// Unique for ever.
    pub dedup_key: String,
    /// Hash of what was said.
    pub content_hash: String,
    /// Whose id it came under with other content.
    pub differs_from: Option<AppealId>,
}

impl Draft<'_> {
    /// Whether a matter of it attached by itself to an open ticket.
    pub fn is_attached(&self) -> bool {
        self.steps
            .iter()
            .flatten()
            .any(|step| matches!(step.cause, Move::SameText(_)))
    }
}

/// Drafts every fresh appeal of a batch.
pub async fn all<'a>(
    settings: &Settings,
    work: &Work,
    sorted: &'a Sorted<'_>,
) -> Result<Vec<Draft<'a>>, IntakeError> {
    let telling_of = |fresh: &Fresh| &sorted.tellings[fresh.telling];
    let days = sorted.fresh.iter().flat_map(|fresh| {
        let telling = telling_of(fresh);
        let day = settings
            .zone
            .day(received_at(&telling.registration, work.now()));
        telling.registration.matters.iter().map(move |_| day)
    });
    let mut numbers = mint_numbers(work, &days.collect::<Vec<_>>())
        .await?
        .into_iter();
    let mut drafts: Vec<Draft<'a>> = Vec::with_capacity(sorted.fresh.len());
    for fresh in &sorted.fresh {
        let differs_from = fresh.differs_from.as_ref().map(|known| match known {
            Known::Stored(row) => (row.id, row.number.clone()),
            Known::Fresh(slot) => (drafts[*slot].appeal.id, drafts[*slot].appeal.number.clone()),
        });
        let mut draft = one(settings, work, telling_of(fresh), &mut numbers);
        draft.dedup_key.clone_from(&fresh.dedup_key);
        if let Some((id, number)) = differs_from {
            draft.appeal.state = AppealState::Quarantined;
            draft.appeal.outcome.reason = format!("content_differs:{number}");
            draft.differs_from = Some(id);
        }
        drafts.push(draft);
    }
    let mut open = open_texts(work, &drafts).await?;
    for draft in &mut drafts {
        place(draft, &mut open)?;
    }
    Ok(drafts)
}

/// Draws one number per day of `days`, all different and none taken.
pub async fn mint_numbers(
    work: &Work,
    days: &[chrono::NaiveDate],
) -> Result<Vec<String>, IntakeError> {
    let mut numbers: Vec<String> = Vec::with_capacity(days.len());
    let mut used = HashSet::with_capacity(days.len());
    let mut missing: Vec<usize> = (0..days.len()).collect();
    numbers.resize(days.len(), String::new());
    for _ in 0..DRAWS_MAX {
        if missing.is_empty() {
            return Ok(numbers);
        }
        for &slot in &missing {
            let number = TicketNumber::mint(days[slot], &mut |bound| work.draw(bound));
            numbers[slot] = number.to_string();
        }
        let drawn: Vec<String> = missing.iter().map(|&slot| numbers[slot].clone()).collect();
        let taken: HashSet<String> = matters::taken_numbers(&**work.txn(), &drawn)
            .await?
            .into_iter()
            .collect();
        missing
            .retain(|&slot| taken.contains(&numbers[slot]) || !used.insert(numbers[slot].clone()));
    }
    let problem = format!("no free number after {DRAWS_MAX} draws");
    Err(CoreError::Storage(problem.into()).into())
}

fn one<'a>(
    settings: &Settings,
    work: &Work,
    telling: &'a Telling<'_>,
    numbers: &mut impl Iterator<Item = String>,
) -> Draft<'a> {
    let registration = telling.registration.as_ref();
    let received_at = received_at(registration, work.now());
    let citizen = citizen(settings, registration);
    let masks = telling
        .masks
        .cloned()
        .unwrap_or_else(|| Masks::of(settings, registration));
    let appeal_id: AppealId = work.new_id().into();
    let contact = (!registration.contact.is_empty()).then(|| NewContact {
        id: work.new_id().into(),
        citizen: citizen.clone(),
        contact: registration.contact.clone(),
    });
    let mut matters = Vec::with_capacity(registration.matters.len());
    for (ordinal, told) in (1_u32..).zip(registration.complete_matters()) {
        let number = numbers.next().unwrap_or_default();
        let row = MatterDraft {
            secrets: &settings.keys,
            appeal_id,
            ordinal,
            number,
            citizen: &citizen,
            registration,
            masks: &masks,
        };
        matters.push(row.write(work, told));
    }
    let imported = registration.imported.as_ref();
    let (state, outcome) = beginning(telling);
    let appeal = Appeal {
        id: appeal_id,
        number: matters
            .first()
            .map(|row| row.matter.number.clone())
            .unwrap_or_default(),
        version: 1,
        state,
        nature: registration.nature,
        channel_code: registration.channel_code.clone(),
        line_number: registration.line_number.clone(),
        contact: contact.as_ref().map(|contact| contact.id),
        subject: masks.get(&registration.subject),
        text: masks.get(&registration.text),
        said_at: registration.said_at.unwrap_or(received_at),
        received_at,
        confidentiality: registration.confidentiality.clone(),
        outcome,
        old_number: imported
            .map(|imported| imported.old_number.clone())
            .unwrap_or_default(),
        import_batch: imported.map(|imported| imported.batch_id),
        citizen,
    };
    Draft {
        cause: telling.cause,
        registration,
        appeal,
        contact,
        steps: vec![None; matters.len()],
        matters,
        dedup_key: telling.dedup_key.clone(),
        content_hash: telling.content_hash.clone(),
        differs_from: None,
    }
}

/// How an appeal begins: what comes on an exempt line goes there at once.
fn beginning(telling: &Telling<'_>) -> (AppealState, Outcome) {
    if !telling.is_exempt {
        return (AppealState::Registered, Outcome::default());
    }
    let outcome = Outcome {
        diverted_to: telling.registration.line_number.clone(),
        ..Outcome::default()
    };
    (AppealState::Diverted, outcome)
}

/// When the clocks of an appeal start: for imports that are not new, when it was received there.
fn received_at(registration: &Registration, now: Timestamp) -> Timestamp {
    let kept = registration
        .imported
        .as_ref()
        .and_then(|imported| imported.received_at);
    match registration.nature {
        Nature::New => now,
        Nature::InHand | Nature::Historical => kept.unwrap_or(now),
    }
}

/// The deadline that binds it already: only what is in hand elsewhere brings one.
fn due_at(registration: &Registration) -> Option<Timestamp> {
    let kept = registration
        .imported
        .as_ref()
        .and_then(|imported| imported.due_at);
    kept.filter(|_| registration.nature == Nature::InHand)
}

fn citizen(settings: &Settings, registration: &Registration) -> String {
    if registration.confidentiality.is_anonymous {
        return String::new();
    }
    citizen_of(settings, registration.source(), &registration.contact)
}

/// The pseudonym of whoever can be answered so, empty if that tells nobody.
pub fn citizen_of(settings: &Settings, source: &str, contact: &Contact) -> String {
    let phone: Option<Phone> = contact.phone.parse().ok();
    let phone = phone.as_ref().map(Phone::reveal);
    identity::pseudonym(&settings.keys.citizen, source, phone, contact).unwrap_or_default()
}

/// What a matter takes from its appeal.
struct MatterDraft<'a> {
    secrets: &'a Keys,
    appeal_id: AppealId,
    ordinal: u32,
    number: String,
    citizen: &'a str,
    registration: &'a Registration,
    masks: &'a Masks,
}

impl MatterDraft<'_> {
    fn write(self, work: &Work, told: NewMatter) -> NewMatterRow {
        let registration = self.registration;
        let imported = registration.imported.as_ref();
        // A reply answers the appeal; it is kept with its first matter.
        let reply = imported
            .and_then(|imported| imported.reply.as_ref())
            .filter(|_| self.ordinal == 1);
        let matter = Matter {
            id: work.new_id().into(),
            appeal_id: self.appeal_id,
            ordinal: self.ordinal,
            version: 0,
            reserved_ticket: work.new_id().into(),
            number: self.number,
            place: Place::Waiting,
            kind: told.kind.unwrap_or(Kind::Other),
            urgency: told.urgency.unwrap_or_default(),
            subject: self.masks.get(&told.subject),
            text: self.masks.get(&told.text),
            imported_due_at: due_at(registration),
            imported_reply: reply.map(|reply| MaskedReply {
                text: self.masks.get(&reply.text),
                replied_at: reply.replied_at,
            }),
            text_key: text_key(self.secrets, self.citizen, &told),
            category_code: told.category_code,
            area_code: told.area_code,
        };
        NewMatterRow {
            matter,
            original_subject: told.subject,
            original_text: told.text,
            original_reply: reply.map(|reply| reply.text.clone()),
            is_open: false,
        }
    }
}

/// The key of what a matter says: its text, or its subject where it has no text.
pub fn text_key(secrets: &Keys, citizen: &str, told: &NewMatter) -> Option<String> {
    let said = if told.text.trim().is_empty() {
        &told.subject
    } else {
        &told.text
    };
    let plain = identity::text_key(citizen, &fingerprint(said))?;
    Some(identity::keyed(&secrets.hashes, &plain))
}

async fn open_texts(work: &Work, drafts: &[Draft<'_>]) -> Result<OpenTexts, IntakeError> {
    let keys: HashSet<&String> = drafts
        .iter()
        .flat_map(|draft| {
            draft
                .matters
                .iter()
                .filter_map(|row| row.matter.text_key.as_ref())
        })
        .collect();
    let keys: Vec<String> = keys.into_iter().cloned().collect();
    let open = texts::standing(&**work.txn(), &keys).await?;
    Ok(open.into_iter().collect::<HashMap<String, TicketId>>())
}

/// Accepts by itself what needs nobody: imports that were accepted elsewhere, and open texts said again.
fn place(draft: &mut Draft<'_>, open: &mut OpenTexts) -> Result<(), IntakeError> {
    if draft.appeal.state != AppealState::Registered {
        return Ok(());
    }
    let open_ticket = |row: &NewMatterRow| {
        row.matter
            .text_key
            .as_ref()
            .and_then(|key| open.get(key))
            .copied()
    };
    let is_accepted = match draft.appeal.nature {
        Nature::Historical | Nature::InHand => true,
        Nature::New => draft.matters.iter().all(|row| open_ticket(row).is_some()),
    };
    if !is_accepted {
        return Ok(());
    }
    draft.appeal.state = AppealState::Accepted;
    let is_live = draft.appeal.nature != Nature::Historical;
    for (row, step) in draft.matters.iter_mut().zip(&mut draft.steps) {
        let ticket = row
            .matter
            .text_key
            .as_ref()
            .filter(|_| is_live)
            .and_then(|key| open.get(key))
            .copied();
        let moved = row
            .matter
            .moved(ticket.map_or(Move::Open, Move::SameText))?;
        row.matter = moved.matter;
        *step = Some(moved.step);
        if let (None, true, Some(key)) = (ticket, is_live, &row.matter.text_key) {
            open.insert(key.clone(), row.matter.reserved_ticket);
            row.is_open = true;
        }
    }
    Ok(())
}
