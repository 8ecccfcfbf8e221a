//! Reads a batch and sorts it: refused, known already, or fresh.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hotline_platform::fault::{self, Bug};
use hotline_platform::work::{Cause, Work};

use super::Submission;
use super::masking::Masks;
use crate::domain::identity::{self, Keys};
use crate::domain::registration::{
    Confidentiality, Contact, Identity, Imported, NewMatter, Registration,
};
use crate::error::IntakeError;
use crate::store;
use crate::store::appeals;

/// A submission that may be registered.
pub struct Telling<'a> {
    /// Who hands it in.
    pub cause: &'a Cause,
    /// What may be stored of it.
    pub registration: Cow<'a, Registration>,
    /// What was said to an exempt line is not stored.
    pub is_exempt: bool,
    /// Masked texts, if that was done before.
    pub masks: Option<&'a Masks>,
    /// Registered once for ever under this.
    pub dedup_key: String,
    /// The key of this text if that one holds another.
    pub other_key: String,
    /// Hash of what was said.
    pub content_hash: String,
    /// The same hash had its line been exempt, or not: the registry may have said so before.
    pub otherwise_hash: Option<String>,
    /// Why it cannot be registered, unless it was before: its channel or line is gone.
    pub unregistered: Option<IntakeError>,
}

/// An appeal that was there before: in storage, or earlier in the same batch.
#[derive(Clone, Debug)]
pub enum Known {
    /// In storage.
    Stored(appeals::Known),
    /// The how-manyth fresh one of this batch, from 0.
    Fresh(usize),
}

/// An appeal to be written.
pub struct Fresh {
    /// Which telling it is.
    pub telling: usize,
    /// Under which key.
    pub dedup_key: String,
    /// Whose id it came under with other content.
    pub differs_from: Option<Known>,
}

/// What is to be answered to one submission.
pub enum Verdict {
    /// Nothing is stored.
    Refused(IntakeError),
    /// It is the how-manyth fresh one, from 0.
    New(usize),
    /// It is there already.
    Present(Known),
    /// Another text is there under its id.
    Differs {
        /// The other text.
        first: Known,
        /// Whether this text is set aside just now.
        is_new: bool,
    },
}

/// A sorted batch.
pub struct Sorted<'a> {
    /// What may be registered.
    pub tellings: Vec<Telling<'a>>,
    /// What is to be written, in order of arrival.
    pub fresh: Vec<Fresh>,
    /// What is to be answered, one per submission.
    pub verdicts: Vec<Verdict>,
}

/// Checks every submission against its limits and the registry.
pub async fn read<'a>(
    secrets: &Keys,
    work: &Work,
    items: &'a [Submission],
) -> Result<Vec<Result<Telling<'a>, IntakeError>>, IntakeError> {
    let txn = &**work.txn();
    let distinct = |pick: fn(&Registration) -> &str| -> Vec<String> {
        let words: HashSet<&str> = items.iter().map(|item| pick(&item.registration)).collect();
        // PostgreSQL takes no NUL, not even to look for it.
        words
            .into_iter()
            .filter(|word| !word.is_empty() && !word.contains('\0'))
            .map(str::to_owned)
            .collect()
    };
    let channels = store::registry::known_channels(txn, &distinct(|r| &r.channel_code)).await?;
    let channels: HashSet<_> = channels.into_iter().collect();
    let lines = store::registry::lines_of(txn, &distinct(|r| &r.line_number)).await?;
    let lines: HashMap<_, _> = lines
        .into_iter()
        .map(|line| (line.number, line.is_exempt))
        .collect();
    Ok(items
        .iter()
        .map(|item| telling(secrets, item, (&channels, &lines)))
        .collect())
}

fn telling<'a>(
    secrets: &Keys,
    item: &'a Submission,
    (channels, lines): (&HashSet<String>, &HashMap<String, bool>),
) -> Result<Telling<'a>, IntakeError> {
    let registration = &item.registration;
    let line = registration.line_number.as_str();
    let is_exempt = lines.get(line).copied().unwrap_or_default();
    let kept = if is_exempt {
        Cow::Owned(without_content(registration))
    } else {
        Cow::Borrowed(registration)
    };
    if is_exempt {
        kept.check_origin()?;
    } else {
        kept.check()?;
    }
    let unregistered = if !channels.contains(&kept.channel_code) {
        Some(IntakeError::ChannelUnknown(kept.channel_code.clone()))
    } else if !line.is_empty() && !lines.contains_key(line) {
        Some(IntakeError::LineUnknown(line.to_owned()))
    } else {
        None
    };
    let (key, content) = (identity::dedup_key(&kept), identity::content_hash(&kept));
    let otherwise = match (line.is_empty(), is_exempt) {
        (true, _) => None,
        (false, true) => Some(identity::content_hash(registration)),
        (false, false) => Some(identity::content_hash(&without_content(registration))),
    };
    let kept_as = |hash: &[u8; 32]| identity::keyed(&secrets.hashes, hash);
    Ok(Telling {
        cause: &item.cause,
        is_exempt,
        masks: item.masks.as_ref().filter(|_| !is_exempt),
        dedup_key: kept_as(&key),
        other_key: kept_as(&identity::dedup_key_of_other_content(&key, &content)),
        content_hash: kept_as(&content),
        otherwise_hash: otherwise.as_ref().map(kept_as),
        unregistered,
        registration: kept,
    })
}

/// What may be kept of a call to an exempt line: that it was, and when.
fn without_content(registration: &Registration) -> Registration {
    Registration {
        contact: Contact::default(),
        confidentiality: Confidentiality::default(),
        subject: String::new(),
        text: String::new(),
        matters: vec![NewMatter::default()],
        imported: registration.imported.clone().map(|imported| Imported {
            reply: None,
            ..imported
        }),
        ..registration.clone()
    }
}

/// Sorts a batch by what storage, and the batch itself before it, know.
pub async fn sort<'a>(
    work: &Work,
    read: Vec<Result<Telling<'a>, IntakeError>>,
) -> Result<Sorted<'a>, IntakeError> {
    let keys: Vec<String> = read
        .iter()
        .flatten()
        .flat_map(|telling| [telling.dedup_key.clone(), telling.other_key.clone()])
        .collect();
    let stored = appeals::known(&**work.txn(), &keys).await?;
    let mut known: HashMap<String, (Known, String)> = HashMap::new();
    for row in stored {
        known.insert(
            row.dedup_key.clone(),
            (Known::Stored(row.clone()), row.content_hash),
        );
    }
    let mut sorted = Sorted {
        tellings: Vec::new(),
        fresh: Vec::new(),
        verdicts: Vec::new(),
    };
    for telling in read {
        let verdict = match telling {
            Err(error) => Verdict::Refused(error),
            Ok(mut telling) => {
                if fault::is_seeded(Bug::NoIdempotency) {
                    telling.dedup_key = work.new_id().to_string();
                }
                let verdict = judge(
                    &mut telling,
                    sorted.tellings.len(),
                    &mut known,
                    &mut sorted.fresh,
                );
                sorted.tellings.push(telling);
                verdict
            }
        };
        sorted.verdicts.push(verdict);
    }
    Ok(sorted)
}

fn judge(
    telling: &mut Telling<'_>,
    index: usize,
    known: &mut HashMap<String, (Known, String)>,
    fresh: &mut Vec<Fresh>,
) -> Verdict {
    let mut add = |key: &str, differs_from| {
        let slot = fresh.len();
        fresh.push(Fresh {
            telling: index,
            dedup_key: key.to_owned(),
            differs_from,
        });
        slot
    };
    let Some((first, content_hash)) = known.get(&telling.dedup_key).cloned() else {
        if let Some(refused) = telling.unregistered.take() {
            return Verdict::Refused(refused);
        }
        let slot = add(&telling.dedup_key, None);
        known.insert(
            telling.dedup_key.clone(),
            (Known::Fresh(slot), telling.content_hash.clone()),
        );
        return Verdict::New(slot);
    };
    if content_hash == telling.content_hash || Some(content_hash) == telling.otherwise_hash {
        return Verdict::Present(first);
    }
    if known.contains_key(&telling.other_key) {
        return Verdict::Differs {
            first,
            is_new: false,
        };
    }
    if let Some(refused) = telling.unregistered.take() {
        return Verdict::Refused(refused);
    }
    let slot = add(&telling.other_key, Some(first.clone()));
    known.insert(
        telling.other_key.clone(),
        (Known::Fresh(slot), telling.content_hash.clone()),
    );
    Verdict::Differs {
        first,
        is_new: true,
    }
}

/// The source's own id, empty if it has none.
pub fn source_id(registration: &Registration) -> String {
    match &registration.identity {
        Identity::SourceId(id) => id.trim().to_owned(),
        Identity::ClientKey(_) | Identity::Row { .. } => String::new(),
    }
}
