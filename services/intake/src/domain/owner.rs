//! Whose data key seals what.

use hotline_kernel::id::{AppealId, ImportBatchId};
use uuid::Uuid;

/// The owner of what was said in an appeal: its citizen, or the appeal itself if he is not known, so that nothing
/// links the appeals of the anonymous.
#[must_use]
pub fn of_appeal(citizen: &str, appeal: AppealId) -> String {
    if citizen.is_empty() {
        format!("appeal:{}", appeal.uuid().simple())
    } else {
        citizen.to_owned()
    }
}

/// The owner of a refused row of an import.
#[must_use]
pub fn of_refusal(batch: ImportBatchId, row_no: i64) -> String {
    format!("refusal:{}:{row_no}", batch.uuid().simple())
}

/// What kind of owner a word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A citizen, by his pseudonym.
    Citizen,
    /// An appeal of somebody unknown.
    Appeal(AppealId),
    /// A refused row.
    Refusal,
}

impl Owner {
    /// The kind of a word that [`of_appeal`] or [`of_refusal`] made.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        if let Some(id) = word.strip_prefix("appeal:") {
            return Self::Appeal(AppealId::from(Uuid::try_parse(id).unwrap_or_default()));
        }
        if word.starts_with("refusal:") {
            return Self::Refusal;
        }
        Self::Citizen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citizen_has_one_owner_and_the_anonymous_one_per_appeal() {
        let (one, two) = (
            AppealId::from(uuid::Uuid::from_u128(1)),
            AppealId::from(uuid::Uuid::from_u128(2)),
        );
        assert_eq!(of_appeal("c", one), of_appeal("c", two));
        assert_ne!(of_appeal("", one), of_appeal("", two));
        let batch = ImportBatchId::from(uuid::Uuid::from_u128(1));
        assert_ne!(of_refusal(batch, 1), of_refusal(batch, 2));
        assert_eq!(Owner::parse(&of_appeal("", one)), Owner::Appeal(one));
        assert_eq!(Owner::parse(&of_appeal("c", one)), Owner::Citizen);
        assert_eq!(Owner::parse(&of_refusal(batch, 1)), Owner::Refusal);
    }
}
